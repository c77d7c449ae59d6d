// EventTarget: listeners, handlers and the dispatch of DOM, for targets that have no parents.
//
// Standard: https://dom.spec.whatwg.org/#events
// Event is in event.js, the event classes of other standards in events.js, which re-exports all of them.
//
// How it works. A target keeps its listeners by type, in arrays that are copied before a change only while
// a dispatch walks over them. There is no tree: an event path has one entry, so dispatch is "capturing at
// target", then "bubbling at target". The global object is a target as well but no instance of our class:
// its lists live in `globalTarget`, and `holder()` maps one to the other.
//
// Two modules further up the graph complete this one: abort.js says what an AbortSignal is, report_error.js
// what becomes of an exception in a listener.

import { currentFrame, runInFrame } from "./async_context.js";
import { DOMException } from "./dom_exception.js";
import {
  CANCELED,
  DISPATCHING,
  STOP_IMMEDIATE_PROPAGATION,
  STOP_PROPAGATION,
  cancel,
  endDispatch,
  flagsOf,
  setCurrentTarget,
  setInPassiveListener,
  setTrusted,
  startDispatch,
  toEvent,
  typeOf,
} from "./event.js";
import {
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeSplice,
  ObjectDefineProperty,
  ReflectGetOwnPropertyDescriptor,
  TypeError,
  globalThis_,
  uncurriedApply,
} from "./primordials.js";
import {
  converters,
  dictionary,
  exposeInterface,
  interfaceType,
  isObject,
  requiredArguments,
} from "./webidl.js";

/** @typedef {import("./event.js").Event} Event */

/** @typedef {((event: any) => any) | { handleEvent(event: any): any }} ListenerCallback */

/**
 * An event listener.
 *
 * @see https://dom.spec.whatwg.org/#concept-event-listener
 */
class Listener {
  removed = false;
  /** What to withdraw from a signal when this listener goes. @type {{ signal: any, steps: () => void } | null} */
  abortSteps = null;
  /** The asynchronous context in which it was added. */
  frame = currentFrame();

  /** @param {ListenerCallback} callback @param {boolean} capture @param {boolean} once @param {boolean} passive */
  constructor(callback, capture, once, passive) {
    this.callback = callback;
    this.capture = capture;
    this.once = once;
    this.passive = passive;
  }
}

/** The listeners for one type. `items` is replaced, not changed, while dispatches (`walkers`) go over it. */
class ListenerList {
  /** @type {Listener[]} */
  items = [];
  walkers = 0;

  own() {
    if (this.walkers > 0) {
      this.items = ArrayPrototypeSlice(this.items);
      this.walkers = 0;
    }
    return this.items;
  }
}

/** An event handler attribute of one target. */
class Handler {
  /** @param {object} value @param {Listener} listener */
  constructor(value, listener) {
    this.value = value;
    this.listener = listener;
  }
}

/**
 * "Inner invoke" steps 10 and 11: call the callback interface's operation.
 *
 * @see https://webidl.spec.whatwg.org/#call-a-user-objects-operation
 * @param {ListenerCallback} callback
 * @param {Event} event
 * @param {EventTarget} target
 */
function callListener(callback, event, target) {
  if (typeof callback === "function") {
    uncurriedApply(callback, target, [event]);
    return;
  }
  const { handleEvent } = callback;
  if (typeof handleEvent !== "function") throw new TypeError("EventListener.handleEvent is not a function");
  uncurriedApply(handleEvent, callback, [event]);
}

/** @type {(error: unknown) => void} */
let reporter = () => {};

/**
 * Report an exception that a callback threw.
 *
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception
 * @param {unknown} error
 */
export function reportException(error) {
  reporter(error);
}

/**
 * Say what happens to the exceptions that callbacks throw.
 *
 * @param {(error: unknown) => void} report
 */
export function setExceptionReporter(report) {
  reporter = report;
}

/**
 * What abort.js knows about signals.
 *
 * @typedef {object} SignalHooks
 * @property {(value: any) => boolean} isSignal
 * @property {(signal: any) => boolean} isAborted
 * @property {(signal: any, steps: () => void) => void} addAlgorithm
 * @property {(signal: any, steps: () => void) => void} removeAlgorithm
 */

