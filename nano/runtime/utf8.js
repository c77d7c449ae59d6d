// UTF-8 between strings and bytes, for every other module of the runtime.
//
// Standard: https://encoding.spec.whatwg.org/#utf-8 (the decoder's replacement of ill-formed input is that of
// "maximal subparts"). TextEncoder and TextDecoder (encoding.js) stand on these functions.
//
// V8 has no primitive of its own for this. What makes it fast: runs of ASCII are found by words of 32 bits
// and become strings with one fromCharCode call for each 8 kB; everything else goes through a buffer of
// UTF-16 code units that is turned into a string when it is full.

import { copyUnits } from "./bulk_copy.js";
import {
  ReflectApply,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeSet,
  TypeError,
  Uint16Array,
  Uint32Array,
  Uint8Array,
} from "./primordials.js";

/** How many code units one fromCharCode call takes: they travel over the stack. */
export const BLOCK = 8192;

/**
 * Where one block's worth of decoded code units is collected; made when first needed.
 *
 * @type {Uint16Array | undefined}
 */
let units;

/** Where the last call of {@link decodeBlock} stopped in its input. */
let position = 0;

/**
 * The UTF-8 encoding of a string; lone surrogates become U+FFFD.
 *
 * @param {string} string
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function utf8Encode(string) {
  const { length } = string;
  const ascii = new Uint8Array(length);
  for (let i = copyUnits(string, ascii, 0x80); i < length; i++) {
    const unit = StringPrototypeCharCodeAt(string, i);
    if (unit >= 0x80) return encodeFrom(string, ascii, i);
    ascii[i] = unit;
  }
  return ascii;
}

/**
 * Encode what follows an ASCII prefix.
 *
 * @param {string} string
 * @param {Uint8Array} prefix holds the encoding of the first `start` code units
 * @param {number} start
 */
function encodeFrom(string, prefix, start) {
  const bytes = new Uint8Array(start + utf8ByteLength(string, start));
  if (start > 0) TypedArrayPrototypeSet(bytes, new Uint8Array(TypedArrayPrototypeGetBuffer(prefix), 0, start));
  write(string, start, bytes, start);
  return bytes;
}

/**
 * How many bytes the UTF-8 encoding of a string has.
 *
 * @param {string} string
 * @param {number} [start] the code unit to count from
 * @returns {number}
 */
