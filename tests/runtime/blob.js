// Blob and File; implementation: nano/runtime/blob.js.

import { test, assert, assertEquals, assertRejects, assertThrows } from "./harness.js";

const text = (blob) => blob.text();

test("parts of every kind are joined", async () => {
  const bytes = new Uint8Array([1, 98, 99, 2]);
  const blob = new Blob(["a", bytes.subarray(1, 3), new Blob(["d"]), new DataView(bytes.buffer, 1, 1), 5, "\ud800"]);
  assertEquals(await text(blob), "abcdb5\ufffd");
  assertEquals(blob.size, 9);
  assertEquals(await text(new Blob([new Uint16Array([0x6161]).buffer])), "aa");
});

test("bytes are copied when they come in and when they go out", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const blob = new Blob([bytes]);
  bytes[0] = 9;
  const out = await blob.bytes();
  assertEquals([...out], [1, 2, 3]);
  out[0] = 8;
  new Uint8Array(await blob.arrayBuffer())[1] = 8;
  assertEquals([...(await blob.bytes())], [1, 2, 3]);
});

test("arguments are checked", () => {
  for (const parts of [null, "abc", 1, {}, { length: 1, 0: "a" }]) assertThrows(() => new Blob(parts), TypeError);
  assertThrows(() => new Blob([], "options"), TypeError);
  assertThrows(() => new Blob([], { endings: "windows" }), TypeError);
  assertThrows(() => new Blob([Symbol()]), TypeError);
  assertThrows(() => Blob(), TypeError);
  assertThrows(() => new File([]), TypeError);
});

test("the type is in lower case, and empty with characters beyond ASCII", () => {
  assertEquals(new Blob([], { type: "Text/HTML;Charset=X" }).type, "text/html;charset=x");
  assertEquals(new Blob([], { type: "te\u00e9xt" }).type, "");
  assertEquals(new Blob([]).slice(0, 0, "A/\tB").type, "");
  assertEquals(new Blob([], { type: "a/b" }).slice().type, "");
});

test("native endings are line feeds", async () => {
  const blob = new Blob(["a\r\nb\rc\n\r", "\n"], { endings: "native" });
  assertEquals(await text(blob), "a\nb\nc\n\n\n");
});

test("slices count from both ends and reach across parts", async () => {
  const blob = new Blob(["abc", "def", "ghi"]);
  assertEquals(await text(blob.slice(2, 7)), "cdefg");
  assertEquals(await text(blob.slice(-4, -1)), "fgh");
  assertEquals(await text(blob.slice(5, 2)), "");
  assertEquals(await text(blob.slice(7, 100)), "hi");
  assertEquals(await text(blob.slice(2, 7).slice(1, 3)), "de");
});

test("the stream is a byte stream that gives chunks of its own", async () => {
  const blob = new Blob(["x".repeat(100_000), "y"]);
  let seen = "";
  for await (const chunk of blob.stream()) {
    seen += new TextDecoder().decode(chunk);
    chunk.fill(0);
  }
  assert(seen === (await text(blob)));
  const reader = blob.stream().getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(3));
  assertEquals([...first.value], [120, 120, 120]);
  await reader.cancel();
  const empty = new Blob([]).stream().getReader({ mode: "byob" });
  assert((await empty.read(new Uint8Array(1))).done);
});

test("a blob of 100 MB works", async () => {
  const half = new Uint8Array(50 << 20).fill(97);
  const blob = new Blob([half, half]);
  assertEquals(blob.size, 100 << 20);
  assertEquals(await text(blob.slice((50 << 20) - 1, (50 << 20) + 1)), "aa");
  assertEquals((await blob.arrayBuffer()).byteLength, 100 << 20);
});

test("text drops a byte order mark", async () => {
  assertEquals(await text(new Blob(["\ufeffa"])), "a");
});

test("a file has a name and a time", () => {
  const before = Date.now();
  const file = new File(["a"], "n\ud800", { type: "A/B" });
  assertEquals(file.name, "n\ufffd");
  assertEquals(file.type, "a/b");
  assert(file.lastModified >= before && file.lastModified <= Date.now());
  assertEquals(new File([], "", { lastModified: new Date(5) }).lastModified, 5);
  assert(file instanceof Blob);
  assert(!(file.slice() instanceof File));
});

test("blobs and files can be cloned", async () => {
  const { blob, file } = structuredClone({
    blob: new Blob(["abc"], { type: "a/b" }),
    file: new File(["d"], "name", { lastModified: 7 }),
  });
  assertEquals(await text(blob), "abc");
  assertEquals(blob.type, "a/b");
  assert(file instanceof File);
  assertEquals([file.name, file.lastModified, await text(file)], ["name", 7, "d"]);
});

test("methods that give promises reject for other receivers", async () => {
  for (const name of ["text", "bytes", "arrayBuffer"]) await assertRejects(() => Blob.prototype[name].call({}), TypeError);
  assertThrows(() => Blob.prototype.slice.call({}), TypeError);
});

test("what is internal does not pass through patched constructors", async () => {
  const { constructor } = Uint8Array.prototype;
  let called = false;
  Object.defineProperty(Uint8Array.prototype, "constructor", {
    configurable: true,
    get() {
      called = true;
      return constructor;
    },
  });
  try {
    const blob = new Blob(["abc", "def"]).slice(1, 5);
    assert((await blob.text()) === "bcde");
    await blob.arrayBuffer();
  } finally {
    Object.defineProperty(Uint8Array.prototype, "constructor", { configurable: true, writable: true, value: constructor });
  }
  assert(!called);
});
