// The messages between an isolate and its host: this side writes the outward ones and reads the inward ones.
// Host half: nano/engine/records.py, which holds the contract; both are tested against each other.
//
// A record is a header of twelve bytes, little-endian, and a payload:
//
//     u32 payload length | u8 type | u8 flags | u16 small | u32 id
//
// Each direction is one stream of records. The shared memory carries the stream in pieces: a record that
// does not fit is continued in the next piece, so that no payload is too large.

import {
  StringFromCharCode,
  TypedArrayPrototypeSet,
  Uint8Array,
  uncurriedApply,
} from "./primordials.js";
import { viewBytes } from "./bytes.js";

export const HEADER = 12;

/** What the host says to the isolate. */
export const Inward = /** @type {const} */ ({
  LOAD: 1,
  REQUEST: 2,
  BODY_CHUNK: 3,
  BODY_END: 4,
  BODY_ERROR: 5,
  ABORT: 6,
  CREDIT: 7,
  OP_RESULT: 8,
  TIMER: 9,
  PASSED: 10,
});

/** What the isolate says to the host. */
export const Outward = /** @type {const} */ ({
  LOADED: 1,
  LOAD_FAILED: 2,
  RESPONSE: 3,
  CHUNK: 4,
  END: 5,
  FAIL: 6,
  CREDIT: 7,
  BODY_CANCEL: 8,
  SETTLED: 9,
  OP: 10,
  LOG: 11,
  TIMER: 12,
  PASS: 13,
  TEXT: 14,
});

/** Flags of a REQUEST: whether it has a body, and whether all of it stands behind the head. */
export const REQUEST_HAS_BODY = 1;
export const REQUEST_BODY_INLINE = 2;
/** Flags of a RESPONSE. */
export const RESPONSE_HAS_BODY = 1;
export const RESPONSE_COMPLETE = 2;
export const RESPONSE_SETTLED = 4;
/** Flag of an OP_RESULT that is a failure. */
export const OP_FAILED = 1;
/** Flag of an OP that wants no answer. */
export const OP_FORGET = 1;

const CODE_UNITS_AT_ONCE = 8192;

/**
 * Bytes as a string of the same code units.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {string}
 */
export function latin1(bytes, start, end) {
  if (end - start <= CODE_UNITS_AT_ONCE) {
    return uncurriedApply(StringFromCharCode, null, /** @type {any} */ (viewBytes(bytes, start, end)));
  }
  let text = "";
  for (let at = start; at < end; at += CODE_UNITS_AT_ONCE) {
    const stop = at + CODE_UNITS_AT_ONCE < end ? at + CODE_UNITS_AT_ONCE : end;
    text += uncurriedApply(StringFromCharCode, null, /** @type {any} */ (viewBytes(bytes, at, stop)));
  }
  return text;
}