/** @type {SignalHooks | undefined} */
let signals;

/** @param {SignalHooks} hooks */
export function setSignalHooks(hooks) {
  signals = hooks;
}

const capture = { name: "capture", converter: converters.boolean };

const toListenerOptions = dictionary("EventListenerOptions", [capture]);

const toAddListenerOptions = dictionary("AddEventListenerOptions", [
  capture,
  { name: "once", converter: converters.boolean },
  { name: "passive", converter: converters.boolean },
  {
    name: "signal",
    converter: interfaceType("AbortSignal", (value) => signals !== undefined && signals.isSignal(value)),
  },
]);

/** @type {import("./webidl.js").Converter<ListenerCallback | null>} */
const toCallback = (value, context) =>
  value === null || value === undefined ? null : /** @type {any} */ (converters.object(value, context));

/**
 * Convert the union of a boolean and a dictionary, whose boolean means `capture`.
 *
 * @param {any} options
 * @param {import("./webidl.js").Converter<any>} toDictionary
 * @param {string} prefix
 */
function flatten(options, toDictionary, prefix) {
  if (options === undefined || options === null || isObject(options)) {
    return toDictionary(options, { prefix, name: "Argument 3" });
  }
  return { __proto__: null, capture: converters.boolean(options) };
}

/** @type {(value: any) => value is EventTarget} */
let isEventTarget;
/** @type {(target: EventTarget, type: string) => ListenerList | undefined} */
let listenersOf;
/** @type {(target: EventTarget, type: string, listener: Listener) => boolean} */
let addListener;
/** @type {(target: EventTarget, type: string, listener: Listener) => void} */
let removeListener;
/** @type {(target: any, type: string) => object | null} */
let getHandler;
/** @type {(target: any, type: string, value: any) => void} */
let setHandler;
/** @type {(target: EventTarget, observe: (type: string, count: number) => void) => void} */
let observeListeners;

export class EventTarget {
  /** @type {{ [type: string]: ListenerList } | null} */
  #listeners = null;
  /** @type {{ [type: string]: Handler } | null} */
  #handlers = null;
  /** @type {((type: string, count: number) => void) | null} */
  #observe = null;

  /**
   * @param {string} type
   * @param {ListenerCallback | null} callback
   * @param {any} [options]
   */
  addEventListener(type, callback, options = undefined) {
    const prefix = "Failed to execute 'addEventListener' on 'EventTarget'";
    const target = EventTarget.#this(this);
    requiredArguments(arguments.length, 2, prefix);
    type = converters.DOMString(type, { prefix, name: "Argument 1" });
    callback = toCallback(callback, { prefix, name: "Argument 2" });
    const { capture = false, once = false, passive = false, signal } = flatten(options, toAddListenerOptions, prefix);
    if (callback === null || (signal !== undefined && signals?.isAborted(signal))) return;
    const listener = new Listener(callback, capture, once, passive);
    if (!addListener(target, type, listener) || signal === undefined) return;
    const steps = () => removeListener(target, type, listener);
    listener.abortSteps = { signal, steps };
    signals?.addAlgorithm(signal, steps);
  }

  /**
   * @param {string} type
   * @param {ListenerCallback | null} callback
   * @param {any} [options]
   */
  removeEventListener(type, callback, options = undefined) {
    const prefix = "Failed to execute 'removeEventListener' on 'EventTarget'";
    const target = EventTarget.#this(this);
    requiredArguments(arguments.length, 2, prefix);
    type = converters.DOMString(type, { prefix, name: "Argument 1" });
    callback = toCallback(callback, { prefix, name: "Argument 2" });
    const { capture = false } = flatten(options, toListenerOptions, prefix);
    const items = listenersOf(target, type)?.items ?? [];
    for (let i = 0; i < items.length; i++) {
      if (items[i].callback === callback && items[i].capture === capture) {
        removeListener(target, type, items[i]);
        return;
      }
    }
  }

  /** @param {Event} event @returns {boolean} whether nobody cancelled it */
  dispatchEvent(event) {
    const prefix = "Failed to execute 'dispatchEvent' on 'EventTarget'";
    const target = EventTarget.#this(this);
    requiredArguments(arguments.length, 1, prefix);
    event = toEvent(event, { prefix, name: "Argument 1" });
    return dispatchUntrusted(event, target, prefix);
  }

