// ReadableStreamDefaultController: streams of arbitrary chunks.
//
// Standard: https://streams.spec.whatwg.org/#rs-default-controller-class

import { exposeInterface } from "../webidl.js";
import { upon } from "./internal.js";
import { SizedQueue } from "./queues.js";

/** @typedef {import("./internal.js").Outcome} Outcome */
/** @typedef {import("./internal.js").SizeAlgorithm} SizeAlgorithm */
/** @typedef {import("./readable.js").Readable} Readable */
/** @typedef {import("./readable.js").ReadRequest} ReadRequest */

/**
 * When to pull and that only one pull runs at a time; the same for both kinds of controllers.
 *
 * @see https://streams.spec.whatwg.org/#readable-stream-default-controller-call-pull-if-needed
 */
export class Puller {
  /** @type {Readable} */
  stream;
  started = false;
  closeRequested = false;
  pulling = false;
  pullAgain = false;
  highWaterMark = 0;
  /** @type {(() => Outcome) | undefined} */
  pullAlgorithm = undefined;
  /** @type {((reason: any) => Outcome) | undefined} */
  cancelAlgorithm = undefined;
  /** @type {object | undefined} */
  wrapper = undefined;
  #onPulled = () => {
    this.pulling = false;
    if (!this.pullAgain) return;
    this.pullAgain = false;
    this.callPullIfNeeded();
  };
  /** @param {any} reason */
  #onFailed = (reason) => this.error(reason);

  /** @param {Readable} stream */
  constructor(stream) {
    this.stream = stream;
    stream.controller = this;
  }

  /** @param {Outcome} outcome of the start algorithm */
  begin(outcome) {
    const onStarted = () => {
      this.started = true;
      this.callPullIfNeeded();
    };
    upon(outcome, onStarted, this.#onFailed);
  }

  callPullIfNeeded() {
    if (this.pullAlgorithm === undefined || !this.shouldCallPull()) return;
    if (this.pulling) {
      this.pullAgain = true;
      return;
    }
    this.pulling = true;
    upon(this.pullAlgorithm(), this.#onPulled, this.#onFailed);
  }

  shouldCallPull() {
    const stream = this.stream;
    if (!this.started || !this.canCloseOrEnqueue()) return false;
    if (stream.reader !== undefined && stream.reader.requests.length > 0) return true;
    return /** @type {number} */ (this.desiredSize) > 0;
  }

  canCloseOrEnqueue() {
    return !this.closeRequested && this.stream.state === "readable";
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-default-controller-get-desired-size */
  get desiredSize() {
    const state = this.stream.state;
    if (state === "errored") return null;
    return state === "closed" ? 0 : this.highWaterMark - this.queuedSize;
  }

  get queuedSize() {
    return 0;
  }

  clearAlgorithms() {
    this.pullAlgorithm = undefined;
    this.cancelAlgorithm = undefined;
  }

  /** @param {any} _reason */
  error(_reason) {}
}

/** The slots of a ReadableStreamDefaultController. */
export class DefaultController extends Puller {
  isByteController = false;
  queue = new SizedQueue();
  /** @type {SizeAlgorithm | undefined} */
  sizeAlgorithm = undefined;

  get queuedSize() {
    return this.queue.totalSize;
  }

  get hasQueued() {
    return this.queue.length > 0;
  }

  clearAlgorithms() {
    super.clearAlgorithms();
    this.sizeAlgorithm = undefined;
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-default-controller-close */
  close() {
    if (!this.canCloseOrEnqueue()) return;
    this.closeRequested = true;
    if (this.queue.length === 0) this.#finish();
  }

  #finish() {
    this.clearAlgorithms();
    this.stream.close();
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-default-controller-enqueue @param {any} chunk */
  enqueue(chunk) {
    if (!this.canCloseOrEnqueue()) return;
    if (this.stream.readRequests > 0) {
      this.stream.fulfill(chunk, false);
    } else {
      try {
        const size = this.sizeAlgorithm === undefined ? 1 : this.sizeAlgorithm(chunk);
        this.queue.enqueue(chunk, size);
      } catch (error) {
        this.error(error);
        throw error;
      }
    }
    this.callPullIfNeeded();
  }

  /** @see https://streams.spec.whatwg.org/#readable-stream-default-controller-error @param {any} error */
  error(error) {
    if (this.stream.state !== "readable") return;
    this.queue.reset();
    this.clearAlgorithms();
    this.stream.error(error);
  }

  /** @param {any} reason @returns {Outcome} */
  cancelSteps(reason) {
    this.queue.reset();
    const outcome = this.cancelAlgorithm?.(reason);
    this.clearAlgorithms();
    return outcome;
  }

  /** @param {ReadRequest} request */
  pullSteps(request) {
    if (this.queue.length === 0) {
      /** @type {any} */ (this.stream.reader).requests.push(request);
      this.callPullIfNeeded();
      return;
    }
    const chunk = this.queue.dequeue();
    if (this.closeRequested && this.queue.length === 0) this.#finish();
    else this.callPullIfNeeded();
    request.chunk(chunk);
  }

  releaseSteps() {}
}

/** The algorithms of a stream that the runtime makes. @typedef {{
 *   __proto__?: null,
 *   pull?: () => Outcome,
 *   cancel?: (reason: any) => Outcome,
 *   highWaterMark?: number,
 *   size?: SizeAlgorithm,
 * }} Algorithms */

/**
 * @see https://streams.spec.whatwg.org/#set-up-readable-stream-default-controller
 * @param {Readable} stream
 * @param {Algorithms} algorithms
 * @returns {DefaultController}
 */
export function setUpDefaultController(stream, algorithms) {
  const controller = new DefaultController(stream);
  controller.highWaterMark = algorithms.highWaterMark ?? 1;
  controller.sizeAlgorithm = algorithms.size;
  controller.pullAlgorithm = algorithms.pull;
  controller.cancelAlgorithm = algorithms.cancel;
  return controller;
}
