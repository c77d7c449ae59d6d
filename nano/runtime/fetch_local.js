// Fetches that need no network: blob: and data: URLs.
//
// Standard: https://fetch.spec.whatwg.org/#scheme-fetch

import { blobBytes, blobSize, blobType } from "./blob.js";
import { viewBytes } from "./bytes.js";
import { processDataURL } from "./data_url.js";
import { parseMIMEType } from "./mime.js";
import { NumberParseInt, RegExpPrototypeExec, String } from "./primordials.js";
import { resolveBlobURL } from "./object_urls.js";

/** @typedef {import("./blob.js").Blob} Blob */
/** @typedef {import("./blob.js").Bytes} Bytes */
/** @typedef {import("./url_record.js").URLRecord} URLRecord */

/**
 * A response to be made; `bytes` may be shared with others, none of whom changes them.
 *
 * @typedef {{ status: number, statusText: string, headers: string[], bytes: Bytes }} Local
 */

/**
 * @param {URLRecord} url
 * @returns {Local | string} what a data: URL holds, or why that is nothing
 */
export function fetchDataURL(url) {
  const data = processDataURL(url);
  if (data === null) return "the data: URL is malformed";
  return { status: 200, statusText: "OK", headers: ["content-type", data.type], bytes: data.bytes };
}

/**
 * @param {URLRecord} url
 * @param {string} method
 * @param {string | null} range of the request's headers
 * @returns {Local | string} the response, or why there is none
 */
export function fetchBlobURL(url, method, range) {
  const blob = /** @type {Blob | undefined} */ (resolveBlobURL(url));
  if (method !== "GET") return "the method of a request for a blob: URL must be GET";
  if (blob === undefined) return "the blob: URL stands for nothing, or has been revoked";
  const type = parseMIMEType(blobType(blob)) === null ? "" : blobType(blob);
  const size = blobSize(blob);
  if (range === null) {
    const headers = ["content-length", String(size), "content-type", type];
    return { status: 200, statusText: "OK", headers, bytes: blobBytes(blob) };
  }
  const part = parseRange(range, size);
  if (part === null) return `the range '${range}' cannot be satisfied`;
  const { start, end } = part;
  const headers = [
    "content-length", String(end - start),
    "content-type", type,
    "content-range", `bytes ${start}-${end - 1}/${size}`,
  ];
  return { status: 206, statusText: "Partial Content", headers, bytes: viewBytes(blobBytes(blob), start, end) };
}

const RANGE = /^bytes[\t ]*=[\t ]*([0-9]*)[\t ]*-[\t ]*([0-9]*)$/;

/**
 * Parse a single range header value, and see what it means for so many bytes.
 *
 * @see https://fetch.spec.whatwg.org/#simple-range-header-value
 * @param {string} value
 * @param {number} size
 * @returns {{ start: number, end: number } | null} end excluded
 */
function parseRange(value, size) {
  const match = RegExpPrototypeExec(RANGE, value);
  if (match === null) return null;
  const first = match[1] === "" ? null : NumberParseInt(match[1], 10);
  const last = match[2] === "" ? null : NumberParseInt(match[2], 10);
  if (first === null) {
    if (last === null) return null;
    return { start: last < size ? size - last : 0, end: size };
  }
  if (first >= size || (last !== null && first > last)) return null;
  return { start: first, end: last === null || last >= size ? size : last + 1 };
}
