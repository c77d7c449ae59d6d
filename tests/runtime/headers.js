// Headers; implementation: nano/runtime/headers.js.

import { test, assert, assertEquals, assertThrows } from "./harness.js";

test("a name is matched whatever its case, values are combined", () => {
  const headers = new Headers({ "X-One": "1" });
  headers.append("x-one", "2");
  assertEquals(headers.get("X-ONE"), "1, 2");
  headers.set("x-One", "3");
  assertEquals(headers.get("x-one"), "3");
  assert(headers.has("X-one"));
  headers.delete("X-ONE");
  assertEquals(headers.get("x-one"), null);
});

test("iteration is sorted, in lower case, with Set-Cookie apart", () => {
  const headers = new Headers([["b", "1"], ["Set-Cookie", "x=1"], ["A", "2"], ["set-cookie", "y=2"], ["B", "3"]]);
  assertEquals([...headers], [["a", "2"], ["b", "1, 3"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]]);
  assertEquals([...headers.keys()], ["a", "b", "set-cookie", "set-cookie"]);
  assertEquals(headers.getSetCookie(), ["x=1", "y=2"]);
  assertEquals(headers.getAll("Set-Cookie"), ["x=1", "y=2"]);
  assertThrows(() => headers.getAll("a"), TypeError);
});

test("iteration looks at the headers of the moment", () => {
  const headers = new Headers({ b: "1", d: "2" });
  const seen = [];
  for (const [name] of headers) {
    seen.push(name);
    if (name === "b") headers.append("c", "3");
  }
  assertEquals(seen, ["b", "c", "d"]);
});

test("forEach passes value, name, object and its receiver", () => {
  const headers = new Headers({ a: "1" });
  const receiver = {};
  headers.forEach(function (...args) {
    assertEquals(args, ["1", "a", headers]);
    assert(this === receiver);
  }, receiver);
  assertThrows(() => headers.forEach(), TypeError);
  assertThrows(() => headers.forEach("no function"), TypeError);
});

test("values are trimmed, and refused with line breaks, NUL or characters beyond a byte", () => {
  const headers = new Headers();
  headers.set("a", " \t x y\r\n");
  assertEquals(headers.get("a"), "x y");
  headers.set("a", "\u00ff");
  assertEquals(headers.get("a"), "\u00ff");
  for (const value of ["x\ny", "x\0y", "x\ry", "\u0100"]) {
    assertThrows(() => headers.set("a", value), TypeError);
    assertThrows(() => new Headers({ a: value }), TypeError);
    assertThrows(() => new Headers([["a", value]]), TypeError);
  }
});

test("names are tokens", () => {
  for (const name of ["", "a b", "a:", "\u00e9", "\u0100", "a\n"]) {
    for (const method of ["append", "set"]) assertThrows(() => new Headers()[method](name, "x"), TypeError);
    for (const method of ["get", "has", "delete"]) assertThrows(() => new Headers()[method](name), TypeError);
    assertThrows(() => new Headers({ [name]: "x" }), TypeError);
  }
  assertEquals([...new Headers({ "!#$%&'*+-.^_`|~09azAZ": "x" })].length, 1);
});

test("a Headers object, a record and a sequence make the same headers", () => {
  const record = { "X-A": "1", "x-b": "2" };
  const expected = [["x-a", "1"], ["x-b", "2"]];
  assertEquals([...new Headers(record)], expected);
  assertEquals([...new Headers(Object.entries(record))], expected);
  assertEquals([...new Headers(new Headers(record))], expected);
  assertEquals([...new Headers(new Map(Object.entries(record)))], expected);
  assertThrows(() => new Headers([["only-name"]]), TypeError);
  assertThrows(() => new Headers(null), TypeError);
  assertThrows(() => new Headers("a: b"), TypeError);
});

test("a copy is independent of its origin", () => {
  const first = new Headers({ "X-A": "1" });
  const second = new Headers(first);
  second.set("x-a", "2");
  first.append("x-c", "3");
  assertEquals(first.get("x-a"), "1");
  assertEquals([...second], [["x-a", "2"]]);
});

test("methods refuse other receivers", () => {
  for (const name of ["append", "delete", "get", "has", "set", "forEach", "entries", "keys", "values", "getSetCookie"]) {
    assertThrows(() => Headers.prototype[name].call({}, "a", "b"), TypeError);
  }
  const { next } = Object.getPrototypeOf(new Headers().entries());
  assertThrows(() => next.call({}), TypeError);
});

test("an app that breaks the language's built-ins breaks no headers", () => {
  const { push } = Array.prototype;
  const { toLowerCase } = String.prototype;
  const iterator = Array.prototype[Symbol.iterator];
  try {
    Array.prototype.push = String.prototype.toLowerCase = Array.prototype[Symbol.iterator] = () => {
      throw new Error("patched");
    };
    const headers = new Headers({ "X-A": "1" });
    headers.append("X-A", "2");
    headers.set("X-B", "3");
    assert(headers.get("x-A") === "1, 2");
    assert(headers.entries().next().value[0] === "x-a");
  } finally {
    Array.prototype.push = push;
    String.prototype.toLowerCase = toLowerCase;
    Array.prototype[Symbol.iterator] = iterator;
  }
});
