// node:util.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/util.html. `inspect` and `format` are those of console.log().

import { isDeepStrictEqual } from "assert/build/internal/util/comparisons.js";
import { format as formatArguments, inspect as inspectValue } from "nano:internals";
import * as kinds from "node:util/types";

const { TextDecoder, TextEncoder } = globalThis;

export const types = { ...kinds };

/** @param {any} value @param {any} [options] or, as of old, showHidden, depth and colors */
export function inspect(value, options = undefined, /** @type {any} */ depth = undefined, /** @type {any} */ colors = undefined) {
  if (typeof options !== "object" || options === null) {
    options = { showHidden: options === true, ...(depth === undefined ? {} : { depth }), colors };
  }
  return inspectValue(value, options);
}

inspect.custom = Symbol.for("nodejs.util.inspect.custom");
inspect.defaultOptions = { showHidden: false, depth: 2, colors: false, maxArrayLength: 100, breakLength: 80, compact: 3 };

/** @param {...any} args */
export const format = (...args) => formatArguments(args);

/** @param {object} options @param {...any} args */
export const formatWithOptions = (options, ...args) => formatArguments(args, options);

/** @param {any} value @param {string} name @param {string} type */
function requireType(value, name, type) {
  if (typeof value === type) return;
  const error = new TypeError(`The "${name}" argument must be of type ${type}. Received ${inspect(value)}`);
  throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

const custom = Symbol.for("nodejs.util.promisify.custom");

/** @param {any} original takes a callback of (error, value) as its last argument */
export function promisify(original) {
  requireType(original, "original", "function");
  if (original[custom]) {
    requireType(original[custom], "util.promisify.custom", "function");
    return original[custom];
  }
  if (original === globalThis.setTimeout) {
    return (/** @type {number} */ ms, /** @type {any} */ value) => new Promise((resolve) => setTimeout(resolve, ms, value));
  }
  const promising = /** @this {any} */ function (/** @type {any[]} */ ...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [
        ...args,
        (/** @type {any} */ error, /** @type {any} */ value) => (error ? reject(error) : resolve(value)),
      ]);
    });
  };
  Object.setPrototypeOf(promising, Object.getPrototypeOf(original));
  Object.defineProperty(promising, custom, { value: promising, configurable: true });
  return Object.defineProperties(promising, Object.getOwnPropertyDescriptors(original));
}

promisify.custom = custom;

/** @param {any} original returns a promise */
export function callbackify(original) {
  requireType(original, "original", "function");
  return /** @this {any} */ function (/** @type {any[]} */ ...args) {
    const callback = args.pop();
    requireType(callback, "last argument", "function");
    const tell = (/** @type {any[]} */ ...result) => queueMicrotask(() => Reflect.apply(callback, this, result));
    Reflect.apply(original, this, args).then(
      (/** @type {any} */ value) => tell(null, value),
      (/** @type {any} */ reason) => {
        if (reason) tell(reason);
        else tell(Object.assign(new Error("Promise was rejected with a falsy value"), { reason, code: "ERR_FALSY_VALUE_REJECTION" }));
      },
    );
  };
}

/** @param {any} constructor @param {any} superConstructor */
export function inherits(constructor, superConstructor) {
  requireType(constructor, "ctor", "function");
  requireType(superConstructor, "superCtor", "function");
  Object.defineProperty(constructor, "super_", { value: superConstructor, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, superConstructor.prototype);
}

/** @type {Set<string>} */
const warned = new Set();

/** @param {any} fn @param {string} message @param {string} [code] */
export function deprecate(fn, message, code = undefined) {
  let told = false;
  const deprecated = /** @this {any} */ function (/** @type {any[]} */ ...args) {
    if (!told && !(code !== undefined && warned.has(code))) {
      console.warn(`${code === undefined ? "" : `[${code}] `}DeprecationWarning: ${message}`);
      if (code !== undefined) warned.add(code);
    }
    told = true;
    return new.target ? Reflect.construct(fn, args, new.target) : Reflect.apply(fn, this, args);
  };
  Object.setPrototypeOf(deprecated, fn);
  if (fn.prototype) deprecated.prototype = fn.prototype;
  return deprecated;
}

/** Writes nothing: no NODE_DEBUG turns it on. */
export function debuglog() {
  return Object.assign(() => {}, { enabled: false });
}

export const debug = debuglog;

/** @param {string} text */
export const toUSVString = (text) => `${text}`.toWellFormed();

const CONTROL = /[\u001b\u009b][[()#;?]*(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-ORZcf-nqry=><~]/g;

/** @param {string} text */
export const stripVTControlCharacters = (text) => text.replace(CONTROL, "");

/** @param {AbortSignal} signal */
export const aborted = (signal) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });

export const { isArray } = Array;

export { TextDecoder, TextEncoder, isDeepStrictEqual };

export default {
  TextDecoder,
  TextEncoder,
  aborted,
  callbackify,
  debug,
  debuglog,
  deprecate,
  format,
  formatWithOptions,
  inherits,
  inspect,
  isArray,
  isDeepStrictEqual,
  promisify,
  stripVTControlCharacters,
  toUSVString,
  types,
};
