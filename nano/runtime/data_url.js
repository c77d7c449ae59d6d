// data: URLs.
//
// Standard: https://fetch.spec.whatwg.org/#data-urls

import { forgivingBase64Decode } from "./base64.js";
import { parseMIMEType, serializeMIMEType } from "./mime.js";
import {
  RegExpPrototypeExec,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
} from "./primordials.js";
import { percentDecode } from "./url_percent.js";
import { serializeURL } from "./url_record.js";
import { latin1Decode } from "./utf8.js";

/** @typedef {import("./url_record.js").URLRecord} URLRecord */

const SCHEME = "data:";
const DEFAULT_TYPE = "text/plain;charset=US-ASCII";
/** What ends the type of a body in base64; not `\s`, which means more characters than the standard's space. */
const BASE64 = /; *base64$/i;

/**
 * The data: URL processor.
 *
 * @see https://fetch.spec.whatwg.org/#data-url-processor
 * @param {URLRecord} url
 * @returns {{ type: string, bytes: Uint8Array<ArrayBuffer> } | null} the MIME type serialised; null is a failure
 */
export function processDataURL(url) {
  // 2-4. The serialised URL, without fragment and scheme.
  const input = serializeURL(url, true);
  // 5-8. What stands before the first comma is the type.
  const comma = StringPrototypeIndexOf(input, ",");
  if (comma < 0) return null;
  let type = trimASCIIWhitespace(StringPrototypeSlice(input, SCHEME.length, comma));
  // 9-10. What stands behind it is the body.
  let bytes = percentDecode(StringPrototypeSlice(input, comma + 1));
  // 11. It may be base64.
  const base64 = RegExpPrototypeExec(BASE64, type);
  if (base64 !== null) {
    const decoded = forgivingBase64Decode(latin1Decode(bytes));
    if (decoded === null) return null;
    bytes = decoded;
    type = StringPrototypeSlice(type, 0, base64.index);
  }
  // 12-14. A type without its first part is text.
  if (StringPrototypeStartsWith(type, ";")) type = `text/plain${type}`;
  const parsed = parseMIMEType(type);
  return { type: parsed === null ? DEFAULT_TYPE : serializeMIMEType(parsed), bytes };
}

/** Serialised URLs hold no other white space than these two. @param {string} text */
function trimASCIIWhitespace(text) {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === " ") start++;
  while (end > start && text[end - 1] === " ") end--;
  return StringPrototypeSlice(text, start, end);
}
