// CompressionStream and DecompressionStream.
//
// Standard: https://compression.spec.whatwg.org/
// Host half: nano/ops/compression.py.
//
// The host codes piece by piece when asked, and on this isolate's thread: a crossing costs 15 microseconds and zlib
// hundreds for each piece, so that waiting for the reactor would only be slower. A question is
//
//     u32 handle (0: a new stream) | u8 format | u8 flags | at most PIECE bytes of input
//
// and its answer `u8 status | u32 handle | output`. With status MORE there is output left, which is fetched when the
// reader wants it: however far the input expands, little of it is ever here. The host forgets a stream at its end and
// after an error; for one that is cancelled, or that nobody can reach any more, it is told to.

import { hostAskBytes } from "./host.js";
import { copyBytes, viewBytes } from "./bytes.js";
import {
  ArrayBufferIsView,
  FinalizationRegistry,
  FinalizationRegistryPrototypeRegister,
  FinalizationRegistryPrototypeUnregister,
  PromisePrototypeThen,
  RangeError,
  TypeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  Uint8Array,
} from "./primordials.js";
import { readU32, writeU32 } from "./records.js";
import { viewByteLength, viewByteOffset } from "./streams/byte_views.js";
import { createTransform } from "./streams/generic_transform.js";
import { utf8Decode } from "./utf8.js";
import { converters, enumeration, exposeInterface, requiredArguments, viewBuffer } from "./webidl.js";

/** @typedef {import("./streams/generic_transform.js").GenericTransform} GenericTransform */
/** @typedef {"deflate" | "deflate-raw" | "gzip"} Format */

/** How many bytes of input one question holds. */
const PIECE = 65520;
const QUESTION_HEAD = 6;
const ANSWER_HEAD = 5;
const FINISH = 1;
const DECOMPRESS = 2;
const Status = { DONE: 0, MORE: 1, BAD_DATA: 2, TOO_MANY: 3 };
const CLOSED = -1;

const FORMATS = /** @type {const} */ (["deflate", "deflate-raw", "gzip"]);
const toFormat = enumeration("CompressionFormat", FORMATS);

const NOTHING = new Uint8Array(0);

/** Tells the host of streams that were given up. @type {FinalizationRegistry<number> | undefined} */
let abandoned;

/** @param {number} handle */
function forget(handle) {
  const question = new Uint8Array(4);
  writeU32(question, 0, handle);
  hostAskBytes("compression.close", question);
}

/** One stream of the host's, between the sides of a transform. */
class Coder {
  #handle = 0;
  #format;
  #flags;
  /** @type {GenericTransform} */
  transform;

  /** @param {Format} format @param {number} flags */
  constructor(format, flags) {
    this.#format = format === "deflate" ? 0 : format === "deflate-raw" ? 1 : 2;
    this.#flags = flags;
    const prefix = flags === DECOMPRESS ? "DecompressionStream" : "CompressionStream";
    const context = { prefix, name: "The chunk" };
    this.transform = createTransform({
      transform: (chunk) => {
        const bytes = viewOf(converters.BufferSource(chunk, context));
        return this.#run(bytes, 0, 0, false);
      },
      flush: () => this.#run(NOTHING, 0, FINISH, false),
      cancel: () => this.#close(),
    });
  }

  /**
   * Code the rest of a chunk, as fast as the reader wants the output.
   *
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} finish FINISH, or nothing
   * @param {boolean} more whether the host has output left, which comes before new input
   * @returns {Promise<any> | undefined} a promise when it is not done yet
   */
  #run(bytes, start, finish, more) {
    const length = TypedArrayPrototypeGetByteLength(bytes);
    while (this.#handle !== CLOSED && (more || start < length || finish !== 0)) {
      const end = more ? start : length - start > PIECE ? start + PIECE : length;
      more = this.#push(viewBytes(bytes, start, end), finish);
      start = end;
      const wanted = more || start < length ? this.transform.whenWanted() : undefined;
      if (wanted !== undefined) return PromisePrototypeThen(wanted, () => this.#run(bytes, start, finish, more));
    }
    return undefined;
  }

  /** @param {Uint8Array} input @param {number} finish @returns {boolean} whether the host has more output */
  #push(input, finish) {
    const size = TypedArrayPrototypeGetByteLength(input);
    const question = new Uint8Array(QUESTION_HEAD + size);
    writeU32(question, 0, this.#handle);
    question[4] = this.#format;
    question[5] = this.#flags | finish;
    TypedArrayPrototypeSet(question, input, QUESTION_HEAD);
    const answer = hostAskBytes("compression.push", question);
    const status = answer[0];
    const output = copyBytes(answer, ANSWER_HEAD);
    if (status === Status.BAD_DATA || status === Status.TOO_MANY) this.#fail(status, output);
    if (status === Status.DONE && finish !== 0) this.#ended();
    else if (this.#handle === 0) this.#opened(readU32(answer, 1));
    if (TypedArrayPrototypeGetByteLength(output) > 0) this.transform.enqueue(output);
    return status === Status.MORE;
  }

  /** @param {number} status @param {Uint8Array} text @returns {never} */
  #fail(status, text) {
    this.#ended();
    if (status === Status.TOO_MANY) throw new RangeError("Too many compression streams are open.");
    throw new TypeError(`The compressed data was not valid: ${utf8Decode(text)}.`);
  }

  /** @param {number} handle */
  #opened(handle) {
    this.#handle = handle;
    abandoned ??= new FinalizationRegistry(forget);
    FinalizationRegistryPrototypeRegister(abandoned, this, handle, this);
  }

  #ended() {
    if (this.#handle > 0) {
      FinalizationRegistryPrototypeUnregister(/** @type {FinalizationRegistry<number>} */ (abandoned), this);
    }
    this.#handle = CLOSED;
  }

  #close() {
    const handle = this.#handle;
    this.#ended();
    if (handle > 0) forget(handle);
  }
}

/** @param {ArrayBuffer | ArrayBufferView} source */
function viewOf(source) {
  if (!ArrayBufferIsView(source)) return new Uint8Array(source);
  return new Uint8Array(viewBuffer(source), viewByteOffset(source), viewByteLength(source));
}

/** @see https://compression.spec.whatwg.org/#compression-stream */
export class CompressionStream {
  #coder;

  /** @param {Format} format */
  constructor(format) {
    const prefix = "Failed to construct 'CompressionStream'";
    requiredArguments(arguments.length, 1, prefix);
    this.#coder = new Coder(toFormat(format, { prefix, name: "Argument 1" }), 0);
  }

  get readable() {
    return this.#coder.transform.readable;
  }

  get writable() {
    return this.#coder.transform.writable;
  }
}

/** @see https://compression.spec.whatwg.org/#decompression-stream */
export class DecompressionStream {
  #coder;

  /** @param {Format} format */
  constructor(format) {
    const prefix = "Failed to construct 'DecompressionStream'";
    requiredArguments(arguments.length, 1, prefix);
    this.#coder = new Coder(toFormat(format, { prefix, name: "Argument 1" }), DECOMPRESS);
  }

  get readable() {
    return this.#coder.transform.readable;
  }

  get writable() {
    return this.#coder.transform.writable;
  }
}

exposeInterface(CompressionStream);
exposeInterface(DecompressionStream);
