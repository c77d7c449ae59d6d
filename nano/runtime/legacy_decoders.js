// The decoders of all encodings that are neither UTF-8 nor UTF-16.
//
// Standard: https://encoding.spec.whatwg.org/#legacy-single-byte-encodings and the sections after it.
// Host half: nano/ops/encoding.py. It answers `encoding.table` with an index as a string: one code point for
// each pointer, U+FFFD where the index has nothing. An isolate asks for an index when it first needs it.

import { hostCallSync } from "./host.js";
import {
  JSONParse,
  StringPrototypeCodePointAt,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSlice,
  Uint16Array,
  Uint32Array,
} from "./primordials.js";
import { BLOCK, invalidEncodedData, isAscii, latin1Block, unitsToString } from "./utf8.js";

/** @typedef {import("./encoding.js").Decoder} Decoder */

/** No index contains this code point, so it stands for "null" in tables. */
const REPLACEMENT = 0xfffd;
/** What a handler returns when it needs more bytes. */
const CONTINUE = -1;
/** What a handler returns for an error; four bytes of gb18030 may well stand for U+FFFD. */
const NONE = -2;
/** What stands for the byte after the last one. */
const END_OF_QUEUE = -1;

/** @type {{ [name: string]: Uint32Array }} */
const indexes = /** @type {any} */ ({ __proto__: null });

/** @param {string} name @returns {Uint32Array} */
function index(name) {
  return (indexes[name] ??= loadIndex(name));
}

/** @param {string} name */
function loadIndex(name) {
  const text = hostCallSync("encoding.table", name);
  const points = new Uint32Array(text.length);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const point = /** @type {number} */ (StringPrototypeCodePointAt(text, i));
    if (point > 0xffff) i++;
    points[n++] = point;
  }
  return n === text.length ? points : TypedArrayPrototypeSlice(points, 0, n);
}

/** Pairs of pointer and code point. @type {number[] | undefined} */
let gb18030Ranges;

/** @see https://encoding.spec.whatwg.org/#index-gb18030-ranges-code-point @param {number} pointer */
function gb18030RangesCodePoint(pointer) {
  if ((pointer > 39419 && pointer < 189000) || pointer > 1237575) return NONE;
  if (pointer === 7457) return 0xe7c7;
  const ranges = (gb18030Ranges ??= /** @type {number[]} */ (JSONParse(hostCallSync("encoding.table", "gb18030-ranges"))));
  let at = 0;
  while (at + 2 < ranges.length && ranges[at + 2] <= pointer) at += 2;
  return ranges[at + 1] + pointer - ranges[at];
}

/** @implements {Decoder} Bytes above 0x7F are looked up, one by one. */
class SingleByteDecoder {
  #table;
  #fatal;

  /** @param {Uint16Array} table for all 256 bytes @param {boolean} fatal */
  constructor(table, fatal) {
    this.#table = table;
    this.#fatal = fatal;
  }

  /** @param {Uint8Array} bytes */
  decode(bytes) {
    const table = this.#table;
    const length = TypedArrayPrototypeGetByteLength(bytes);
    let out = "";
    /** @type {Uint16Array | undefined} */
    let units;
    for (let start = 0; start < length; start += BLOCK) {
      const end = start + BLOCK < length ? start + BLOCK : length;
      if (isAscii(bytes, start, end)) {
        out += latin1Block(bytes, start, end);
        continue;
      }
      units ??= new Uint16Array(end - start);
      for (let i = start; i < end; i++) {
        const unit = table[bytes[i]];
        if (unit === REPLACEMENT && this.#fatal) throw invalidEncodedData();
        units[i - start] = unit;
      }
      out += unitsToString(units, end - start);
    }
    return out;
  }
}

/** @type {{ [encoding: string]: Uint16Array }} */
const byteTables = /** @type {any} */ ({ __proto__: null });

/** @param {string} encoding */
function byteTable(encoding) {
  const table = new Uint16Array(256);
  const upper = encoding === "x-user-defined" ? null : index(encoding);
  for (let i = 0; i < 128; i++) {
    table[i] = i;
    table[128 + i] = upper === null ? 0xf780 + i : upper[i];
  }
  return table;
}

/**
 * A byte-wise decoder of the standard: `handle` returns a code point, NONE for an error, or CONTINUE; it may
 * put bytes back with `restore`.
 */
class MultiByteDecoder {
  #fatal;
  /** @type {number[]} bytes given back, the next one last */
  #restored = [];

