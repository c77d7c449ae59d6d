// Streams between the runtime and its host: bodies that come in, bodies that go out.
//
// Not part of a standard. Nothing here is visible to scripts; chunks move without a promise unless somebody
// really has to wait, and streams made here look to scripts like any byte stream.

import {
  ArrayBufferIsView,
  Promise,
  PromiseReject,
  TypeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint8Array,
} from "../primordials.js";
import { bodyTooLarge, exceedsBufferLimit } from "../buffer_limit.js";
import { isAnyArrayBuffer, isObject, viewBuffer } from "../webidl.js";
import { setUpByteController } from "./byte_controller.js";
import { viewByteLength, viewByteOffset } from "./byte_views.js";
import { microtask, upon } from "./internal.js";
import { Queue } from "./queues.js";
import { Readable, Reader } from "./readable.js";
import { readableObject } from "./readable_stream.js";
import { recordOf } from "./state.js";
import { tee } from "./tee.js";

/** @typedef {import("./byte_controller.js").ByteController} ByteController */
/** @typedef {import("./readable_stream.js").ReadableStream} ReadableStream */

/**
 * The two branches of a stream, whatever a script has done to `tee()`.
 *
 * @param {ReadableStream} stream
 * @param {(chunk: any) => any} [clone] what the second branch of a stream of arbitrary chunks gets
 * @returns {[ReadableStream, ReadableStream]}
 */
export function teeReadableStream(stream, clone) {
  const branches = tee(recordOf(stream), clone);
  return [readableObject(branches[0]), readableObject(branches[1])];
}

/**
 * The source's end of a byte stream of the runtime's. `enqueue` takes the whole buffer behind the bytes.
 *
 * @typedef {{
 *   stream: ReadableStream,
 *   enqueue(bytes: Uint8Array): void,
 *   close(): void,
 *   error(reason: any): void,
 *   readonly desiredSize: number | null,
 * }} ByteSource
 */

/**
 * Make a byte stream.
 *
 * @param {object} source
 * @param {(source: ByteSource) => Promise<any> | void} [source.pull] somebody wants bytes; called again only
 *   after it has enqueued and its promise, if any, is fulfilled
 * @param {(reason: any) => Promise<any> | void} [source.cancel] nobody wants bytes any more
 * @param {number} [source.highWaterMark] how many bytes to have ready before anybody asks
 * @param {any} [source.origin] see `getStreamOrigin`
 * @returns {ByteSource}
 */
export function createReadableByteStream(source) {
  const { pull, cancel, highWaterMark = 0, origin } = /** @type {typeof source} */ ({ __proto__: null, ...source });
  const record = new Readable();
  record.origin = origin;
  const controller = setUpByteController(record, {
    __proto__: null,
    pull: pull && (() => guarded(pull, end)),
    cancel: cancel && ((reason) => guarded(cancel, reason)),
    highWaterMark,
  });
  const end = new ByteStreamEnd(record, controller);
  controller.begin(undefined);
  return end;
}

/** @param {(argument: any) => any} callback @param {any} argument @returns {Promise<any> | undefined} */
function guarded(callback, argument) {
  try {
    return callback(argument) ?? undefined;
  } catch (error) {
    return PromiseReject(error);
  }
}

class ByteStreamEnd {
  /** @type {ByteController} */
  #controller;
  /** @type {Readable} */
  #record;

  /** @param {Readable} record @param {ByteController} controller */
  constructor(record, controller) {
    this.#record = record;
    this.#controller = controller;
  }

