// The event classes that other standards define on top of Event.
//
// Standards: CustomEvent https://dom.spec.whatwg.org/#interface-customevent,
// ErrorEvent and PromiseRejectionEvent https://html.spec.whatwg.org/multipage/webappapis.html,
// CloseEvent https://websockets.spec.whatwg.org/#the-closeevent-interface
// Event and EventTarget themselves are in event_target.js, MessageEvent in message_channel.js beside the
// ports it carries; whoever needs events imports them from here.

import { Event, initializeEvent } from "./event.js";
import { converters, dictionary, exposeInterface, requiredArguments } from "./webidl.js";

export { Event, isEvent } from "./event.js";
export { EventTarget, defineEventHandler, fireEvent, hasListeners, isEventTarget } from "./event_target.js";
export { MessageEvent } from "./message_channel.js";

const toCustomEventInit = dictionary("CustomEventInit", [{ name: "detail", converter: converters.any }]);

export class CustomEvent extends Event {
  /** @type {any} */
  #detail;

  /** @param {string} type @param {any} [eventInitDict] */
  constructor(type, eventInitDict = undefined) {
    requiredArguments(arguments.length, 1, "Failed to construct 'CustomEvent'");
    super(type, eventInitDict);
    const { detail = null } = toCustomEventInit(eventInitDict);
    this.#detail = detail;
  }

  /** @returns {any} */
  get detail() {
    return this.#detail;
  }

  /**
   * @param {string} type
   * @param {boolean} [bubbles]
   * @param {boolean} [cancelable]
   * @param {any} [detail]
   */
  initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
    const prefix = "Failed to execute 'initCustomEvent' on 'CustomEvent'";
    requiredArguments(arguments.length, 1, prefix);
    type = converters.DOMString(type, { prefix, name: "Argument 1" });
    if (initializeEvent(this, type, bubbles, cancelable)) this.#detail = detail;
  }
}

const toErrorEventInit = dictionary("ErrorEventInit", [
  { name: "colno", converter: converters["unsigned long"] },
  { name: "error", converter: converters.any },
  { name: "filename", converter: converters.USVString },
  { name: "lineno", converter: converters["unsigned long"] },
  { name: "message", converter: converters.DOMString },
]);

/**
 * What `onerror` of the global object gets; undefined for an event that is no ErrorEvent.
 *
 * @type {(event: any) => any[] | undefined}
 */
export let errorEventArguments;

export class ErrorEvent extends Event {
  #message;
  #filename;
  #lineno;
  #colno;
  /** @type {any} */
  #error;

  /** @param {string} type @param {any} [eventInitDict] */
  constructor(type, eventInitDict = undefined) {
    requiredArguments(arguments.length, 1, "Failed to construct 'ErrorEvent'");
    super(type, eventInitDict);
    const context = { prefix: "Failed to construct 'ErrorEvent'", name: "Argument 2" };
    const { message = "", filename = "", lineno = 0, colno = 0, error } = toErrorEventInit(eventInitDict, context);
    this.#message = message;
    this.#filename = filename;
    this.#lineno = lineno;
    this.#colno = colno;
    this.#error = error;
  }

  /** @returns {string} */
  get message() {
    return this.#message;
  }

  /** @returns {string} */
  get filename() {
    return this.#filename;
  }

  /** @returns {number} */
  get lineno() {
    return this.#lineno;
  }

  /** @returns {number} */
  get colno() {
    return this.#colno;
  }

  /** @returns {any} */
  get error() {
    return this.#error;
  }

  static {
    errorEventArguments = (event) =>
      #error in event ? [event.#message, event.#filename, event.#lineno, event.#colno, event.#error] : undefined;
  }
}

const toRejectionInit = dictionary("PromiseRejectionEventInit", [
  { name: "promise", converter: converters.object, required: true },
  { name: "reason", converter: converters.any },
]);

export class PromiseRejectionEvent extends Event {
  #promise;
  /** @type {any} */
  #reason;

  /** @param {string} type @param {any} eventInitDict */
  constructor(type, eventInitDict) {
    const prefix = "Failed to construct 'PromiseRejectionEvent'";
    requiredArguments(arguments.length, 2, prefix);
    super(type, eventInitDict);
    const init = toRejectionInit(eventInitDict, { prefix, name: "Argument 2" });
    this.#promise = init.promise;
    this.#reason = init.reason;
  }

  /** @returns {object} */
  get promise() {
    return this.#promise;
  }

  /** @returns {any} */
  get reason() {
    return this.#reason;
  }
}

const toCloseEventInit = dictionary("CloseEventInit", [
  { name: "code", converter: converters["unsigned short"] },
  { name: "reason", converter: converters.USVString },
  { name: "wasClean", converter: converters.boolean },
]);

export class CloseEvent extends Event {
  #wasClean;
  #code;
  #reason;

  /** @param {string} type @param {any} [eventInitDict] */
  constructor(type, eventInitDict = undefined) {
    requiredArguments(arguments.length, 1, "Failed to construct 'CloseEvent'");
    super(type, eventInitDict);
    const context = { prefix: "Failed to construct 'CloseEvent'", name: "Argument 2" };
    const { wasClean = false, code = 0, reason = "" } = toCloseEventInit(eventInitDict, context);
    this.#wasClean = wasClean;
    this.#code = code;
    this.#reason = reason;
  }

  /** @returns {boolean} */
  get wasClean() {
    return this.#wasClean;
  }

  /** @returns {number} */
  get code() {
    return this.#code;
  }

  /** @returns {string} */
  get reason() {
    return this.#reason;
  }
}

exposeInterface(CustomEvent, { name: "CustomEvent", length: 1 });
exposeInterface(ErrorEvent, { name: "ErrorEvent", length: 1 });
exposeInterface(PromiseRejectionEvent, { name: "PromiseRejectionEvent", length: 2 });
exposeInterface(CloseEvent, { name: "CloseEvent", length: 1 });