  /** @param {boolean} fatal */
  constructor(fatal) {
    this.#fatal = fatal;
  }

  /**
   * @param {number} byte or END_OF_QUEUE
   * @returns {number}
   */
  handle(byte) {
    return byte;
  }

  /** A second code point, when one pair of bytes stands for two. */
  second = 0;

  /** Whether bytes are waiting for others. */
  get busy() {
    return false;
  }

  /** @param {number} byte to be the next; of several, the last comes first */
  restore(byte) {
    const restored = this.#restored;
    restored[restored.length] = byte;
  }

  /** @param {Uint8Array} bytes @param {boolean} more @returns {string} */
  decode(bytes, more) {
    const length = TypedArrayPrototypeGetByteLength(bytes);
    const units = new Uint16Array(BLOCK + 4);
    const restored = this.#restored;
    let out = "";
    let n = 0;
    for (let i = 0; ; ) {
      let byte;
      if (restored.length > 0) {
        byte = restored[restored.length - 1];
        restored.length--;
      } else if (i < length) byte = bytes[i++];
      else if (more || !this.busy) break;
      else byte = END_OF_QUEUE;
      const point = this.handle(byte);
      if (point === CONTINUE) continue;
      if (point === NONE) {
        if (this.#fatal) throw invalidEncodedData();
        units[n++] = REPLACEMENT;
      } else if (point > 0xffff) {
        units[n++] = 0xd800 + ((point - 0x10000) >> 10);
        units[n++] = 0xdc00 + (point & 0x3ff);
      } else units[n++] = point;
      if (this.second !== 0) {
        units[n++] = this.second;
        this.second = 0;
      }
      if (n >= BLOCK) {
        out += unitsToString(units, n);
        n = 0;
      }
    }
    return out + unitsToString(units, n);
  }
}

/**
 * The common shape of Big5, EUC-KR and Shift_JIS (and, with more in front, of others): a leading byte, then
 * one that together with it points into an index.
 */
class PairDecoder extends MultiByteDecoder {
  lead = 0;

  get busy() {
    return this.lead !== 0;
  }

  /**
   * The end of every such handler: an ASCII byte that completes nothing is read again.
   *
   * @param {number} point
   * @param {number} byte
   */
  completed(point, byte) {
    if (point === NONE && byte >= 0 && byte < 0x80) this.restore(byte);
    return point;
  }
}

/** "Index code point", NONE for null. @param {Uint32Array} table @param {number} pointer */
function lookUp(table, pointer) {
  const point = pointer < table.length ? table[pointer] : REPLACEMENT;
  return point === REPLACEMENT ? NONE : point;
}

/** @see https://encoding.spec.whatwg.org/#big5-decoder */
class Big5Decoder extends PairDecoder {
  #index = index("big5");

