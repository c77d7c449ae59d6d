// node:timers: the global ones, and setImmediate().
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/timers.html

import * as promises from "node:timers/promises";

const { clearInterval, clearTimeout, setInterval, setTimeout } = globalThis;

/** @param {Function} callback @param {...any} args */
export const setImmediate = (callback, ...args) => setTimeout(callback, 0, ...args);
/** @param {number} [id] */
export const clearImmediate = (id) => clearTimeout(id);

export { clearInterval, clearTimeout, promises, setInterval, setTimeout };
export default { clearImmediate, clearInterval, clearTimeout, promises, setImmediate, setInterval, setTimeout };
