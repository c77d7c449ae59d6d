// caches, which keep nothing yet, and the names that have nothing behind them; see nano/runtime/caches.js,
// html_rewriter.js and web_socket_pair.js.
import { assert, assertEquals, assertRejects, assertThrows, test } from "./harness.js";

const URL_ = "https://example.com/";

test("a cache finds nothing, even what was put", async () => {
  const cache = caches.default;
  assert(cache instanceof Cache);
  assertEquals(await cache.put(URL_, new Response("x")), undefined);
  assertEquals(await cache.match(URL_), undefined);
  assertEquals(await cache.match(new Request(URL_), { ignoreMethod: true }), undefined);
  assertEquals(await cache.matchAll(URL_), []);
  assertEquals(await cache.keys(), []);
  assertEquals(await cache.delete(URL_), false);
});

test("caches can be opened by name", async () => {
  assert(caches instanceof CacheStorage);
  assert((await caches.open("v1")) instanceof Cache);
  assertEquals(await caches.has("v1"), false);
  assertEquals(await caches.keys(), []);
  assertEquals(await caches.delete("v1"), false);
  assertEquals(await caches.match(URL_), undefined);
  assertEquals(caches.default, caches.default);
});

test("put uses up the response and lets go of its stream", async () => {
  let cancelled = false;
  const stream = new ReadableStream({ cancel: () => void (cancelled = true) });
  const response = new Response(stream);
  await caches.default.put(URL_, response);
  assert(cancelled && response.bodyUsed);
  const original = new Response("kept");
  await caches.default.put(URL_, original.clone());
  assertEquals(await original.text(), "kept");
});

test("put refuses what no cache may keep", async () => {
  const { default: cache } = caches;
  const put = (request, response) => cache.put(request, response);
  await assertRejects(put(new Request(URL_, { method: "POST" }), new Response()), TypeError, "GET");
  await assertRejects(put("ftp://example.com/", new Response()), TypeError, "http");
  await assertRejects(put(URL_, new Response("", { status: 206 })), TypeError, "206");
  await assertRejects(put(URL_, new Response("", { headers: { Vary: "Accept, *" } })), TypeError, "Vary");
  const used = new Response("x");
  await used.text();
  await assertRejects(put(URL_, used), TypeError, "used");
  await assertRejects(put(URL_, {}), TypeError, "Response");
  await assertRejects(cache.put(URL_), TypeError, "2 arguments required");
});

test("nobody can make caches", () => {
  assertThrows(() => new Cache(), TypeError, "Illegal constructor");
  assertThrows(() => new CacheStorage(), TypeError, "Illegal constructor");
});

test("HTMLRewriter and WebSocketPair say that they are not there yet", () => {
  assertThrows(() => new HTMLRewriter(), Error, "HTMLRewriter is not there yet");
  assertThrows(() => new WebSocketPair(), Error, "WebSocketPair is not there yet");
  assertEquals([HTMLRewriter.name, WebSocketPair.name], ["HTMLRewriter", "WebSocketPair"]);
});
