// caches: the interfaces of the Cache API, with nothing behind them yet.
//
// Standard: https://w3c.github.io/ServiceWorker/#cache-interface, and of Workers `caches.default`:
// https://developers.cloudflare.com/workers/runtime-apis/cache/
//
// A cache may forget anything at any time, so one that keeps nothing is right, if slow: what is put is checked as the
// standard wants, its body is let go, and nothing is ever found. The log says so at the first put.

import { headerListOf } from "./headers.js";
import { hostLog } from "./host.js";
import {
  ObjectGetOwnPropertyDescriptor,
  PromisePrototypeThen,
  RegExpPrototypeExec,
  StringPrototypeStartsWith,
  TypeError,
  uncurryThis,
} from "./primordials.js";
import { Request, isRequest } from "./request.js";
import { Response, isResponse } from "./response.js";
import { cancelReadableStream, isReadableStreamLocked } from "./streams/index.js";
import { converters, exposeInterface, illegalConstructor, interfaceType, requiredArguments } from "./webidl.js";

const INTERNAL = {};

/** @param {any} Class @param {string} name */
const getter = (Class, name) =>
  uncurryThis(/** @type {any} */ (ObjectGetOwnPropertyDescriptor(Class.prototype, name)).get);

const methodOf = getter(Request, "method");
const urlOf = getter(Request, "url");
const statusOf = getter(Response, "status");
const headersOf = getter(Response, "headers");
const bodyOf = getter(Response, "body");
const bodyUsed = getter(Response, "bodyUsed");

/** @param {any} value @returns {Request} */
const toRequest = (value) => (isRequest(value) ? value : new Request(value));

/** @type {import("./webidl.js").Converter<Response>} */
const toResponse = interfaceType("Response", isResponse);

const VARY_ALL = /(?:^|,)[\t ]*\*[\t ]*(?:$|,)/;

let told = false;

/** @see https://w3c.github.io/ServiceWorker/#cache-interface */
export class Cache {
  #brand = true;

  /** @param {object} [token] */
  constructor(token = undefined) {
    if (token !== INTERNAL) throw illegalConstructor();
  }

  /** @param {any} request @param {any} [options] @returns {Promise<Response | undefined>} */
  async match(request, options = undefined) {
    this.#brand;
    requiredArguments(arguments.length, 1, "Failed to execute 'match' on 'Cache'");
    toRequest(request);
    return undefined;
  }

  /** @param {any} [request] @param {any} [options] @returns {Promise<readonly Response[]>} */
  async matchAll(request = undefined, options = undefined) {
    this.#brand;
    if (request !== undefined) toRequest(request);
    return [];
  }

  /** @param {any} request @param {any} response @returns {Promise<undefined>} */
  async put(request, response) {
    const prefix = "Failed to execute 'put' on 'Cache'";
    this.#brand;
    requiredArguments(arguments.length, 2, prefix);
    const wanted = toRequest(request);
    checkPut(wanted, toResponse(response, { prefix, name: "Argument 2" }), prefix);
    const body = bodyOf(response);
    if (!told) hostLog("warn", "caches: nothing is stored, as there is no cache behind them yet");
    told = true;
    // Let go of at once: what comes out of a clone would pile up otherwise.
    if (body !== null) await PromisePrototypeThen(cancelReadableStream(body, undefined), undefined, () => {});
    return undefined;
  }

  /** @param {any} request @param {any} [options] @returns {Promise<boolean>} whether there was one */
  async delete(request, options = undefined) {
    this.#brand;
    requiredArguments(arguments.length, 1, "Failed to execute 'delete' on 'Cache'");
    toRequest(request);
    return false;
  }

  /** @param {any} [request] @param {any} [options] @returns {Promise<readonly Request[]>} */
  async keys(request = undefined, options = undefined) {
    this.#brand;
    if (request !== undefined) toRequest(request);
    return [];
  }
}

/**
 * What may not be stored.
 *
 * @see https://w3c.github.io/ServiceWorker/#cache-put
 * @param {Request} request
 * @param {Response} response
 * @param {string} prefix
 */
function checkPut(request, response, prefix) {
  const url = urlOf(request);
  if (!StringPrototypeStartsWith(url, "http:") && !StringPrototypeStartsWith(url, "https:")) {
    throw new TypeError(`${prefix}: only http and https URLs can be cached, not '${url}'.`);
  }
  if (methodOf(request) !== "GET") throw new TypeError(`${prefix}: only GET requests can be cached.`);
  if (statusOf(response) === 206) throw new TypeError(`${prefix}: a response with the status 206 cannot be cached.`);
  const vary = headerListOf(headersOf(response)).get("vary");
  if (vary !== null && RegExpPrototypeExec(VARY_ALL, vary) !== null) {
    throw new TypeError(`${prefix}: a response with 'Vary: *' cannot be cached.`);
  }
  const body = bodyOf(response);
  if (bodyUsed(response) || (body !== null && isReadableStreamLocked(body))) {
    throw new TypeError(`${prefix}: the response's body has been used already, or is locked by a reader.`);
  }
}

/** @see https://w3c.github.io/ServiceWorker/#cachestorage-interface */
export class CacheStorage {
  #default = new Cache(INTERNAL);

  /** @param {object} [token] */
  constructor(token = undefined) {
    if (token !== INTERNAL) throw illegalConstructor();
  }

  /** Of Workers: the cache that needs no name. */
  get default() {
    return this.#default;
  }

  /** @param {any} request @param {any} [options] @returns {Promise<Response | undefined>} */
  async match(request, options = undefined) {
    this.#default;
    requiredArguments(arguments.length, 1, "Failed to execute 'match' on 'CacheStorage'");
    toRequest(request);
    return undefined;
  }

  /** @param {string} cacheName @returns {Promise<boolean>} */
  async has(cacheName) {
    toName(this.#default, cacheName, arguments.length, "has");
    return false;
  }

  /** @param {string} cacheName @returns {Promise<Cache>} */
  async open(cacheName) {
    toName(this.#default, cacheName, arguments.length, "open");
    return new Cache(INTERNAL);
  }

  /** @param {string} cacheName @returns {Promise<boolean>} */
  async delete(cacheName) {
    toName(this.#default, cacheName, arguments.length, "delete");
    return false;
  }

  /** @returns {Promise<string[]>} */
  async keys() {
    this.#default;
    return [];
  }
}

/** @param {Cache} _brand @param {any} name @param {number} given @param {string} method */
function toName(_brand, name, given, method) {
  const prefix = `Failed to execute '${method}' on 'CacheStorage'`;
  requiredArguments(given, 1, prefix);
  return converters.DOMString(name, { prefix, name: "Argument 1" });
}

exposeInterface(Cache, { name: "Cache" });
exposeInterface(CacheStorage, { name: "CacheStorage" });

export const caches = new CacheStorage(INTERNAL);
