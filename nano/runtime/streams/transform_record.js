// What a transform stream does; the interfaces are in transform.js.
//
// Standard: https://streams.spec.whatwg.org/#ts
//
// Theory of operation. The writable side's sink waits while the readable side has enough ("backpressure"),
// and each pull of the readable side lifts that. Whichever side ends first (close, abort, cancel) decides:
// its `finish` promise is what the other endings get as well.

import { PromisePrototypeThen, PromiseWithResolvers, TypeError } from "../primordials.js";
import { setUpDefaultController } from "./default_controller.js";
import { Deferred, upon } from "./internal.js";
import { Readable } from "./readable.js";
import { Writable, WritableController } from "./writable.js";

/** @typedef {import("./internal.js").Outcome} Outcome */
/** @typedef {import("./internal.js").SizeAlgorithm} SizeAlgorithm */

/** The algorithms of a transformer. @typedef {{
 *   __proto__?: null,
 *   transform?: (chunk: any) => Outcome,
 *   flush?: () => Outcome,
 *   cancel?: (reason: any) => Outcome,
 * }} TransformAlgorithms */

/** The slots of a TransformStream and of its controller. */
export class Transform {
  readable = new Readable();
  writable = new Writable();
  backpressure = true;
  /** Resolved when backpressure changes. */
  #change = new Deferred();
  /** @type {Promise<undefined> | undefined} */
  #finish = undefined;
  /** @type {((chunk: any) => Outcome) | undefined} */
  #transform = undefined;
  /** @type {(() => Outcome) | undefined} */
  #flush = undefined;
  /** @type {((reason: any) => Outcome) | undefined} */
  #cancel = undefined;
  /** @type {object | undefined} of the controller */
  controllerWrapper = undefined;
  /** @param {any} reason */
  #onTransformFailed = (reason) => {
    this.error(reason);
    throw reason;
  };

  /**
   * @see https://streams.spec.whatwg.org/#initialize-transform-stream
   * @param {Outcome} start
   * @param {{ __proto__?: null, writableHighWaterMark?: number, writableSize?: SizeAlgorithm, readableHighWaterMark?: number, readableSize?: SizeAlgorithm }} [strategies]
   */
  constructor(start, strategies) {
    const sink = new WritableController(this.writable, {
      __proto__: null,
      write: (chunk) => this.#sinkWrite(chunk),
      close: () => this.#sinkClose(),
      abort: (reason) => this.#sinkAbort(reason),
      highWaterMark: strategies?.writableHighWaterMark ?? 1,
      size: strategies?.writableSize,
    });
    sink.begin(start);
    const source = setUpDefaultController(this.readable, {
      __proto__: null,
      pull: () => this.#sourcePull(),
      cancel: (reason) => this.#sourceCancel(reason),
      highWaterMark: strategies?.readableHighWaterMark ?? 0,
      size: strategies?.readableSize,
    });
    source.begin(start);
  }

  /** @param {TransformAlgorithms} algorithms */
  setAlgorithms(algorithms) {
    this.#transform = algorithms.transform;
    this.#flush = algorithms.flush;
    this.#cancel = algorithms.cancel;
  }

  #clearAlgorithms() {
    this.#transform = this.#flush = this.#cancel = undefined;
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-set-backpressure @param {boolean} backpressure */
  #setBackpressure(backpressure) {
    const change = this.#change;
    this.#change = new Deferred();
    this.backpressure = backpressure;
    change.resolve();
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-error @param {any} error */
  error(error) {
    this.readable.controller.error(error);
    this.#errorWritable(error);
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-error-writable-and-unblock-write @param {any} error */
  #errorWritable(error) {
    this.#clearAlgorithms();
    this.writable.controller.errorIfNeeded(error);
    this.#unblockWrite();
  }

  #unblockWrite() {
    if (this.backpressure) this.#setBackpressure(false);
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-controller-enqueue @param {any} chunk */
  enqueue(chunk) {
    const controller = this.readable.controller;
    if (!controller.canCloseOrEnqueue()) throw new TypeError("The readable side is not in a state that permits enqueue.");
    try {
      controller.enqueue(chunk);
    } catch (error) {
      this.#errorWritable(error);
      throw this.readable.storedError;
    }
    if (!this.backpressure && !controller.shouldCallPull()) this.#setBackpressure(true);
  }

  /**
   * For transforms that give more chunks than they get: undefined while the readable side takes more, else a promise
   * for the time when it does, or wants no more at all.
   */
  whenWanted() {
    return this.backpressure ? this.#change.promise : undefined;
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-controller-terminate */
  terminate() {
    this.readable.controller.close();
    this.#errorWritable(new TypeError("The transform stream was terminated."));
  }

  /** @param {any} chunk @returns {Outcome} */
  #perform(chunk) {
    const transform = this.#transform;
    if (transform === undefined) return undefined;
    const outcome = transform(chunk);
    return outcome === undefined ? undefined : PromisePrototypeThen(outcome, undefined, this.#onTransformFailed);
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-sink-write-algorithm @param {any} chunk @returns {Outcome} */
  #sinkWrite(chunk) {
    if (!this.backpressure) return this.#perform(chunk);
    return PromisePrototypeThen(this.#change.promise, () => {
      if (this.writable.state === "erroring") throw this.writable.storedError;
      return this.#perform(chunk);
    });
  }

  /**
   * Run the last algorithm of the transformer, once whichever side asks.
   *
   * @param {() => Outcome} algorithm
   * @param {(resolve: () => void, reject: (reason: any) => void) => void} onFulfilled
   * @param {(reason: any) => void} onRejected
   */
  #end(algorithm, onFulfilled, onRejected) {
    if (this.#finish !== undefined) return this.#finish;
    const { promise, resolve, reject } = PromiseWithResolvers();
    this.#finish = promise;
    const outcome = algorithm();
    this.#clearAlgorithms();
    /** @param {any} reason */
    const onFailed = (reason) => {
      onRejected(reason);
      reject(reason);
    };
    upon(outcome, () => onFulfilled(() => resolve(undefined), reject), onFailed);
    return promise;
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-sink-abort-algorithm @param {any} reason */
  #sinkAbort(reason) {
    const { readable } = this;
    return this.#end(
      () => this.#cancel?.(reason),
      (resolve, reject) => {
        if (readable.state === "errored") {
          reject(readable.storedError);
        } else {
          readable.controller.error(reason);
          resolve();
        }
      },
      (error) => readable.controller.error(error),
    );
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-sink-close-algorithm */
  #sinkClose() {
    const { readable } = this;
    return this.#end(
      () => this.#flush?.(),
      (resolve, reject) => {
        if (readable.state === "errored") {
          reject(readable.storedError);
        } else {
          readable.controller.close();
          resolve();
        }
      },
      (error) => readable.controller.error(error),
    );
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-source-cancel @param {any} reason */
  #sourceCancel(reason) {
    const { writable } = this;
    // A flush that waits for the reader gets to know that there is none.
    if (this.#finish !== undefined) this.#unblockWrite();
    /** @param {any} error */
    const stop = (error) => {
      writable.controller.errorIfNeeded(error);
      this.#unblockWrite();
    };
    return this.#end(
      () => this.#cancel?.(reason),
      (resolve, reject) => {
        if (writable.state === "errored") {
          reject(writable.storedError);
        } else {
          stop(reason);
          resolve();
        }
      },
      stop,
    );
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-source-pull */
  #sourcePull() {
    this.#setBackpressure(false);
    return this.#change.promise;
  }
}
