// node:timers/promises.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/timers.html#timers-promises-api

const { clearTimeout: clear, setTimeout: start } = globalThis;

/** @param {AbortSignal} signal */
const abortError = (signal) =>
  Object.assign(new Error("The operation was aborted", { cause: signal.reason }), { name: "AbortError", code: "ABORT_ERR" });

/**
 * @template T
 * @param {number} [ms]
 * @param {T} [value]
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<T | undefined>}
 */
export function setTimeout(ms = 1, value = undefined, { signal } = {}) {
  if (signal?.aborted) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    const stop = () => {
      clear(id);
      reject(abortError(/** @type {AbortSignal} */ (signal)));
    };
    const id = start(() => {
      signal?.removeEventListener("abort", stop);
      resolve(value);
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** @template T @param {T} [value] @param {{ signal?: AbortSignal }} [options] */
export const setImmediate = (value = undefined, options = {}) => setTimeout(0, value, options);

/** @template T @param {number} [ms] @param {T} [value] @param {{ signal?: AbortSignal }} [options] */
export async function* setInterval(ms = 1, value = undefined, options = {}) {
  for (;;) yield await setTimeout(ms, value, options);
}

export const scheduler = {
  /** @param {number} ms @param {{ signal?: AbortSignal }} [options] */
  wait: (ms, options) => setTimeout(ms, undefined, options),
  yield: () => setImmediate(),
};

export default { scheduler, setImmediate, setInterval, setTimeout };
