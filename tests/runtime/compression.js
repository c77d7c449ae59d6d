// CompressionStream and DecompressionStream, by https://compression.spec.whatwg.org/; see nano/runtime/compression.js.
// The web platform tests cover formats and errors; here are sizes, backpressure and ends.
import { assert, assertEquals, assertRejects, assertThrows, test } from "./harness.js";

const FORMATS = ["gzip", "deflate", "deflate-raw"];

const bytesOf = async (stream) => new Response(stream).bytes();
const streamOf = (bytes) => new Response(bytes).body;
const pack = (bytes, format) => bytesOf(streamOf(bytes).pipeThrough(new CompressionStream(format)));
const unpack = (bytes, format) => bytesOf(streamOf(bytes).pipeThrough(new DecompressionStream(format)));

/** Bytes that do not compress: from a small generator, so that failures repeat. */
function noise(size) {
  const bytes = new Uint8Array(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

for (const format of FORMATS) {
  test(`${format}: what is packed comes out again, whatever its size`, async () => {
    for (const size of [0, 1, 65519, 65520, 65521, 300_000]) {
      const bytes = noise(size);
      assert(same(await unpack(await pack(bytes, format), format), bytes), `${size} bytes differ`);
    }
  });

  test(`${format}: chunks may end anywhere`, async () => {
    const packed = await pack(new TextEncoder().encode("hello hello hello"), format);
    const { readable, writable } = new DecompressionStream(format);
    const text = new Response(readable).text();
    const writer = writable.getWriter();
    for (const byte of packed) await writer.write(new Uint8Array([byte]));
    await writer.close();
    assertEquals(await text, "hello hello hello");
  });

  test(`${format}: data behind the end is an error, in the same chunk or another`, async () => {
    const packed = await pack(new Uint8Array(10), format);
    const joined = new Uint8Array(packed.length + 1);
    joined.set(packed);
    await assertRejects(unpack(joined, format), TypeError, "behind the end");
    const { readable, writable } = new DecompressionStream(format);
    const text = new Response(readable).text();
    const writer = writable.getWriter();
    writer.write(packed).catch(() => {});
    writer.write(new Uint8Array(1)).catch(() => {});
    await assertRejects(text, TypeError, "behind the end");
  });

  test(`${format}: what ends too early is an error`, async () => {
    const packed = await pack(noise(1000), format);
    await assertRejects(unpack(packed.subarray(0, -1), format), TypeError, "too early");
    await assertRejects(unpack(new Uint8Array(0), format), TypeError, "too early");
  });
}

test("what gzip itself has written is read", async () => {
  const bytes = Uint8Array.fromBase64("H4sIAAAAAAAAA8tIzcnJVyjPL8pJAQCFEUoNCwAAAA==");
  assertEquals(new TextDecoder().decode(await unpack(bytes, "gzip")), "hello world");
});

test("every kind of buffer and view is a chunk", async () => {
  const buffer = new TextEncoder().encode("..abcd..").buffer;
  const { readable, writable } = new CompressionStream("gzip");
  const result = bytesOf(readable);
  const writer = writable.getWriter();
  writer.write(new DataView(buffer, 2, 2));
  writer.write(new Uint16Array(buffer, 4, 1));
  writer.write(new TextEncoder().encode("!").buffer);
  writer.close();
  assertEquals(new TextDecoder().decode(await unpack(await result, "gzip")), "abcd!");
});

test("a bomb comes out in pieces, as fast as they are read", async () => {
  const bomb = await pack(new Uint8Array(20_000_000), "gzip");
  assert(bomb.length < 65520);
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  let written = false;
  const writing = writer.write(bomb).then(() => {
    written = true;
  });
  const reader = readable.getReader();
  let total = 0;
  for (let i = 0; i < 10; i++) {
    const { value } = await reader.read();
    assert(value.length <= 65536, `${value.length} bytes at once`);
    total += value.length;
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert(!written, "the writer does not wait for the reader");
  const closing = writer.close();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
  }
  await writing;
  await closing;
  assertEquals(total, 20_000_000);
});

test("whoever cancels a bomb lets the writer go", async () => {
  const bomb = await pack(new Uint8Array(20_000_000), "gzip");
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  const writing = writer.write(bomb);
  const reader = readable.getReader();
  await reader.read();
  await reader.cancel("enough");
  await assertRejects(writer.write(new Uint8Array(1)));
  await writing.catch(() => {});
  const error = await assertRejects(writer.closed.then(() => {}, (reason) => Promise.reject(new Error(reason))));
  assertEquals(error.message, "enough");
});

test("what waits for the reader ends when the reader goes", async () => {
  const { readable, writable } = new CompressionStream("deflate");
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const writing = writer.write(noise(400_000)).catch(() => "failed");
  await reader.read();
  const closing = writer.close().catch(() => "failed");
  await reader.cancel("enough");
  await Promise.all([writing, closing]);
});

test("streams are given back: many may be used one after the other, and cancelled", async () => {
  for (let i = 0; i < 1500; i++) {
    const { readable, writable } = new CompressionStream("gzip");
    const writer = writable.getWriter();
    const reader = readable.getReader();
    const read = reader.read();
    await writer.write(new Uint8Array([i]));
    await read;
    await reader.cancel();
  }
});

test("no more than 1024 streams are open at once", async () => {
  const streams = [];
  let refused = null;
  for (let i = 0; i < 1025 && refused === null; i++) {
    const { readable, writable } = new DecompressionStream("gzip");
    const reader = readable.getReader();
    reader.read().catch(() => {});
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    streams.push(reader);
    await writer.write(new Uint8Array([0x1f])).catch((error) => {
      refused = error;
    });
  }
  assert(refused instanceof RangeError, String(refused));
  for (const reader of streams) await reader.cancel().catch(() => {});
  assertEquals((await unpack(await pack(noise(10), "gzip"), "gzip")).length, 10);
});

test("arguments are converted as Web IDL has it", () => {
  assertThrows(() => new CompressionStream(), TypeError, "1 argument required");
  assertThrows(() => new CompressionStream("zip"), TypeError, "CompressionFormat");
  assertThrows(() => new DecompressionStream({}), TypeError, "CompressionFormat");
  assertThrows(() => CompressionStream("gzip"), TypeError);
  assertEquals(Object.prototype.toString.call(new CompressionStream({ toString: () => "gzip" })), "[object CompressionStream]");
  assertThrows(() => CompressionStream.prototype.readable, TypeError);
});
