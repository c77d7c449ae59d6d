// The writable stream, its writer and its controller as records.
//
// Standard: https://streams.spec.whatwg.org/#ws-abstract-ops
//
// Theory of operation. A stream is "writable" until something fails or it is aborted; then it is "erroring"
// as long as the sink is busy with one write or close, and "errored" once the sink has answered. Writes wait
// in `writeRequests` beside their chunks in the controller's queue; one at a time is in flight.

import { PromiseReject, PromiseResolve, PromiseWithResolvers, TypeError } from "../primordials.js";
import { Deferred, noop, upon } from "./internal.js";
import { Queue, SizedQueue } from "./queues.js";

/** @typedef {import("./internal.js").Outcome} Outcome */
/** @typedef {import("./internal.js").SizeAlgorithm} SizeAlgorithm */

/** Who waits for a write or close. @typedef {{ resolve(value?: any): void, reject(reason: any): void }} Waiter */

/** What the controller's queue holds in place of a chunk for a close. */
const CLOSE = { __proto__: null };

/** The slots of a WritableStream. */
export class Writable {
  /** @type {"writable" | "erroring" | "errored" | "closed"} */
  state = "writable";
  /** @type {any} */
  storedError = undefined;
  /** @type {Writer | undefined} */
  writer = undefined;
  /** @type {WritableController} */
  controller = /** @type {any} */ (undefined);
  /** @type {Queue<Waiter>} */
  writeRequests = new Queue();
  /** @type {Waiter | undefined} */
  inFlightWriteRequest = undefined;
  /** @type {Waiter | undefined} */
  closeRequest = undefined;
  /** @type {Waiter | undefined} */
  inFlightCloseRequest = undefined;
  /** @type {{ promise: Promise<undefined>, resolve(value?: any): void, reject(reason: any): void, reason: any, wasAlreadyErroring: boolean } | undefined} */
  pendingAbortRequest = undefined;
  backpressure = false;
  /** @type {object | undefined} */
  wrapper = undefined;

