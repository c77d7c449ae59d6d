// Percent-encoding and the sets of code points that the parts of a URL encode.
//
// Standard: https://url.spec.whatwg.org/#percent-encoded-bytes

import {
  StringFromCodePoint,
  StringPrototypeCharCodeAt,
  StringPrototypeCodePointAt,
  StringPrototypeSlice,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  Uint8Array,
} from "./primordials.js";
import { utf8Encode } from "./utf8.js";

/** The percent-encode sets, one bit each. */
export const C0_CONTROL = 1;
export const FRAGMENT = 2;
export const QUERY = 4;
export const SPECIAL_QUERY = 8;
export const PATH = 16;
export const USERINFO = 32;
export const COMPONENT = 64;
/** application/x-www-form-urlencoded, which writes a space as "+" moreover. */
export const FORM = 128;

/** The sets that each ASCII code point is in; whatever lies beyond ASCII is in all. */
export const encodeSets = buildSets();

function buildSets() {
  const sets = new Uint8Array(128);
  /** @param {string} characters @param {number} bits */
  const add = (characters, bits) => {
    for (let i = 0; i < characters.length; i++) sets[StringPrototypeCharCodeAt(characters, i)] |= bits;
  };
  for (let i = 0; i < 128; i++) if (i < 0x20 || i === 0x7f) sets[i] = 255;
  const fromUserinfo = USERINFO | COMPONENT | FORM;
  const fromPath = PATH | fromUserinfo;
  const fromQuery = QUERY | SPECIAL_QUERY | fromPath;
  add(' "<>', FRAGMENT | fromQuery);
  add("`", FRAGMENT | fromPath);
  add("#", fromQuery);
  add("'", SPECIAL_QUERY | FORM);
  add("?{}", fromPath);
  // The standard of 2024-11 moved "^" from here to the path's set; see the note on revisions in url_parser.js.
  add("/:;=@[\\]^|", fromUserinfo);
  add("$%&+,", COMPONENT | FORM);
  add("!()~", FORM);
  return sets;
}

const HEX = "0123456789ABCDEF";

/** @param {number} byte */
const encodedByte = (byte) => `%${HEX[byte >> 4]}${HEX[byte & 15]}`;

/**
 * "UTF-8 percent-encode" a string.
 *
 * @see https://url.spec.whatwg.org/#string-utf-8-percent-encode
 * @param {string} input without lone surrogates
 * @param {number} set
 * @returns {string}
 */
export function percentEncode(input, set) {
  const { length } = input;
  let output = "";
  let done = 0;
  for (let i = 0; i < length; i++) {
    const unit = StringPrototypeCharCodeAt(input, i);
    if (unit < 0x80 && (encodeSets[unit] & set) === 0) continue;
    if (done < i) output += StringPrototypeSlice(input, done, i);
    if (unit < 0x80) output += unit === 0x20 && set === FORM ? "+" : encodedByte(unit);
    else {
      const point = /** @type {number} */ (StringPrototypeCodePointAt(input, i));
      if (point > 0xffff) i++;
      const bytes = utf8Encode(StringFromCodePoint(point));
      for (let k = 0, size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4; k < size; k++) output += encodedByte(bytes[k]);
    }
    done = i + 1;
  }
  if (done === 0) return input;
  return done < length ? output + StringPrototypeSlice(input, done) : output;
}

/** The value of a hexadecimal digit, or -1. @param {number} byte */
function hexValue(byte) {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * "Percent-decode" a string.
 *
 * @see https://url.spec.whatwg.org/#string-percent-decode
 * @param {string} input
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function percentDecode(input) {
  return percentDecodeBytes(utf8Encode(input));
}

/**
 * "Percent-decode" bytes, in their own memory.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Uint8Array<ArrayBuffer>} a view of the beginning of the same memory
 */
export function percentDecodeBytes(bytes) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  let n = 0;
  for (let i = 0; i < length; i++) {
    const byte = bytes[i];
    if (byte === 0x25 && i + 2 < length) {
      const high = hexValue(bytes[i + 1]);
      const low = hexValue(bytes[i + 2]);
      if (high >= 0 && low >= 0) {
        bytes[n++] = high * 16 + low;
        i += 2;
        continue;
      }
    }
    bytes[n++] = byte;
  }
  return n === length ? bytes : new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), 0, n);
}
