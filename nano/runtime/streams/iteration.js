// Asynchronous iteration over a stream, and streams made of anything that can be iterated over.
//
// Standards: https://streams.spec.whatwg.org/#rs-asynciterator, #readable-stream-from-iterable,
// https://webidl.spec.whatwg.org/#js-asynchronous-iterator-prototype-object

import {
  AsyncIteratorPrototype,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  Promise,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  ReflectApply,
  SymbolAsyncIterator,
  SymbolIterator,
  SymbolToStringTag,
  TypeError,
} from "../primordials.js";
import { isObject } from "../webidl.js";
import { setUpDefaultController } from "./default_controller.js";
import { microtask, upon } from "./internal.js";
import { Readable, Reader } from "./readable.js";

/** @param {any} value @param {boolean} done */
const result = (value, done) => ({ value, done });

/** One `next()`: a read that answers with a promise and knows whether it had to wait. */
class IteratorRead {
  /** @type {Iteration} */
  iteration;
  settled = false;
  /** @type {Promise<any> | undefined} */
  promise = undefined;
  /** @type {((value: any) => void) | undefined} */
  #resolve = undefined;
  /** @type {((reason: any) => void) | undefined} */
  #reject = undefined;

  /** @param {Iteration} iteration */
  constructor(iteration) {
    this.iteration = iteration;
    iteration.reader.read(this);
    if (this.settled) return;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** @param {any} value @param {boolean} done */
  #answer(value, done) {
    this.settled = true;
    const resolve = this.#resolve;
    if (resolve === undefined) this.promise = PromiseResolve(result(value, done));
    else this.#later(() => resolve(result(value, done)));
  }

  /** The standard lets the source go on before a reader that has waited. @param {() => void} settle */
  #later(settle) {
    microtask(() => {
      this.iteration.forget(this.promise);
      settle();
    });
  }

  /** @param {any} chunk */
  chunk(chunk) {
    this.#answer(chunk, false);
  }

  close() {
    this.iteration.finish();
    this.#answer(undefined, true);
  }

  /** @param {any} reason */
  error(reason) {
    this.iteration.finish();
    this.settled = true;
    const reject = this.#reject;
    if (reject === undefined) this.promise = PromiseReject(reason);
    else this.#later(() => reject(reason));
  }
}

/** The slots of an asynchronous iterator over a stream. */
class Iteration {
  #finished = false;
  /** The last `next()` or `return()` as long as it is under way. @type {Promise<any> | undefined} */
  #ongoing = undefined;
  /** @type {Reader} */
  reader;
  /** @type {boolean} */
  preventCancel;

  /** @param {Reader} reader @param {boolean} preventCancel */
  constructor(reader, preventCancel) {
    this.reader = reader;
    this.preventCancel = preventCancel;
  }

  finish() {
    this.#finished = true;
    this.reader.release();
  }

  /** @param {Promise<any> | undefined} promise */
  forget(promise) {
    if (this.#ongoing === promise) this.#ongoing = undefined;
  }

  /** Make others wait for a promise. @param {Promise<any>} promise */
  #track(promise) {
    const forget = () => this.forget(promise);
    this.#ongoing = promise;
    upon(promise, forget, forget);
    return promise;
  }

  /** @returns {Promise<any>} */
  next() {
    const ongoing = this.#ongoing;
    if (ongoing !== undefined) {
      const steps = () => this.#read().promise;
      return this.#track(PromisePrototypeThen(ongoing, steps, steps));
    }
    const read = this.#read();
    if (!read.settled) this.#ongoing = read.promise;
    return /** @type {Promise<any>} */ (read.promise);
  }

  #read() {
    if (this.#finished) return { settled: true, promise: PromiseResolve(result(undefined, true)) };
    return new IteratorRead(this);
  }

  /** @param {any} value @returns {Promise<any>} */
  return(value) {
    const ongoing = this.#ongoing;
    const steps = () => this.#end(value);
    return this.#track(ongoing === undefined ? steps() : PromisePrototypeThen(ongoing, steps, steps));
  }

  /** @param {any} value @returns {Promise<any>} */
  #end(value) {
    if (this.#finished) return PromiseResolve(result(value, true));
    this.#finished = true;
    const outcome = this.preventCancel ? PromiseResolve(undefined) : this.reader.cancel(value);
    this.reader.release();
    return PromisePrototypeThen(outcome, () => result(value, true));
  }
}

/** Holds the slots; its prototype is the one that scripts see. */
class ReadableStreamAsyncIterator {
  /** @type {Iteration} */
  #record;

  /** @param {Iteration} record */
  constructor(record) {
    this.#record = record;
  }

