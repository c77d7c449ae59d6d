// What a handler is called with besides the request: `ctx`, and the event of apps in service-worker style.
//
// Standards: https://developers.cloudflare.com/workers/runtime-apis/context/ and
// https://w3c.github.io/ServiceWorker/#fetchevent-interface, as far as Workers have it.

import { PromiseResolve } from "./primordials.js";
import { DOMException } from "./dom_exception.js";
import { Event } from "./events.js";
import { exposeInterface, illegalConstructor, requiredArguments } from "./webidl.js";

/** @typedef {{ waitUntil(promise: any): void }} Keeper what keeps an exchange alive */

const INTERNAL = {};

/** `ctx`: the life of one event beyond its response. */
export class ExecutionContext {
  #keeper;
  /** What the caller configured for this app; always empty here. */
  props = {};

  /** @param {object} token @param {Keeper} keeper */
  constructor(token, keeper) {
    if (token !== INTERNAL) throw illegalConstructor();
    this.#keeper = keeper;
  }

  /** Keep the app at work until a promise settles, beyond the response. @param {any} promise */
  waitUntil(promise) {
    requiredArguments(arguments.length, 1, "Failed to execute 'waitUntil' on 'ExecutionContext'");
    this.#keeper.waitUntil(promise);
  }

  /** There is no origin server to pass a failed request on to: a handler that throws is answered with 500. */
  passThroughOnException() {
    if (!(#keeper in this)) throw illegalConstructor();
  }
}

exposeInterface(ExecutionContext);

/** @param {Keeper} keeper */
export const createExecutionContext = (keeper) => new ExecutionContext(INTERNAL, keeper);

/** @type {(event: FetchEvent) => Promise<any> | null} */
let responseOf;

/** The event of `addEventListener("fetch", …)`. */
export class FetchEvent extends Event {
  #request;
  #context;
  /** @type {Promise<any> | null} */
  #response = null;
  #dispatched = false;

  /** @param {object} token @param {any} request @param {ExecutionContext} context */
  constructor(token, request, context) {
    if (token !== INTERNAL) throw illegalConstructor();
    super("fetch", { cancelable: true });
    this.#request = request;
    this.#context = context;
  }

  get request() {
    return this.#request;
  }

  /** Answer with a response, or a promise of one; only while the event is dispatched. @param {any} response */
  respondWith(response) {
    requiredArguments(arguments.length, 1, "Failed to execute 'respondWith' on 'FetchEvent'");
    if (this.#dispatched || this.#response !== null) {
      const why = this.#response === null ? "the event has already been dispatched" : "respondWith() was already called";
      throw new DOMException(`Failed to execute 'respondWith' on 'FetchEvent': ${why}.`, "InvalidStateError");
    }
    this.#response = PromiseResolve(response);
    this.stopImmediatePropagation();
  }

  /** Keep the app at work until a promise settles, beyond the response. @param {any} promise */
  waitUntil(promise) {
    requiredArguments(arguments.length, 1, "Failed to execute 'waitUntil' on 'FetchEvent'");
    this.#context.waitUntil(promise);
  }

  /** There is no origin server to pass a failed request on to: a handler that throws is answered with 500. */
  passThroughOnException() {
    this.#context.passThroughOnException();
  }

  static {
    responseOf = (event) => {
      event.#dispatched = true;
      return event.#response;
    };
  }
}

exposeInterface(FetchEvent);

/** @param {any} request @param {ExecutionContext} context */
export const createFetchEvent = (request, context) => new FetchEvent(INTERNAL, request, context);

/**
 * What the listeners have answered; they cannot answer any more.
 *
 * @param {FetchEvent} event
 * @returns {Promise<any> | null}
 */
export const takeResponse = (event) => responseOf(event);
