// The Body mixin; implementation: nano/runtime/body.js.

import { test, assert, assertEquals, assertRejects, assertThrows } from "./harness.js";

const SOURCES = {
  string: () => "h\u00e9llo",
  bytes: () => new TextEncoder().encode("h\u00e9llo"),
  buffer: () => new TextEncoder().encode("h\u00e9llo").buffer,
  blob: () => new Blob(["h\u00e9", "llo"]),
  stream: () => new Blob(["h\u00e9llo"]).stream(),
  chunks: () => ReadableStream.from(["h\u00e9", "llo"].map((part) => new TextEncoder().encode(part))),
};

for (const [kind, make] of Object.entries(SOURCES)) {
  test(`every way of consuming a body made of ${kind}`, async () => {
    assertEquals(await new Response(make()).text(), "h\u00e9llo");
    assertEquals((await new Response(make()).bytes()).length, 6);
    assertEquals((await new Response(make()).arrayBuffer()).byteLength, 6);
    assertEquals((await new Response(make()).blob()).size, 6);
    await assertRejects(() => new Response(make()).json(), SyntaxError);
    let size = 0;
    for await (const chunk of new Response(make()).body) size += chunk.length;
    assertEquals(size, 6);
  });

  test(`a body made of ${kind} is used once`, async () => {
    const response = new Response(make());
    assert(!response.bodyUsed);
    const first = response.text();
    assert(response.bodyUsed);
    await assertRejects(() => response.text(), TypeError);
    await first;
    assert(response.bodyUsed && response.body.locked);
    assertThrows(() => response.clone(), TypeError);
  });

  test(`both halves of a cloned body made of ${kind} give all of it`, async () => {
    const response = new Response(make());
    const clone = response.clone();
    const third = clone.clone();
    assertEquals(await Promise.all([response.text(), clone.text()]), ["h\u00e9llo", "h\u00e9llo"]);
    assertEquals(new TextDecoder().decode(await third.bytes()), "h\u00e9llo");
  });

  test(`a request takes over a body made of ${kind}`, async () => {
    const first = new Request("http://a/", { method: "POST", body: make(), duplex: "half" });
    const second = new Request(first);
    assert(first.bodyUsed && !second.bodyUsed);
    await assertRejects(() => first.text(), TypeError);
    assertThrows(() => new Request(first), TypeError);
    assertEquals(await second.text(), "h\u00e9llo");
  });
}

test("a body without content", async () => {
  const response = new Response();
  assertEquals([response.body, response.bodyUsed, await response.text()], [null, false, ""]);
  assertEquals([(await response.bytes()).length, response.bodyUsed], [0, false]);
  await assertRejects(() => response.json(), SyntaxError);
});

test("what a script does to its bytes afterwards does not matter", async () => {
  const bytes = new Uint8Array([97]);
  const response = new Response(bytes);
  bytes[0] = 98;
  assertEquals(await response.text(), "a");
  const clones = [new Response(new Uint8Array([1]))];
  clones.push(clones[0].clone());
  (await clones[0].bytes())[0] = 9;
  assertEquals([...(await clones[1].bytes())], [1]);
  const chunk = new Uint8Array([1, 2]);
  const read = await new Response(ReadableStream.from([chunk])).bytes();
  chunk[0] = 7;
  assertEquals([...read], [1, 2]);
  const blob = new Blob([new Uint8Array([5])]);
  (await new Response(blob).bytes())[0] = 6;
  assertEquals([...(await blob.bytes())], [5]);
});

test("a byte order mark is dropped by text and json", async () => {
  assertEquals(await new Response("\ufeffa").text(), "a");
  assertEquals(await new Response(new Blob(['\ufeff{"a":1}'])).json(), { a: 1 });
  assertEquals((await new Response("\ufeffa").bytes()).length, 4);
});

test("the body of a whole response is one stream object", async () => {
  const response = new Response("abc");
  const { body } = response;
  assert(body instanceof ReadableStream && response.body === body);
  assertEquals(await response.text(), "abc");
  assert(response.body === body && body.locked);
  const own = new ReadableStream();
  assert(new Response(own).body === own);
});

test("a stream that is locked or disturbed is no body", async () => {
  const locked = new ReadableStream();
  locked.getReader();
  assertThrows(() => new Response(locked), TypeError);
  const read = new Blob(["a"]).stream();
  await read.cancel();
  assertThrows(() => new Response(read), TypeError);
  const response = new Response("abc");
  const reader = response.body.getReader();
  await assertRejects(() => response.text(), TypeError);
  assert(!response.bodyUsed);
  reader.releaseLock();
  assertEquals(await response.text(), "abc");
});

test("chunks that are no bytes, and errors of the stream, reject", async () => {
  for (const chunk of ["text", new ArrayBuffer(1), new Uint16Array(1), 1, null]) {
    await assertRejects(() => new Response(ReadableStream.from([chunk])).text(), TypeError);
  }
  class OwnError extends Error {}
  const failing = new ReadableStream({ pull: (controller) => controller.error(new OwnError()) });
  await assertRejects(() => new Response(failing).text(), OwnError);
});

