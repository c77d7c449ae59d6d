// atob and btoa; implementation: nano/runtime/base64.js.

import { test, assert, assertEquals, assertThrows } from "./harness.js";

const code = (call) => {
  try {
    call();
  } catch (error) {
    return error instanceof DOMException ? error.name : error.constructor.name;
  }
  return "nothing";
};

test("every byte survives", () => {
  let bytes = "";
  for (let i = 0; i < 256; i++) bytes += String.fromCharCode(i);
  assertEquals(atob(btoa(bytes)), bytes);
  assertEquals([btoa(""), btoa("a"), btoa("ab"), btoa("abc")], ["", "YQ==", "YWI=", "YWJj"]);
});

test("atob forgives what the standard forgives", () => {
  for (const text of ["YWI=", "YWI", " Y W\tI\n=\r\f", "YWJ"]) assertEquals(atob(text), "ab", text);
  assertEquals(atob(" "), "");
  assertEquals(atob(null), "\x9eée");
});

test("and nothing else", () => {
  for (const text of ["Y", "YWI==", "YQ=", "=", "YWJj=", "YW-_", "YQ==YQ==", "YWI\u00a0", "YWI\u000b", "ü", undefined]) {
    assertEquals(code(() => atob(text)), "InvalidCharacterError", String(text));
  }
});

test("btoa takes bytes only", () => {
  assertEquals(code(() => btoa("\u0100")), "InvalidCharacterError");
  assertEquals(code(() => btoa("a".repeat(1000) + "ā")), "InvalidCharacterError");
  assertThrows(() => btoa(), TypeError);
  assertThrows(() => atob(), TypeError);
  assertThrows(() => btoa(Symbol()), TypeError);
});

test("long strings, also once the bulk copier has started", () => {
  const text = "0123456789\x00\xffäöü".repeat(70000);
  for (let i = 0; i < 3; i++) assert(atob(btoa(text)) === text);
  assertEquals(code(() => btoa(`${text}€`)), "InvalidCharacterError");
});
