// An identity transform over bytes: what is behind IdentityTransformStream and FixedLengthStream (workers.js).
//
// Bytes go in as any buffer or view and come out of a byte stream; a write is done when somebody has asked
// for its bytes. What goes in is copied, so that the writer keeps its buffer.

import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeSlice,
  PromisePrototypeThen,
  PromiseReject,
  TypeError,
  Uint8Array,
} from "../primordials.js";
import { isAnyArrayBuffer, isObject } from "../webidl.js";
import { setUpByteController } from "./byte_controller.js";
import { cloneAsUint8Array, viewByteLength } from "./byte_views.js";
import { Deferred } from "./internal.js";
import { Readable } from "./readable.js";
import { Writable, WritableController } from "./writable.js";

/** @typedef {import("./internal.js").Outcome} Outcome */

/** @param {any} chunk @returns {Uint8Array | undefined} a copy */
function copyBytes(chunk) {
  if (ArrayBufferIsView(chunk)) return cloneAsUint8Array(chunk);
  if (isObject(chunk) && isAnyArrayBuffer(chunk)) {
    const buffer = /** @type {ArrayBuffer} */ (chunk);
    return new Uint8Array(ArrayBufferPrototypeSlice(buffer, 0, ArrayBufferPrototypeGetByteLength(buffer)));
  }
  return undefined;
}

/** The sides of an identity transform over bytes. */
export class ByteIdentity {
  readable = new Readable();
  writable = new Writable();
  /** Fulfilled when the readable side wants bytes. */
  #wanted = new Deferred();
  /** @type {import("./byte_controller.js").ByteController} */
  #source;
  /** @type {number | undefined} */
  length;
  /** @type {number | undefined} */
  remaining;

  /** @param {number | undefined} length how many bytes there have to be @param {number} highWaterMark in bytes; 0: one chunk */
  constructor(length, highWaterMark) {
    this.length = length;
    this.remaining = length;
    this.readable.origin = this;
    this.#source = setUpByteController(this.readable, {
      __proto__: null,
      pull: () => void this.#wanted.resolve(),
      cancel: (reason) => this.#stop(reason),
    });
    this.#source.begin(undefined);
    const sink = new WritableController(this.writable, {
      __proto__: null,
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason) => void this.#source.error(reason),
      highWaterMark: highWaterMark === 0 ? 1 : highWaterMark,
      size: highWaterMark === 0 ? undefined : sizeOf,
    });
    sink.begin(undefined);
  }

  /** @param {any} reason @returns {Outcome} */
  #stop(reason) {
    this.writable.controller.errorIfNeeded(reason);
    this.#wanted.resolve();
    return undefined;
  }

  /** @param {any} error */
  #fail(error) {
    this.#source.error(error);
    return PromiseReject(error);
  }

  /** @param {any} chunk @returns {Outcome} */
  #write(chunk) {
    const bytes = copyBytes(chunk);
    if (bytes === undefined) {
      return this.#fail(new TypeError("A byte stream was given a chunk that is neither an ArrayBuffer nor a view on one."));
    }
    const size = viewByteLength(bytes);
    if (this.remaining !== undefined) {
      if (size > this.remaining) {
        return this.#fail(new TypeError("Attempt to write too many bytes through a FixedLengthStream."));
      }
      this.remaining -= size;
    }
    if (size === 0) return undefined;
    return PromisePrototypeThen(this.#wanted.promise, () => this.#deliver(bytes));
  }

  /** @param {Uint8Array} bytes */
  #deliver(bytes) {
    if (this.writable.state === "erroring") throw this.writable.storedError;
    this.#wanted = new Deferred();
    this.#source.enqueue(bytes);
  }

  /** @returns {Outcome} */
  #close() {
    if (this.remaining !== undefined && this.remaining > 0) {
      return this.#fail(new TypeError("FixedLengthStream did not see all expected bytes before close()."));
    }
    this.#source.close();
    if (this.#source.hasPendingPullIntos) this.#source.respond(0);
    return undefined;
  }
}

/** @param {any} chunk */
const sizeOf = (chunk) =>
  ArrayBufferIsView(chunk) ? viewByteLength(chunk) : isObject(chunk) && isAnyArrayBuffer(chunk) ? ArrayBufferPrototypeGetByteLength(chunk) : 1;
