// reportError() and what becomes of uncaught exceptions, by
// https://html.spec.whatwg.org/multipage/webappapis.html#runtime-script-errors; see nano/runtime/report_error.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

/** Report a value and give back the event it came with, cancelled so that it is not logged. */
function reported(value) {
  let seen;
  const listener = (event) => {
    event.preventDefault();
    seen = event;
  };
  addEventListener("error", listener);
  reportError(value);
  removeEventListener("error", listener);
  return seen;
}

test("an error comes with its place", () => {
  const error = new RangeError("too far");
  const event = reported(error);
  assert(event instanceof ErrorEvent);
  assertEquals(event.error, error);
  assertEquals(event.message, "Uncaught RangeError: too far");
  assert(event.lineno > 0 && event.colno > 0 && event.filename !== "");
  assert(event.cancelable && event.isTrusted);
});

test("what is no error comes with the place of the call", () => {
  const { filename, lineno, colno } = reported(5);
  assert(filename !== "" && !filename.startsWith("nano:") && lineno > 0 && colno > 0);
});

test("reporting runs no getter of an object", () => {
  const fail = { get() { throw new Error("was read"); } };
  const object = Object.defineProperties({}, { name: fail, message: fail, stack: fail, fileName: fail });
  assertEquals(reported(object).error, object);
});

test("anything can be reported", () => {
  assertEquals(reported(undefined).error, undefined);
  assertEquals(reported(null).message, "Uncaught null");
  assertEquals(reported({ toString() { throw 1; }, get stack() { throw 2; } }).message, "Uncaught exception");
  assertEquals(reported(Symbol("s")).message, "Uncaught Symbol(s)");
  assertThrows(() => reportError(), TypeError);
});

test("onerror gets five arguments, and true means handled", () => {
  let args;
  let prevented;
  const after = (event) => { prevented = event.defaultPrevented; event.preventDefault(); };
  globalThis.onerror = (...given) => {
    args = given;
    return true;
  };
  addEventListener("error", after);
  reportError("text");
  globalThis.onerror = null;
  removeEventListener("error", after);
  assertEquals([args.length, args[0], args[4]], [5, "Uncaught text", "text"]);
  assertEquals(prevented, true);
});

test("an exception in a listener is reported, and the others run", () => {
  const target = new EventTarget();
  let ran = false;
  target.addEventListener("x", () => { throw "oops"; });
  target.addEventListener("x", () => { ran = true; });
  let error;
  const listener = (event) => { error = event.error; event.preventDefault(); };
  addEventListener("error", listener);
  target.dispatchEvent(new Event("x"));
  removeEventListener("error", listener);
  assertEquals([error, ran], ["oops", true]);
});