/** @param {Uint8Array} bytes @param {number} at @returns {number} */
export const readU32 = (bytes, at) =>
  (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;

/** @param {Uint8Array} bytes @param {number} at @param {number} value */
export function writeU32(bytes, at, value) {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/**
 * The writing end: records go into `memory` from `start` on; `ring(end)` hands over what stands there.
 *
 * Nothing counts as written before a whole record stands in place, so that a stack overflow halfway, which
 * an app can provoke at any depth, leaves the stream intact. Only a record larger than the memory is handed
 * over in pieces.
 */
export class RecordWriter {
  #memory;
  #start;
  #ring;
  #top;

  /**
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {(end: number) => void} ring
   */
  constructor(memory, start, ring) {
    this.#memory = memory;
    this.#start = start;
    this.#ring = ring;
    this.#top = start;
  }

  /** Hand over what is there. */
  flush() {
    if (this.#top === this.#start) return;
    const end = this.#top;
    this.#top = this.#start;
    this.#ring(end);
  }

  /** Forget what is there. */
  discard() {
    this.#top = this.#start;
  }

  get empty() {
    return this.#top === this.#start;
  }

  /**
   * @param {number} type
   * @param {number} flags
   * @param {number} small
   * @param {number} id
   * @param {string | null} head written as u32 length and one byte per code unit (all below 256), if given
   * @param {Uint8Array | null} tail bytes behind it
   */
  write(type, flags, small, id, head, tail) {
    const headLength = head === null ? 0 : 4 + head.length;
    const tailLength = tail === null ? 0 : tail.length;
    const size = HEADER + headLength + tailLength;
    if (size > this.#memory.length - this.#top) {
      this.flush();
      if (size > this.#memory.length - this.#start) {
        this.#writeInPieces(type, flags, small, id, head, tail, headLength + tailLength);
        return;
      }
    }
    let at = this.#header(this.#top, type, flags, small, id, headLength + tailLength);
    if (head !== null) at = this.#latin1(at, head);
    if (tail !== null) TypedArrayPrototypeSet(this.#memory, tail, at);
    this.#top += size;
  }

  /**
   * @param {number} at
   * @param {number} type
   * @param {number} flags
   * @param {number} small
   * @param {number} id
   * @param {number} length
   * @returns {number} where the payload begins
   */
  #header(at, type, flags, small, id, length) {
    const memory = this.#memory;
    writeU32(memory, at, length);
    memory[at + 4] = type;
    memory[at + 5] = flags;
    memory[at + 6] = small;
    memory[at + 7] = small >>> 8;
    writeU32(memory, at + 8, id);
    return at + HEADER;
  }

  /** @param {number} at @param {string} text @returns {number} */
  #latin1(at, text) {
    // A method that an app may have replaced, as the genuine one is ten times slower when called from outside: what it
    // gets is the app's own text, and what it makes of it is only that app's answer.
    const memory = this.#memory;
    writeU32(memory, at, text.length);
    at += 4;
    for (let i = 0; i < text.length; i++) memory[at++] = text.charCodeAt(i);
    return at;
  }

  /**
   * @param {number} type
   * @param {number} flags
   * @param {number} small
   * @param {number} id
   * @param {string | null} head
   * @param {Uint8Array | null} tail
   * @param {number} length
   */
  #writeInPieces(type, flags, small, id, head, tail, length) {
    this.#top = this.#header(this.#top, type, flags, small, id, length);
    if (head !== null) {
      const bytes = new Uint8Array(4 + head.length);
      writeU32(bytes, 0, head.length);
      for (let i = 0; i < head.length; i++) bytes[4 + i] = head.charCodeAt(i);
      this.#pieces(bytes);
    }
    if (tail !== null) this.#pieces(tail);
  }

  /** @param {Uint8Array} bytes */
  #pieces(bytes) {
    for (let from = 0; from < bytes.length; ) {
      const room = this.#memory.length - this.#top;
      const stop = from + room < bytes.length ? from + room : bytes.length;
      TypedArrayPrototypeSet(this.#memory, viewBytes(bytes, from, stop), this.#top);
      this.#top += stop - from;
      from = stop;
      if (this.#top === this.#memory.length) this.flush();
    }
  }
}

/**
 * The reading end: `feed` takes a piece of the stream and calls `handle(type, flags, small, id, bytes,
 * start, end)` for each whole record. `bytes` is only good during the call: what is kept must be copied.
 */
export class RecordReader {
  #handle;
  /** The record begun in an earlier piece: its header, then its payload.
   * @type {Uint8Array | null} */
  #partial = null;
  #have = 0;
  #headerBytes = new Uint8Array(HEADER);
  #headerHave = 0;

  /** @param {(type: number, flags: number, small: number, id: number, bytes: Uint8Array, start: number, end: number) => void} handle */
  constructor(handle) {
    this.#handle = handle;
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   */
  feed(bytes, at, end) {
    if (this.#headerHave > 0) at = this.#resume(bytes, at, end);
    while (end - at >= HEADER) {
      const start = at + HEADER;
      const stop = start + readU32(bytes, at);
      if (stop > end) break;
      this.#emit(bytes, at, bytes, start, stop);
      at = stop;
    }
    if (at < end) this.#resume(bytes, at, end);
  }

  /**
   * Take from the piece what the record begun earlier lacks.
   *
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @returns {number} where the next record begins
   */
  #resume(bytes, at, end) {
    while (this.#headerHave < HEADER) {
      if (at === end) return at;
      this.#headerBytes[this.#headerHave++] = bytes[at++];
    }
    let partial = this.#partial;
    if (partial === null) partial = this.#partial = new Uint8Array(readU32(this.#headerBytes, 0));
    const lacking = partial.length - this.#have;
    const stop = at + lacking < end ? at + lacking : end;
    TypedArrayPrototypeSet(partial, viewBytes(bytes, at, stop), this.#have);
    this.#have += stop - at;
    if (this.#have === partial.length) {
      this.#partial = null;
      this.#have = this.#headerHave = 0;
      this.#emit(this.#headerBytes, 0, partial, 0, partial.length);
    }
    return stop;
  }

  /**
   * @param {Uint8Array} header
   * @param {number} at
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  #emit(header, at, bytes, start, end) {
    const handle = this.#handle;
    handle(header[at + 4], header[at + 5], header[at + 6] | (header[at + 7] << 8), readU32(header, at + 8), bytes, start, end);
  }
}