  get stream() {
    return readableObject(this.#record);
  }

  get desiredSize() {
    return this.#controller.desiredSize;
  }

  /** @param {Uint8Array} bytes */
  enqueue(bytes) {
    const byteLength = viewByteLength(bytes);
    if (byteLength === 0) return;
    this.#controller.enqueueOwned(viewBuffer(bytes), viewByteOffset(bytes), byteLength);
  }

  /** End the stream; reads into a buffer of the reader's that wait are answered. */
  close() {
    this.#controller.close();
    if (this.#record.state === "closed" && this.#controller.hasPendingPullIntos) this.#controller.respond(0);
  }

  /** @param {any} reason */
  error(reason) {
    this.#controller.error(reason);
  }
}

/**
 * A stream over bytes that are there already.
 *
 * @param {Uint8Array} bytes whose buffer belongs to the stream from now on
 * @returns {ReadableStream}
 */
export function readableFromBytes(bytes) {
  const source = createReadableByteStream({});
  source.enqueue(bytes);
  source.close();
  return source.stream;
}

/**
 * A chunk of a body as bytes: `Uint8Array` as the standard wants, and like Workers any other view or buffer.
 *
 * @param {any} chunk
 * @returns {Uint8Array}
 * @throws {TypeError} for anything else
 */
export function bytesOfChunk(chunk) {
  if (isObject(chunk)) {
    if (TypedArrayPrototypeGetSymbolToStringTag(chunk) === "Uint8Array") return /** @type {Uint8Array} */ (chunk);
    if (ArrayBufferIsView(chunk)) return new Uint8Array(viewBuffer(chunk), viewByteOffset(chunk), viewByteLength(chunk));
    if (isAnyArrayBuffer(chunk)) return new Uint8Array(/** @type {ArrayBuffer} */ (chunk));
  }
  throw new TypeError("A chunk of the body is not a Uint8Array.");
}

/** Reads a stream to its end; chunks that are queued come in a plain loop. */
class WholeRead {
  /** Nobody else holds the chunks: those of byte streams were transferred. @type {boolean} */
  exclusive;
  /** @type {Queue<Uint8Array>} */
  #chunks = new Queue();
  #size = 0;
  #answered = false;
  #inLoop = false;
  /** @type {Reader} */
  reader;
  /** @type {(bytes: Uint8Array) => void} */
  resolve;
  /** @type {(reason: any) => void} */
  reject;

  /** @param {Reader} reader @param {(bytes: Uint8Array) => void} resolve @param {(reason: any) => void} reject */
  constructor(reader, resolve, reject) {
    this.exclusive = reader.stream?.controller.isByteController;
    this.reader = reader;
    this.resolve = resolve;
    this.reject = reject;
  }

  run() {
    this.#inLoop = true;
    do {
      this.#answered = false;
      this.reader.read(this);
    } while (this.#answered);
    this.#inLoop = false;
  }

  /** @param {any} chunk */
  chunk(chunk) {
    if (TypedArrayPrototypeGetSymbolToStringTag(chunk) !== "Uint8Array") {
      this.#giveUp(new TypeError("A chunk of the body is not a Uint8Array."));
      return;
    }
    const size = TypedArrayPrototypeGetByteLength(chunk);
    if (size > 0) this.#chunks.push(chunk);
    this.#size += size;
    if (exceedsBufferLimit(this.#size)) {
      this.#giveUp(bodyTooLarge());
      return;
    }
    this.#answered = true;
    if (!this.#inLoop) microtask(() => this.run());
  }

  /** @param {any} error */
  #giveUp(error) {
    this.reject(error);
    upon(this.reader.cancel(error), undefined, () => {});
  }

  close() {
    this.resolve(this.#chunks.length === 1 && this.exclusive ? this.#chunks.shift() : this.#join());
  }

  /** @param {any} reason */
  error(reason) {
    this.reject(reason);
  }

  #join() {
    const chunks = this.#chunks;
    const whole = new Uint8Array(this.#size);
    let at = 0;
    while (chunks.length > 0) {
      const chunk = chunks.shift();
      TypedArrayPrototypeSet(whole, chunk, at);
      at += TypedArrayPrototypeGetByteLength(chunk);
    }
    return whole;
  }
}

/**
 * Read a stream that is not locked to its end. The bytes are the caller's alone, but may be a part of a larger
 * buffer: the only chunk of a byte stream is handed over without a copy.
 *
 * @param {ReadableStream} stream
 * @returns {Promise<{ bytes: Uint8Array }>} rejected with a TypeError for chunks that are not Uint8Arrays; the bytes
 *   are in a box without prototype, since a promise looks for `then` on what it is resolved with
 */
export function readAllBytes(stream) {
  return new Promise((resolve, reject) => {
    const box = (/** @type {Uint8Array} */ bytes) => resolve(/** @type {any} */ ({ __proto__: null, bytes }));
    new WholeRead(new Reader(recordOf(stream)), box, reject).run();
  });
}

/**
 * Where a body goes. `write` may return a promise to be waited for before more is read; the bytes are the
 * sink's only until then. One of `close` and `abort` is called in the end, once.
 *
 * @typedef {{ write(bytes: Uint8Array): Promise<any> | void, close(): void, abort(reason: any): void }} BodySink
 */

class Pump {
  #answered = false;
  #fromQueue = false;
  #ended = false;
  /** @type {Reader} */
  reader;
  /** @type {BodySink} */
  sink;
  run = () => this.#run();
  /** @param {any} reason */
  fail = (reason) => this.#fail(reason);

  /** @param {Reader} reader @param {BodySink} sink */
  constructor(reader, sink) {
    this.reader = reader;
    this.sink = sink;
  }

  #run() {
    do {
      if (this.#ended) return;
      this.#answered = false;
      this.#fromQueue = this.reader.stream?.controller.hasQueued === true;
      this.reader.read(this);
    } while (this.#answered);
  }

  /** @param {any} chunk */
  chunk(chunk) {
    if (this.#ended) return;
    try {
      const waiting = this.sink.write(bytesOfChunk(chunk));
      if (waiting !== undefined) upon(waiting, this.run, this.fail);
      else if (this.#fromQueue) this.#answered = true;
      else microtask(this.run);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The sink failed, or the chunk was no bytes. @param {any} reason */
  #fail(reason) {
    if (this.#ended) return;
    upon(this.reader.cancel(reason), undefined, () => {});
    this.error(reason);
  }

  close() {
    if (this.#ended) return;
    this.#ended = true;
    this.sink.close();
  }

  /** @param {any} reason */
  error(reason) {
    if (this.#ended) return;
    this.#ended = true;
    this.sink.abort(reason);
  }

  /** Nobody wants the body any more; the sink is told nothing. @param {any} reason */
  cancel(reason) {
    if (this.#ended) return;
    this.#ended = true;
    upon(this.reader.cancel(reason), undefined, () => {});
  }
}

/**
 * Send a stream that is not locked into a sink of the runtime's.
 *
 * @param {ReadableStream} stream
 * @param {BodySink} sink
 * @returns {(reason: any) => void} cancels the stream and stops; the sink hears no more
 */
export function pumpToSink(stream, sink) {
  const pump = new Pump(new Reader(recordOf(stream)), sink);
  pump.run();
  return (reason) => pump.cancel(reason);
}
