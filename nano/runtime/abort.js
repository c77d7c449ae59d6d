// AbortController and AbortSignal.
//
// Standard: https://dom.spec.whatwg.org/#aborting-ongoing-activities
//
// Lifetimes. A signal is observed while it has a listener, an algorithm or an observed dependent. What
// `AbortSignal.any()` makes is held by its sources weakly, and strongly only while it is observed; so a
// long-lived signal does not collect the signals of finished requests. What `AbortSignal.timeout()` makes has
// a timer only while it is observed, and otherwise compares the time when somebody asks whether it is aborted;
// so a timeout that nobody would notice is no pending work.

import { DOMException } from "./dom_exception.js";
import { Event } from "./event.js";
import {
  EventTarget,
  defineEventHandler,
  fireEvent,
  hasListeners,
  observeListeners,
  setSignalHooks,
} from "./event_target.js";
import { hostNow } from "./host.js";
import {
  ArrayPrototypePush,
  Set,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SetPrototypeForEach,
  SetPrototypeGetSize,
} from "./primordials.js";
import { cancelTimer, runAfterTimeout } from "./timers.js";
import { WeakList } from "./weak_list.js";
import {
  converters,
  exposeInterface,
  illegalConstructor,
  interfaceType,
  isObject,
  requiredArguments,
  sequence,
} from "./webidl.js";

const INTERNAL = {};

/** @type {(value: any) => value is AbortSignal} */
let isAbortSignal;
/** @type {(signal: AbortSignal) => boolean} */
let isAborted;
/** @type {(signal: AbortSignal) => any} */
let abortReason;
/** @type {(signal: AbortSignal, algorithm: (reason: any) => void) => void} */
let addAbortAlgorithm;
/** @type {(signal: AbortSignal, algorithm: (reason: any) => void) => void} */
let removeAbortAlgorithm;
/** @type {(signal: AbortSignal, reason?: any) => void} */
let signalAbort;
/** @type {(signals: AbortSignal[]) => AbortSignal} */
let createDependentAbortSignal;
/** @type {(ms: number) => AbortSignal} */
let createTimeoutSignal;

export class AbortSignal extends EventTarget {
  /** Undefined until aborted. @type {any} */
  #reason;
  /** @type {Set<(reason: any) => void> | null} */
  #algorithms = null;
  /** The signals that `any()` made this one of; null if another way did. @type {AbortSignal[] | null} */
  #sources = null;
  /** @type {WeakList<AbortSignal> | null} */
  #dependents = null;
  /** The dependents that are observed. @type {Set<AbortSignal> | null} */
  #pinned = null;
  /** Told when this signal becomes observed, and when it ceases to be. @type {((observed: boolean) => void) | null} */
  #whenObserved = null;
  #observed = false;
  /** When a signal of `timeout()` aborts. */
  #deadline = Infinity;

  /** @param {object} [token] */
  constructor(token = undefined) {
    if (token !== INTERNAL) throw illegalConstructor();
    super();
  }

  /** @param {any} [reason] */
  static abort(reason = undefined) {
    const signal = new AbortSignal(INTERNAL);
    signal.#reason = reason === undefined ? abortError() : reason;
    return signal;
  }

  /** @param {number} milliseconds */
  static timeout(milliseconds) {
    const prefix = "Failed to execute 'timeout' on 'AbortSignal'";
    requiredArguments(arguments.length, 1, prefix);
    return createTimeoutSignal(
      converters["[EnforceRange] unsigned long long"](milliseconds, { prefix, name: "Argument 1" }),
    );
  }

  /** @param {Iterable<AbortSignal>} signals */
  static any(signals) {
    const prefix = "Failed to execute 'any' on 'AbortSignal'";
    requiredArguments(arguments.length, 1, prefix);
    return createDependentAbortSignal(toSignals(signals, { prefix, name: "Argument 1" }));
  }

  get aborted() {
    return this.#currentReason() !== undefined;
  }

  /** @returns {any} */
  get reason() {
    return this.#currentReason();
  }

  throwIfAborted() {
    const reason = this.#currentReason();
    if (reason !== undefined) throw reason;
  }