export function utf8ByteLength(string, start = 0) {
  const { length } = string;
  let size = length - start;
  for (let i = start; i < length; i++) {
    const unit = StringPrototypeCharCodeAt(string, i);
    if (unit < 0x80) continue;
    size += unit < 0x800 ? 1 : 2;
    // A pair is four bytes for two units, and both would have counted as three.
    if ((unit & 0xfc00) === 0xd800 && i + 1 < length && (StringPrototypeCharCodeAt(string, i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return size;
}

/**
 * Encode as many whole code points as fit.
 *
 * @param {string} string
 * @param {Uint8Array} destination
 * @returns {{ read: number, written: number }} code units read and bytes written
 */
export function utf8EncodeInto(string, destination) {
  return write(string, 0, destination, 0);
}

/**
 * @param {string} string
 * @param {number} from first code unit
 * @param {Uint8Array} bytes
 * @param {number} at first byte
 */
function write(string, from, bytes, at) {
  const { length } = string;
  const room = TypedArrayPrototypeGetByteLength(bytes);
  let i = from;
  for (; i < length; i++) {
    let unit = StringPrototypeCharCodeAt(string, i);
    if (unit < 0x80) {
      if (at >= room) break;
      bytes[at++] = unit;
    } else if (unit < 0x800) {
      if (at + 2 > room) break;
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else {
      if ((unit & 0xf800) === 0xd800) {
        const next = unit < 0xdc00 && i + 1 < length ? StringPrototypeCharCodeAt(string, i + 1) : 0;
        if ((next & 0xfc00) === 0xdc00) {
          if (at + 4 > room) break;
          const point = 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff);
          bytes[at++] = 0xf0 | (point >> 18);
          bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
          bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
          bytes[at++] = 0x80 | (point & 0x3f);
          i++;
          continue;
        }
        unit = 0xfffd;
      }
      if (at + 3 > room) break;
      bytes[at++] = 0xe0 | (unit >> 12);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    }
  }
  return { read: i - from, written: at };
}

/**
 * "UTF-8 decode": a leading byte order mark is dropped, ill-formed input becomes U+FFFD.
 *
 * @see https://encoding.spec.whatwg.org/#utf-8-decode
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function utf8Decode(bytes) {
  return decodeFrom(bytes, startsWithBom(bytes) ? 3 : 0, false);
}

/**
 * "UTF-8 decode without BOM": a byte order mark is a character like any other.
 *
 * @see https://encoding.spec.whatwg.org/#utf-8-decode-without-bom
 * @param {Uint8Array} bytes
 * @param {boolean} [fatal] throw a TypeError for ill-formed input instead of replacing it
 * @returns {string}
 */
export function utf8DecodeWithoutBom(bytes, fatal = false) {
  return decodeFrom(bytes, 0, fatal);
}

/** @param {Uint8Array} bytes */
function startsWithBom(bytes) {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** The error of every fatal decoder. */
export function invalidEncodedData() {
  return new TypeError("The encoded data was not valid.");
}

/**
 * How many bytes at the end are the beginning of a sequence that more bytes could complete.
 *
 * @param {Uint8Array} bytes
 * @returns {number} 0 to 3
 */
export function utf8IncompleteTail(bytes) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back];
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte < 0xc2 || byte > 0xf4 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (needed <= back) return 0;
    return back === 1 || validSecond(byte, bytes[length - back + 1]) ? back : 0;
  }
  return 0;
}

/**
 * Whether a second byte may follow a lead byte of a sequence of three or four.
 *
 * @param {number} lead
 * @param {number} second
 */
function validSecond(lead, second) {
  if ((second & 0xc0) !== 0x80) return false;
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second < 0xa0;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second < 0x90;
  return true;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {boolean} fatal
 * @returns {string}
 */
function decodeFrom(bytes, start, fatal) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  let out = "";
  let i = start;
  while (i < length) {
    const end = i + BLOCK < length ? i + BLOCK : length;
    if (isAscii(bytes, i, end)) {
      out += latin1Block(bytes, i, end);
      i = end;
    } else {
      out += decodeBlock(bytes, i, end, length, fatal);
      i = position;
    }
  }
  return out;
}

/**
 * The string whose code units are the given bytes.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function latin1Decode(bytes) {
  const length = TypedArrayPrototypeGetByteLength(bytes);
  let out = "";
  for (let i = 0; i < length; i += BLOCK) out += latin1Block(bytes, i, i + BLOCK < length ? i + BLOCK : length);
  return out;
}

/**
 * The string whose code units are some of the given bytes.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end at most BLOCK after start
 * @returns {string}
 */
export function latin1Block(bytes, start, end) {
  const view = new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + start, end - start);
  return ReflectApply(StringFromCharCode, undefined, view);
}

/**
 * The string of the first `count` of some UTF-16 code units.
 *
 * @param {Uint16Array} codeUnits
 * @param {number} count at most BLOCK and a few
 * @returns {string}
 */
export function unitsToString(codeUnits, count) {
  return ReflectApply(StringFromCharCode, undefined, new Uint16Array(TypedArrayPrototypeGetBuffer(codeUnits), 0, count));
}

/** Below this many bytes a view of words costs more than it saves. */
const WORTH_WORDS = 96;

/**
 * Whether all of some bytes are below 0x80.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {boolean}
 */
export function isAscii(bytes, start, end) {
  let i = start;
  if (end - start >= WORTH_WORDS) {
    const offset = TypedArrayPrototypeGetByteOffset(bytes);
    while (((offset + i) & 3) !== 0) if (bytes[i++] >= 0x80) return false;
    const count = (end - i) >> 2;
    const words = new Uint32Array(TypedArrayPrototypeGetBuffer(bytes), offset + i, count);
    for (let w = 0; w < count; w++) if ((words[w] & 0x80808080) !== 0) return false;
    i += count << 2;
  }
  for (; i < end; i++) if (bytes[i] >= 0x80) return false;
  return true;
}

/**
 * Decode from `start` until at least `end`, finishing the sequence that crosses it; leaves in `position`
 * where it stopped.
 *
 * @see https://encoding.spec.whatwg.org/#utf-8-decoder
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end at most BLOCK after start
 * @param {number} length where the input ends
 * @param {boolean} fatal
 * @returns {string}
 */
function decodeBlock(bytes, start, end, length, fatal) {
  const out = (units ??= new Uint16Array(BLOCK + 4));
  let i = start;
  let n = 0;
  while (i < end) {
    const lead = bytes[i++];
    if (lead < 0x80) {
      out[n++] = lead;
      continue;
    }
    let needed = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let point = lead & (0x3f >> needed);
    if (needed > 1 && !(i < length && validSecond(lead, bytes[i]))) needed = 0;
    if (needed === 0) {
      if (fatal) throw invalidEncodedData();
      out[n++] = 0xfffd;
      continue;
    }
    for (; needed > 0 && i < length && (bytes[i] & 0xc0) === 0x80; needed--) point = (point << 6) | (bytes[i++] & 0x3f);
    if (needed > 0) {
      if (fatal) throw invalidEncodedData();
      out[n++] = 0xfffd;
    } else if (point < 0x10000) {
      out[n++] = point;
    } else {
      out[n++] = 0xd800 + ((point - 0x10000) >> 10);
      out[n++] = 0xdc00 + (point & 0x3ff);
    }
  }
  position = i;
  return unitsToString(out, n);
}
