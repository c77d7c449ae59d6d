// node:async_hooks: AsyncLocalStorage and AsyncResource.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/async_context.html; how contexts are carried, and what is not
// covered: ../async_context.js and ../compiler/async_context.js. There are no hooks, as on Workers.

import { currentFrame, exchangeFrame, runInFrame } from "nano:internals";

/** A frame with one store more. @param {object} key @param {any} store */
function frameWith(key, store) {
  const frame = new Map(currentFrame());
  frame.set(key, store);
  return frame;
}

/** @param {object} key */
function frameWithout(key) {
  const frame = currentFrame();
  if (!frame?.has(key)) return frame;
  const rest = new Map(frame);
  rest.delete(key);
  return rest;
}

/** @param {any} value @param {string} name */
function requireFunction(value, name) {
  if (typeof value === "function") return;
  const error = new TypeError(`The "${name}" argument must be of type function. Received ${value === null ? "null" : typeof value}`);
  throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

export class AsyncLocalStorage {
  #default;
  #name;

  /** @param {{ defaultValue?: any, name?: string }} [options] */
  constructor(options = {}) {
    this.#default = options.defaultValue;
    this.#name = options.name === undefined ? "" : `${options.name}`;
  }

  get name() {
    return this.#name;
  }

  /** @param {Function} fn */
  static bind(fn) {
    return AsyncResource.bind(fn);
  }

  static snapshot() {
    const frame = currentFrame();
    return (/** @type {Function} */ fn, /** @type {any[]} */ ...args) => runInFrame(frame, fn, undefined, args);
  }

  getStore() {
    const frame = currentFrame();
    return frame?.has(this) ? frame.get(this) : this.#default;
  }

  /** @param {any} store */
  enterWith(store) {
    exchangeFrame(frameWith(this, store));
  }

  /** @param {any} store @param {Function} callback @param {...any} args */
  run(store, callback, ...args) {
    requireFunction(callback, "callback");
    return runInFrame(frameWith(this, store), callback, undefined, args);
  }

  /** @param {Function} callback @param {...any} args */
  exit(callback, ...args) {
    requireFunction(callback, "callback");
    return runInFrame(frameWithout(this), callback, undefined, args);
  }

  disable() {
    exchangeFrame(frameWithout(this));
  }
}

let lastId = 1;

export class AsyncResource {
  #frame = currentFrame();
  #id = ++lastId;

  /** @param {string} type @param {any} [_options] */
  constructor(type, _options = undefined) {
    if (typeof type !== "string") {
      throw Object.assign(new TypeError('The "type" argument must be of type string.'), { code: "ERR_INVALID_ARG_TYPE" });
    }
  }

  /** @param {Function} fn @param {string} [type] @param {any} [thisArg] */
  static bind(fn, type = undefined, thisArg = undefined) {
    return new AsyncResource(type ?? (fn?.name || "bound-anonymous-fn")).bind(fn, thisArg);
  }

  /** @param {Function} fn @param {any} [thisArg] */
  bind(fn, thisArg = undefined) {
    requireFunction(fn, "fn");
    const frame = this.#frame;
    const bound = /** @this {any} */ function (/** @type {any[]} */ ...args) {
      return runInFrame(frame, fn, thisArg === undefined ? this : thisArg, args);
    };
    return Object.defineProperty(bound, "length", { value: fn.length, configurable: true });
  }

  /** @param {Function} fn @param {any} [thisArg] @param {...any} args */
  runInAsyncScope(fn, thisArg = undefined, ...args) {
    return runInFrame(this.#frame, fn, thisArg, args);
  }

  emitDestroy() {
    return this;
  }

  asyncId() {
    return this.#id;
  }

  triggerAsyncId() {
    return 0;
  }
}

/** Hooks are accepted and never called. */
export function createHook() {
  const hook = { enable: () => hook, disable: () => hook };
  return hook;
}

export const executionAsyncId = () => 0;
export const triggerAsyncId = () => 0;
const resource = {};
export const executionAsyncResource = () => resource;

export default { AsyncLocalStorage, AsyncResource, createHook, executionAsyncId, executionAsyncResource, triggerAsyncId };