  /**
   * The receiver of an operation: the global object stands in for none.
   *
   * @param {any} self
   * @returns {EventTarget}
   */
  static #this(self) {
    const target = self ?? globalThis_;
    EventTarget.#holder(target);
    return target;
  }

  /** Where the lists of a target are; a TypeError for what is no target. @param {any} target @returns {EventTarget} */
  static #holder(target) {
    if (#listeners in target) return target;
    if (target === globalThis_) return globalTarget;
    throw new TypeError("Illegal invocation");
  }

  static {
    isEventTarget = /** @type {any} */ (
      (/** @type {any} */ value) => isObject(value) && (#listeners in value || value === globalThis_)
    );

    listenersOf = (target, type) => EventTarget.#holder(target).#listeners?.[type];

    // https://dom.spec.whatwg.org/#add-an-event-listener, step 5.
    addListener = (target, type, listener) => {
      const holder = EventTarget.#holder(target);
      const lists = (holder.#listeners ??= /** @type {any} */ ({ __proto__: null }));
      const list = (lists[type] ??= new ListenerList());
      const { items } = list;
      for (let i = 0; i < items.length; i++) {
        if (items[i].callback === listener.callback && items[i].capture === listener.capture) return false;
      }
      ArrayPrototypePush(list.own(), listener);
      holder.#observe?.(type, list.items.length);
      return true;
    };

    // https://dom.spec.whatwg.org/#remove-an-event-listener
    removeListener = (target, type, listener) => {
      if (listener.removed) return;
      listener.removed = true;
      const holder = EventTarget.#holder(target);
      const list = /** @type {ListenerList} */ (holder.#listeners?.[type]);
      const items = list.own();
      for (let i = 0; i < items.length; i++) {
        if (items[i] === listener) {
          ArrayPrototypeSplice(items, i, 1);
          break;
        }
      }
      if (listener.abortSteps !== null) {
        signals?.removeAlgorithm(listener.abortSteps.signal, listener.abortSteps.steps);
      }
      holder.#observe?.(type, items.length);
    };

    getHandler = (target, type) => EventTarget.#holder(target ?? globalThis_).#handlers?.[type]?.value ?? null;

    // https://html.spec.whatwg.org/multipage/webappapis.html#event-handler-attributes:event-handlers-6
    setHandler = (target, type, value) => {
      target ??= globalThis_;
      const holder = EventTarget.#holder(target);
      const handlers = (holder.#handlers ??= /** @type {any} */ ({ __proto__: null }));
      const handler = handlers[type];
      if (!isObject(value)) {
        if (handler !== undefined) removeListener(target, type, handler.listener);
        delete handlers[type];
      } else if (handler !== undefined) {
        handler.value = value;
      } else {
        const listener = new Listener((event) => processHandler(handlers[type].value, event), false, false, false);
        handlers[type] = new Handler(value, listener);
        addListener(target, type, listener);
      }
    };

    observeListeners = (target, observe) => {
      target.#observe = observe;
    };
  }
}

exposeInterface(EventTarget, { name: "EventTarget" });

/** Holds the listeners of the global object. */
const globalTarget = new EventTarget();

/**
 * Dispatch, with an event path of one entry.
 *
 * @see https://dom.spec.whatwg.org/#concept-event-dispatch
 * @param {Event} event
 * @param {EventTarget} target
 * @returns {boolean} whether nobody cancelled it
 */
function dispatch(event, target) {
  startDispatch(event, target);
  invoke(event, target, true);
  invoke(event, target, false);
  endDispatch(event);
  return (flagsOf(event) & CANCELED) === 0;
}

/**
 * @see https://dom.spec.whatwg.org/#concept-event-listener-invoke
 * @param {Event} event
 * @param {EventTarget} target
 * @param {boolean} capture
 */
function invoke(event, target, capture) {
  if ((flagsOf(event) & STOP_PROPAGATION) !== 0) return;
  setCurrentTarget(event, target);
  const type = typeOf(event);
  const list = listenersOf(target, type);
  if (list === undefined) return;
  const { items } = list;
  list.walkers++;
  for (let i = 0; i < items.length; i++) {
    if (items[i].removed || items[i].capture !== capture) continue;
    innerInvoke(event, type, target, items[i]);
    if ((flagsOf(event) & STOP_IMMEDIATE_PROPAGATION) !== 0) break;
  }
  if (list.items === items) list.walkers--;
}

/**
 * The part of "inner invoke" for one listener.
 *
 * @see https://dom.spec.whatwg.org/#concept-event-listener-inner-invoke
 * @param {Event} event
 * @param {string} type
 * @param {EventTarget} target
 * @param {Listener} listener
 */
function innerInvoke(event, type, target, listener) {
  if (listener.once) removeListener(target, type, listener);
  if (listener.passive) setInPassiveListener(event, true);
  try {
    // An event of the host's has no context of its own.
    if (listener.frame === undefined || currentFrame() !== undefined) callListener(listener.callback, event, target);
    else runInFrame(listener.frame, callListener, undefined, [listener.callback, event, target]);
  } catch (error) {
    reportException(error);
  }
  if (listener.passive) setInPassiveListener(event, false);
}

/** @param {Event} event @param {EventTarget} target @param {string} prefix */
function dispatchUntrusted(event, target, prefix) {
  if ((flagsOf(event) & DISPATCHING) !== 0) {
    throw new DOMException(`${prefix}: The event is already being dispatched.`, "InvalidStateError");
  }
  setTrusted(event, false);
  return dispatch(event, target);
}

/**
 * What an event handler attribute's listener does.
 *
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#the-event-handler-processing-algorithm
 * @param {any} callback
 * @param {Event} event
 */
function processHandler(callback, event) {
  if (typeof callback !== "function") return;
  const target = event.currentTarget;
  const errorArguments = target === /** @type {any} */ (globalThis_) ? errorEventArguments(event) : undefined;
  if (errorArguments !== undefined) {
    if (uncurriedApply(callback, target, errorArguments) === true) cancel(event, true);
  } else if (uncurriedApply(callback, target, [event]) === false) {
    cancel(event, true);
  }
}

/** @type {(event: Event) => any[] | undefined} */
let errorEventArguments = () => undefined;

/**
 * Say what the global object's `onerror` is called with; undefined for events that are no ErrorEvent.
 *
 * @param {(event: Event) => any[] | undefined} unpack
 */
export function setErrorEventArguments(unpack) {
  errorEventArguments = unpack;
}

/**
 * Give a class an event handler attribute such as `onabort`.
 *
 * @param {any} Class
 * @param {string} type "abort"
 * @param {(target: any) => void} [whenSet] runs after each assignment
 */
export function defineEventHandler(Class, type, whenSet) {
  defineEventHandlerOn(Class.prototype, type, whenSet);
}

/**
 * The same for an object: a prototype, or the global object.
 *
 * @param {object} object
 * @param {string} type
 * @param {(target: any) => void} [whenSet]
 */
export function defineEventHandlerOn(object, type, whenSet) {
  const name = `on${type}`;
  const accessor = {
    /** @returns {any} */
    get [name]() {
      return getHandler(this, type);
    },
    /** @param {any} value */
    set [name](value) {
      setHandler(this, type, value);
      whenSet?.(this);
    },
  };
  const descriptor = /** @type {any} */ (ReflectGetOwnPropertyDescriptor(accessor, name));
  const { get, set } = descriptor;
  const attribute = { __proto__: null, get, set, enumerable: true, configurable: true };
  ObjectDefineProperty(object, name, /** @type {any} */ (attribute));
}

/**
 * Dispatch an event of our own making: it is trusted.
 *
 * @see https://dom.spec.whatwg.org/#concept-event-fire
 * @param {any} target
 * @param {Event} event
 * @returns {boolean} whether nobody cancelled it
 */
export function fireEvent(target, event) {
  setTrusted(event, true);
  return dispatch(event, target);
}

/**
 * Whether an event of this type would reach anybody: for callers that can save themselves the event.
 *
 * @param {any} target
 * @param {string} type
 */
export const hasListeners = (target, type) => (listenersOf(target, type)?.items.length ?? 0) > 0;

export { isEventTarget, observeListeners };
