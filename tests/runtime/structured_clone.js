// structuredClone(), by https://html.spec.whatwg.org/multipage/structured-data.html; see
// nano/runtime/structured_clone.js and clone_kinds.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

/** The name of what a function throws. */
function nameOfThrown(run) {
  try {
    run();
  } catch (error) {
    return error.name;
  }
  return "nothing";
}

test("objects lose their class, collections keep their kind", () => {
  class Point {
    x = 1;
    #y = 2;
    get y() { return this.#y; }
  }
  const copy = structuredClone(new Point());
  assertEquals(Object.getPrototypeOf(copy), Object.prototype);
  assertEquals(Object.keys(copy), ["x"]);
  class Table extends Map {}
  const table = structuredClone(new Table([[{ k: 1 }, new Set([1n])]]));
  assertEquals(Object.getPrototypeOf(table), Map.prototype);
  const [[key, value]] = table;
  assertEquals([key.k, value.has(1n)], [1, true]);
});

test("cycles and shared references survive", () => {
  const shared = { list: [] };
  const input = new Map([["a", shared], ["b", shared]]);
  shared.list.push(input);
  const copy = structuredClone(input);
  assertEquals(copy.get("a"), copy.get("b"));
  assert(copy.get("a").list[0] === copy);
});

test("keys that mean something to objects are ordinary here", () => {
  const copy = structuredClone(JSON.parse('{ "__proto__": 1, "toString": 2 }'));
  assert(Object.hasOwn(copy, "__proto__"));
  assertEquals(Object.getPrototypeOf(copy), Object.prototype);
});

test("sparse arrays stay sparse and keep other properties", () => {
  const input = [, 1, ,];
  input.extra = "e";
  const copy = structuredClone(input);
  assertEquals([copy.length, 0 in copy, copy[1], copy.extra], [3, false, 1, "e"]);
});

test("errors keep name, message, stack and cause", () => {
  const input = new TypeError("m", { cause: { deep: [1] } });
  const copy = structuredClone(input);
  assert(copy instanceof TypeError);
  assertEquals([copy.message, copy.stack, copy.cause.deep[0]], ["m", input.stack, 1]);
  assertEquals(Object.keys(copy), []);
  const odd = structuredClone(Object.assign(new Error(), { name: "OddError", code: 5 }));
  assertEquals([odd.name, "code" in odd, Object.hasOwn(odd, "message")], ["Error", false, false]);
  const exception = structuredClone(new DOMException("gone", "NotFoundError"));
  assert(exception instanceof DOMException);
  assertEquals([exception.name, exception.message, exception.code], ["NotFoundError", "gone", 8]);
});

test("boxes, dates and regular expressions", () => {
  assertEquals(structuredClone(Object(3n)).valueOf(), 3n);
  assertEquals(structuredClone(new String("s")).valueOf(), "s");
  assertEquals(structuredClone(new Date(NaN)).getTime(), NaN);
  const pattern = /a/dgimsuy;
  pattern.lastIndex = 1;
  Object.defineProperty(pattern, "flags", { value: "x" });
  assertEquals(`${structuredClone(pattern)}`, "/a/dgimsuy");
  assertEquals(structuredClone(pattern).lastIndex, 0);
});

test("views share their buffer, and follow its length if they did", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
  const input = { buffer, tail: new Uint8Array(buffer, 1), view: new DataView(buffer), fixed: new Uint8Array(buffer, 0, 8) };
  input.tail[0] = 7;
  const copy = structuredClone(input);
  assert(copy.tail.buffer === copy.buffer && copy.view.buffer === copy.buffer);
  copy.buffer.resize(16);
  assertEquals([copy.tail.length, copy.view.byteLength, copy.fixed.length, copy.tail[0]], [15, 16, 8, 7]);
  assertEquals(buffer.byteLength, 8);
});

