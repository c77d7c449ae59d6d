// fetch without a network; implementation: nano/runtime/fetch.js.  With one: tests/ops/test_fetch.py.

import { test, assert, assertEquals, assertRejects } from "./harness.js";

const read = async (url, init) => {
  const response = await fetch(url, init);
  return [response.headers.get("content-type"), await response.text()];
};

test("data: URLs", async () => {
  assertEquals(await read("data:,hello"), ["text/plain;charset=US-ASCII", "hello"]);
  assertEquals(await read("data:text/html;charset=utf-8,%3Cp%3e%C3%BC#fragment"), ["text/html;charset=utf-8", "<p>ü"]);
  assertEquals(await read("data:text/plain;base64,aGVsbG8="), ["text/plain", "hello"]);
  assertEquals(await read("data:text/plain;BASE64, aGVs%0AbG8"), ["text/plain", "hello"]);
  assertEquals(await read("data:;charset=x;base64  ,aGVsbG8"), ["text/plain;charset=x", "hello"]);
  assertEquals(await read("data: image/png ,x"), ["image/png", "x"]);
  assertEquals(await read("data:nonsense,x"), ["text/plain;charset=US-ASCII", "x"]);
  assertEquals(await read("data:;base64;sheep,aGVsbG8"), ["text/plain", "aGVsbG8"]);
  const response = await fetch("data:,x#y");
  assertEquals([response.url, response.status, response.statusText, response.type], ["data:,x", 200, "OK", "basic"]);
  assertEquals([response.redirected, response.ok], [false, true]);
  for (const url of ["data:", "data:text/plain", "data:;base64,*", "data:;base64,a"]) await assertRejects(fetch(url), TypeError);
});

test("the methods of data: URLs", async () => {
  assertEquals(await (await fetch("data:,x", { method: "POST", body: "y" })).text(), "x");
  const head = await fetch("data:,x", { method: "HEAD" });
  assertEquals([head.body, await head.text()], [null, ""]);
});

test("blob: URLs", async () => {
  const url = URL.createObjectURL(new Blob(["hello ", "world"], { type: "text/x" }));
  const response = await fetch(url);
  assertEquals([...response.headers], [["content-length", "11"], ["content-type", "text/x"]]);
  assertEquals([response.url, await response.text()], [url, "hello world"]);
  assertEquals(await read(`${url}#part`), ["text/x", "hello world"]);
  for (const method of ["HEAD", "POST", "PUT", "DELETE"]) await assertRejects(fetch(url, { method }), TypeError);
  const made = new Request(url);
  URL.revokeObjectURL(url);
  await assertRejects(fetch(url), TypeError, "revoked");
  await assertRejects(fetch(made), TypeError);
});

test("ranges of blob: URLs", async () => {
  const url = URL.createObjectURL(new Blob(["0123456789"]));
  const part = async (range) => {
    const response = await fetch(url, { headers: { range } });
    return [response.status, response.headers.get("content-range"), await response.text()];
  };
  assertEquals(await part("bytes=2-4"), [206, "bytes 2-4/10", "234"]);
  assertEquals(await part("bytes=8-"), [206, "bytes 8-9/10", "89"]);
  assertEquals(await part("bytes=-3"), [206, "bytes 7-9/10", "789"]);
  assertEquals(await part("bytes=5-99"), [206, "bytes 5-9/10", "56789"]);
  for (const range of ["bytes=10-", "bytes=4-2", "bytes=-", "bytes=1-2,4-5", "lines=1-2"]) {
    await assertRejects(fetch(url, { headers: { range } }), TypeError);
  }
});

test("what cannot be fetched", async () => {
  for (const url of ["", "/path", "example.com", "about:blank", "ftp://example.com/", "file:///etc/passwd", "http://a:b@c/"]) {
    await assertRejects(fetch(url), TypeError);
  }
  const error = await assertRejects(fetch("gopher://example.com/"), TypeError, "gopher");
  assertEquals([error.cause.code, error.cause instanceof Error], ["ERR_SCHEME", true]);
  await assertRejects(fetch(), TypeError, "1 argument required");
  await assertRejects(fetch("data:,x", { method: "GET", body: "x" }), TypeError);
  await assertRejects(fetch("data:,x", { redirect: "never" }), TypeError);
  assertEquals([fetch.length, fetch.name], [1, "fetch"]);
});

test("a request is used up", async () => {
  const request = new Request("data:,x", { method: "POST", body: "y" });
  await fetch(request);
  assert(request.bodyUsed);
  await assertRejects(fetch(request), TypeError);
});

test("aborted before", async () => {
  const reason = { why: "because" };
  const stream = new ReadableStream({ cancel: (given) => void (cancelled = given) });
  let cancelled;
  const init = { signal: AbortSignal.abort(reason), method: "POST", body: stream, duplex: "half" };
  assertEquals(await fetch("data:,x", init).catch((error) => error === reason), true);
  assert(cancelled === reason);
  const error = await assertRejects(fetch("data:,x", { signal: AbortSignal.abort() }), DOMException);
  assertEquals(error.name, "AbortError");
  await assertRejects(fetch(new Request("data:,x", { signal: AbortSignal.abort() })), DOMException);
});

test("aborted after the head", async () => {
  const controller = new AbortController();
  const response = await fetch("data:,hello", { signal: controller.signal });
  const clone = response.clone();
  assertEquals(await clone.text(), "hello");
  controller.abort("late");
  assertEquals(await response.text().catch((reason) => reason), "hello");
  const other = new AbortController();
  const unread = await fetch("data:,hello", { signal: other.signal });
  other.abort("unread");
  assertEquals(await unread.text().catch((reason) => reason), "unread");
  const third = new AbortController();
  const empty = await fetch("data:,", { signal: third.signal });
  third.abort("empty");
  assertEquals(await empty.text(), "");
  const fourth = new AbortController();
  const streamed = await fetch("data:,hello", { signal: fourth.signal });
  const reader = streamed.body.getReader();
  fourth.abort("stream");
  assertEquals(await reader.read().catch((reason) => reason), "stream");
});

test("integrity", async () => {
  const sha256 = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
  assertEquals(await (await fetch("data:,hello", { integrity: sha256 })).text(), "hello");
  assertEquals(await (await fetch("data:,hello", { integrity: `sha256-AAAA ${sha256}` })).text(), "hello");
  assertEquals(await (await fetch("data:,hello", { integrity: `${sha256.replaceAll("+", "-")}?option` })).text(), "hello");
  assertEquals(await (await fetch("data:,hello", { integrity: "md5-AAAA nonsense" })).text(), "hello");
  await assertRejects(fetch("data:,hallo", { integrity: sha256 }), TypeError, "integrity");
  await assertRejects(fetch("data:,hello", { integrity: `${sha256} sha512-AAAA` }), TypeError);
});

test("headers of responses are immutable", async () => {
  const { headers } = await fetch("data:,x");
  await assertRejects(async () => headers.set("a", "b"), TypeError);
});
