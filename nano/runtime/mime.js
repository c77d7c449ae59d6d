// MIME types: parsing, serialising, and finding the one that a list of headers means.
//
// Standards: https://mimesniff.spec.whatwg.org/ (section 4) and https://fetch.spec.whatwg.org/#content-type-header
// Everything here works on strings of bytes (code units below 256), which is what header values are.

import { isHTTPWhitespace, isToken, trimHTTPWhitespace } from "./http_syntax.js";
import {
  ArrayPrototypePush,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
} from "./primordials.js";

/**
 * A parsed MIME type. `parameters` is flat, `[name, value, name, value, …]`, with lower-case names in the order
 * in which they stood.
 *
 * @typedef {{ type: string, subtype: string, essence: string, parameters: string[] }} MIMEType
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** @see https://mimesniff.spec.whatwg.org/#http-quoted-string-token-code-point */
const NOT_QUOTABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** @param {string} string @param {number} from @param {number} code @returns {number} its place, or the string's end */
function find(string, from, code) {
  while (from < string.length && StringPrototypeCharCodeAt(string, from) !== code) from++;
  return from;
}

/**
 * Collect an HTTP quoted string.
 *
 * @see https://fetch.spec.whatwg.org/#collect-an-http-quoted-string
 * @param {string} input
 * @param {number} start where the opening quotation mark stands
 * @returns {{ value: string, end: number }} the unescaped text, and the place behind the closing mark
 */
function collectQuotedString(input, start) {
  let value = "";
  let from = start + 1;
  for (let i = from; i < input.length; i++) {
    const c = StringPrototypeCharCodeAt(input, i);
    if (c === QUOTE) return { value: value + StringPrototypeSlice(input, from, i), end: i + 1 };
    if (c !== BACKSLASH) continue;
    value += StringPrototypeSlice(input, from, i);
    if (i + 1 === input.length) return { value: `${value}\\`, end: i + 1 };
    from = ++i;
  }
  return { value: value + StringPrototypeSlice(input, from), end: input.length };
}

/**
 * The value of a parameter.
 *
 * @param {MIMEType} mimeType
 * @param {string} name in lower case
 * @returns {string | undefined}
 */
export function mimeParameter({ parameters }, name) {
  for (let i = 0; i < parameters.length; i += 2) if (parameters[i] === name) return parameters[i + 1];
  return undefined;
}

/**
 * Parse a MIME type.
 *
 * @see https://mimesniff.spec.whatwg.org/#parse-a-mime-type
 * @param {string} input
 * @returns {MIMEType | null} null is the standard's failure
 */
export function parseMIMEType(input) {
  // 1-6. The type, up to the slash.
  input = trimHTTPWhitespace(input);
  const slash = find(input, 0, SLASH);
  if (slash === input.length) return null;
  const type = StringPrototypeToLowerCase(StringPrototypeSlice(input, 0, slash));
  // 7-9. The subtype, up to the parameters.
  let position = find(input, slash + 1, SEMICOLON);
  const subtype = StringPrototypeToLowerCase(trimHTTPWhitespace(input, slash + 1, position));
  if (!isToken(type) || !isToken(subtype)) return null;
  /** @type {MIMEType} */
  const mimeType = { type, subtype, essence: `${type}/${subtype}`, parameters: [] };
  // 11. The parameters; what is malformed is passed over.
  while (position < input.length) position = parseParameter(input, position + 1, mimeType);
  return mimeType;
}

/**
 * Step 11 of parsing: one parameter.
 *
 * @param {string} input
 * @param {number} position behind the semicolon
 * @param {MIMEType} mimeType
 * @returns {number} the place of the next semicolon, or the end
 */
