// The app's handler: what its entry module exports, or listens to, made into one function.
//
// Standard: https://developers.cloudflare.com/workers/runtime-apis/handlers/fetch/

import { ReflectApply, TypeError, globalThis_ } from "./primordials.js";
import { fireEvent, hasListeners } from "./event_target.js";
import { createFetchEvent, takeResponse } from "./fetch_event.js";

/** @typedef {(request: any, env: any, context: any) => any} Handler */

/** @type {Handler} */
let handler;
/** @type {Record<string, any>} */
let environment = { __proto__: /** @type {any} */ (null) };

/**
 * Find the handler in what the entry module exports.
 *
 * @param {any} exported its default export: an object with `fetch`, or a class whose instances have it
 * @returns {Handler}
 */
export function findHandler(exported) {
  if (typeof exported === "function" && typeof exported.prototype?.fetch === "function") {
    return (request, env, context) => new exported(context, env).fetch(request);
  }
  const fetch = exported === null || exported === undefined ? undefined : exported.fetch;
  if (typeof fetch === "function") return (request, env, context) => ReflectApply(fetch, exported, [request, env, context]);
  if (hasListeners(globalThis_, "fetch")) return dispatchFetchEvent;
  throw new TypeError(
    'The app has no fetch handler: export default { fetch(request, env, ctx) { … } }, or addEventListener("fetch", …)',
  );
}

/** @type {Handler} */
function dispatchFetchEvent(request, _env, context) {
  const event = createFetchEvent(request, context);
  fireEvent(globalThis_, event);
  const response = takeResponse(event);
  if (response === null) throw new TypeError('No "fetch" listener has called event.respondWith()');
  return response;
}

/** @param {Handler} found */
export function setHandler(found) {
  handler = found;
}

/** @param {Record<string, any>} env */
export function setEnvironment(env) {
  environment = env;
}

/** @param {any} request @param {any} context */
export const callHandler = (request, context) => handler(request, environment, context);

/** The app's env, the same object for every event. */
export const currentEnvironment = () => environment;
