// The URL record: its parts, its serialisation, and the characters that all who parse URLs look for.
//
// Standard: https://url.spec.whatwg.org/#url-representation and #url-serializing

import { StringPrototypeCharCodeAt, StringPrototypeStartsWith } from "./primordials.js";

/**
 * @see https://url.spec.whatwg.org/#concept-url
 */
export class URLRecord {
  scheme = "";
  username = "";
  password = "";
  /** Serialised. @type {string | null} */
  host = null;
  /** -1 for null. */
  port = -1;
  /** Serialised. */
  path = "";
  opaquePath = false;
  /** @type {string | null} */
  query = null;
  /** @type {string | null} */
  fragment = null;
  /** The serialisation, until something changes. @type {string | null} */
  href = null;
}

/** The default port of a special scheme, 0 for "file", -1 for one that is not special. @param {string} scheme */
export function specialPort(scheme) {
  switch (scheme) {
    case "https":
    case "wss":
      return 443;
    case "http":
    case "ws":
      return 80;
    case "ftp":
      return 21;
    case "file":
      return 0;
    default:
      return -1;
  }
}

/** @param {URLRecord} url */
export const isSpecial = (url) => specialPort(url.scheme) >= 0;

/** @param {number} unit */
export const isAlpha = (unit) => (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;

/** @param {number} unit */
export const isDigit = (unit) => unit >= 0x30 && unit <= 0x39;

/** The code unit at a place, or -1 beyond the end. @param {string} input @param {number} at */
export const at = (input, at) => (at < input.length ? StringPrototypeCharCodeAt(input, at) : -1);

/**
 * What ends an authority or a segment: the end, "/", "?", "#", and "\" in special URLs.
 *
 * @param {number} unit
 * @param {boolean} special
 */
export const isDelimiter = (unit, special) =>
  unit === 0x2f || unit === 0x3f || unit === 0x23 || unit === -1 || (special && unit === 0x5c);

/**
 * The digits at a place; a value that is no port is -1 (none) or above 65535.
 *
 * @param {string} input
 * @param {number} start
 */
export function leadingPort(input, start) {
  let value = -1;
  let end = start;
  for (; isDigit(at(input, end)); end++) {
    if (value < 0) value = 0;
    if (value <= 0xffff) value = value * 10 + StringPrototypeCharCodeAt(input, end) - 0x30;
  }
  return { value, end };
}

/**
 * @see https://url.spec.whatwg.org/#concept-url-serializer
 * @param {URLRecord} url
 * @param {boolean} [excludeFragment]
 * @returns {string}
 */
export function serializeURL(url, excludeFragment = false) {
  if (excludeFragment) return url.fragment === null ? serializeURL(url) : serializeWithoutFragment(url);
  return (url.href ??= serializeWithoutFragment(url) + (url.fragment === null ? "" : `#${url.fragment}`));
}

/** @param {URLRecord} url */
function serializeWithoutFragment(url) {
  let output = `${url.scheme}:`;
  if (url.host !== null) {
    output += "//";
    if (url.username !== "" || url.password !== "") {
      output += url.password === "" ? `${url.username}@` : `${url.username}:${url.password}@`;
    }
    output += serializeHostAndPort(url);
  } else if (!url.opaquePath && StringPrototypeStartsWith(url.path, "//")) output += "/.";
  output += url.path;
  return url.query === null ? output : `${output}?${url.query}`;
}

/** @param {URLRecord} url the host of which is not null */
export function serializeHostAndPort(url) {
  return url.port < 0 ? `${url.host}` : `${url.host}:${url.port}`;
}

/** @param {URLRecord} url */
export const cannotHaveCredentialsOrPort = (url) => url.host === null || url.host === "" || url.scheme === "file";
