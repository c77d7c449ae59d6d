// Redirects: where a response sends a fetch, and what of the request goes along.
//
// Standard: https://fetch.spec.whatwg.org/#http-redirect-fetch

import { parseURL } from "./parse_url.js";
import { StringPrototypeCharCodeAt, Uint8Array } from "./primordials.js";
import { serializeOrigin } from "./url_parser.js";
import { utf8Decode } from "./utf8.js";

/** @typedef {import("./header_list.js").HeaderList} HeaderList */
/** @typedef {import("./url_record.js").URLRecord} URLRecord */

export const MOST_REDIRECTS = 20;

/** @see https://fetch.spec.whatwg.org/#request-body-header-name */
const BODY_HEADERS = ["content-encoding", "content-language", "content-location", "content-type", "content-length"];
/** What speaks to one origin alone. */
const ORIGIN_HEADERS = ["authorization", "proxy-authorization", "cookie", "host"];

/** @see https://fetch.spec.whatwg.org/#redirect-status @param {number} status */
export const isRedirectStatus = (status) =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308;

/**
 * The location URL of a response with a redirect status.
 *
 * @see https://fetch.spec.whatwg.org/#concept-response-location-url
 * @param {HeaderList} headers
 * @param {URLRecord} url of the request
 * @returns {URLRecord | null | undefined} null is a failure, undefined stands for no Location
 */
export function locationURL(headers, url) {
  const values = headers.getAll("location");
  if (values.length === 0) return undefined;
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return null;
  const location = parseURL(asUTF8(values[0]), url);
  if (location !== null && location.fragment === null) {
    location.fragment = url.fragment;
    location.href = null;
  }
  return location;
}

/** What a header says that was meant as UTF-8, as servers mean it. @param {string} value code units below 256 */
function asUTF8(value) {
  const bytes = new Uint8Array(value.length);
  let ascii = true;
  for (let i = 0; i < value.length; i++) {
    const unit = (bytes[i] = StringPrototypeCharCodeAt(value, i));
    if (unit > 0x7f) ascii = false;
  }
  return ascii ? value : utf8Decode(bytes);
}

/**
 * Whether a redirect turns the request into a GET without body.
 *
 * @param {number} status
 * @param {string} method
 */
export const dropsBody = (status, method) =>
  ((status === 301 || status === 302) && method === "POST") || (status === 303 && method !== "GET" && method !== "HEAD");

/** @param {HeaderList} headers of the request; loses what described the body */
export function deleteBodyHeaders(headers) {
  for (let i = 0; i < BODY_HEADERS.length; i++) headers.delete(BODY_HEADERS[i]);
}

/**
 * Strip the credentials from a request that goes to another origin.
 *
 * @param {HeaderList} headers of the request
 * @param {URLRecord} from
 * @param {URLRecord} to
 */
export function deleteCredentials(headers, from, to) {
  if (serializeOrigin(from) === serializeOrigin(to)) return;
  for (let i = 0; i < ORIGIN_HEADERS.length; i++) headers.delete(ORIGIN_HEADERS[i]);
}