  next() {
    try {
      return this.#record.next();
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /** @param {any} value */
  return(value) {
    try {
      return this.#record.return(value);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  static {
    const prototype = /** @type {any} */ (ReadableStreamAsyncIterator.prototype);
    ObjectSetPrototypeOf(prototype, AsyncIteratorPrototype);
    delete prototype.constructor;
    const enumerable = /** @type {any} */ ({ __proto__: null, enumerable: true });
    ObjectDefineProperty(prototype, "next", enumerable);
    ObjectDefineProperty(prototype, "return", enumerable);
    ObjectDefineProperty(prototype, SymbolToStringTag, /** @type {any} */ ({
      __proto__: null,
      value: "ReadableStream AsyncIterator",
      configurable: true,
    }));
  }
}

/** @param {Readable} stream @param {boolean} preventCancel @returns {any} */
export const iterate = (stream, preventCancel) =>
  new ReadableStreamAsyncIterator(new Iteration(new Reader(stream), preventCancel));

/** @param {any} object @param {PropertyKey} name @returns {Function | undefined} */
function getMethod(object, name) {
  const method = object[name];
  if (method === undefined || method === null) return undefined;
  if (typeof method !== "function") throw new TypeError("The iterable has an iterator method that is not a function.");
  return method;
}

/** An iterator record of the language: the object and its `next`, looked up once. */
class IteratorRecord {
  /** @type {any} */
  iterator;
  /** @type {any} */
  nextMethod;

  /** @param {any} iterator */
  constructor(iterator) {
    if (!isObject(iterator)) throw new TypeError("The iterator is not an object.");
    this.iterator = /** @type {any} */ (iterator);
    this.nextMethod = this.iterator.next;
  }

  /** @returns {Promise<any>} */
  next() {
    return new Promise((resolve) => resolve(ReflectApply(this.nextMethod, this.iterator, [])));
  }

  /** @param {any} reason @returns {Promise<any> | undefined} */
  return(reason) {
    const method = getMethod(this.iterator, "return");
    if (method === undefined) return undefined;
    return new Promise((resolve) => resolve(ReflectApply(method, this.iterator, [reason])));
  }
}

/** @see https://tc39.es/ecma262/#sec-createasyncfromsynciterator */
class AsyncFromSyncRecord extends IteratorRecord {
  next() {
    return this.#settle(ReflectApply(this.nextMethod, this.iterator, []), true);
  }

  /** @param {any} reason */
  return(reason) {
    const method = getMethod(this.iterator, "return");
    if (method === undefined) return undefined;
    return this.#settle(ReflectApply(method, this.iterator, [reason]), false);
  }

  /** Await the value of a synchronous result. @param {any} step @param {boolean} closeOnRejection */
  #settle(step, closeOnRejection) {
    if (!isObject(step)) throw new TypeError("The iterator result is not an object.");
    const done = !!(/** @type {any} */ (step).done);
    /** @param {any} error */
    const onRejected = (error) => {
      if (!done && closeOnRejection) this.#closeQuietly();
      throw error;
    };
    let value;
    try {
      value = PromiseResolve(/** @type {any} */ (step).value);
    } catch (error) {
      if (!done && closeOnRejection) this.#closeQuietly();
      throw error;
    }
    return PromisePrototypeThen(value, (item) => ({ __proto__: null, value: item, done }), onRejected);
  }

  #closeQuietly() {
    try {
      const method = getMethod(this.iterator, "return");
      if (method !== undefined) ReflectApply(method, this.iterator, []);
    } catch {
      // the rejection that led here is what counts
    }
  }
}

/** @see https://tc39.es/ecma262/#sec-getiterator @param {any} iterable */
function getAsyncIterator(iterable) {
  const asyncMethod = getMethod(iterable, SymbolAsyncIterator);
  if (asyncMethod !== undefined) return new IteratorRecord(ReflectApply(asyncMethod, iterable, []));
  const method = getMethod(iterable, SymbolIterator);
  if (method === undefined) throw new TypeError("The value is not iterable.");
  return new AsyncFromSyncRecord(ReflectApply(method, iterable, []));
}

/**
 * @see https://streams.spec.whatwg.org/#readable-stream-from-iterable
 * @param {any} iterable
 * @returns {Readable}
 */
export function readableFrom(iterable) {
  if (iterable === undefined || iterable === null) throw new TypeError("The value is not iterable.");
  const record = getAsyncIterator(iterable);
  const stream = new Readable();
  /** @param {any} step */
  const onStep = (step) => {
    if (!isObject(step)) throw new TypeError("The iterator result is not an object.");
    const { done } = /** @type {any} */ (step);
    if (done) controller.close();
    else controller.enqueue(/** @type {any} */ (step).value);
  };
  /** @param {any} step */
  const onReturned = (step) => {
    if (!isObject(step)) throw new TypeError("The iterator result is not an object.");
  };
  const controller = setUpDefaultController(stream, {
    __proto__: null,
    highWaterMark: 0,
    pull: () => caught(() => PromisePrototypeThen(record.next(), onStep)),
    cancel: (reason) => caught(() => follow(record.return(reason), onReturned)),
  });
  controller.begin(undefined);
  return stream;
}

/** @param {Promise<any> | undefined} promise @param {(value: any) => void} onFulfilled */
const follow = (promise, onFulfilled) => promise && PromisePrototypeThen(promise, onFulfilled);

/** @template T @param {() => T} steps @returns {T | Promise<never>} */
function caught(steps) {
  try {
    return steps();
  } catch (error) {
    return PromiseReject(error);
  }
}