test("a request made of a request with a stream reads no further than asked", async () => {
  let pulled = 0;
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array([pulled++])) }, { highWaterMark: 0 });
  const first = new Request("http://a/", { method: "POST", body, duplex: "half" });
  const second = new Request(first);
  assert(body.locked);
  const reader = second.body.getReader();
  assertEquals([...(await reader.read()).value], [0]);
  assertEquals([...(await reader.read()).value], [1]);
  assert(pulled <= 3);
  const several = await Promise.all([reader.read(), reader.read(), reader.read()]);
  assertEquals(several.map(({ value }) => value[0]), [2, 3, 4]);
  const gaps = ReadableStream.from([[], [1], [], [], [2], []].map((bytes) => new Uint8Array(bytes)));
  const third = new Request(new Request("http://a/", { method: "POST", body: gaps, duplex: "half" }));
  assertEquals([...(await third.bytes())], [1, 2]);
  let cancelled;
  const source = new ReadableStream({ cancel: (reason) => (cancelled = reason) });
  await new Request(new Request("http://a/", { method: "POST", body: source, duplex: "half" })).body.cancel("why");
  assertEquals(cancelled, "why");
});

test("the content type follows the kind of body, unless the headers say otherwise", () => {
  const type = (body, init) => new Response(body, init).headers.get("content-type");
  assertEquals(type("a"), "text/plain;charset=UTF-8");
  assertEquals(type(new URLSearchParams("a=b")), "application/x-www-form-urlencoded;charset=UTF-8");
  assertEquals(type(new Blob([], { type: "a/b" })), "a/b");
  assertEquals(type(new Blob([])), null);
  assertEquals(type(new Uint8Array(1)), null);
  assertEquals(type("a", { headers: { "Content-Type": "x/y" } }), "x/y");
  assertEquals(type({ toString: () => "object" }), "text/plain;charset=UTF-8");
});

test("methods reject, and getters throw, for other receivers", async () => {
  for (const Class of [Request, Response]) {
    for (const name of ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]) {
      await assertRejects(() => Class.prototype[name].call({}), TypeError);
    }
    assertThrows(() => Class.prototype.body, TypeError);
    assertThrows(() => Class.prototype.bodyUsed, TypeError);
  }
});

test("a patched Object.prototype.then does not see the bytes of a body", async () => {
  let seen = 0;
  const response = new Response(new Blob(["abc"]).stream());
  Object.defineProperty(Object.prototype, "then", {
    configurable: true,
    get() {
      if (this instanceof Uint8Array) seen++;
      return undefined;
    },
  });
  try {
    assert((await response.text()) === "abc");
  } finally {
    delete Object.prototype.then;
  }
  assertEquals(seen, 0);
});

/**
 * Replace every method and getter of the language's prototypes by one that notes its call.
 *
 * @returns {{ calls: string[], restore(): void }}
 */
function patchPrototypes() {
  const { defineProperty, getOwnPropertyDescriptor, ownKeys, apply } = Reflect;
  const calls = [];
  const saved = [];
  let armed = false;
  const prototypes = {
    Array, ArrayBuffer, DataView, Map, Promise, RegExp, Set, String, Uint8Array, WeakMap,
    TypedArray: Object.getPrototypeOf(Uint8Array),
  };
  for (const [name, { prototype }] of Object.entries(prototypes)) {
    for (const key of ownKeys(prototype)) {
      const descriptor = getOwnPropertyDescriptor(prototype, key);
      if (!descriptor.configurable || key === "constructor" || key === "toString" || key === "valueOf") continue;
      const member = descriptor.get ? "get" : "value";
      const original = descriptor[member];
      if (typeof original !== "function") continue;
      saved.push([prototype, key, descriptor]);
      const text = `${name}.${String(key)}`;
      const noting = function (...args) {
        if (armed) calls[calls.length] = text;
        return apply(original, this, args);
      };
      defineProperty(prototype, key, { ...descriptor, [member]: noting });
    }
  }
  const restore = () => {
    armed = false;
    for (let i = 0; i < saved.length; i++) defineProperty(saved[i][0], saved[i][1], saved[i][2]);
  };
  armed = true;
  return { calls, restore };
}

test("bodies, headers, forms and blobs call nothing that an app can replace", async () => {
  const parts = new Blob(["a\r\n", new Uint8Array([1, 2])], { type: "A/B" });
  const form = new FormData();
  form.append("a", "b\n");
  form.append("f", parts, 'n"\n');
  const multipart = new Response(form);
  const { calls, restore } = patchPrototypes();
  try {
    await new Response("abc", { headers: { a: "b" }, statusText: "x" }).clone().text();
    await new Response("{}").json();
    const request = new Request("http://a.example/", { method: "POST", body: "x" });
    await new Request(request.clone()).bytes();
    await parts.slice(1, 4).arrayBuffer();
    const reader = parts.stream().getReader();
    await reader.read();
    const parsed = await multipart.formData();
    parsed.append("g", parts, 'n"\n');
    parsed.set("a", "c");
    await parsed.get("f").text();
    await new Response("x", { headers: { "content-type": 'text/html;charset="a b", text/plain' } }).blob();
    const response = new Response(parts.stream());
    await response.clone().text();
    await response.text();
  } finally {
    restore();
  }
  assertEquals(calls, []);
});
