// node:crypto; see nano/runtime/node/crypto.js. The digests are those of the standards' own examples.
import { Buffer } from "node:buffer";
import crypto, {
  createHash,
  createHmac,
  getHashes,
  hash,
  randomBytes,
  randomInt,
  randomUUID,
  timingSafeEqual,
  webcrypto,
} from "node:crypto";
import { assert, assertEquals, assertThrows, test } from "./harness.js";

test("digests of abc", () => {
  const digests = {
    md5: "900150983cd24fb0d6963f7d28e17f72",
    sha1: "a9993e364706816aba3e25717850c26c9cd0d89d",
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    sha384: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "sha3-256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    "sha512-256": "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
  };
  for (const name of Object.keys(digests)) {
    assertEquals(createHash(name).update("abc").digest("hex"), digests[name], name);
    assertEquals(createHash(name.toUpperCase()).update("a").update(Buffer.from("bc")).digest().toString("hex"), digests[name]);
  }
  assertEquals(createHash("RSA-SHA256").update("abc").digest("hex"), digests.sha256);
  assertEquals(hash("sha1", "abc"), digests.sha1);
  assertEquals(createHash("sha256").update("616263", "hex").digest("base64url"), Buffer.from(digests.sha256, "hex").toString("base64url"));
});

test("long data goes to the host in pieces, with the same result", () => {
  const data = Buffer.alloc(1_000_000, "a");
  const digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"; // FIPS 180-2, B.3
  assertEquals(createHash("sha256").update(data).digest("hex"), digest);
  const pieces = createHash("sha256");
  for (let at = 0; at < data.length; at += 4096) pieces.update(data.subarray(at, at + 4096));
  assertEquals(pieces.digest("hex"), digest);
  const changed = Buffer.from("abc");
  const kept = createHash("sha1").update(changed);
  changed.fill(0);
  assertEquals(kept.digest("hex"), "a9993e364706816aba3e25717850c26c9cd0d89d");
});

test("a hash can be copied, and is over when its digest is taken", () => {
  for (const size of [1, 100_000]) {
    const first = createHash("sha256").update(Buffer.alloc(size));
    const second = first.copy();
    first.update("x");
    assertEquals(second.digest("hex"), createHash("sha256").update(Buffer.alloc(size)).digest("hex"));
    assertEquals(first.digest("hex"), createHash("sha256").update(Buffer.alloc(size)).update("x").digest("hex"));
    assertEquals(assertThrows(() => first.update("y"), Error, "Digest already called").code, "ERR_CRYPTO_HASH_FINALIZED");
    assertThrows(() => first.digest(), Error);
    assertThrows(() => first.copy(), Error);
  }
});

test("HMACs of RFC 4231, short and long keys", () => {
  const short = createHmac("sha256", "Jefe").update("what do ya want for nothing?").digest("hex");
  assertEquals(short, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const long = createHmac("sha256", Buffer.alloc(131, 0xaa)).update("Test Using Larger Than Block-Size Key - Hash Key First");
  assertEquals(long.digest("hex"), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  assertEquals(long.digest("hex"), "");
  const huge = Buffer.alloc(200_000, 7);
  const hashed = createHash("sha512").update(huge).digest();
  assertEquals(createHmac("sha512", huge).update("x").digest("hex"), createHmac("sha512", hashed).update("x").digest("hex"));
  assertEquals(createHmac("sha1", "").update("").digest("hex"), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
});

test("what is not there is refused", () => {
  assertEquals(assertThrows(() => createHash("nope"), Error, "Digest method not supported").code, "ERR_OSSL_EVP_UNSUPPORTED");
  assertEquals(assertThrows(() => createHmac("nope", "k"), Error, "Invalid digest").code, "ERR_CRYPTO_INVALID_DIGEST");
  assertEquals(assertThrows(() => createHash(), TypeError).code, "ERR_INVALID_ARG_TYPE");
  assertThrows(() => createHash("md5").update(5), TypeError);
  assertThrows(() => createHmac("md5"), TypeError);
  for (const name of getHashes()) assert(createHash(name).update("").digest().length >= 16, name);
});

test("random values", async () => {
  const bytes = randomBytes(70_000);
  assert(Buffer.isBuffer(bytes) && bytes.length === 70_000 && bytes.subarray(65_536).some((byte) => byte !== 0));
  assertEquals((await new Promise((resolve) => randomBytes(3, (_, value) => resolve(value)))).length, 3);
  assertThrows(() => randomBytes(-1), RangeError);
  assertThrows(() => randomBytes("1"), TypeError);
  const drawn = Array.from({ length: 200 }, () => randomInt(3, 5));
  assertEquals([...new Set(drawn)].sort(), [3, 4]);
  assert(randomInt(1) === 0);
  assertThrows(() => randomInt(5, 5), RangeError);
  assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(randomUUID()));
  assert(crypto.randomFillSync(new Uint8Array(32)).some((byte) => byte !== 0));
  assertEquals(webcrypto, globalThis.crypto);
});

test("timingSafeEqual", () => {
  assert(timingSafeEqual(Buffer.from("abc"), new Uint8Array([97, 98, 99])));
  assert(!timingSafeEqual(Buffer.from("abc"), Buffer.from("abd")));
  const error = assertThrows(() => timingSafeEqual(Buffer.alloc(1), Buffer.alloc(2)), RangeError);
  assertEquals(error.code, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH");
  assertThrows(() => timingSafeEqual("a", "a"), TypeError);
});
