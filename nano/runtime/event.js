// Event: what happened.
//
// Standard: https://dom.spec.whatwg.org/#interface-event
// Dispatch is in event_target.js and uses the functions that this module exports; everybody else imports from
// events.js.

import { hostNow } from "./host.js";
import { ObjectDefineProperty, ReflectGetOwnPropertyDescriptor } from "./primordials.js";
import { converters, dictionary, exposeInterface, interfaceType, isObject, requiredArguments } from "./webidl.js";

/** @typedef {import("./event_target.js").EventTarget} EventTarget */

const NONE = 0;
const CAPTURING_PHASE = 1;
const AT_TARGET = 2;
const BUBBLING_PHASE = 3;

// The flags of an event, in one number.
const BUBBLES = 1;
const CANCELABLE = 2;
const COMPOSED = 4;
export const STOP_PROPAGATION = 8;
export const STOP_IMMEDIATE_PROPAGATION = 16;
export const CANCELED = 32;
const IN_PASSIVE_LISTENER = 64;
export const DISPATCHING = 128;
const TRUSTED = 256;

/** @typedef {{ bubbles?: boolean, cancelable?: boolean, composed?: boolean }} EventInit */

const toEventInit = dictionary("EventInit", [
  { name: "bubbles", converter: converters.boolean },
  { name: "cancelable", converter: converters.boolean },
  { name: "composed", converter: converters.boolean },
]);

/** @type {(event: Event) => number} */
export let flagsOf;
/** @type {(event: Event) => string} */
export let typeOf;
/** @type {(event: Event, wanted: boolean) => void} */
export let cancel;
/** @type {(event: Event, trusted: boolean) => void} */
export let setTrusted;
/** @type {(event: Event, type: string, bubbles: boolean, cancelable: boolean) => boolean} */
export let initializeEvent;
/** @type {(event: any) => event is Event} */
export let isEvent;
/** @type {(event: Event, target: EventTarget) => void} */
export let startDispatch;
/** @type {(event: Event) => void} */
export let endDispatch;
/** @type {(event: Event, target: EventTarget) => void} */
export let setCurrentTarget;
/** @type {(event: Event, passive: boolean) => void} */
export let setInPassiveListener;

export class Event {
  #type;
  #flags;
  #phase = NONE;
  #timeStamp = hostNow();
  /** @type {EventTarget | null} */
  #target = null;
  /** @type {EventTarget | null} */
  #currentTarget = null;

  /** @param {string} type @param {EventInit} [eventInitDict] */
  constructor(type, eventInitDict = undefined) {
    const prefix = "Failed to construct 'Event'";
    requiredArguments(arguments.length, 1, prefix);
    this.#type = converters.DOMString(type, { prefix, name: "Argument 1" });
    let flags = 0;
    if (eventInitDict !== undefined) {
      const init = toEventInit(eventInitDict, { prefix, name: "Argument 2" });
      if (init.bubbles) flags |= BUBBLES;
      if (init.cancelable) flags |= CANCELABLE;
      if (init.composed) flags |= COMPOSED;
    }
    this.#flags = flags;
    ObjectDefineProperty(this, "isTrusted", IS_TRUSTED);
  }

  get type() {
    return this.#type;
  }

  get target() {
    return this.#target;
  }

  get srcElement() {
    return this.#target;
  }

  get currentTarget() {
    return this.#currentTarget;
  }

  /** @returns {EventTarget[]} */
  composedPath() {
    return (this.#flags & DISPATCHING) !== 0 && this.#currentTarget !== null ? [this.#currentTarget] : [];
  }

  get eventPhase() {
    return this.#phase;
  }

  stopPropagation() {
    this.#flags |= STOP_PROPAGATION;
  }

  get cancelBubble() {
    return (this.#flags & STOP_PROPAGATION) !== 0;
  }

  set cancelBubble(value) {
    this.#flags |= value ? STOP_PROPAGATION : 0;
  }

  stopImmediatePropagation() {
    this.#flags |= STOP_PROPAGATION | STOP_IMMEDIATE_PROPAGATION;
  }

  get bubbles() {
    return (this.#flags & BUBBLES) !== 0;
  }

  get cancelable() {
    return (this.#flags & CANCELABLE) !== 0;
  }

  get returnValue() {
    return (this.#flags & CANCELED) === 0;
  }

  set returnValue(value) {
    cancel(this, !value);
  }

  preventDefault() {
    cancel(this, true);
  }

  get defaultPrevented() {
    return (this.#flags & CANCELED) !== 0;
  }

  get composed() {
    return (this.#flags & COMPOSED) !== 0;
  }

  get timeStamp() {
    return this.#timeStamp;
  }

  /**
   * @param {string} type
   * @param {boolean} [bubbles]
   * @param {boolean} [cancelable]
   */
  initEvent(type, bubbles = false, cancelable = false) {
    const prefix = "Failed to execute 'initEvent' on 'Event'";
    requiredArguments(arguments.length, 1, prefix);
    initializeEvent(this, converters.DOMString(type, { prefix, name: "Argument 1" }), bubbles, cancelable);
  }

  static {
    isEvent = /** @type {any} */ ((/** @type {any} */ value) => isObject(value) && #flags in value);
    flagsOf = (event) => event.#flags;
    typeOf = (event) => event.#type;

    // https://dom.spec.whatwg.org/#set-the-canceled-flag
    cancel = (event, wanted) => {
      const allowed = (event.#flags & (CANCELABLE | IN_PASSIVE_LISTENER)) === CANCELABLE;
      if (wanted && allowed) event.#flags |= CANCELED;
    };

    setTrusted = (event, trusted) => {
      event.#flags = (event.#flags & ~TRUSTED) | (trusted ? TRUSTED : 0);
    };

    // https://dom.spec.whatwg.org/#concept-event-initialize
    initializeEvent = (event, type, bubbles, cancelable) => {
      if ((event.#flags & DISPATCHING) !== 0) return false;
      event.#flags = (event.#flags & COMPOSED) | (bubbles ? BUBBLES : 0) | (cancelable ? CANCELABLE : 0);
      event.#target = null;
      event.#type = type;
      return true;
    };

    startDispatch = (event, target) => {
      event.#flags |= DISPATCHING;
      event.#target = target;
      event.#phase = AT_TARGET;
    };

    endDispatch = (event) => {
      event.#phase = NONE;
      event.#currentTarget = null;
      event.#flags &= ~(DISPATCHING | STOP_PROPAGATION | STOP_IMMEDIATE_PROPAGATION);
    };

    setCurrentTarget = (event, target) => {
      event.#currentTarget = target;
    };

    setInPassiveListener = (event, passive) => {
      event.#flags = (event.#flags & ~IN_PASSIVE_LISTENER) | (passive ? IN_PASSIVE_LISTENER : 0);
    };
  }
}

/** `isTrusted` is [LegacyUnforgeable]: an own property of every event, with one getter for all of them. */
const IS_TRUSTED = {
  __proto__: null,
  get: /** @type {any} */ (
    ReflectGetOwnPropertyDescriptor(
      {
        get isTrusted() {
          return (flagsOf(/** @type {any} */ (this)) & TRUSTED) !== 0;
        },
      },
      "isTrusted",
    )
  ).get,
  set: undefined,
  enumerable: true,
  configurable: false,
};

exposeInterface(Event, {
  name: "Event",
  length: 1,
  constants: { NONE, CAPTURING_PHASE, AT_TARGET, BUBBLING_PHASE },
});

/** @type {(value: any, context?: import("./webidl.js").Context) => Event} */
export const toEvent = interfaceType("Event", (value) => isEvent(value));
