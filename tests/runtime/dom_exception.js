// DOMException, by https://webidl.spec.whatwg.org/#idl-DOMException; see nano/runtime/dom_exception.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

test("name, message and code come from the arguments", () => {
  const error = new DOMException("not there", "NotFoundError");
  assertEquals(error.name, "NotFoundError");
  assertEquals(error.message, "not there");
  assertEquals(error.code, 8);
  assertEquals(new DOMException().name, "Error");
  assertEquals(new DOMException("", "EncodingError").code, 0);
});

test("it is a real error of the engine, with nothing but a stack of its own", () => {
  const error = new DOMException("m", "AbortError");
  assert(Error.isError(error));
  assert(error instanceof Error);
  assertEquals(Object.getOwnPropertyNames(error), ["stack"]);
  assertEquals(`${error}`, "AbortError: m");
});

test("the first line of the stack says name and message", () => {
  assertEquals(new DOMException("late", "TimeoutError").stack.split("\n")[0], "TimeoutError: late");
});

test("a name inherited from Object.prototype has no code", () => {
  assertEquals(new DOMException("", "toString").code, 0);
  assertEquals(new DOMException("", "__proto__").code, 0);
});

test("the getters check their receiver", () => {
  const { get } = Object.getOwnPropertyDescriptor(DOMException.prototype, "name");
  assertThrows(() => get.call(new Error("x")), TypeError);
  assertThrows(() => get.call(DOMException.prototype), TypeError);
});

test("classes can extend it", () => {
  class QuotaError extends DOMException {
    constructor(message) {
      super(message, "QuotaExceededError");
    }
  }
  const error = new QuotaError("full");
  assert(error instanceof QuotaError);
  assertEquals(error.code, DOMException.QUOTA_EXCEEDED_ERR);
});
