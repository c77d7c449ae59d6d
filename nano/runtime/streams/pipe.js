// Piping a readable stream into a writable one.
//
// Standard: https://streams.spec.whatwg.org/#readable-stream-pipe-to
//
// Theory of operation. While the sink wants chunks and the source has some queued, they move in a plain loop.
// When the source is empty one read waits; its chunk is written in a microtask of its own, so that the
// source's `enqueue()` never runs the sink. Once anything ends the pipe, nothing more is read, but what was
// read is written, and the pipe waits for the outcome of those writes before it acts on the other side.

import { PromiseWithResolvers, TypeError } from "../primordials.js";
import { abortReason, addAbortAlgorithm, isAborted, removeAbortAlgorithm } from "../abort.js";
import { microtask, upon } from "./internal.js";
import { Reader } from "./readable.js";
import { Writer } from "./writable.js";

/** @typedef {import("../abort.js").AbortSignal} AbortSignal */
/** @typedef {import("./internal.js").Outcome} Outcome */
/** @typedef {import("./readable.js").Readable} Readable */
/** @typedef {import("./writable.js").Writable} Writable */
/** @typedef {{ preventClose: boolean, preventAbort: boolean, preventCancel: boolean, signal?: AbortSignal }} PipeOptions */

class Pipe {
  /** @type {Readable} */
  source;
  /** @type {Writable} */
  dest;
  /** @type {PipeOptions} */
  options;
  /** @type {Reader} */
  reader;
  /** @type {Writer} */
  writer;
  waiter = {
    resolve: () => this.#writeSettled(),
    reject: () => this.#writeSettled(),
  };
  onReady = () => {
    this.#waiting = false;
    this.#loop();
  };
  onAbort = () => this.#abort();
  #result = PromiseWithResolvers();
  #shuttingDown = false;
  /** Chunks read whose writes have not been settled. */
  #unsettled = 0;
  /** @type {(() => void) | undefined} */
  #onAllWritten = undefined;
  /** A read, or the sink's readiness, is being waited for. */
  #waiting = false;
  /** The chunk comes out of the queue, not from within a call of `enqueue()`. */
  #fromQueue = false;

  /** @param {Readable} source @param {Writable} dest @param {PipeOptions} options */
  constructor(source, dest, options) {
    this.source = source;
    this.dest = dest;
    this.options = options;
    this.reader = new Reader(source);
    this.writer = new Writer(dest);
    source.disturbed = true;
  }

  /** @returns {Promise<undefined>} */
  run() {
    const signal = this.options.signal;
    if (signal !== undefined) {
      if (isAborted(signal)) {
        this.#abort();
        return this.#result.promise;
      }
      addAbortAlgorithm(signal, this.onAbort);
    }
    this.#watch();
    this.#loop();
    return this.#result.promise;
  }

  #abort() {
    const error = abortReason(/** @type {AbortSignal} */ (this.options.signal));
    const { source, dest, options } = this;
    const action = () => {
      const aborting = !options.preventAbort && dest.state === "writable" ? dest.abort(error) : undefined;
      const cancelling = !options.preventCancel && source.state === "readable" ? source.cancel(error) : undefined;
      if (aborting === undefined || cancelling === undefined) return aborting ?? cancelling;
      return both(aborting, cancelling);
    };
    this.#shutDown(action, true, error);
  }

  /** Errors and closing are propagated, in this order of importance. */
  #watch() {
    const { source, dest, reader, writer } = this;
    if (source.state === "errored") this.#sourceErrored();
    else upon(reader.closed.promise, undefined, () => this.#sourceErrored());
    if (dest.state === "errored") this.#destErrored();
    else upon(writer.closed.promise, undefined, () => this.#destErrored());
    if (source.state === "closed") this.#sourceClosed();
    else upon(reader.closed.promise, () => this.#sourceClosed(), () => {});
    if (dest.closeQueuedOrInFlight || dest.state === "closed") this.#destClosed();
  }

  #sourceErrored() {
    const error = this.source.storedError;
    this.#shutDown(this.options.preventAbort ? undefined : () => this.dest.abort(error), true, error);
  }

  #destErrored() {
    const error = this.dest.storedError;
    this.#shutDown(this.options.preventCancel ? undefined : () => this.source.cancel(error), true, error);
  }

  #sourceClosed() {
    this.#shutDown(this.options.preventClose ? undefined : () => this.writer.closeWithErrorPropagation(), false, undefined);
  }

  #destClosed() {
    const error = new TypeError("The destination of the pipe closed before the source did.");
    this.#shutDown(this.options.preventCancel ? undefined : () => this.source.cancel(error), true, error);
  }

  /** @param {(() => Outcome) | undefined} action @param {boolean} failed @param {any} error */
  #shutDown(action, failed, error) {
    if (this.#shuttingDown) return;
    this.#shuttingDown = true;
    const finish = () => {
      if (action === undefined) this.#finalize(failed, error);
      else upon(action(), () => this.#finalize(failed, error), (newError) => this.#finalize(true, newError));
    };
    if (this.dest.state !== "writable" || this.dest.closeQueuedOrInFlight) finish();
    else if (this.#unsettled === 0) microtask(finish);
    else this.#onAllWritten = finish;
  }

  /** @param {boolean} failed @param {any} error */
  #finalize(failed, error) {
    this.writer.release();
    this.reader.release();
    if (this.options.signal !== undefined) removeAbortAlgorithm(this.options.signal, this.onAbort);
    if (failed) this.#result.reject(error);
    else this.#result.resolve(undefined);
  }

  #loop() {
    while (!this.#shuttingDown && !this.#waiting) {
      const size = this.writer.desiredSize;
      this.#waiting = true;
      if (size === null || size <= 0) {
        upon(this.writer.ready.promise, this.onReady, () => {});
      } else if (this.source.state === "readable") {
        this.#fromQueue = this.source.controller.hasQueued;
        this.reader.read(this);
      }
    }
  }

  /** @param {any} chunk */
  chunk(chunk) {
    this.#unsettled++;
    if (this.#fromQueue) {
      this.#write(chunk); // the loop goes on
      return;
    }
    microtask(() => {
      this.#write(chunk);
      this.#loop();
    });
  }

  /** @param {any} chunk */
  #write(chunk) {
    this.#waiting = false;
    if (this.writer.stream === undefined) return; // the sink failed, so that nothing had to be waited for
    this.writer.writeTo(chunk, this.waiter);
  }

  #writeSettled() {
    if (--this.#unsettled > 0 || this.#onAllWritten === undefined) return;
    const finish = this.#onAllWritten;
    this.#onAllWritten = undefined;
    microtask(finish);
  }

  // The end of the source is noticed through the reader's `closed`.
  close() {}

  error() {}
}

/** @param {Promise<any>} first @param {Promise<any>} second */
function both(first, second) {
  const { promise, resolve, reject } = PromiseWithResolvers();
  let open = 2;
  const one = () => {
    if (--open === 0) resolve(undefined);
  };
  upon(first, one, reject);
  upon(second, one, reject);
  return promise;
}

/** @param {Readable} source @param {Writable} dest @param {PipeOptions} options @returns {Promise<undefined>} */
export const pipeTo = (source, dest, options) => new Pipe(source, dest, options).run();