  /** The reason, after looking at the clock for a timeout that has no timer. @returns {any} */
  #currentReason() {
    if (this.#reason !== undefined || this.#observed) return this.#reason;
    if (this.#deadline !== Infinity && hostNow() > this.#deadline) signalAbort(this, timeoutError());
    // A source that turns out to be aborted aborts this one as well, and empties the list.
    const sources = this.#sources;
    for (let i = 0; sources !== null && i < sources.length && this.#reason === undefined; i++) {
      sources[i].#currentReason();
    }
    return this.#reason;
  }

  /** What the lifetime of a signal depends on has changed. */
  #update() {
    if (this.#whenObserved === null) return;
    const observed =
      this.#reason === undefined &&
      (sizeOf(this.#algorithms) > 0 || sizeOf(this.#pinned) > 0 || hasListeners(this, "abort"));
    if (observed === this.#observed) return;
    this.#observed = observed;
    this.#whenObserved(observed);
  }

  /** @param {(observed: boolean) => void} whenObserved */
  #watch(whenObserved) {
    this.#whenObserved = whenObserved;
    observeListeners(this, () => this.#update());
  }

  /** @see https://dom.spec.whatwg.org/#run-the-abort-steps */
  #runAbortSteps() {
    if (this.#algorithms !== null) SetPrototypeForEach(this.#algorithms, (algorithm) => algorithm(this.#reason));
    this.#algorithms = null;
    if (hasListeners(this, "abort")) fireEvent(this, new Event("abort"));
    this.#update();
  }

  static {
    isAbortSignal = /** @type {any} */ ((/** @type {any} */ value) => isObject(value) && #algorithms in value);
    isAborted = (signal) => signal.#currentReason() !== undefined;
    abortReason = (signal) => signal.#currentReason();

    // https://dom.spec.whatwg.org/#abortsignal-add
    addAbortAlgorithm = (signal, algorithm) => {
      if (signal.#reason !== undefined) return;
      signal.#algorithms ??= new Set();
      SetPrototypeAdd(signal.#algorithms, algorithm);
      signal.#update();
    };

    removeAbortAlgorithm = (signal, algorithm) => {
      if (signal.#algorithms === null) return;
      SetPrototypeDelete(signal.#algorithms, algorithm);
      signal.#update();
    };

    // https://dom.spec.whatwg.org/#abortsignal-signal-abort
    signalAbort = (signal, reason) => {
      if (signal.#reason !== undefined) return;
      signal.#reason = reason === undefined ? abortError() : reason;
      /** @type {AbortSignal[]} */
      const toAbort = [];
      signal.#dependents?.forEach((dependent) => {
        if (dependent.#reason !== undefined) return;
        dependent.#reason = signal.#reason;
        ArrayPrototypePush(toAbort, dependent);
      });
      signal.#dependents = signal.#pinned = null;
      signal.#runAbortSteps();
      for (let i = 0; i < toAbort.length; i++) {
        toAbort[i].#runAbortSteps();
        toAbort[i].#sources = null;
      }
    };

    // https://dom.spec.whatwg.org/#create-a-dependent-abort-signal
    createDependentAbortSignal = (signals) => {
      const result = new AbortSignal(INTERNAL);
      for (let i = 0; i < signals.length; i++) {
        result.#reason = signals[i].#currentReason();
        if (result.#reason !== undefined) return result;
      }
      /** @type {Set<AbortSignal>} */
      const sources = new Set();
      for (let i = 0; i < signals.length; i++) {
        const own = signals[i].#sources;
        if (own === null) SetPrototypeAdd(sources, signals[i]);
        else for (let j = 0; j < own.length; j++) SetPrototypeAdd(sources, own[j]);
      }
      /** @type {AbortSignal[]} */
      const list = (result.#sources = []);
      SetPrototypeForEach(sources, (source) => {
        ArrayPrototypePush(list, source);
        source.#dependents ??= new WeakList();
        source.#dependents.add(result);
      });
      result.#watch((observed) => {
        for (let i = 0; i < list.length; i++) list[i].#pin(result, observed);
      });
      return result;
    };

    createTimeoutSignal = (ms) => {
      const signal = new AbortSignal(INTERNAL);
      signal.#deadline = hostNow() + ms;
      /** @type {import("./timers.js").Timer | undefined} */
      let timer;
      signal.#watch((observed) => {
        if (timer !== undefined) cancelTimer(timer);
        const wait = signal.#deadline - hostNow();
        timer = observed ? runAfterTimeout(wait > 0 ? wait : 0, () => signalAbort(signal, timeoutError())) : undefined;
      });
      return signal;
    };
  }

  /** @param {AbortSignal} dependent @param {boolean} observed */
  #pin(dependent, observed) {
    if (this.#reason !== undefined) return;
    this.#pinned ??= new Set();
    if (observed) SetPrototypeAdd(this.#pinned, dependent);
    else SetPrototypeDelete(this.#pinned, dependent);
    this.#update();
  }
}

const timeoutError = () => new DOMException("The operation timed out.", "TimeoutError");
const abortError = () => new DOMException("This operation was aborted", "AbortError");

/** @param {Set<any> | null} set */
const sizeOf = (set) => (set === null ? 0 : SetPrototypeGetSize(set));

/**
 * The converter of arguments and dictionary members of type AbortSignal.
 *
 * @type {import("./webidl.js").Converter<AbortSignal>}
 */
export const toAbortSignal = interfaceType("AbortSignal", (value) => isAbortSignal(value));

const toSignals = sequence(toAbortSignal);

defineEventHandler(AbortSignal, "abort");
exposeInterface(AbortSignal, { name: "AbortSignal", length: 0 });

export class AbortController {
  #signal = new AbortSignal(INTERNAL);

  get signal() {
    return this.#signal;
  }

  /** @param {any} [reason] */
  abort(reason = undefined) {
    signalAbort(this.#signal, reason);
  }
}

exposeInterface(AbortController, { name: "AbortController" });

/** A signal that only `signalAbort()` aborts, for objects that come with one. */
export const createAbortSignal = () => new AbortSignal(INTERNAL);

setSignalHooks({
  isSignal: isAbortSignal,
  isAborted,
  addAlgorithm: addAbortAlgorithm,
  removeAlgorithm: removeAbortAlgorithm,
});

export {
  abortReason,
  addAbortAlgorithm,
  createDependentAbortSignal,
  isAborted,
  isAbortSignal,
  removeAbortAlgorithm,
  signalAbort,
};
