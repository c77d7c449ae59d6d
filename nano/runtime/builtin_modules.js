// The part of Node that npm packages touch most: `node:buffer`, `node:events`, … for the apps that import them.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/. The modules are in node/, each bundled as a script of its own
// (build.mjs); the host evaluates those that an app imports, and what they need, as it does the app's own modules
// (nano/apps/program.py). They run with the app's built-ins and hold nothing of the runtime's but what `internals`
// gives them, which apps cannot import.

import { bindToFrame, currentFrame, enableAsyncContext, exchangeFrame, runInFrame } from "./async_context.js";
import { fillRandom } from "./crypto.js";
import { currentEnvironment } from "./handler.js";
import { hostAskBytes, hostNow } from "./host.js";
import { inspect } from "./inspect.js";
import { format } from "./inspect_format.js";
import { registerBuiltin } from "./modules.js";
import { Error } from "./primordials.js";

/** @typedef {(module: { exports: any }, require: (name: string) => any) => void} NodeModule */

const internals = {
  __proto__: null,
  bindToFrame,
  currentEnvironment,
  currentFrame,
  exchangeFrame,
  fillRandom,
  format,
  hostAskBytes,
  hostNow,
  inspect,
  runInFrame,
};

/**
 * Offer modules of Node to the app.
 *
 * @param {string[]} names each behind those it needs
 * @param {Record<string, any>} functions what their scripts have defined
 */
export function registerNodeModules(names, functions) {
  /** @type {Record<string, any>} */
  const loaded = { __proto__: /** @type {any} */ (null), "nano:internals": internals };
  /** @param {string} name */
  const require = (name) => {
    if (name in loaded) return loaded[name];
    const define = /** @type {NodeModule | undefined} */ (functions[name]);
    if (define === undefined) throw new Error(`No such module "${name}"`);
    const module = { exports: {} };
    loaded[name] = module.exports;
    define(module, require);
    loaded[name] = module.exports;
    return module.exports;
  };
  for (let i = 0; i < names.length; i++) {
    registerBuiltin(names[i], () => require(names[i]));
    // Before the app's first promise.
    if (names[i] === "node:async_hooks") enableAsyncContext();
  }
}
