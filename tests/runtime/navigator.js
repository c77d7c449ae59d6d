// navigator; see nano/runtime/navigator.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

test("navigator says what the contract promises", () => {
  assertEquals(navigator.userAgent, "Cloudflare-Workers");
  assertEquals(navigator.language, "en");
  assert(navigator.hardwareConcurrency >= 1);
  assert(Object.isFrozen(navigator.languages));
});

test("it is one object of an interface that cannot be constructed", () => {
  assert(navigator instanceof Navigator && navigator === globalThis.navigator);
  assertThrows(() => new Navigator(), TypeError);
  const { get } = Object.getOwnPropertyDescriptor(Navigator.prototype, "userAgent");
  assertThrows(() => get.call({}), TypeError);
});
