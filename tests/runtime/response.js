// Response; implementation: nano/runtime/response.js.

import { test, assert, assertEquals, assertThrows } from "./harness.js";

test("defaults", () => {
  const response = new Response();
  assertEquals(
    [response.status, response.ok, response.statusText, response.type, response.url, response.redirected, response.body],
    [200, true, "", "default", "", false, null],
  );
  assert(response.headers === response.headers);
  assertEquals([...response.headers], []);
});

test("the init is checked", () => {
  for (const status of [0, 100, 199, 600, 1000, "x"]) assertThrows(() => new Response(null, { status }), RangeError);
  assertThrows(() => new Response(null, { status: 101 }), RangeError);
  assertThrows(() => new Response(null, { statusText: "a\nb" }), TypeError);
  assertThrows(() => new Response(null, { statusText: "\u0100" }), TypeError);
  for (const status of [204, 205, 304]) {
    assertThrows(() => new Response("", { status }), TypeError);
    assertEquals(new Response(null, { status }).status, status);
  }
  assertEquals(new Response(null, null).status, 200);
  assertThrows(() => new Response(null, 1), TypeError);
});

test("a response is an init", async () => {
  const first = new Response("a", { status: 418, statusText: "Teapot", headers: { "X-A": "1", "content-type": "a/b" } });
  const second = new Response("b", first);
  assertEquals([second.status, second.statusText, second.headers.get("x-a")], [418, "Teapot", "1"]);
  assertEquals(second.headers.get("content-type"), "a/b");
  second.headers.set("x-a", "2");
  assertEquals([first.headers.get("x-a"), await second.text()], ["1", "b"]);
});

test("json", async () => {
  const response = Response.json({ a: [1, "\u20ac"] }, { status: 201, headers: { "x-a": "b" } });
  assertEquals([response.status, response.headers.get("content-type")], [201, "application/json"]);
  assertEquals([response.headers.get("x-a"), await response.json()], ["b", { a: [1, "\u20ac"] }]);
  assertEquals(Response.json(1, { headers: { "content-type": "x/y" } }).headers.get("content-type"), "x/y");
  assertThrows(() => Response.json(undefined), TypeError);
  assertThrows(() => Response.json(Symbol()), TypeError);
  assertThrows(() => Response.json({}, { status: 204 }), TypeError);
  assertThrows(() => Response.json(), TypeError);
});

test("redirect", () => {
  const response = Response.redirect("http://a/b c", 301);
  assertEquals([response.status, response.headers.get("location")], [301, "http://a/b%20c"]);
  assertEquals(Response.redirect(new URL("http://a/")).status, 302);
  assertThrows(() => response.headers.set("a", "b"), TypeError);
  assertThrows(() => Response.redirect("http://a/", 200), RangeError);
  assertThrows(() => Response.redirect("/relative"), TypeError);
});

test("error", () => {
  const response = Response.error();
  assertEquals([response.type, response.status, response.statusText, response.body], ["error", 0, "", null]);
  assertThrows(() => response.headers.append("a", "b"), TypeError);
});

test("a clone is independent", async () => {
  const response = new Response("a", { status: 404, headers: { a: "1" } });
  const clone = response.clone();
  clone.headers.set("a", "2");
  assertEquals([response.headers.get("a"), clone.status, await clone.text(), response.bodyUsed], ["1", 404, "a", false]);
  assertThrows(() => Response.redirect("http://a/").clone().headers.set("a", "b"), TypeError);
});

test("what Workers add", () => {
  const webSocket = {};
  assertEquals(new Response(null, { status: 101, webSocket }).status, 101);
  assert(new Response(null, { webSocket }).webSocket === webSocket);
  assertEquals([new Response().webSocket, new Response().cf], [null, undefined]);
  assertEquals(new Response(null, { cf: { a: 1 } }).cf, { a: 1 });
  new Response(null, { encodeBody: "manual" });
  assertThrows(() => new Response(null, { encodeBody: "other" }), TypeError);
  assertThrows(() => new Response(null, { webSocket }).clone(), TypeError);
});

test("a derived class is a Response", async () => {
  class Page extends Response {
    constructor(body) {
      super(body, { status: 203 });
      this.extra = 1;
    }
  }
  const page = new Page("x");
  assert(page instanceof Response && page instanceof Page);
  assertEquals([page.status, page.extra, await page.text()], [203, 1, "x"]);
});
