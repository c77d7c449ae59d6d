// The form of FormData on the wire, multipart/form-data: serialising and parsing.
//
// Standards: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data (serialising),
// https://andreubotella.github.io/multipart-form-data/ and https://www.rfc-editor.org/rfc/rfc7578 (parsing)

import { blobParts, blobType, createFile, fileName, normalizeType } from "./blob.js";
import { viewBytes } from "./bytes.js";
import { hostRandom } from "./host.js";
import { isTokenCodeUnit, trimHTTPWhitespace } from "./http_syntax.js";
import {
  ArrayPrototypePush,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  TypedArrayPrototypeFill,
  TypedArrayPrototypeGetByteLength,
  Uint16Array,
  Uint8Array,
} from "./primordials.js";
import { latin1Decode, utf8DecodeWithoutBom, utf8Encode } from "./utf8.js";

/** @typedef {import("./blob.js").File} File */
/** @typedef {import("./blob.js").Bytes} Bytes */
/** @typedef {import("./form_data.js").EntryList} EntryList */

/** @typedef {{ name: string | null, filename: string | null, contentType: string | null }} PartHead */

/**
 * Make every line break a CRLF.
 *
 * @param {string} string
 * @returns {string}
 */
function normalizeNewlines(string) {
  if (StringPrototypeIndexOf(string, "\n") === -1 && StringPrototypeIndexOf(string, "\r") === -1) return string;
  let result = "";
  let from = 0;
  for (let i = 0; i < string.length; i++) {
    const c = StringPrototypeCharCodeAt(string, i);
    if (c !== 0x0a && c !== 0x0d) continue;
    result += `${StringPrototypeSlice(string, from, i)}\r\n`;
    if (c === 0x0d && StringPrototypeCharCodeAt(string, i + 1) === 0x0a) i++;
    from = i + 1;
  }
  return result + StringPrototypeSlice(string, from);
}

/** Escape a name for a Content-Disposition header. @param {string} name */
function escapeName(name) {
  let result = "";
  let from = 0;
  for (let i = 0; i < name.length; i++) {
    const c = StringPrototypeCharCodeAt(name, i);
    if (c !== 0x0a && c !== 0x0d && c !== 0x22) continue;
    result += StringPrototypeSlice(name, from, i) + (c === 0x0a ? "%0A" : c === 0x0d ? "%0D" : "%22");
    from = i + 1;
  }
  return from === 0 ? name : result + StringPrototypeSlice(name, from);
}

const BOUNDARY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB";

/** @returns {string} a boundary that occurs in no data but by a chance of 1 in 2^144 */
export function randomBoundary() {
  const random = new Uint8Array(24);
  hostRandom(random);
  let boundary = "----NanoFormBoundary";
  for (let i = 0; i < 24; i++) boundary += BOUNDARY_LETTERS[random[i] & 63];
  return boundary;
}

/**
 * Encode an entry list as multipart/form-data.
 *
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart/form-data-encoding-algorithm
 * @param {EntryList} entries
 * @param {string} boundary
 * @returns {Bytes[]} the files' bytes are shared with their blobs
 */
