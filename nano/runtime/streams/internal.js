// What every kind of stream is made of: promises that scripts cannot intercept, queues, user callbacks.
//
// Standard: https://streams.spec.whatwg.org/#supporting-ao
//
// Theory of operation of this folder. Each object of the standard is two objects here: a *record* with the
// internal slots, on which all abstract operations work (`Readable`, `Writer`, `ByteController` …), and the
// public interface object in front of it, which only converts arguments. Records know their interface object
// as `wrapper`; where a record was made by the runtime itself the wrapper is made when a script first asks
// for it, and often never. Algorithms of sources and sinks return a promise, or `undefined` for "done
// already", which saves a promise per chunk.
//
// Nothing here looks anything up on an object that a script could have patched. Queues are linked lists
// because an array's `push` goes through setters which a script may put on `Object.prototype`; for the same
// reason every slot of a record is declared as a field, and options that are passed on have no prototype.

import {
  Number,
  Promise,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  RangeError,
  ReflectApply,
} from "../primordials.js";
import { converters, dictionary, isObject } from "../webidl.js";

/** @typedef {Promise<any> | undefined} Outcome of an algorithm; `undefined` stands for a fulfilled promise */
/** @typedef {(chunk: any) => number} SizeAlgorithm */

/** One promise that is always fulfilled: reactions to it are plain microtasks. @type {Promise<any>} */
export const FULFILLED = PromiseResolve(undefined);

export const noop = () => {};

/**
 * React to an outcome. The callbacks must not throw and must return nothing.
 *
 * @param {Outcome} outcome
 * @param {((value: any) => void) | undefined} onFulfilled
 * @param {((reason: any) => void)} [onRejected]
 */
export function upon(outcome, onFulfilled, onRejected) {
  PromisePrototypeThen(outcome === undefined ? FULFILLED : outcome, onFulfilled, onRejected);
}

/** @param {() => void} task */
export const microtask = (task) => upon(undefined, task);

/** @param {Promise<any>} promise */
export const markHandled = (promise) => void PromisePrototypeThen(promise, undefined, noop);

/** @param {any} reason */
export function rejectedHandled(reason) {
  const promise = PromiseReject(reason);
  markHandled(promise);
  return promise;
}

/** A promise of `undefined` that follows an outcome. @param {Outcome} outcome @returns {Promise<undefined>} */
export const settledLike = (outcome) =>
  /** @type {Promise<undefined>} */ (PromisePrototypeThen(outcome === undefined ? FULFILLED : outcome, noop));

/**
 * A promise with its resolving functions at hand, made only when somebody looks at it. A rejection counts
 * as handled, as the standard marks every `closed` and `ready` promise.
 */
export class Deferred {
  /** @type {"pending" | "fulfilled" | "rejected"} */
  state = "pending";
  /** @type {any} */
  reason = undefined;
  /** @type {Promise<undefined> | undefined} */
  #promise = undefined;
  /** @type {(value: undefined) => void} */
  #resolve = noop;
  /** @type {(reason: any) => void} */
  #reject = noop;

  /** @param {any} reason */
  static rejected(reason) {
    const deferred = new Deferred();
    deferred.reject(reason);
    return deferred;
  }

  static fulfilled() {
    const deferred = new Deferred();
    deferred.resolve();
    return deferred;
  }

  /** @returns {Promise<undefined>} */
  get promise() {
    if (this.#promise !== undefined) return this.#promise;
    if (this.state === "fulfilled") this.#promise = PromiseResolve(undefined);
    else if (this.state === "rejected") this.#promise = rejectedHandled(this.reason);
    else {
      /** @type {Promise<undefined>} */
      const promise = new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
      this.#promise = promise;
    }
    return /** @type {Promise<undefined>} */ (this.#promise);
  }

  resolve() {
    if (this.state !== "pending") return;
    this.state = "fulfilled";
    this.#resolve(undefined);
  }

  /** @param {any} reason */
  reject(reason) {
    if (this.state !== "pending") return;
    this.state = "rejected";
    this.reason = reason;
    if (this.#promise === undefined) return;
    markHandled(this.#promise);
    this.#reject(reason);
  }
}

/**
 * Call a user's callback that is declared to return a promise.
 *
 * @param {Function} callback
 * @param {any} self
 * @param {any[]} args
 * @returns {Outcome}
 */
export function invokePromise(callback, self, args) {
  try {
    return followed(ReflectApply(callback, self, args));
  } catch (error) {
    return PromiseReject(error);
  }
}

/**
 * What a user's callback returned as a promise: a new one that follows it, as Web IDL's conversion demands.
 *
 * @param {any} result
 * @returns {Outcome}
 */
export const followed = (result) => (isObject(result) ? new Promise((resolve) => resolve(result)) : undefined);

export const convertStrategy = dictionary("QueuingStrategy", [
  { name: "highWaterMark", converter: converters["unrestricted double"] },
  { name: "size", converter: converters.callback },
]);

/**
 * @see https://streams.spec.whatwg.org/#validate-and-normalize-high-water-mark
 * @param {{ highWaterMark?: number }} strategy
 * @param {number} defaultValue
 */
export function extractHighWaterMark(strategy, defaultValue) {
  const mark = strategy.highWaterMark;
  if (mark === undefined) return defaultValue;
  if (!(mark >= 0)) throw new RangeError("'highWaterMark' of 'QueuingStrategy' must be a non-negative number.");
  return mark;
}

/**
 * `undefined` stands for "every chunk has size 1".
 *
 * @see https://streams.spec.whatwg.org/#make-size-algorithm-from-size-function
 * @param {{ size?: Function }} strategy
 * @returns {SizeAlgorithm | undefined}
 */
export function extractSizeAlgorithm(strategy) {
  const size = strategy.size;
  return size === undefined ? undefined : (chunk) => Number(ReflectApply(size, undefined, [chunk]));
}
