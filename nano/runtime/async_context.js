// The asynchronous context: what AsyncLocalStorage of node:async_hooks stands on (node/async_hooks.js).
//
// The engine has no hooks for promises, so the context is carried by hand, and only in isolates whose app imports
// node:async_hooks; in all others nothing here ever runs. A *frame* is an immutable map of stores; the frame in force
// is a variable of this module. It is undefined whenever a task or a promise job begins, and whoever calls the app's
// code from there puts the right one in its place for as long as that code runs:
//
//   then, catch, finally     Promise.prototype.then binds its callbacks
//   timers, microtasks       bind their callbacks, as do Web IDL callbacks (streams, observers): `bindToFrame`
//   event listeners          run in the frame of whoever dispatches; where that is the host, in that of addEventListener
//   await                    the module compiler rewrites it (compiler/async_context.js) with the functions below
//
// How `await` works. A call of an async function has a variable for its latest suspension. `suspend` notes the frame
// and, in a call that has been resumed before, leaves it, since then nothing but the promise job is below; `resume` and
// `recover` (in catch and finally) bring it back, `leave` ends the call. So no frame outlives the job that set it.

import {
  Array,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  Promise,
  PromisePrototypeThen,
  ReflectApply,
  SymbolAsyncIterator,
  SymbolIterator,
} from "./primordials.js";

/** @typedef {Map<object, any>} Frame */

let active = false;
/** The frame in force. @type {Frame | undefined} */
let current;

/** @returns {Frame | undefined} */
export const currentFrame = () => current;

/**
 * Put a frame in force; the caller puts back the one returned.
 *
 * @param {Frame | undefined} frame
 */
export function exchangeFrame(frame) {
  const before = current;
  current = frame;
  return before;
}

/**
 * @param {Frame | undefined} frame
 * @param {Function} callback
 * @param {any} self
 * @param {ArrayLike<any>} args
 */
export function runInFrame(frame, callback, self, args) {
  const before = current;
  current = frame;
  try {
    return ReflectApply(callback, self, args);
  } finally {
    current = before;
  }
}

/**
 * A callback that will run in the frame of now; the callback itself in isolates without asynchronous contexts.
 *
 * @template {Function} F
 * @param {F} callback
 * @returns {F}
 */
export const bindToFrame = (callback) => (active ? bound(callback) : callback);

/** @template {Function} F @param {F} callback @returns {F} */
function bound(callback) {
  const frame = current;
  return /** @type {any} */ (
    /** @this {any} */
    function (/** @type {any[]} */ ...args) {
      return runInFrame(frame, callback, this, args);
    }
  );
}

/** The suspension of an async function. */
class Suspension {
  frame = current;
  resumed = false;
  /** @type {any} */
  value = undefined;

  /** @param {any} value what is awaited */
  constructor(value) {
    this.value = value;
  }
}

/**
 * @param {any} value
 * @param {Suspension | undefined} latest
 */
function suspend(value, latest) {
  const suspension = new Suspension(guard(value));
  if (latest !== undefined) current = undefined;
  return suspension;
}

/** @template T @param {T} value @param {Suspension} suspension @returns {T} */
function resume(value, suspension) {
  current = suspension.frame;
  suspension.resumed = true;
  return value;
}

/** At the beginning of catch and finally. @param {Suspension | undefined} suspension */
function recover(suspension) {
  if (suspension === undefined || suspension.resumed) return;
  current = suspension.frame;
  suspension.resumed = true;
}

/** At the end of a call. @param {Suspension | undefined} suspension */
function leave(suspension) {
  if (suspension !== undefined) current = undefined;
}

/** At a yield of an async generator: who calls next() goes on with a frame of its own. @param {any} value @param {Suspension | undefined} suspension */
function yields(value, suspension) {
  leave(suspension);
  return value;
}

/**
 * Have the `then` of an awaited object that is no promise called in the frame of now: query builders begin their work
 * there.
 *
 * @param {any} value
 */
function guard(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
  if (ObjectGetPrototypeOf(value) === Promise.prototype) return value;
  const { then } = /** @type {any} */ (value);
  if (typeof then !== "function") return value;
  const frame = current;
  return { then: (/** @type {any[]} */ ...args) => runInFrame(frame, then, value, args) };
}

/**
 * What a `for await` walks over: each step is a suspension.
 *
 * @param {any} iterable
 * @param {() => Suspension | undefined} latest
 * @param {(suspension: Suspension) => void} note
 */
function iterate(iterable, latest, note) {
  const method = iterable[SymbolAsyncIterator];
  const isAsync = method !== undefined && method !== null;
  const iterator = ReflectApply(isAsync ? method : iterable[SymbolIterator], iterable, []);
  const { next } = iterator;
  /** @param {Function} step @param {any[]} args */
  const take = (step, args) => {
    const before = latest();
    // The end of a loop inside may have been awaited just now.
    recover(before);
    const suspension = new Suspension(undefined);
    note(suspension);
    const result = ReflectApply(step, iterator, args);
    if (before !== undefined) current = undefined;
    return isAsync ? guard(result) : settled(result);
  };
  const walker = {
    next: () => take(next, []),
    /** @param {any[]} args */
    return: (...args) => {
      const end = iterator.return;
      return end === undefined || end === null ? { done: true } : take(end, args);
    },
  };
  return { [SymbolAsyncIterator]: () => walker };
}

/** The step of a synchronous iterator, whose value is awaited. @param {any} step */
async function settled(step) {
  const { done, value } = step;
  return { done, value: await value };
}

/** What compiled modules get, by the names that compiler/async_context.js uses. */
export const contextFunctions = { suspend, resume, recover, leave, yields, iterate };

/** Begin to carry contexts; called before the app's first module runs. */
export function enableAsyncContext() {
  if (active) return;
  active = true;
  const { then } = {
    /** @this {any} @param {any} [onFulfilled] @param {any} [onRejected] */
    then(onFulfilled, onRejected) {
      return PromisePrototypeThen(
        this,
        typeof onFulfilled === "function" ? bound(onFulfilled) : onFulfilled,
        typeof onRejected === "function" ? bound(onRejected) : onRejected,
      );
    },
  };
  define(Promise.prototype, "then", then);
  const { fromAsync } = {
    /** @this {any} @param {any} items @param {any} [map] @param {any} [self] */
    fromAsync(items, map = undefined, self = undefined) {
      return ReflectApply(nativeFromAsync, this, [items, typeof map === "function" ? bound(map) : map, self]);
    },
  };
  define(Array, "fromAsync", fromAsync);
}

const nativeFromAsync = Array.fromAsync;

/** @param {object} object @param {string} name @param {Function} value */
function define(object, name, value) {
  ObjectDefineProperty(object, name, /** @type {any} */ ({ __proto__: null, value, writable: true, configurable: true }));
}