test("a full resizable buffer is not changed by looking at its views", () => {
  const buffer = new ArrayBuffer(4, { maxByteLength: 4 });
  const all = new Uint8Array(buffer);
  all.set([1, 2, 3, 4]);
  const copy = structuredClone({ all, fixed: new Uint8Array(buffer, 0, 4) });
  assertEquals([...all], [1, 2, 3, 4]);
  copy.all.buffer.resize(2);
  assertEquals([copy.all.length, copy.fixed.length], [2, 0]);
});

test("transferring detaches the buffer, and only if all goes well", () => {
  const buffer = new ArrayBuffer(4);
  assertEquals(nameOfThrown(() => structuredClone(() => {}, { transfer: [buffer] })), "DataCloneError");
  assertEquals(nameOfThrown(() => structuredClone(1, { transfer: [buffer, buffer] })), "DataCloneError");
  assertEquals(nameOfThrown(() => structuredClone(1, { transfer: [{}] })), "DataCloneError");
  assertEquals(buffer.byteLength, 4);
  const view = new Uint16Array(buffer, 2, 1);
  const copy = structuredClone({ view, buffer }, { transfer: [buffer] });
  assert(buffer.detached && copy.view.buffer === copy.buffer);
  assertEquals(nameOfThrown(() => structuredClone(buffer)), "DataCloneError");
  assertEquals(nameOfThrown(() => structuredClone(1, { transfer: [buffer] })), "DataCloneError");
});

test("a view out of its buffer's bounds is refused", () => {
  const buffer = new ArrayBuffer(16, { maxByteLength: 32 });
  const views = [new Uint8Array(buffer, 8), new Uint8Array(buffer, 8, 4), new DataView(buffer, 8)];
  buffer.resize(4);
  for (const view of views) assertEquals(nameOfThrown(() => structuredClone(view)), "DataCloneError");
});

test("a shared buffer is refused, and so are its views", () => {
  const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  assertEquals(nameOfThrown(() => structuredClone(buffer)), "DataCloneError");
  assertEquals(nameOfThrown(() => structuredClone(new Uint8Array(buffer))), "DataCloneError");
});

test("a class derived from an interface clones as the nearest one that can be", () => {
  class Named extends File {}
  const copy = structuredClone(new Named(["x"], "n", { lastModified: 5 }));
  assertEquals(Object.getPrototypeOf(copy), File.prototype);
  assertEquals([copy.name, copy.lastModified, copy.size], ["n", 5, 1]);
});

test("what cannot be cloned is refused", () => {
  const refused = [
    () => {}, Symbol("s"), Object(Symbol("s")), new WeakMap(), new WeakSet(), new WeakRef({}), Promise.resolve(),
    (function* () {})(), [].values(), new Intl.NumberFormat(), new Event("x"), new AbortController(),
    new MessageChannel().port1, performance, globalThis,
  ];
  for (const value of refused) {
    assertEquals(nameOfThrown(() => structuredClone(value)), "DataCloneError", Object.prototype.toString.call(value));
    assertEquals(nameOfThrown(() => structuredClone([value])), "DataCloneError");
  }
});

test("a QuotaExceededError keeps its quota", () => {
  const error = structuredClone(new QuotaExceededError("full", { quota: 3, requested: 5 }));
  assert(error instanceof QuotaExceededError);
  assertEquals([error.message, error.name, error.quota, error.requested], ["full", "QuotaExceededError", 3, 5]);
  assertEquals(structuredClone(new QuotaExceededError()).quota, null);
});

test("an exception of a getter comes through", () => {
  assertThrows(() => structuredClone({ get a() { throw new RangeError("mine"); } }), RangeError);
});

test("patched prototypes neither break nor see a clone", () => {
  let seen = 0;
  Object.defineProperty(Object.prototype, "nanoTest", { set() { seen++; }, configurable: true });
  const { get } = Map.prototype;
  Map.prototype.get = () => { throw new Error("patched"); };
  try {
    const copy = structuredClone({ nanoTest: 1 });
    assert(Object.hasOwn(copy, "nanoTest"));
  } finally {
    Map.prototype.get = get;
    delete Object.prototype.nanoTest;
  }
  assertEquals(seen, 0);
});
