// console and the text of values, by https://console.spec.whatwg.org/; see nano/runtime/console.js, inspect.js.
// The function that inspects is the one that the hook of Node is given.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

const custom = Symbol.for("nodejs.util.inspect.custom");

let inspect;
console.debug({
  [custom](_depth, _options, own) {
    inspect = own;
    return "";
  },
});

const shows = (value, text, options) => assertEquals(inspect(value, options), text);

test("primitives", () => {
  shows(-0, "-0");
  shows(12n, "12n");
  shows("it's", `"it's"`);
  shows("a\n\x01\ud800", "'a\\n\\x01\\uD800'");
  shows(Symbol("s"), "Symbol(s)");
  shows(undefined, "undefined");
});

test("objects, nested to a depth", () => {
  shows({ a: 1, "b-c": "x", [Symbol("k")]: null }, "{ a: 1, 'b-c': 'x', [Symbol(k)]: null }");
  shows({ a: { b: { c: { d: 1 } } } }, "{ a: { b: { c: [Object] } } }");
  shows({ a: { b: { c: { d: 1 } } } }, "{\n  a: { b: { c: { d: 1 } } }\n}", { depth: null });
  shows(Object.create(null), "[Object: null prototype] {}");
});

test("classes tell their names", () => {
  class Point {
    x = 1;
  }
  shows(new Point(), "Point { x: 1 }");
  shows(Point, "[class Point]");
  shows(class Sub extends Point {}, "[class Sub extends Point]");
  shows(function named() {}, "[Function: named]");
  shows(async () => {}, "[AsyncFunction (anonymous)]");
});

test("arrays, holes and limits", () => {
  shows([1, , 3], "[ 1, <1 empty item>, 3 ]");
  assert(inspect(new Array(1e6).fill(0)).endsWith("... 999900 more items\n]"));
  assert(inspect(new Array(2 ** 32 - 1)) === "[ <4294967295 empty items> ]");
  shows(new Uint8Array([1, 2]), "Uint8Array(2) [ 1, 2 ]");
});

test("collections", () => {
  shows(new Map([["a", { b: 1 }]]), "Map(1) { 'a' => { b: 1 } }");
  shows(new Set([1, "2"]), "Set(2) { 1, '2' }");
  shows(new WeakSet(), "WeakSet { <items unknown> }");
  shows(Object.setPrototypeOf(new Map([[1, 2]]), null), "[Map(1): null prototype] { 1 => 2 }");
});

test("cycles", () => {
  const a = { b: {} };
  a.b.a = a;
  shows(a, "<ref *1> { b: { a: [Circular *1] } }");
});

test("errors with stack, cause and own properties", () => {
  const error = Object.assign(new TypeError("bad", { cause: new Error("inner") }), { code: "E" });
  const text = inspect(error);
  assert(text.startsWith("TypeError: bad\n    at "), text);
  assert(text.includes("code: 'E'"), text);
  assert(text.includes("[cause]: Error: inner\n"), text);
  assert(inspect(new AggregateError([new Error("one")], "many")).includes("[errors]: [\n    Error: one"));
  assert(inspect(new DOMException("m", "AbortError")).startsWith("DOMException [AbortError]: m\n"));
});

test("dates, patterns, boxes, promises, buffers", () => {
  shows(new Date(0), "1970-01-01T00:00:00.000Z");
  shows(new Date(NaN), "Invalid Date");
  shows(/a/gi, "/a/gi");
  shows(new Number(3), "[Number: 3]");
  shows(Promise.resolve(1), "Promise {}");
  shows(new Uint8Array([255]).buffer, "ArrayBuffer { [Uint8Contents]: <ff>, byteLength: 1 }");
});

test("accessors are named, not called", () => {
  let called = false;
  const object = {
    get a() {
      called = true;
      return 1;
    },
    set b(_value) {},
  };
  shows(object, "{ a: [Getter], b: [Setter] }");
  assert(!called);
  shows(object, "{ a: [Getter: 1], b: [Setter] }", { getters: true });
});

test("web interfaces show their attributes", () => {
  shows(new Headers({ b: "2", a: "1" }), "Headers { a: '1', b: '2' }");
  shows(new ReadableStream(), "ReadableStream { locked: false }");
  assert(inspect(new URL("http://a/b")).includes("href: 'http://a/b'"));
});

test("hostile values do no harm", () => {
  const fail = () => {
    throw new Error("trap");
  };
  const handler = new Proxy({}, { get: () => fail });
  shows(new Proxy({}, handler), "[object that cannot be inspected]");
  shows({ x: { [custom]: fail } }, "{ x: [object that cannot be inspected] }");
  console.log("%s %d %i %f %j %o %O", { toString: fail }, { valueOf: fail }, new Proxy({}, handler), { toString: fail }, { toJSON: fail }, 1, 2);
  console.table(new Proxy({}, handler));
  let nested = {};
  for (let i = 0; i < 100_000; i++) nested = { nested };
  assert(inspect(nested, { depth: null }).length > 0);
});

test("one inspection is limited, whatever the depth", () => {
  const tree = (depth) => (depth === 0 ? 1 : Array.from({ length: 60 }, () => tree(depth - 1)));
  const text = inspect(tree(4), { depth: null });
  assert(text.length < 2_000_000, `${text.length}`);
});

test("labels are converted, and what the conversion throws is thrown", () => {
  for (const name of ["count", "countReset", "time", "timeLog", "timeEnd"]) {
    assertThrows(() => console[name](Symbol("label")), TypeError);
    assertThrows(() => console[name]({
      toString() {
        throw new RangeError("conversion");
      },
    }), RangeError);
  }
});

test("console is a namespace object", () => {
  assertEquals(Object.prototype.toString.call(console), "[object console]");
  assertEquals(Object.getPrototypeOf(Object.getPrototypeOf(console)), Object.prototype);
  assertEquals(Reflect.ownKeys(Object.getPrototypeOf(console)), []);
  const { log } = console;
  log("methods need no receiver");
  assertEquals([console.log.length, console.assert.length, console.table.length], [0, 0, 0]);
  assertThrows(() => new console.log(), TypeError);
});

test("every method takes anything", () => {
  for (const name of Object.keys(console)) console[name]();
  console.group("group");
  console.info("in\nside");
  console.groupEnd();
  console.groupEnd();
  console.table([{ a: 1 }, { b: 2 }], ["a"]);
  console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
  console.log("x".repeat(5_000_000).length, "%", "100%");
});
