// Request; implementation: nano/runtime/request.js.

import { test, assert, assertEquals, assertThrows } from "./harness.js";

test("defaults", () => {
  const request = new Request("http://A.example/x y");
  assertEquals([request.method, request.url, request.body], ["GET", "http://a.example/x%20y", null]);
  assertEquals([request.destination, request.referrer, request.referrerPolicy], ["", "about:client", ""]);
  assertEquals([request.mode, request.credentials, request.cache, request.redirect], ["cors", "same-origin", "default", "follow"]);
  assertEquals([request.integrity, request.keepalive, request.duplex], ["", false, "half"]);
  assertEquals([request.isReloadNavigation, request.isHistoryNavigation], [false, false]);
  assert(request.headers === request.headers && request.signal === request.signal);
  assertEquals([request.signal.aborted, request.cf.country], [false, undefined]);
});

test("URLs are absolute and without credentials", () => {
  for (const url of ["", "/path", "example.com", "http://", "http://user@a/", "http://:p@a/"]) {
    assertThrows(() => new Request(url), TypeError);
  }
  assertEquals(new Request(new URL("http://a/b")).url, "http://a/b");
  assertEquals(new Request("http://a/#b").url, "http://a/#b");
  assertThrows(() => new Request(), TypeError);
});

test("methods", () => {
  const method = (name) => new Request("http://a/", { method: name }).method;
  assertEquals(["get", "pOsT", "delete", "patch", "Custom"].map(method), ["GET", "POST", "DELETE", "patch", "Custom"]);
  for (const name of ["", "a b", "connect", "TRACE", "Track"]) assertThrows(() => method(name), TypeError);
  for (const name of ["GET", "HEAD"]) assertThrows(() => new Request("http://a/", { method: name, body: "" }), TypeError);
});

test("members of the init", () => {
  const init = {
    cache: "no-store", credentials: "omit", integrity: "sha256-x", keepalive: true, mode: "same-origin",
    redirect: "error", referrer: "", referrerPolicy: "origin",
  };
  const request = new Request("http://a/", init);
  for (const [name, value] of Object.entries(init)) assertEquals(request[name], value);
  const copy = new Request(request, { redirect: "manual" });
  assertEquals([copy.cache, copy.redirect, copy.referrer], ["no-store", "manual", ""]);
  for (const bad of [
    { cache: "x" }, { credentials: "x" }, { mode: "x" }, { mode: "navigate" }, { redirect: "x" }, { referrerPolicy: "x" },
    { duplex: "full" }, { priority: "x" }, { window: 1 }, { referrer: "http://[" }, { signal: {} }, { cache: "only-if-cached" },
    { mode: "no-cors", method: "PUT" },
  ]) {
    assertThrows(() => new Request("http://a/", bad), TypeError);
  }
});

test("a request is an input, and an init", async () => {
  const first = new Request("http://a/", { method: "POST", body: "x", headers: { "x-a": "1" }, cf: { a: 1 } });
  const second = new Request("http://b/", first.clone());
  assertEquals([second.url, second.method, second.headers.get("x-a"), second.cf.a], ["http://b/", "POST", "1", 1]);
  assertEquals(await second.text(), "x");
  const third = new Request(first, { headers: { "x-b": "2" } });
  assertEquals([...third.headers.keys()], ["x-b"]);
  assertEquals([third.url, await third.text(), first.bodyUsed], ["http://a/", "x", true]);
});

test("a failed construction leaves the body alone", () => {
  const request = new Request("http://a/", { method: "POST", body: "x" });
  assertThrows(() => new Request(request, { method: "GET" }), TypeError);
  assertThrows(() => new Request(request, { method: "TRACE" }), TypeError);
  assert(!request.bodyUsed);
});

test("proxies, derived classes and extra properties", async () => {
  const request = new Request("http://a/", { method: "POST", body: "x", headers: { "x-a": "1" } });
  request.extra = { id: 1 };
  const proxy = new Proxy(request, {
    get(target, name) {
      if (name === "params") return { id: "2" };
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  assertEquals([proxy.params.id, proxy.extra.id, proxy.method], ["2", 1, "POST"]);
  const made = new Request(proxy, { headers: { "x-b": "3" } });
  assertEquals([made.url, made.method, made.headers.get("x-b"), await made.text()], ["http://a/", "POST", "3", "x"]);
  class Own extends Request {
    get path() {
      return new URL(this.url).pathname;
    }
  }
  const own = new Own("http://a/p", { method: "PUT" });
  assertEquals([own.path, own.method, own instanceof Request, new Request(own).method], ["/p", "PUT", true, "PUT"]);
});

test("signals follow", () => {
  const controller = new AbortController();
  const request = new Request("http://a/", { signal: controller.signal });
  const early = request.signal;
  assert(early !== controller.signal);
  const clone = request.clone();
  const copy = new Request(request);
  const without = new Request(request, { signal: null });
  controller.abort("why");
  for (const { signal } of [request, clone, copy]) assertEquals([signal.aborted, signal.reason], [true, "why"]);
  assert(!without.signal.aborted);
  assert(new Request("http://a/", { signal: AbortSignal.abort() }).signal.aborted);
});

test("a stream of the app's own needs duplex", async () => {
  const body = () => new ReadableStream({ start: (controller) => controller.close() });
  assertThrows(() => new Request("http://a/", { method: "POST", body: body() }), TypeError);
  assertThrows(() => new Request("http://a/", { method: "POST", body: body(), duplex: "half", keepalive: true }), TypeError);
  assertEquals(await new Request("http://a/", { method: "POST", body: body(), duplex: "half" }).text(), "");
});

test("headers: no name is forbidden, except for no-cors", () => {
  const request = new Request("http://a/", { headers: { Cookie: "a=b", Host: "c", Origin: "d" } });
  assertEquals([...request.headers.keys()], ["cookie", "host", "origin"]);
  const safe = new Request("http://a/", { mode: "no-cors", headers: { Cookie: "a=b", Accept: "x/y", Range: "bytes=0-" } });
  assertEquals([...safe.headers.keys()], ["accept"]);
});
