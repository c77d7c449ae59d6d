// The fast way to parse a URL, for those that programs write: http and https, lower case, nothing to encode.
//
// Standard: https://url.spec.whatwg.org/#url-parsing, which url_parser.js follows for everything else. The result
// is the same; looking at each character once and cutting the text is all that is done here.

import { StringPrototypeCharCodeAt, StringPrototypeSlice, StringPrototypeStartsWith } from "./primordials.js";
import { FRAGMENT, PATH, SPECIAL_QUERY, encodeSets } from "./url_percent.js";
import { URLRecord, at, isDelimiter, isDigit, leadingPort } from "./url_record.js";

/**
 * The fast way: http and https URLs that are written as they would be serialised, but for a missing path.
 * Gives up at anything unusual.
 *
 * @param {string} input
 * @returns {URLRecord | null} null if the real parser has to look
 */
export function parsePlainHttp(input) {
  const https = StringPrototypeStartsWith(input, "https://");
  if (!https && !StringPrototypeStartsWith(input, "http://")) return null;
  const hostStart = https ? 8 : 7;
  const hostEnd = plainHostEnd(input, hostStart);
  if (hostEnd < 0) return null;
  const pathStart = plainPortEnd(input, hostEnd, https);
  if (pathStart < 0) return null;
  const pathEnd = plainPathEnd(input, pathStart);
  if (pathEnd < 0) return null;
  const queryEnd = at(input, pathEnd) === 0x3f ? plainEnd(input, pathEnd + 1, SPECIAL_QUERY) : pathEnd;
  if (queryEnd < 0) return null;
  const hash = queryEnd < input.length;
  if (hash && plainEnd(input, queryEnd + 1, FRAGMENT) !== input.length) return null;
  const url = new URLRecord();
  url.scheme = https ? "https" : "http";
  url.host = StringPrototypeSlice(input, hostStart, hostEnd);
  if (pathStart > hostEnd) url.port = leadingPort(input, hostEnd + 1).value;
  url.path = pathEnd === pathStart ? "/" : StringPrototypeSlice(input, pathStart, pathEnd);
  if (queryEnd > pathEnd) url.query = StringPrototypeSlice(input, pathEnd + 1, queryEnd);
  if (hash) url.fragment = StringPrototypeSlice(input, queryEnd + 1);
  if (pathEnd > pathStart) url.href = input;
  return url;
}

/**
 * The end of a lower-case domain that is no address and has no Punycode, or -1.
 *
 * @param {string} input
 * @param {number} start
 */
function plainHostEnd(input, start) {
  let i = start;
  let label = start;
  for (; i < input.length; i++) {
    const unit = StringPrototypeCharCodeAt(input, i);
    if (unit >= 0x61 && unit <= 0x7a) {
      // "xn--" needs a look at tables.
      if (unit === 0x78 && i === label && at(input, i + 1) === 0x6e && at(input, i + 2) === 0x2d) return -1;
    } else if (unit === 0x2e) label = i + 1;
    else if (!isDigit(unit) && unit !== 0x2d) break;
  }
  // Empty, ending in a dot, or with a last label that may be a number.
  if (label === i || isDigit(StringPrototypeCharCodeAt(input, label))) return -1;
  return i;
}

/**
 * The end of a port that is not the scheme's and has no leading zero (or of none), or -1.
 *
 * @param {string} input
 * @param {number} start
 * @param {boolean} https
 */
function plainPortEnd(input, start, https) {
  const unit = at(input, start);
  if (unit === 0x2f || unit === 0x3f || unit === 0x23 || unit === -1) return start;
  if (unit !== 0x3a || at(input, start + 1) === 0x30) return -1;
  const { value, end } = leadingPort(input, start + 1);
  const after = at(input, end);
  if (value < 0 || value > 0xffff || value === (https ? 443 : 80) || !isDelimiter(after, false)) return -1;
  return end;
}

/**
 * The end of a path with nothing to encode and no dot at the beginning of a segment, or -1.
 *
 * @param {string} input
 * @param {number} start
 */
function plainPathEnd(input, start) {
  let previous = 0;
  for (let i = start; i < input.length; i++) {
    const unit = StringPrototypeCharCodeAt(input, i);
    if (unit === 0x3f || unit === 0x23) return i;
    if (unit > 0x7f || (encodeSets[unit] & PATH) !== 0 || unit === 0x5c) return -1;
    if (previous === 0x2f && (unit === 0x2e || unit === 0x25)) return -1;
    previous = unit;
  }
  return input.length;
}

/**
 * The end of a query ("#" or the end) or fragment (the end) with nothing to encode, or -1.
 *
 * @param {string} input
 * @param {number} start
 * @param {number} set
 */
function plainEnd(input, start, set) {
  for (let i = start; i < input.length; i++) {
    const unit = StringPrototypeCharCodeAt(input, i);
    if (unit === 0x23 && set !== FRAGMENT) return i;
    if (unit > 0x7f || (encodeSets[unit] & set) !== 0) return -1;
  }
  // A trailing space or control character never gets here: both are in every set.
  return input.length;
}