function parseParameter(input, position, mimeType) {
  while (position < input.length && isHTTPWhitespace(StringPrototypeCharCodeAt(input, position))) position++;
  const start = position;
  while (position < input.length) {
    const c = StringPrototypeCharCodeAt(input, position);
    if (c === SEMICOLON) return position;
    if (c === EQUALS) break;
    position++;
  }
  if (position >= input.length) return position;
  const name = StringPrototypeToLowerCase(StringPrototypeSlice(input, start, position));
  position++;
  let value;
  if (position < input.length && StringPrototypeCharCodeAt(input, position) === QUOTE) {
    const quoted = collectQuotedString(input, position);
    value = quoted.value;
    position = find(input, quoted.end, SEMICOLON);
  } else {
    const end = find(input, position, SEMICOLON);
    let last = end;
    while (last > position && isHTTPWhitespace(StringPrototypeCharCodeAt(input, last - 1))) last--;
    value = StringPrototypeSlice(input, position, last);
    position = end;
    if (value === "") return position;
  }
  if (isToken(name) && RegExpPrototypeExec(NOT_QUOTABLE, value) === null && mimeParameter(mimeType, name) === undefined) {
    ArrayPrototypePush(mimeType.parameters, name, value);
  }
  return position;
}

/**
 * Serialise a MIME type.
 *
 * @see https://mimesniff.spec.whatwg.org/#serialize-a-mime-type
 * @param {MIMEType} mimeType
 * @returns {string}
 */
export function serializeMIMEType({ essence, parameters }) {
  let text = essence;
  for (let i = 0; i < parameters.length; i += 2) {
    const value = parameters[i + 1];
    text += `;${parameters[i]}=${isToken(value) ? value : quote(value)}`;
  }
  return text;
}

/** @param {string} value */
function quote(value) {
  let text = '"';
  for (let i = 0; i < value.length; i++) {
    const c = StringPrototypeCharCodeAt(value, i);
    if (c === QUOTE || c === BACKSLASH) text += "\\";
    text += value[i];
  }
  return `${text}"`;
}

/**
 * Get, decode, and split a header's combined value: at commas outside of quotation marks.
 *
 * @see https://fetch.spec.whatwg.org/#header-value-get-decode-and-split
 * @param {string} input
 * @returns {string[]}
 */
export function splitHeaderValue(input) {
  /** @type {string[]} */
  const values = [];
  let start = 0;
  for (let i = 0; i < input.length; ) {
    const c = StringPrototypeCharCodeAt(input, i);
    if (c === QUOTE) {
      i = collectQuotedString(input, i).end;
      continue;
    }
    if (c === COMMA) {
      ArrayPrototypePush(values, trimTabOrSpace(input, start, i));
      start = i + 1;
    }
    i++;
  }
  ArrayPrototypePush(values, trimTabOrSpace(input, start, input.length));
  return values;
}

/** @param {string} string @param {number} start @param {number} end */
function trimTabOrSpace(string, start, end) {
  /** @param {number} at */
  const blank = (at) => string[at] === " " || string[at] === "\t";
  while (start < end && blank(start)) start++;
  while (end > start && blank(end - 1)) end--;
  return StringPrototypeSlice(string, start, end);
}

/**
 * Extract a MIME type from the combined value of the Content-Type headers.
 *
 * @see https://fetch.spec.whatwg.org/#concept-header-extract-mime-type
 * @param {string | null} contentType
 * @returns {MIMEType | null}
 */
export function extractMIMEType(contentType) {
  if (contentType === null) return null;
  /** @type {string | undefined} */
  let charset;
  let essence = "";
  /** @type {MIMEType | null} */
  let result = null;
  const values = splitHeaderValue(contentType);
  for (let i = 0; i < values.length; i++) {
    const candidate = parseMIMEType(values[i]);
    if (candidate === null || candidate.essence === "*/*") continue;
    result = candidate;
    const given = mimeParameter(candidate, "charset");
    if (candidate.essence !== essence) {
      charset = given;
      essence = candidate.essence;
    } else if (given === undefined && charset !== undefined) {
      ArrayPrototypePush(candidate.parameters, "charset", charset);
    }
  }
  return result;
}
