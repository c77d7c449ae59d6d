// TextEncoder, TextDecoder and their streams; implementation: nano/runtime/encoding.js, utf8.js,
// legacy_decoders.js and streams/text.js.

import { test, assert, assertEquals, assertThrows, assertRejects } from "./harness.js";

const decode = (bytes, label = "utf-8", options = {}) => new TextDecoder(label, options).decode(new Uint8Array(bytes));
const bytesOf = (text) => [...new TextEncoder().encode(text)];

/** Decode in pieces of a size, as a stream would. */
function decodeInPieces(bytes, size, label, options) {
  const decoder = new TextDecoder(label, options);
  let text = "";
  for (let i = 0; i < bytes.length; i += size) {
    text += decoder.decode(new Uint8Array(bytes.slice(i, i + size)), { stream: true });
  }
  return text + decoder.decode();
}

test("strings become UTF-8", () => {
  assertEquals(bytesOf("aé€😀"), [0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]);
  assertEquals(bytesOf("\ud800x\udc00"), [0xef, 0xbf, 0xbd, 0x78, 0xef, 0xbf, 0xbd]);
  assertEquals([bytesOf(), bytesOf(""), bytesOf(undefined)], [[], [], []]);
});

test("encodeInto stops before what does not fit", () => {
  const encoder = new TextEncoder();
  const into = (text, size) => {
    const { read, written } = encoder.encodeInto(text, new Uint8Array(size));
    return [read, written];
  };
  assertEquals(into("a€b", 3), [1, 1]);
  assertEquals(into("a€b", 4), [2, 4]);
  assertEquals(into("😀", 3), [0, 0]);
  assertEquals(into("😀", 4), [2, 4]);
  assertEquals(into("\ud800", 3), [1, 3]);
  assertThrows(() => encoder.encodeInto("a", new Int8Array(1)), TypeError);
});

test("ill-formed UTF-8 is replaced by maximal subparts", () => {
  const cases = [
    [[0xc0, 0x80], "\ufffd\ufffd"],
    [[0xe2, 0x82, 0x41], "\ufffdA"],
    [[0xf0, 0x9f, 0x98], "\ufffd"],
    [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xf4, 0x90, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
    [[0xe0, 0x80, 0x80], "\ufffd\ufffd\ufffd"],
    [[0x80, 0xff, 0x61], "\ufffd\ufffda"],
    [[0xf0, 0x9f, 0xe2, 0x82, 0xac], "\ufffd€"],
  ];
  for (const [bytes, text] of cases) {
    assertEquals(decode(bytes), text);
    for (const size of [1, 2, 3]) assertEquals(decodeInPieces(bytes, size, "utf-8", {}), text);
    assertThrows(() => decode(bytes, "utf-8", { fatal: true }), TypeError);
  }
});

test("text of any length and mixture survives, whole and in pieces", () => {
  const pieces = ["ascii ".repeat(3000), "é", "x".repeat(8191), "€", "日本語😀".repeat(5000), "y".repeat(8190), "😀"];
  let text = "";
  for (const piece of pieces) text += piece;
  const bytes = new TextEncoder().encode(text);
  assert(new TextDecoder().decode(bytes) === text);
  for (const offset of [1, 2, 3]) {
    const moved = new Uint8Array(bytes.length + offset);
    moved.set(bytes, offset);
    assert(new TextDecoder().decode(moved.subarray(offset)) === text);
  }
  for (const size of [1, 7, 8192, 8193]) assert(decodeInPieces(bytes, size, "utf-8", { fatal: true }) === text);
});

test("long strings, also once the bulk copier has started", () => {
  const ascii = "0123456789".repeat(30000);
  for (const text of [ascii, ascii, `${ascii}ü`, `ü${ascii}`, `${ascii}😀${ascii}`]) {
    assert(new TextDecoder().decode(new TextEncoder().encode(text)) === text);
  }
});

test("a byte order mark is dropped once", () => {
  assertEquals(decode([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x61]), "\ufeffa");
  assertEquals(decode([0xef, 0xbb, 0xbf], "utf-8", { ignoreBOM: true }), "\ufeff");
  assertEquals(decode([0xfe, 0xff, 0, 0x61], "utf-16be"), "a");
  assertEquals(decodeInPieces([0xef, 0xbb, 0xbf, 0x61], 1, "utf-8", {}), "a");
  const decoder = new TextDecoder();
  for (let i = 0; i < 2; i++) assertEquals(decoder.decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), "a");
});

test("UTF-16, whole and in pieces", () => {
  const little = [0x61, 0, 0x3d, 0xd8, 0x00, 0xde];
  for (const size of [1, 2, 3, 6]) assertEquals(decodeInPieces(little, size, "utf-16", {}), "a😀");
  assertEquals(decode([0x3d, 0xd8, 0x61, 0], "utf-16le"), "\ufffda");
  assertEquals(decode([0x3d, 0xd8], "utf-16le"), "\ufffd");
  assertEquals(decode([0x3d, 0xd8, 0x61], "utf-16le"), "\ufffd");
  assertEquals(decode([0xd8, 0x3d, 0xde, 0x00, 0x61], "utf-16be"), "😀\ufffd");
  assertThrows(() => decode([0x61], "utf-16le", { fatal: true }), TypeError);
});

