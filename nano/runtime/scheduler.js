// scheduler.wait(): a timer as a promise.
//
// An addition of Workers: https://developers.cloudflare.com/workers/runtime-apis/scheduler/

import { abortReason, addAbortAlgorithm, isAborted, removeAbortAlgorithm, toAbortSignal } from "./abort.js";
import { Promise } from "./primordials.js";
import { cancelTimer, runAfterTimeout } from "./timers.js";
import { converters, dictionary, exposeInterface, illegalConstructor, requiredArguments } from "./webidl.js";

const INTERNAL = {};

const toWaitOptions = dictionary("SchedulerWaitOptions", [{ name: "signal", converter: toAbortSignal }]);

export class Scheduler {
  #brand = true;

  /** @param {object} [token] */
  constructor(token = undefined) {
    if (token !== INTERNAL) throw illegalConstructor();
  }

  /**
   * @param {number} delay milliseconds
   * @param {{ signal?: import("./abort.js").AbortSignal }} [options]
   * @returns {Promise<undefined>}
   */
  async wait(delay, options = undefined) {
    const prefix = "Failed to execute 'wait' on 'Scheduler'";
    this.#brand;
    requiredArguments(arguments.length, 1, prefix);
    const ms = converters.long(delay, { prefix, name: "Argument 1" });
    const { signal } = toWaitOptions(options, { prefix, name: "Argument 2" });
    if (signal !== undefined && isAborted(signal)) throw abortReason(signal);
    return new Promise((resolve, reject) => wait(ms, signal, resolve, reject));
  }
}

/**
 * @param {number} ms
 * @param {import("./abort.js").AbortSignal | undefined} signal
 * @param {(value: undefined) => void} resolve
 * @param {(reason: any) => void} reject
 */
function wait(ms, signal, resolve, reject) {
  const timer = runAfterTimeout(ms > 0 ? ms : 0, () => {
    if (signal !== undefined) removeAbortAlgorithm(signal, abort);
    resolve(undefined);
  });
  const abort = (/** @type {any} */ reason) => {
    cancelTimer(timer);
    reject(reason);
  };
  if (signal !== undefined) addAbortAlgorithm(signal, abort);
}

exposeInterface(Scheduler, { name: "Scheduler", length: 0 });

export const scheduler = new Scheduler(INTERNAL);
