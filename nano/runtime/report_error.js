// What becomes of exceptions and rejections that nobody caught.
//
// Standard: https://html.spec.whatwg.org/multipage/webappapis.html#runtime-script-errors
//
// The engine does not tell which promises were rejected without a handler. So `unhandledrejection` is fired for the
// promises that the runtime itself was given and watches (a handler's result, waitUntil), and for no others; and
// `rejectionhandled`, which is for those that get a handler later, is never fired.

import { setErrorEventArguments, setExceptionReporter } from "./event_target.js";
import { ErrorEvent, PromiseRejectionEvent, errorEventArguments, fireEvent, hasListeners } from "./events.js";
import { hostLog } from "./host.js";
import { inspect } from "./inspect.js";
import { Error, ErrorIsError, Number, RegExpPrototypeExec, String, globalThis_ } from "./primordials.js";
import { requiredArguments } from "./webidl.js";

/** The place in the first line of a stack trace that is not the runtime's: "at f (a.js:3:14)", "at a.js:3:14". */
const PLACE = /^\s*at (?:async )?(?:.*\()?(?!nano:)([^()\n]+?):(\d+):(\d+)\)?$/m;

let reporting = false;

/**
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception
 * @param {unknown} error
 * @param {string} [callers] a stack trace that tells the place if the error does not
 */
export function reportException(error, callers = "") {
  let handled = false;
  // An exception in an `error` listener is logged, and fires no further event ("error reporting mode").
  if (!reporting && hasListeners(globalThis_, "error")) {
    reporting = true;
    try {
      handled = !fireEvent(globalThis_, new ErrorEvent("error", errorInformation(error, callers)));
    } finally {
      reporting = false;
    }
  }
  if (!handled) hostLog("error", `Uncaught ${describe(error)}`);
}

/**
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#extract-error
 * @param {unknown} error
 * @param {string} callers
 */
function errorInformation(error, callers) {
  const place = RegExpPrototypeExec(PLACE, stackOf(error) ?? callers);
  return {
    __proto__: null,
    cancelable: true,
    message: `Uncaught ${summary(error)}`,
    filename: place === null ? "" : place[1],
    lineno: place === null ? 0 : Number(place[2]),
    colno: place === null ? 0 : Number(place[3]),
    error,
  };
}

/**
 * The stack of an error; of nothing else, since reporting must not run an object's getters.
 *
 * @param {any} error
 * @returns {string | undefined}
 */
function stackOf(error) {
  try {
    const stack = ErrorIsError(error) ? error.stack : undefined;
    return typeof stack === "string" && stack !== "" ? stack : undefined;
  } catch {
    return undefined;
  }
}

/** @param {any} error */
function summary(error) {
  try {
    return String(error);
  } catch {
    return "exception";
  }
}

/** The text for the log, even for a value that throws when it is looked at. @param {unknown} error */
function describe(error) {
  try {
    return inspect(error);
  } catch {
    return stackOf(error) ?? summary(error);
  }
}

/**
 * Tell the app of a promise that was rejected, and that only the runtime looks at.
 *
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#unhandled-promise-rejections
 * @param {Promise<any>} promise
 * @param {unknown} reason
 * @returns {boolean} whether the app has dealt with it, so that it need not be logged
 */
export function notifyRejection(promise, reason) {
  if (!hasListeners(globalThis_, "unhandledrejection")) return false;
  const init = /** @type {any} */ ({ __proto__: null, cancelable: true, promise, reason });
  return !fireEvent(globalThis_, new PromiseRejectionEvent("unhandledrejection", init));
}

/**
 * The global function.
 *
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#dom-reporterror
 * @param {any} e
 */
export function reportError(e) {
  requiredArguments(arguments.length, 1, "Failed to execute 'reportError'");
  reportException(e, stackOf(new Error()));
}

setExceptionReporter((error) => reportException(error));
setErrorEventArguments(errorEventArguments);