export function serializeMultipart(entries, boundary) {
  /** @type {Bytes[]} */
  const parts = [];
  let text = "";
  for (let i = 0; i < entries.length; i += 2) {
    const name = escapeName(normalizeNewlines(/** @type {string} */ (entries[i])));
    const value = entries[i + 1];
    text += `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
    if (typeof value === "string") {
      text += `\r\n\r\n${normalizeNewlines(value)}\r\n`;
      continue;
    }
    text += `; filename="${escapeName(fileName(value))}"\r\nContent-Type: ${blobType(value) || "application/octet-stream"}\r\n\r\n`;
    ArrayPrototypePush(parts, utf8Encode(text));
    const shared = blobParts(value);
    for (let j = 0; j < shared.length; j++) ArrayPrototypePush(parts, shared[j]);
    text = "\r\n";
  }
  ArrayPrototypePush(parts, utf8Encode(`${text}--${boundary}--\r\n`));
  return parts;
}

/** Finds a byte sequence in others: the algorithm of Boyer, Moore and Horspool. */
class ByteSearch {
  #needle;
  #length;
  #skip = new Uint16Array(256);

  /** @param {Bytes} needle not empty, and shorter than 64 kB */
  constructor(needle) {
    this.#needle = needle;
    this.#length = TypedArrayPrototypeGetByteLength(needle);
    TypedArrayPrototypeFill(this.#skip, this.#length);
    for (let i = 0; i < this.#length - 1; i++) this.#skip[needle[i]] = this.#length - 1 - i;
  }

  /** @param {Bytes} bytes @param {number} from @returns {number} where it begins, or -1 */
  find(bytes, from) {
    const needle = this.#needle;
    const skip = this.#skip;
    const last = this.#length - 1;
    const size = TypedArrayPrototypeGetByteLength(bytes);
    for (let end = from + last; end < size; end += skip[bytes[end]]) {
      let i = last;
      while (i >= 0 && bytes[end - last + i] === needle[i]) i--;
      if (i < 0) return end - last;
    }
    return -1;
  }
}

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
const LONGEST_BOUNDARY = 70;

/** What the parser throws, and only parseMultipart sees. */
const FAILURE = { __proto__: null };

/**
 * Parse multipart/form-data.
 *
 * @param {Bytes} bytes belong to the files in the result from now on
 * @param {string} boundary
 * @returns {EntryList | null} null for what cannot be parsed
 */
export function parseMultipart(bytes, boundary) {
  if (boundary.length === 0 || boundary.length > LONGEST_BOUNDARY) return null;
  try {
    return new MultipartParser(bytes, boundary).parse();
  } catch (error) {
    if (error === FAILURE) return null;
    throw error;
  }
}

class MultipartParser {
  #bytes;
  #size;
  /** "\r\n--boundary" */
  #delimiter;
  #delimiterSize;
  #search;
  #at = 0;

  /** @param {Bytes} bytes @param {string} boundary */
  constructor(bytes, boundary) {
    this.#bytes = bytes;
    this.#size = TypedArrayPrototypeGetByteLength(bytes);
    this.#delimiter = latin1Encode(`\r\n--${boundary}`);
    this.#delimiterSize = boundary.length + 4;
    this.#search = new ByteSearch(this.#delimiter);
  }

  /** @returns {EntryList} */
  parse() {
    /** @type {EntryList} */
    const entries = [];
    this.#firstDelimiter();
    while (!this.#atLastDelimiter()) {
      this.#lineBreak();
      const head = this.#head();
      const start = this.#at;
      const end = this.#search.find(this.#bytes, start);
      if (end === -1 || head.name === null) throw FAILURE;
      this.#at = end + this.#delimiterSize;
      ArrayPrototypePush(entries, head.name, this.#value(head, start, end));
    }
    return entries;
  }

  /** The first delimiter may be without the line break before it, and what stands before it means nothing. */
  #firstDelimiter() {
    const size = this.#delimiterSize;
    let i = 2;
    while (i < size && this.#bytes[i - 2] === this.#delimiter[i]) i++;
    if (i === size) this.#at = size - 2;
    else {
      const found = this.#search.find(this.#bytes, 0);
      if (found === -1) throw FAILURE;
      this.#at = found + size;
    }
  }

  /** Whether two dashes follow: the end of the data, whatever comes behind it. */
  #atLastDelimiter() {
    return this.#bytes[this.#at] === DASH && this.#bytes[this.#at + 1] === DASH;
  }

  /** The rest of a delimiter's line. */
  #lineBreak() {
    while (this.#bytes[this.#at] === 0x20 || this.#bytes[this.#at] === 0x09) this.#at++;
    if (this.#bytes[this.#at] !== CR || this.#bytes[this.#at + 1] !== LF) throw FAILURE;
    this.#at += 2;
  }

  /** @returns {PartHead} */
  #head() {
    /** @type {PartHead} */
    const head = { name: null, filename: null, contentType: null };
    for (;;) {
      const line = this.#line();
      if (line === "") return head;
      const colon = StringPrototypeIndexOf(line, ":");
      if (colon < 1) throw FAILURE;
      const name = StringPrototypeToLowerCase(trimHTTPWhitespace(line, 0, colon));
      const value = trimHTTPWhitespace(StringPrototypeSlice(line, colon + 1));
      if (name === "content-type") head.contentType = value;
      else if (name === "content-disposition") parseDisposition(value, head);
    }
  }

  /** @returns {string} a line of the head, as a string of bytes */
  #line() {
    const start = this.#at;
    let end = start;
    while (end < this.#size && this.#bytes[end] !== CR) end++;
    if (this.#bytes[end + 1] !== LF) throw FAILURE;
    this.#at = end + 2;
    return latin1Decode(viewBytes(this.#bytes, start, end));
  }

  /**
   * @param {PartHead} head
   * @param {number} start
   * @param {number} end
   * @returns {string | File}
   */
  #value(head, start, end) {
    const content = viewBytes(this.#bytes, start, end);
    if (head.filename === null) return utf8DecodeWithoutBom(content);
    return createFile(end > start ? [content] : [], normalizeType(head.contentType ?? "text/plain"), head.filename);
  }
}

/** @param {string} string code units below 256 @returns {Bytes} */
function latin1Encode(string) {
  const bytes = new Uint8Array(string.length);
  for (let i = 0; i < string.length; i++) bytes[i] = StringPrototypeCharCodeAt(string, i);
  return bytes;
}

/**
 * Parse a Content-Disposition header into a part's head.
 *
 * @param {string} value
 * @param {PartHead} head
 */
function parseDisposition(value, head) {
  if (!StringPrototypeStartsWith(StringPrototypeToLowerCase(value), "form-data")) throw FAILURE;
  let at = 9;
  while (at < value.length) {
    while (value[at] === " " || value[at] === "\t") at++;
    if (at === value.length) return;
    if (value[at] !== ";") throw FAILURE;
    at++;
    while (value[at] === " " || value[at] === "\t") at++;
    const start = at;
    while (at < value.length && isTokenCodeUnit(StringPrototypeCharCodeAt(value, at))) at++;
    if (at === value.length && at === start) return;
    const name = StringPrototypeToLowerCase(StringPrototypeSlice(value, start, at));
    if (value[at] !== "=") throw FAILURE;
    const parameter = parseParameter(value, at + 1);
    at = parameter.end;
    if (name === "name") head.name = parameter.text;
    else if (name === "filename") head.filename = parameter.text;
  }
}

/**
 * The value of a parameter: quoted, with the escapes of the serialiser, or a token.
 *
 * @see https://andreubotella.github.io/multipart-form-data/#parse-a-multipart-form-data-name
 * @param {string} value
 * @param {number} start
 * @returns {{ text: string, end: number }}
 */
function parseParameter(value, start) {
  let end = start;
  if (value[start] !== '"') {
    while (end < value.length && value[end] !== ";") end++;
    return { text: unescapeName(trimHTTPWhitespace(value, start, end)), end };
  }
  end++;
  while (value[end] !== '"') if (++end >= value.length) throw FAILURE;
  return { text: unescapeName(StringPrototypeSlice(value, start + 1, end)), end: end + 1 };
}

/** Undo `escapeName`, and decode. @param {string} name as a string of bytes */
function unescapeName(name) {
  let bytes = "";
  let from = 0;
  for (let i = StringPrototypeIndexOf(name, "%"); i !== -1; i = StringPrototypeIndexOf(name, "%", i + 1)) {
    const code = StringPrototypeToLowerCase(StringPrototypeSlice(name, i + 1, i + 3));
    const c = code === "0a" ? LF : code === "0d" ? CR : code === "22" ? 0x22 : 0;
    if (c === 0) continue;
    bytes += StringPrototypeSlice(name, from, i) + StringFromCharCode(c);
    from = i + 3;
  }
  return utf8DecodeWithoutBom(latin1Encode(bytes + StringPrototypeSlice(name, from)));
}
