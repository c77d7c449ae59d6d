// WebAssembly.compileStreaming() and instantiateStreaming().
//
// Standard: https://webassembly.github.io/spec/web-api/#streaming-modules
// The rest of WebAssembly is the engine's. Modules are compiled when their last byte is there: an isolate has one
// thread, so that nothing would be won by beginning earlier.

import { headerListOf } from "./headers.js";
import { trimHTTPWhitespace } from "./http_syntax.js";
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  PromisePrototypeThen,
  PromiseResolve,
  StringPrototypeToLowerCase,
  TypeError,
  WebAssembly_,
  uncurryThis,
} from "./primordials.js";
import { Response, isResponse } from "./response.js";
import { requiredArguments } from "./webidl.js";

const { Instance, Module } = WebAssembly_;
const arrayBufferOf = uncurryThis(/** @type {any} */ (Response.prototype).arrayBuffer);
const headersOf = uncurryThis(/** @type {any} */ (ObjectGetOwnPropertyDescriptor(Response.prototype, "headers")).get);
const isOk = uncurryThis(/** @type {any} */ (ObjectGetOwnPropertyDescriptor(Response.prototype, "ok")).get);
const bodyUsed = uncurryThis(/** @type {any} */ (ObjectGetOwnPropertyDescriptor(Response.prototype, "bodyUsed")).get);

/**
 * @see https://webassembly.github.io/spec/web-api/#compile-a-potential-webassembly-response
 * @param {any} source a Response, or a promise of one
 * @param {any} options
 * @param {string} prefix
 * @returns {Promise<any>} the module
 */
async function compileResponse(source, options, prefix) {
  const response = await source;
  if (!isResponse(response)) throw new TypeError(`${prefix}: Argument 1 is not a Response.`);
  const type = headerListOf(headersOf(response)).get("content-type");
  if (type === null || StringPrototypeToLowerCase(trimHTTPWhitespace(type)) !== "application/wasm") {
    throw new TypeError(`${prefix}: the response's type is ${type === null ? "missing" : `'${type}'`}, not 'application/wasm'.`);
  }
  if (!isOk(response)) throw new TypeError(`${prefix}: the response's status is not ok.`);
  if (bodyUsed(response)) throw new TypeError(`${prefix}: the response's body has been used already.`);
  const bytes = await PromisePrototypeThen(arrayBufferOf(response), undefined);
  return new Module(bytes, options);
}

const members = {
  /** @param {any} source @param {any} [options] */
  async compileStreaming(source, options = undefined) {
    const prefix = "Failed to execute 'compileStreaming' on 'WebAssembly'";
    requiredArguments(arguments.length, 1, prefix);
    return compileResponse(PromiseResolve(source), options, prefix);
  },
  /** @param {any} source @param {any} [imports] @param {any} [options] */
  async instantiateStreaming(source, imports = undefined, options = undefined) {
    const prefix = "Failed to execute 'instantiateStreaming' on 'WebAssembly'";
    requiredArguments(arguments.length, 1, prefix);
    const module = await compileResponse(PromiseResolve(source), options, prefix);
    return { module, instance: new Instance(module, imports) };
  },
};

/** Add the two to the engine's namespace. */
export function installWebAssemblyStreaming() {
  define("compileStreaming", members.compileStreaming);
  define("instantiateStreaming", members.instantiateStreaming);
}

/** @param {string} name @param {Function} value */
function define(name, value) {
  ObjectDefineProperty(WebAssembly_, name, /** @type {any} */ ({
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  }));
}