  get locked() {
    return this.writer !== undefined;
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-abort @param {any} reason @returns {Promise<undefined>} */
  abort(reason) {
    if (this.#finished) return PromiseResolve(undefined);
    this.controller.signalAbort(reason);
    if (this.#finished) return PromiseResolve(undefined); // the signal's listeners may have changed the state
    if (this.pendingAbortRequest !== undefined) return this.pendingAbortRequest.promise;
    const wasAlreadyErroring = this.state === "erroring";
    const { promise, resolve, reject } = PromiseWithResolvers();
    const kept = wasAlreadyErroring ? undefined : reason;
    this.pendingAbortRequest = { promise, resolve, reject, reason: kept, wasAlreadyErroring };
    if (!wasAlreadyErroring) this.startErroring(reason);
    return promise;
  }

  get #finished() {
    return this.state === "closed" || this.state === "errored";
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-close @returns {Promise<undefined>} */
  close() {
    if (this.#finished) return PromiseReject(new TypeError("The stream is closed or errored and cannot be closed."));
    const { promise, resolve, reject } = PromiseWithResolvers();
    this.closeRequest = { resolve, reject };
    if (this.writer !== undefined && this.backpressure && this.state === "writable") this.writer.ready.resolve();
    this.controller.close();
    return promise;
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-close-queued-or-in-flight */
  get closeQueuedOrInFlight() {
    return this.closeRequest !== undefined || this.inFlightCloseRequest !== undefined;
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-deal-with-rejection @param {any} error */
  #dealWithRejection(error) {
    if (this.state === "writable") this.startErroring(error);
    else this.finishErroring();
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-start-erroring @param {any} reason */
  startErroring(reason) {
    this.state = "erroring";
    this.storedError = reason;
    this.writer?.ensureReadyRejected(reason);
    const inFlight = this.inFlightWriteRequest !== undefined || this.inFlightCloseRequest !== undefined;
    if (!inFlight && this.controller.started) this.finishErroring();
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-finish-erroring */
  finishErroring() {
    this.state = "errored";
    this.controller.queue.reset();
    const waiting = this.writeRequests.take();
    while (waiting.length > 0) waiting.shift().reject(this.storedError);
    const abort = this.pendingAbortRequest;
    this.pendingAbortRequest = undefined;
    if (abort === undefined) {
      this.#rejectCloseAndClosed();
    } else if (abort.wasAlreadyErroring) {
      abort.reject(this.storedError);
      this.#rejectCloseAndClosed();
    } else {
      const onAborted = () => {
        abort.resolve(undefined);
        this.#rejectCloseAndClosed();
      };
      /** @param {any} error */
      const onFailed = (error) => {
        abort.reject(error);
        this.#rejectCloseAndClosed();
      };
      upon(this.controller.abortSteps(abort.reason), onAborted, onFailed);
    }
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-reject-close-and-closed-promise-if-needed */
  #rejectCloseAndClosed() {
    this.closeRequest?.reject(this.storedError);
    this.closeRequest = undefined;
    this.writer?.closed.reject(this.storedError);
  }

  markCloseRequestInFlight() {
    this.inFlightCloseRequest = this.closeRequest;
    this.closeRequest = undefined;
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-finish-in-flight-close */
  finishInFlightClose() {
    /** @type {Waiter} */ (this.inFlightCloseRequest).resolve(undefined);
    this.inFlightCloseRequest = undefined;
    if (this.state === "erroring") {
      this.storedError = undefined;
      this.pendingAbortRequest?.resolve(undefined);
      this.pendingAbortRequest = undefined;
    }
    this.state = "closed";
    this.writer?.closed.resolve();
  }

  /** @param {any} error */
  finishInFlightCloseWithError(error) {
    /** @type {Waiter} */ (this.inFlightCloseRequest).reject(error);
    this.inFlightCloseRequest = undefined;
    this.pendingAbortRequest?.reject(error);
    this.pendingAbortRequest = undefined;
    this.#dealWithRejection(error);
  }

  finishInFlightWrite() {
    /** @type {Waiter} */ (this.inFlightWriteRequest).resolve(undefined);
    this.inFlightWriteRequest = undefined;
  }

  /** @param {any} error */
  finishInFlightWriteWithError(error) {
    /** @type {Waiter} */ (this.inFlightWriteRequest).reject(error);
    this.inFlightWriteRequest = undefined;
    this.#dealWithRejection(error);
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-update-backpressure @param {boolean} backpressure */
  updateBackpressure(backpressure) {
    if (this.writer !== undefined && backpressure !== this.backpressure) {
      if (backpressure) this.writer.ready = new Deferred();
      else this.writer.ready.resolve();
    }
    this.backpressure = backpressure;
  }
}

/** The slots of a WritableStreamDefaultWriter. */
export class Writer {
  closed = new Deferred();
  ready = new Deferred();
  /** @type {Writable | undefined} */
  stream;

  /** @see https://streams.spec.whatwg.org/#set-up-writable-stream-default-writer @param {Writable} stream */
  constructor(stream) {
    if (stream.writer !== undefined) throw new TypeError("The stream is locked to a writer.");
    this.stream = stream;
    stream.writer = this;
    switch (stream.state) {
      case "writable":
        if (stream.closeQueuedOrInFlight || !stream.backpressure) this.ready.resolve();
        break;
      case "erroring":
        this.ready.reject(stream.storedError);
        break;
      case "closed":
        this.ready.resolve();
        this.closed.resolve();
        break;
      default:
        this.ready.reject(stream.storedError);
        this.closed.reject(stream.storedError);
    }
  }

  /** @param {any} error */
  ensureReadyRejected(error) {
    if (this.ready.state === "pending") this.ready.reject(error);
    else this.ready = Deferred.rejected(error);
  }

  /** @param {any} error */
  #ensureClosedRejected(error) {
    if (this.closed.state === "pending") this.closed.reject(error);
    else this.closed = Deferred.rejected(error);
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-default-writer-close-with-error-propagation @returns {Outcome} */
  closeWithErrorPropagation() {
    const stream = /** @type {Writable} */ (this.stream);
    if (stream.closeQueuedOrInFlight || stream.state === "closed") return undefined;
    return stream.state === "errored" ? PromiseReject(stream.storedError) : stream.close();
  }

  get desiredSize() {
    const stream = /** @type {Writable} */ (this.stream);
    if (stream.state === "errored" || stream.state === "erroring") return null;
    return stream.state === "closed" ? 0 : stream.controller.desiredSize;
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-default-writer-release */
  release() {
    const error = new TypeError("The writer was released.");
    this.ensureReadyRejected(error);
    this.#ensureClosedRejected(error);
    /** @type {Writable} */ (this.stream).writer = undefined;
    this.stream = undefined;
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-default-writer-write @param {any} chunk @returns {Promise<undefined>} */
  write(chunk) {
    const { promise, resolve, reject } = PromiseWithResolvers();
    this.writeTo(chunk, { resolve, reject });
    return promise;
  }

  /**
   * Write a chunk and tell the waiter, for callers who do not need a promise.
   *
   * @param {any} chunk
   * @param {Waiter} waiter
   */
  writeTo(chunk, waiter) {
    const stream = /** @type {Writable} */ (this.stream);
    const controller = stream.controller;
    const size = controller.chunkSize(chunk);
    if (stream !== this.stream) {
      waiter.reject(new TypeError("The writer was released."));
    } else if (stream.state === "errored") {
      waiter.reject(stream.storedError);
    } else if (stream.closeQueuedOrInFlight || stream.state === "closed") {
      waiter.reject(new TypeError("The stream is closing or closed and cannot be written to."));
    } else if (stream.state === "erroring") {
      waiter.reject(stream.storedError);
    } else {
      stream.writeRequests.push(waiter);
      controller.write(chunk, size);
    }
  }
}

/** The algorithms of a sink. @typedef {{
 *   __proto__?: null,
 *   write?: (chunk: any) => Outcome,
 *   close?: () => Outcome,
 *   abort?: (reason: any) => Outcome,
 *   highWaterMark?: number,
 *   size?: SizeAlgorithm,
 * }} SinkAlgorithms */

/** The slots of a WritableStreamDefaultController. */
export class WritableController {
  /** @type {Writable} */
  stream;
  /** @type {SinkAlgorithms["write"]} */
  writeAlgorithm;
  /** @type {SinkAlgorithms["close"]} */
  closeAlgorithm;
  /** @type {SinkAlgorithms["abort"]} */
  abortAlgorithm;
  /** @type {number} */
  highWaterMark;
  /** @type {SizeAlgorithm | undefined} */
  sizeAlgorithm;
  queue = new SizedQueue();
  started = false;
  /** @type {object | undefined} */
  wrapper = undefined;
  aborted = false;
  /** @type {any} */
  abortReason = undefined;
  /** @type {(reason: any) => void} tells the AbortSignal, if a script has asked for it */
  onAbort = noop;
  #onWritten = () => this.#finishWrite();
  /** @param {any} error */
  #onWriteFailed = (error) => {
    if (this.stream.state === "writable") this.#clearAlgorithms();
    this.stream.finishInFlightWriteWithError(error);
  };

  /**
   * @see https://streams.spec.whatwg.org/#set-up-writable-stream-default-controller
   * @param {Writable} stream
   * @param {SinkAlgorithms} algorithms
   */
  constructor(stream, algorithms) {
    this.stream = stream;
    this.writeAlgorithm = algorithms.write;
    this.closeAlgorithm = algorithms.close;
    this.abortAlgorithm = algorithms.abort;
    this.highWaterMark = algorithms.highWaterMark ?? 1;
    this.sizeAlgorithm = algorithms.size;
    stream.controller = this;
    stream.updateBackpressure(this.#backpressure);
  }

  /** @param {Outcome} outcome of the start algorithm */
  begin(outcome) {
    const onStarted = () => {
      this.started = true;
      this.#advanceQueueIfNeeded();
    };
    /** @param {any} error */
    const onFailed = (error) => {
      this.started = true;
      if (this.stream.state === "writable") this.stream.startErroring(error);
      else this.stream.finishErroring();
    };
    upon(outcome, onStarted, onFailed);
  }

  /** @param {any} reason */
  signalAbort(reason) {
    if (this.aborted) return;
    this.aborted = true;
    this.abortReason = reason;
    this.onAbort(reason);
  }

  get desiredSize() {
    return this.highWaterMark - this.queue.totalSize;
  }

  get #backpressure() {
    return this.desiredSize <= 0;
  }

  #clearAlgorithms() {
    this.writeAlgorithm = this.closeAlgorithm = this.abortAlgorithm = this.sizeAlgorithm = undefined;
  }

  /** @param {any} reason @returns {Outcome} */
  abortSteps(reason) {
    const outcome = this.abortAlgorithm?.(reason);
    this.#clearAlgorithms();
    return outcome;
  }

  close() {
    this.queue.enqueue(CLOSE, 0);
    this.#advanceQueueIfNeeded();
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-default-controller-get-chunk-size @param {any} chunk */
  chunkSize(chunk) {
    if (this.sizeAlgorithm === undefined) return 1;
    try {
      return this.sizeAlgorithm(chunk);
    } catch (error) {
      this.errorIfNeeded(error);
      return 1;
    }
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-default-controller-write @param {any} chunk @param {number} size */
  write(chunk, size) {
    try {
      this.queue.enqueue(chunk, size);
    } catch (error) {
      this.errorIfNeeded(error);
      return;
    }
    this.#updateBackpressure();
    this.#advanceQueueIfNeeded();
  }

  #updateBackpressure() {
    const stream = this.stream;
    if (stream.state === "writable" && !stream.closeQueuedOrInFlight) stream.updateBackpressure(this.#backpressure);
  }

  /** @param {any} error */
  errorIfNeeded(error) {
    if (this.stream.state === "writable") this.error(error);
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-default-controller-error @param {any} error */
  error(error) {
    this.#clearAlgorithms();
    this.stream.startErroring(error);
  }

  /** @see https://streams.spec.whatwg.org/#writable-stream-default-controller-advance-queue-if-needed */
  #advanceQueueIfNeeded() {
    const stream = this.stream;
    if (!this.started || stream.inFlightWriteRequest !== undefined) return;
    if (stream.state === "erroring") {
      stream.finishErroring();
      return;
    }
    if (this.queue.length === 0) return;
    const chunk = this.queue.peek();
    if (chunk === CLOSE) this.#processClose();
    else this.#processWrite(chunk);
  }

  #processClose() {
    const stream = this.stream;
    stream.markCloseRequestInFlight();
    this.queue.dequeue();
    const outcome = this.closeAlgorithm?.();
    this.#clearAlgorithms();
    upon(outcome, () => stream.finishInFlightClose(), (error) => stream.finishInFlightCloseWithError(error));
  }

  /** @param {any} chunk */
  #processWrite(chunk) {
    const stream = this.stream;
    stream.inFlightWriteRequest = stream.writeRequests.shift();
    upon(this.writeAlgorithm?.(chunk), this.#onWritten, this.#onWriteFailed);
  }

  #finishWrite() {
    this.stream.finishInFlightWrite();
    this.queue.dequeue();
    this.#updateBackpressure();
    this.#advanceQueueIfNeeded();
  }
}

