// Streams that cross: a transferred end goes on as one that clones what comes through (transfer.js).
//
// Standard: https://streams.spec.whatwg.org/#transferrable-streams

import { dataCloneError } from "../clone_kinds.js";
import { PromisePrototypeThen } from "../primordials.js";
import { structuredDeserialize, structuredSerialize } from "../structured_clone.js";
import { setUpDefaultController } from "./default_controller.js";
import { Deferred, markHandled } from "./internal.js";
import { pipeTo } from "./pipe.js";
import { Readable } from "./readable.js";
import { Writable, WritableController } from "./writable.js";

const PIPE = { __proto__: null, preventClose: false, preventAbort: false, preventCancel: false, signal: undefined };

/** @param {any} value */
const clone = (value) => structuredDeserialize(structuredSerialize(value), true).value;

/** What the other end hears of an error: the error, or that it cannot be cloned. @param {any} error */
function cloneError(error) {
  try {
    return clone(error);
  } catch (failure) {
    return failure;
  }
}

/** A writable end whose chunks come out, cloned, of a readable end. */
class Crossing {
  readable = new Readable();
  writable = new Writable();
  /** Fulfilled when the readable end asks for a chunk. */
  #wanted = new Deferred();

  constructor() {
    const source = setUpDefaultController(this.readable, {
      __proto__: null,
      highWaterMark: 0,
      pull: () => void this.#wanted.resolve(),
      cancel: (reason) => this.#stop(cloneError(reason)),
    });
    source.begin(undefined);
    const sink = new WritableController(this.writable, {
      __proto__: null,
      write: (chunk) => PromisePrototypeThen(this.#wanted.promise, () => this.#deliver(chunk)),
      close: () => void source.close(),
      abort: (reason) => void source.error(cloneError(reason)),
    });
    sink.begin(undefined);
  }

  /** @param {any} error @returns {undefined} */
  #stop(error) {
    this.writable.controller.errorIfNeeded(error);
    this.#wanted.resolve();
  }

  /** @param {any} chunk */
  #deliver(chunk) {
    if (this.writable.state === "erroring") throw this.writable.storedError;
    this.#wanted = new Deferred();
    try {
      this.readable.controller.enqueue(clone(chunk));
    } catch (error) {
      this.readable.controller.error(error);
      throw error;
    }
  }
}

/** @param {Readable} stream @returns {Readable} the end that the receiver gets */
export function transferReadable(stream) {
  if (stream.locked) throw dataCloneError("A locked ReadableStream cannot be transferred.");
  const crossing = new Crossing();
  markHandled(pipeTo(stream, crossing.writable, PIPE));
  return crossing.readable;
}

/** @param {Writable} stream @returns {Writable} the end that the receiver gets */
export function transferWritable(stream) {
  if (stream.locked) throw dataCloneError("A locked WritableStream cannot be transferred.");
  const crossing = new Crossing();
  markHandled(pipeTo(crossing.readable, stream, PIPE));
  return crossing.writable;
}

/** @param {{ readable: Readable, writable: Writable }} sides */
export function transferTransform({ readable, writable }) {
  if (readable.locked || writable.locked) throw dataCloneError("A TransformStream with a locked side cannot be transferred.");
  return { readable: transferReadable(readable), writable: transferWritable(writable) };
}
