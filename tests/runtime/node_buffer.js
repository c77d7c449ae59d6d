// node:buffer and node:string_decoder; see nano/runtime/node/buffer.js.
import bufferModule, { Buffer, isAscii, isUtf8 } from "node:buffer";
import { StringDecoder } from "string_decoder";
import { assert, assertEquals, assertThrows, test } from "./harness.js";

test("strings in every encoding, there and back", () => {
  const cases = [
    ["utf8", "héé€😀", "68c3a9c3a9e282acf09f9880"],
    ["hex", "00ff10", "00ff10"],
    ["base64", "aGk/Pz8+", "68693f3f3f3e"],
    ["base64url", "aGk_Pz8-", "68693f3f3f3e"],
    ["latin1", "é\u0000", "e900"],
    ["ascii", "abc", "616263"],
    ["utf16le", "a€", "6100ac20"],
    ["ucs2", "a", "6100"],
    ["binary", "ÿ", "ff"],
  ];
  for (const [encoding, text, hex] of cases) {
    const buffer = Buffer.from(text, encoding);
    assertEquals(buffer.toString("hex"), hex, encoding);
    assertEquals(buffer.toString(encoding), text, encoding);
    assertEquals(Buffer.byteLength(text, encoding), buffer.length, encoding);
    assert(Buffer.isEncoding(encoding));
    const target = Buffer.alloc(buffer.length);
    assertEquals(target.write(text, 0, encoding), buffer.length, encoding);
    assert(target.equals(buffer), encoding);
  }
  assertEquals(Buffer.from("aGk_Pz8-", "base64").toString("latin1"), "hi???>");
  assertEquals(Buffer.from("aGk", "base64url").toString(), "hi");
  assertEquals(Buffer.from("abcdef").toString("utf8", 1, 3), "bc");
  assert(!Buffer.isEncoding("utf-7"));
});

test("buffers are Uint8Arrays", () => {
  const buffer = Buffer.from([1, 2, 3]);
  assert(buffer instanceof Uint8Array && Buffer.isBuffer(buffer) && !Buffer.isBuffer(new Uint8Array(1)));
  assert(Buffer.isBuffer(Buffer.from("text")));
  assert(buffer.subarray(1) instanceof Buffer);
  buffer.subarray(1)[0] = 9;
  assertEquals([...buffer], [1, 9, 3]);
  assertEquals(JSON.stringify(Buffer.from("a")), '{"type":"Buffer","data":[97]}');
  const { buffer: memory } = new Uint8Array([1, 2, 3, 4]);
  assertEquals([...Buffer.from(memory, 1, 2)], [2, 3]);
});

test("numbers, search, comparison", () => {
  const buffer = Buffer.alloc(16);
  buffer.writeUInt32BE(0xdeadbeef, 0);
  buffer.writeInt16LE(-2, 4);
  buffer.writeDoubleLE(1.5, 8);
  assertEquals([buffer.readUInt32BE(0), buffer.readInt16LE(4), buffer.readDoubleLE(8)], [0xdeadbeef, -2, 1.5]);
  assertEquals(buffer.readBigUInt64BE(0) >> 32n, 0xdeadbeefn);
  assertThrows(() => buffer.readUInt8(16), RangeError);
  const text = Buffer.from("one two one");
  assertEquals([text.indexOf("one", 1), text.lastIndexOf("one"), text.includes("two"), text.indexOf("x")], [8, 8, true, -1]);
  assertEquals([Buffer.compare(Buffer.from("a"), Buffer.from("b")), Buffer.concat([text, buffer]).length], [-1, 27]);
  assertEquals(Buffer.alloc(5, "ab").toString(), "ababa");
  assertEquals(Buffer.alloc(3, "YQ", "base64url").toString(), "aaa");
});

test("the rest of the module", () => {
  assertEquals(Object.keys(bufferModule).includes("Buffer"), true);
  assertEquals(bufferModule.Blob, Blob);
  assertEquals([isAscii(Buffer.from("a")), isAscii(Buffer.from("é")), isUtf8(Buffer.from("é")), isUtf8(new Uint8Array([255]))], [true, false, true, false]);
  assertEquals(typeof globalThis.Buffer, "undefined");
});

test("a decoder keeps incomplete characters", () => {
  const decoder = new StringDecoder("utf8");
  assertEquals(decoder.write(Buffer.from([0xe2, 0x82])), "");
  assertEquals(decoder.write(Buffer.from([0xac])), "€");
  assertEquals(decoder.write(Buffer.from([0xe2])) + decoder.end(), "\ufffd");
});
