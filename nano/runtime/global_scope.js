// The global object as an EventTarget: its prototype chain, its event handlers, its replaceable attributes.
//
// Standard: https://html.spec.whatwg.org/multipage/workers.html#the-workerglobalscope-common-interface
// As on Workers, the chain is ServiceWorkerGlobalScope, WorkerGlobalScope, EventTarget, and of the first two
// only WorkerGlobalScope is a name that apps can see. Plain functions and interfaces are in globals.js.

import { crypto } from "./crypto.js";
import { EventTarget, defineEventHandler } from "./events.js";
import { fetch } from "./fetch.js";
import { navigator } from "./navigator.js";
import { getPerformance } from "./performance.js";
import {
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  ReflectGetOwnPropertyDescriptor,
  TypeError,
  globalThis_,
} from "./primordials.js";
import { exposeInterface, illegalConstructor } from "./webidl.js";

export class WorkerGlobalScope extends EventTarget {
  constructor() {
    super();
    throw illegalConstructor();
  }
}

class ServiceWorkerGlobalScope extends WorkerGlobalScope {}

/** The events of the global object that have an `on…` attribute. */
const HANDLERS = ["error", "unhandledrejection", "rejectionhandled"];

/**
 * Define a read-only attribute. Assigning to a [Replaceable] one puts an own property in its place.
 *
 * @see https://webidl.spec.whatwg.org/#Replaceable
 * @param {string} name
 * @param {() => any} get
 * @param {boolean} replaceable
 */
function defineAttribute(name, get, replaceable) {
  const accessor = {
    get [name]() {
      checkReceiver(this);
      return get();
    },
    /** @param {any} value */
    set [name](value) {
      checkReceiver(this);
      const own = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
      ObjectDefineProperty(this ?? globalThis_, name, /** @type {any} */ (own));
    },
  };
  const { get: getter, set: setter } = /** @type {any} */ (ReflectGetOwnPropertyDescriptor(accessor, name));
  ObjectDefineProperty(WorkerGlobalScope.prototype, name, /** @type {any} */ ({
    __proto__: null,
    get: getter,
    set: replaceable ? setter : undefined,
    enumerable: true,
    configurable: true,
  }));
}

/** @param {any} self */
function checkReceiver(self) {
  if (self !== globalThis_ && self !== undefined && self !== null) throw new TypeError("Illegal invocation");
}

/** Make the global object what this module says it is. */
export function installGlobalScope() {
  // The bundle's own names are short.
  ObjectDefineProperty(fetch, "name", /** @type {any} */ ({ __proto__: null, value: "fetch", configurable: true }));
  ObjectDefineProperty(WorkerGlobalScope.prototype, "fetch", /** @type {any} */ ({
    __proto__: null,
    value: fetch,
    writable: true,
    configurable: true,
  }));
  exposeInterface(WorkerGlobalScope, { name: "WorkerGlobalScope", length: 0 });
  exposeInterface(ServiceWorkerGlobalScope, { name: "ServiceWorkerGlobalScope", length: 0 });
  for (let i = 0; i < HANDLERS.length; i++) defineEventHandler(WorkerGlobalScope, HANDLERS[i]);
  defineAttribute("crypto", () => crypto, false);
  defineAttribute("performance", getPerformance, true);
  defineAttribute("navigator", () => navigator, true);
  ObjectSetPrototypeOf(globalThis_, ServiceWorkerGlobalScope.prototype);
}