test("labels", () => {
  const name = (label) => new TextDecoder(label).encoding;
  assertEquals([name(" UTF8\n"), name("latin1"), name("SJIS"), name("unicode")], ["utf-8", "windows-1252", "shift_jis", "utf-16le"]);
  for (const label of ["nope", "replacement", "iso-2022-kr", "utf-8\u0000", "\u00a0utf-8", "\u212aoi8-r", ""]) {
    assertThrows(() => new TextDecoder(label), RangeError);
  }
});

test("legacy encodings", () => {
  assertEquals(decode([0x80, 0x81, 0xe4], "latin1"), "€\u0081ä");
  assertEquals(decode([0xae, 0xbe], "koi8-u"), "ўЎ");
  assertEquals(decode([0x41, 0x80, 0xff], "x-user-defined"), "A\uf780\uf7ff");
  assertEquals(decode([0x93, 0xfa, 0x96, 0x7b, 0xb1], "shift_jis"), "日本ｱ");
  assertEquals(decode([0xc6, 0xfc, 0xcb, 0xdc, 0x8e, 0xb1, 0x8f, 0xb0, 0xa1], "euc-jp"), "日本ｱ丂");
  assertEquals(decode([0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42, 0x41], "iso-2022-jp"), "日A");
  assertEquals(decode([0xb0, 0xa1, 0xff, 0x41], "euc-kr"), "가\ufffdA");
  assertEquals(decode([0xa4, 0xa4, 0x88, 0x62, 0x87, 0x40], "big5"), "中Ê̄䏰");
  assertEquals(decode([0xd6, 0xd0, 0x80, 0x84, 0x31, 0xa4, 0x37], "gbk"), "中€\ufffd");
  assertEquals(decode([0x94, 0x39, 0xda, 0x33, 0x81, 0x30, 0x81, 0x30], "gb18030"), "💩\u0080");
  assertThrows(() => decode([0xdb], "windows-874", { fatal: true }), TypeError);
  assertEquals(decode([0x84, 0x31, 0xa4, 0x37], "gb18030", { fatal: true }), "\ufffd");
  assertThrows(() => decode([0x84, 0x31, 0xa4], "gb18030", { fatal: true }), TypeError);
});

test("legacy encodings in pieces, with errors that give bytes back", () => {
  const cases = {
    "shift_jis": [0x93, 0xfa, 0x81, 0x20, 0x93],
    "gb18030": [0x81, 0x30, 0x81, 0x41, 0x94, 0x39, 0xda, 0x33, 0x81, 0x30],
    "iso-2022-jp": [0x1b, 0x28, 0x1b, 0x24, 0x42, 0x46, 0x1b, 0x28, 0x4a, 0x5c, 0x1b],
    "euc-jp": [0x8f, 0xb0, 0xa1, 0x8f, 0xb0, 0x20, 0x8e],
    "big5": [0x88, 0x62, 0x88, 0x20, 0x88],
  };
  for (const label of Object.keys(cases)) {
    const whole = decode(cases[label], label);
    assert(whole.includes("\ufffd"), label);
    for (const size of [1, 2, 3]) assertEquals(decodeInPieces(cases[label], size, label, {}), whole, label);
  }
});

test("what decode accepts", () => {
  const { buffer } = new Uint8Array([0, 0x61, 0x62, 0]);
  assertEquals(new TextDecoder().decode(new DataView(buffer, 1, 2)), "ab");
  assertEquals(new TextDecoder().decode(new Uint16Array(buffer, 2, 1)), "b\0");
  assertEquals(new TextDecoder().decode(undefined), "");
  const detached = new ArrayBuffer(4);
  structuredClone(detached, { transfer: [detached] });
  assertEquals(new TextDecoder().decode(detached), "");
  const view = new Uint8Array(3);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(new Uint8Array([0xc3]), { stream: true }) + decoder.decode(view), "\ufffd");
  for (const bad of [null, 1, "a", []]) assertThrows(() => new TextDecoder().decode(bad), TypeError);
});

test("text streams", async () => {
  const chunks = ["a\ud83d", "\ude00", "", "b\ud83d"];
  const encoded = ReadableStream.from(chunks).pipeThrough(new TextEncoderStream());
  const singles = encoded.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      for (const byte of chunk) controller.enqueue(new Uint8Array([byte]));
    },
  }));
  let text = "";
  for await (const chunk of singles.pipeThrough(new TextDecoderStream())) text += chunk;
  assertEquals(text, "a😀b\ufffd");
});

test("a fatal text stream fails", async () => {
  const decoder = new TextDecoderStream("utf-8", { fatal: true });
  const writer = decoder.writable.getWriter();
  writer.write(new Uint8Array([0xff])).catch(() => {});
  writer.closed.catch(() => {});
  await assertRejects(() => decoder.readable.getReader().read(), TypeError);
});