  /** @param {number} byte */
  handle(byte) {
    const { lead } = this;
    if (lead === 0) {
      if (byte < 0x80) return byte;
      if (byte < 0x81 || byte > 0xfe) return NONE;
      this.lead = byte;
      return CONTINUE;
    }
    this.lead = 0;
    if (!((byte >= 0x40 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xfe))) return this.completed(NONE, byte);
    const pointer = (lead - 0x81) * 157 + byte - (byte < 0x7f ? 0x40 : 0x62);
    if (pointer === 1133 || pointer === 1135 || pointer === 1164 || pointer === 1166) {
      this.second = pointer === 1133 || pointer === 1164 ? 0x304 : 0x30c;
      return pointer < 1164 ? 0xca : 0xea;
    }
    return this.completed(lookUp(this.#index, pointer), byte);
  }
}

/** @see https://encoding.spec.whatwg.org/#euc-kr-decoder */
class EucKrDecoder extends PairDecoder {
  #index = index("euc-kr");

  /** @param {number} byte */
  handle(byte) {
    const { lead } = this;
    if (lead === 0) {
      if (byte < 0x80) return byte;
      if (byte < 0x81 || byte > 0xfe) return NONE;
      this.lead = byte;
      return CONTINUE;
    }
    this.lead = 0;
    const inRange = byte >= 0x41 && byte <= 0xfe;
    return this.completed(inRange ? lookUp(this.#index, (lead - 0x81) * 190 + byte - 0x41) : NONE, byte);
  }
}

/** @see https://encoding.spec.whatwg.org/#shift_jis-decoder */
class ShiftJisDecoder extends PairDecoder {
  #index = index("jis0208");

  /** @param {number} byte */
  handle(byte) {
    const { lead } = this;
    if (lead === 0) {
      if (byte <= 0x80) return byte;
      if (byte >= 0xa1 && byte <= 0xdf) return 0xff61 - 0xa1 + byte;
      if (byte === 0xa0 || byte > 0xfc) return NONE;
      this.lead = byte;
      return CONTINUE;
    }
    this.lead = 0;
    if (!((byte >= 0x40 && byte <= 0x7e) || (byte >= 0x80 && byte <= 0xfc))) return this.completed(NONE, byte);
    const pointer = (lead - (lead < 0xa0 ? 0x81 : 0xc1)) * 188 + byte - (byte < 0x7f ? 0x40 : 0x41);
    // End-user-defined characters, as Windows has them.
    if (pointer >= 8836 && pointer <= 10715) return 0xe000 - 8836 + pointer;
    return this.completed(lookUp(this.#index, pointer), byte);
  }
}

/** @see https://encoding.spec.whatwg.org/#euc-jp-decoder */
class EucJpDecoder extends PairDecoder {
  #jis0208 = index("jis0208");
  #jis0212 = false;

  /** @param {number} byte */
  handle(byte) {
    const { lead } = this;
    if (lead === 0) {
      if (byte < 0x80) return byte;
      if (byte !== 0x8e && byte !== 0x8f && (byte < 0xa1 || byte > 0xfe)) return NONE;
      this.lead = byte;
      return CONTINUE;
    }
    if (lead === 0x8e && byte >= 0xa1 && byte <= 0xdf) {
      this.lead = 0;
      return 0xff61 - 0xa1 + byte;
    }
    if (lead === 0x8f && byte >= 0xa1 && byte <= 0xfe) {
      this.#jis0212 = true;
      this.lead = byte;
      return CONTINUE;
    }
    this.lead = 0;
    const inRange = lead >= 0xa1 && lead <= 0xfe && byte >= 0xa1 && byte <= 0xfe;
    const table = !inRange || !this.#jis0212 ? this.#jis0208 : index("jis0212");
    this.#jis0212 = false;
    return this.completed(inRange ? lookUp(table, (lead - 0xa1) * 94 + byte - 0xa1) : NONE, byte);
  }
}

/** @see https://encoding.spec.whatwg.org/#gb18030-decoder */
class Gb18030Decoder extends MultiByteDecoder {
  #index = index("gb18030");
  #first = 0;
  #second = 0;
  #third = 0;

  get busy() {
    return this.#first !== 0;
  }

  #clear() {
    this.#first = this.#second = this.#third = 0;
  }

  /** @param {number} byte */
  handle(byte) {
    if (byte === END_OF_QUEUE) {
      this.#clear();
      return NONE;
    }
    if (this.#third !== 0) return this.#fourByte(byte);
    if (this.#second !== 0) {
      if (byte >= 0x81 && byte <= 0xfe) {
        this.#third = byte;
        return CONTINUE;
      }
      this.restore(byte);
      this.restore(this.#second);
      this.#clear();
      return NONE;
    }
    if (this.#first !== 0) return this.#twoByte(byte);
    if (byte < 0x80) return byte;
    if (byte === 0x80) return 0x20ac;
    if (byte === 0xff) return NONE;
    this.#first = byte;
    return CONTINUE;
  }

  /** @param {number} byte */
  #fourByte(byte) {
    const first = this.#first;
    const second = this.#second;
    const third = this.#third;
    this.#clear();
    if (byte < 0x30 || byte > 0x39) {
      this.restore(byte);
      this.restore(third);
      this.restore(second);
      return NONE;
    }
    return gb18030RangesCodePoint((first - 0x81) * 12600 + (second - 0x30) * 1260 + (third - 0x81) * 10 + byte - 0x30);
  }

  /** @param {number} byte */
  #twoByte(byte) {
    if (byte >= 0x30 && byte <= 0x39) {
      this.#second = byte;
      return CONTINUE;
    }
    const lead = this.#first;
    this.#first = 0;
    let point = NONE;
    if ((byte >= 0x40 && byte <= 0x7e) || (byte >= 0x80 && byte <= 0xfe)) {
      point = lookUp(this.#index, (lead - 0x81) * 190 + byte - (byte < 0x7f ? 0x40 : 0x41));
    }
    if (point === NONE && byte < 0x80) this.restore(byte);
    return point;
  }
}

/** The states of ISO-2022-JP. */
const ASCII = 0;
const ROMAN = 1;
const KATAKANA = 2;
const LEADING_BYTE = 3;
const TRAILING_BYTE = 4;
const ESCAPE_START = 5;
const ESCAPE = 6;

/** @see https://encoding.spec.whatwg.org/#iso-2022-jp-decoder */
class Iso2022JpDecoder extends MultiByteDecoder {
  #jis0208 = index("jis0208");
  #state = ASCII;
  #outputState = ASCII;
  #lead = 0;
  #output = false;

  get busy() {
    return this.#state >= TRAILING_BYTE;
  }

  /** @param {number} byte */
  handle(byte) {
    const state = this.#state;
    if (state === ESCAPE_START) return this.#escapeStart(byte);
    if (state === ESCAPE) return this.#escape(byte);
    if (byte === 0x1b) {
      this.#state = ESCAPE_START;
      // An escape in place of a trailing byte leaves a lone leading byte behind.
      return state === TRAILING_BYTE ? NONE : CONTINUE;
    }
    if (state === TRAILING_BYTE) return this.#trailing(byte);
    this.#output = false;
    if (state === LEADING_BYTE) {
      if (byte < 0x21 || byte > 0x7e) return NONE;
      this.#lead = byte;
      this.#state = TRAILING_BYTE;
      return CONTINUE;
    }
    if (state === KATAKANA) return byte >= 0x21 && byte <= 0x5f ? 0xff61 - 0x21 + byte : NONE;
    if (byte > 0x7f || byte === 0x0e || byte === 0x0f) return NONE;
    if (state === ROMAN) return byte === 0x5c ? 0xa5 : byte === 0x7e ? 0x203e : byte;
    return byte;
  }

  /** @param {number} byte */
  #trailing(byte) {
    this.#state = LEADING_BYTE;
    if (byte < 0x21 || byte > 0x7e) return NONE;
    return lookUp(this.#jis0208, (this.#lead - 0x21) * 94 + byte - 0x21);
  }

  /** @param {number} byte */
  #escapeStart(byte) {
    if (byte === 0x24 || byte === 0x28) {
      this.#lead = byte;
      this.#state = ESCAPE;
      return CONTINUE;
    }
    if (byte !== END_OF_QUEUE) this.restore(byte);
    this.#output = false;
    this.#state = this.#outputState;
    return NONE;
  }

  /** @param {number} byte */
  #escape(byte) {
    const lead = this.#lead;
    this.#lead = 0;
    let state = -1;
    if (lead === 0x28) state = byte === 0x42 ? ASCII : byte === 0x4a ? ROMAN : byte === 0x49 ? KATAKANA : -1;
    else if (byte === 0x40 || byte === 0x42) state = LEADING_BYTE;
    if (state >= 0) {
      this.#state = this.#outputState = state;
      const output = this.#output;
      this.#output = true;
      return output ? NONE : CONTINUE;
    }
    if (byte !== END_OF_QUEUE) this.restore(byte);
    this.restore(lead);
    this.#output = false;
    this.#state = this.#outputState;
    return NONE;
  }
}

/**
 * @param {string} encoding the name of an encoding, in lower case
 * @param {boolean} fatal
 * @returns {Decoder}
 */
export function createLegacyDecoder(encoding, fatal) {
  switch (encoding) {
    case "gbk":
    case "gb18030":
      return new Gb18030Decoder(fatal);
    case "big5":
      return new Big5Decoder(fatal);
    case "euc-jp":
      return new EucJpDecoder(fatal);
    case "iso-2022-jp":
      return new Iso2022JpDecoder(fatal);
    case "shift_jis":
      return new ShiftJisDecoder(fatal);
    case "euc-kr":
      return new EucKrDecoder(fatal);
    default:
      return new SingleByteDecoder((byteTables[encoding] ??= byteTable(encoding)), fatal);
  }
}
