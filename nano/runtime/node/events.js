// node:events, from https://github.com/browserify/events, and what Node has added since.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/events.html

import EventEmitter from "events/events.js";

const { defaultMaxListeners, listenerCount, once: onceWithoutSignal } = EventEmitter;

/** Listeners of this "event" see errors first, and handle none. */
export const errorMonitor = Symbol("events.errorMonitor");
export const captureRejectionSymbol = Symbol.for("nodejs.rejection");

const { emit } = EventEmitter.prototype;

EventEmitter.prototype.emit = function (/** @type {any} */ type, /** @type {any[]} */ ...args) {
  if (type === "error" && this.listenerCount(errorMonitor) > 0) emit.call(this, errorMonitor, ...args);
  return emit.call(this, type, ...args);
};

/** @param {any} signal */
function abortError(signal) {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  return Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
}

/** @param {AbortSignal} signal @param {(event: any) => void} listener */
export function addAbortListener(signal, listener) {
  if (signal.aborted) queueMicrotask(() => listener(new Event("abort")));
  else signal.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) };
}

/** @param {any} emitter @param {string | symbol} name @param {{ signal?: AbortSignal }} [options] */
export async function once(emitter, name, options = {}) {
  const { signal } = options;
  if (signal === undefined) return onceWithoutSignal(emitter, name);
  if (signal.aborted) throw abortError(signal);
  const aborted = Promise.withResolvers();
  const listening = addAbortListener(signal, () => aborted.reject(abortError(signal)));
  try {
    return await Promise.race([onceWithoutSignal(emitter, name), aborted.promise]);
  } finally {
    listening[Symbol.dispose]();
  }
}

/** @param {any} emitter @param {string | symbol} name @param {(...args: any[]) => void} listener */
function listen(emitter, name, listener) {
  if (typeof emitter.on === "function") {
    emitter.on(name, listener);
    return () => emitter.removeListener(name, listener);
  }
  emitter.addEventListener(name, listener);
  return () => emitter.removeEventListener(name, listener);
}

/**
 * Walk over events as they come.
 *
 * @param {any} emitter
 * @param {string | symbol} name
 * @param {{ signal?: AbortSignal, close?: string[] }} [options]
 */
export function on(emitter, name, { signal, close = [] } = {}) {
  if (signal?.aborted) throw abortError(signal);
  /** @type {any[][]} */
  const events = [];
  /** @type {PromiseWithResolvers<any>[]} */
  const waiting = [];
  /** @type {any[]} errors not given out yet */
  const errors = [];
  let finished = false;
  const done = () => ({ value: undefined, done: true });
  const stop = () => {
    finished = true;
    for (const forget of undo) forget();
    for (const next of waiting.splice(0)) next.resolve(done());
    return Promise.resolve(done());
  };
  /** @param {any} error */
  const fail = (error) => {
    if (waiting.length > 0) /** @type {any} */ (waiting.shift()).reject(error);
    else errors.push(error);
    stop();
  };
  const undo = [
    listen(emitter, name, (...args) => {
      if (waiting.length > 0) /** @type {any} */ (waiting.shift()).resolve({ value: args, done: false });
      else events.push(args);
    }),
    ...(name !== "error" && typeof emitter.on === "function" ? [listen(emitter, "error", fail)] : []),
    ...close.map((end) => listen(emitter, end, stop)),
  ];
  if (signal) undo.push(addAbortListener(signal, () => fail(abortError(signal)))[Symbol.dispose]);
  return {
    next() {
      if (events.length > 0) return Promise.resolve({ value: events.shift(), done: false });
      if (errors.length > 0) return Promise.reject(errors.shift());
      if (finished) return Promise.resolve(done());
      const next = Promise.withResolvers();
      waiting.push(next);
      return next.promise;
    },
    return: stop,
    throw: fail,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** @param {any} emitter @param {string | symbol} name */
export const getEventListeners = (emitter, name) => (typeof emitter.listeners === "function" ? emitter.listeners(name) : []);

/** @param {number} count @param {...any} emitters */
export function setMaxListeners(count, ...emitters) {
  if (emitters.length === 0) EventEmitter.defaultMaxListeners = count;
  for (const emitter of emitters) emitter.setMaxListeners?.(count);
}

/** @param {any} emitter */
export const getMaxListeners = (emitter) => emitter.getMaxListeners?.() ?? EventEmitter.defaultMaxListeners;

Object.assign(EventEmitter, {
  EventEmitter,
  addAbortListener,
  captureRejectionSymbol,
  errorMonitor,
  getEventListeners,
  getMaxListeners,
  on,
  once,
  setMaxListeners,
  usingDomains: false,
});

export { EventEmitter, defaultMaxListeners, listenerCount };
export default EventEmitter;
