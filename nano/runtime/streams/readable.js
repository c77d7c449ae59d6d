// The readable stream and its readers as records: what default and byte streams have in common.
//
// Standard: https://streams.spec.whatwg.org/#rs-abstract-ops

import { PromiseReject, PromiseResolve, TypeError } from "../primordials.js";
import { Deferred, settledLike } from "./internal.js";
import { Queue } from "./queues.js";

/** @typedef {import("./internal.js").Outcome} Outcome */

/**
 * Who waits for a chunk. Exactly one of the methods is called, once.
 *
 * @typedef {{ chunk(chunk: any): void, close(chunk?: any): void, error(reason: any): void }} ReadRequest
 */

/**
 * What the stream asks of its controller, whichever kind it is.
 *
 * @typedef {{
 *   pullSteps(request: ReadRequest): void,
 *   cancelSteps(reason: any): Outcome,
 *   releaseSteps(): void,
 *   error(reason: any): void,
 * }} ReadableController
 */

/** The slots of a ReadableStream. */
export class Readable {
  /** @type {"readable" | "closed" | "errored"} */
  state = "readable";
  /** @type {Reader | undefined} */
  reader = undefined;
  /** @type {any} */
  storedError = undefined;
  disturbed = false;
  /** @type {any} the controller's record: DefaultController or ByteController */
  controller = undefined;
  /** @type {object | undefined} */
  wrapper = undefined;
  /** @type {any} what the runtime's own maker of the stream wants to find again, e.g. a host-side body */
  origin = undefined;

  get locked() {
    return this.reader !== undefined;
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-cancel @param {any} reason @returns {Promise<undefined>} */
  cancel(reason) {
    this.disturbed = true;
    if (this.state === "closed") return PromiseResolve(undefined);
    if (this.state === "errored") return PromiseReject(this.storedError);
    this.close();
    if (this.reader?.byob) {
      const requests = this.reader.requests.take();
      while (requests.length > 0) requests.shift().close(undefined);
    }
    return settledLike(this.controller.cancelSteps(reason));
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-close */
  close() {
    this.state = "closed";
    const reader = this.reader;
    if (reader === undefined) return;
    reader.closed.resolve();
    if (reader.byob) return;
    const requests = reader.requests.take();
    while (requests.length > 0) requests.shift().close();
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-error @param {any} error */
  error(error) {
    this.state = "errored";
    this.storedError = error;
    const reader = this.reader;
    if (reader === undefined) return;
    reader.closed.reject(error);
    reader.failRequests(error);
  }

  /** How many reads wait: of a default reader. */
  get readRequests() {
    return this.reader === undefined || this.reader.byob ? 0 : this.reader.requests.length;
  }

  /** How many reads wait: of a BYOB reader. */
  get readIntoRequests() {
    return this.reader === undefined || !this.reader.byob ? 0 : this.reader.requests.length;
  }

  /** Answer the oldest waiting read. @param {any} chunk @param {boolean} done */
  fulfill(chunk, done) {
    const request = /** @type {Reader} */ (this.reader).requests.shift();
    if (done) request.close(chunk);
    else request.chunk(chunk);
  }
}

/** The slots of a ReadableStreamDefaultReader or a ReadableStreamBYOBReader. */
export class Reader {
  /** @type {Readable | undefined} */
  stream;
  closed = new Deferred();
  /** @type {Queue<ReadRequest>} `[[readRequests]]` or `[[readIntoRequests]]` */
  requests = new Queue();
  /** @type {boolean} */
  byob;
  /** @type {object | undefined} */
  wrapper = undefined;

  /**
   * @see https://streams.spec.whatwg.org/#readable-stream-reader-generic-initialize
   * @param {Readable} stream
   * @param {boolean} [byob]
   */
  constructor(stream, byob = false) {
    if (stream.reader !== undefined) throw new TypeError("The stream is locked to a reader.");
    if (byob && !stream.controller.isByteController) {
      throw new TypeError("A BYOB reader needs a stream whose source has the type 'bytes'.");
    }
    this.byob = byob;
    this.stream = stream;
    stream.reader = this;
    if (stream.state === "closed") this.closed.resolve();
    else if (stream.state === "errored") this.closed.reject(stream.storedError);
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-default-reader-read @param {ReadRequest} request */
  read(request) {
    const stream = /** @type {Readable} */ (this.stream);
    stream.disturbed = true;
    if (stream.state === "closed") request.close();
    else if (stream.state === "errored") request.error(stream.storedError);
    else stream.controller.pullSteps(request);
  }

  /**
   * @see https://streams.spec.whatwg.org/#readable-stream-byob-reader-read
   * @param {ArrayBufferView} view
   * @param {number} min
   * @param {ReadRequest} request
   */
  readInto(view, min, request) {
    const stream = /** @type {Readable} */ (this.stream);
    stream.disturbed = true;
    if (stream.state === "errored") request.error(stream.storedError);
    else stream.controller.pullInto(view, min, request);
  }

  /** @param {any} reason @returns {Promise<undefined>} */
  cancel(reason) {
    return /** @type {Readable} */ (this.stream).cancel(reason);
  }

  /** @see https://streams.spec.whatwg.org/#abstract-opdef-readablestreamdefaultreaderrelease */
  release() {
    const stream = /** @type {Readable} */ (this.stream);
    const error = new TypeError("The reader was released.");
    if (stream.state === "readable") this.closed.reject(error);
    else this.closed = Deferred.rejected(error);
    stream.controller.releaseSteps();
    stream.reader = undefined;
    this.stream = undefined;
    this.failRequests(new TypeError("The reader was released."));
  }

  /** @param {any} error */
  failRequests(error) {
    const requests = this.requests.take();
    while (requests.length > 0) requests.shift().error(error);
  }
}
