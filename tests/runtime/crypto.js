// crypto's random values, by https://w3c.github.io/webcrypto/#Crypto-interface; see nano/runtime/crypto.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

test("getRandomValues fills exactly the view and gives it back", () => {
  const bytes = new Uint8Array(64);
  const view = bytes.subarray(8, 56);
  assert(crypto.getRandomValues(view) === view);
  assertEquals(bytes.slice(0, 8).join(), "0,0,0,0,0,0,0,0");
  assertEquals(bytes.slice(56).join(), "0,0,0,0,0,0,0,0");
  assert(view.some((byte) => byte !== 0));
});

test("getRandomValues takes every integer type, and 65536 bytes", () => {
  for (const Type of [Int8Array, Uint8ClampedArray, Int16Array, Uint32Array, BigInt64Array, BigUint64Array]) {
    assert(crypto.getRandomValues(new Type(16)).some((item) => item != 0), Type.name);
  }
  const large = crypto.getRandomValues(new Uint8Array(65536));
  assert(new Set(large).size === 256);
  assertEquals(crypto.getRandomValues(new Uint8Array(0)).length, 0);
});

test("getRandomValues never gives the same bytes twice", () => {
  const seen = new Set();
  for (let i = 0; i < 2000; i++) seen.add(crypto.getRandomValues(new Uint8Array(12)).toHex());
  assertEquals(seen.size, 2000);
});

test("getRandomValues refuses what it must", () => {
  for (const Type of [Float16Array, Float32Array, Float64Array]) {
    assertEquals(assertThrows(() => crypto.getRandomValues(new Type(1)), DOMException).name, "TypeMismatchError");
  }
  assertEquals(assertThrows(() => crypto.getRandomValues(new DataView(new ArrayBuffer(1))), DOMException).code, 17);
  assertThrows(() => crypto.getRandomValues(), TypeError);
  assertThrows(() => crypto.getRandomValues([]), TypeError);
  assertThrows(() => crypto.getRandomValues.call({}, new Uint8Array(1)), TypeError);
});

test("too much is a QuotaExceededError", () => {
  const error = assertThrows(() => crypto.getRandomValues(new Uint8Array(65537)), QuotaExceededError);
  assert(error instanceof DOMException);
  assertEquals([error.name, error.code, error.quota, error.requested], ["QuotaExceededError", 22, null, null]);
  const own = new QuotaExceededError("m", { quota: 1, requested: 2 });
  assertEquals([own.message, own.quota, own.requested], ["m", 1, 2]);
  assertThrows(() => new QuotaExceededError("m", { quota: 2, requested: 1 }), RangeError);
  assertThrows(() => new QuotaExceededError("m", { quota: -1 }), RangeError);
});

test("randomUUID gives version 4 identifiers, all different", () => {
  const seen = new Set();
  for (let i = 0; i < 1000; i++) {
    const id = crypto.randomUUID();
    assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id), id);
    seen.add(id);
  }
  assertEquals(seen.size, 1000);
});

test("Crypto has no constructor", () => {
  assertThrows(() => new Crypto(), TypeError);
  assertEquals(Object.prototype.toString.call(crypto), "[object Crypto]");
});
