// crypto.subtle, CryptoKey and crypto.DigestStream, by https://w3c.github.io/webcrypto/; see nano/runtime/crypto_subtle.js.
// What the algorithms compute is tested in tests/ops/test_crypto*.py and by the web platform tests.
import { assert, assertEquals, assertRejects, assertThrows, test } from "./harness.js";

const { subtle } = crypto;
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (buffer) => new Uint8Array(buffer).toHex();
const hmac = { name: "HMAC", hash: "SHA-256" };
const importHmac = (usages = ["sign", "verify"], extractable = true) =>
  subtle.importKey("raw", utf8("key"), hmac, extractable, usages);

/** @param {Promise<unknown>} promise @param {string} name */
const fails = async (promise, name) => assertEquals((await assertRejects(promise)).name, name);

const ABC = {
  md5: "900150983cd24fb0d6963f7d28e17f72",
  "sha-1": "a9993e364706816aba3e25717850c26c9cd0d89d",
  "sha-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};

test("digest takes every name and every kind of bytes", async () => {
  for (const [name, expected] of Object.entries(ABC)) {
    assertEquals(hex(await subtle.digest(name, utf8("abc"))), expected);
    assertEquals(hex(await subtle.digest({ name: name.toUpperCase() }, utf8("abc").buffer)), expected);
    assertEquals(hex(await subtle.digest(name, new DataView(utf8("xabcx").buffer, 1, 3))), expected);
  }
  await fails(subtle.digest("sha256", utf8("")), "NotSupportedError");
  await fails(subtle.digest("ſha-256", utf8("")), "NotSupportedError");
  await fails(subtle.digest("SHA-256", "abc"), "TypeError");
  await fails(subtle.digest("SHA-256"), "TypeError");
  await fails(subtle.digest({}, utf8("")), "TypeError");
});

test("digests of much data are those of small pieces", async () => {
  for (const size of [32767, 32768, 32769, 65536, 1000000]) {
    const data = new Uint8Array(size).fill(7);
    const stream = new crypto.DigestStream("SHA-512");
    const writer = stream.getWriter();
    for (let at = 0; at < size; at += 30000) writer.write(data.subarray(at, at + 30000));
    await writer.close();
    assertEquals(hex(await subtle.digest("SHA-512", data)), hex(await stream.digest), String(size));
  }
});

test("data are taken as they are when the call is made, and after the algorithm was read", async () => {
  const data = utf8("abc");
  const promise = subtle.digest("SHA-256", data);
  data[0] = 0;
  assertEquals(hex(await promise), ABC["sha-256"]);
  const late = utf8("xbc");
  const algorithm = { get name() { late[0] = 97; return "SHA-256"; } };
  assertEquals(hex(await subtle.digest(algorithm, late)), ABC["sha-256"]);
  const gone = utf8("abc");
  const taker = { get name() { if (gone.byteLength > 0) gone.buffer.transfer(); return "SHA-1"; } };
  assertEquals(hex(await subtle.digest(taker, gone)), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
});

test("a CryptoKey tells what it is, with the same objects each time", async () => {
  const key = await importHmac(["verify", "sign", "verify"]);
  assert(key instanceof CryptoKey);
  assertEquals([key.type, key.extractable], ["secret", true]);
  assertEquals(key.algorithm, { hash: { name: "SHA-256" }, length: 24, name: "HMAC" });
  assertEquals(key.usages, ["sign", "verify"]);
  assert(key.algorithm === key.algorithm && key.usages === key.usages);
  assertThrows(() => new CryptoKey(), TypeError, "Illegal constructor");
  assertThrows(() => CryptoKey.prototype.type, TypeError);
  assertEquals(Object.keys(key), []);
});

test("what a script writes on a key does not change the key", async () => {
  const key = await importHmac(["verify"], false);
  key.usages.push("sign");
  key.algorithm.name = "AES-GCM";
  await fails(subtle.sign("HMAC", key, utf8("")), "InvalidAccessError");
  await fails(subtle.exportKey("raw", key), "InvalidAccessError");
});

test("the algorithm of an RSA key has its exponent as bytes of its own", async () => {
  const parameters = { name: "RSA-PSS", hash: "SHA-1", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) };
  const pair = await subtle.generateKey(parameters, false, ["sign", "verify"]);
  assertEquals(Object.keys(pair), ["publicKey", "privateKey"]);
  const { algorithm } = pair.publicKey;
  assertEquals(algorithm.publicExponent, new Uint8Array([1, 0, 1]));
  assert(algorithm.publicExponent !== pair.privateKey.algorithm.publicExponent);
  assertEquals([pair.publicKey.extractable, pair.privateKey.extractable], [true, false]);
  const signature = await subtle.sign({ name: "RSA-PSS", saltLength: 20 }, pair.privateKey, utf8("text"));
  assert(await subtle.verify({ name: "RSA-PSS", saltLength: 20 }, pair.publicKey, signature, utf8("text")));
});

test("keys survive structured cloning", async () => {
  const key = await importHmac(["sign"]);
  const { clone } = structuredClone({ clone: key });
  assert(clone instanceof CryptoKey && clone !== key && clone.algorithm !== key.algorithm);
  assertEquals([clone.type, clone.usages, clone.algorithm], [key.type, key.usages, key.algorithm]);
  assertEquals(hex(await subtle.sign("HMAC", clone, utf8("x"))), hex(await subtle.sign("HMAC", key, utf8("x"))));
});

test("importKey tells bytes from JSON Web Keys", async () => {
  await fails(subtle.importKey("jwk", utf8("{}"), hmac, true, ["sign"]), "TypeError");
  await fails(subtle.importKey("raw", {}, hmac, true, ["sign"]), "TypeError");
  await fails(subtle.importKey("raw", "key", hmac, true, ["sign"]), "TypeError");
  await fails(subtle.importKey("pem", utf8("x"), hmac, true, ["sign"]), "TypeError");
  await fails(subtle.importKey("jwk", {}, hmac, true, ["sign"]), "DataError");
  await fails(subtle.importKey("jwk", null, hmac, true, ["sign"]), "DataError");
  await fails(subtle.importKey("raw", utf8("x"), { ...hmac, hash: "MD5" }, true, ["sign"]), "NotSupportedError");
  await fails(subtle.importKey("raw", utf8("x"), hmac, true, ["swim"]), "TypeError");
  const key = await subtle.importKey("jwk", { kty: "oct", k: "a2V5" }, hmac, true, new Set(["sign"]));
  assertEquals(await subtle.exportKey("jwk", key), { alg: "HS256", ext: true, k: "a2V5", key_ops: ["sign"], kty: "oct" });
  assertEquals(hex(await subtle.exportKey("raw", key)), "6b6579");
});

test("errors are rejections, never thrown", async () => {
  const method = SubtleCrypto.prototype.sign;
  await fails(method.call({}, "HMAC", 1, 2), "TypeError");
  for (const name of Object.getOwnPropertyNames(SubtleCrypto.prototype)) {
    if (name !== "constructor" && name !== "timingSafeEqual") await fails(subtle[name](), "TypeError");
  }
  const error = new Error("mine");
  const thrower = { get name() { throw error; } };
  assert((await assertRejects(subtle.digest(thrower, utf8("")))) === error);
  const refused = await assertRejects(subtle.sign("ECDSA", await importHmac(), utf8("")));
  assert(refused instanceof TypeError, "the parameters of ECDSA lack their hash");
  const mismatch = await assertRejects(subtle.sign("Ed25519", await importHmac(), utf8("")));
  assert(mismatch instanceof DOMException && mismatch.code === 15);
});

test("keys are agreed upon, derived and wrapped", async () => {
  const mine = await subtle.generateKey({ name: "ECDH", namedCurve: "P-384" }, false, ["deriveKey"]);
  const theirs = await subtle.generateKey({ name: "ECDH", namedCurve: "P-384" }, false, ["deriveKey"]);
  const derive = (own, other) =>
    subtle.deriveKey({ name: "ECDH", public: other.publicKey }, own.privateKey, { name: "AES-KW", length: 256 }, true, ["wrapKey", "unwrapKey"]);
  const [left, right] = await Promise.all([derive(mine, theirs), derive(theirs, mine)]);
  const secret = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
  const wrapped = await subtle.wrapKey("raw", secret, left, "AES-KW");
  assertEquals(wrapped.byteLength, 40);
  const back = await subtle.unwrapKey("raw", wrapped, right, "AES-KW", "AES-GCM", true, ["encrypt"]);
  assertEquals(hex(await subtle.exportKey("raw", back)), hex(await subtle.exportKey("raw", secret)));
});

test("PBKDF2 has a limit of work", async () => {
  const base = await subtle.importKey("raw", utf8("password"), "PBKDF2", false, ["deriveBits"]);
  const derive = (iterations, length) =>
    subtle.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: utf8("salt"), iterations }, base, length);
  assertEquals(hex(await derive(4096, 160)), "4b007901b765489abead49d926f721d065a429c1");
  await fails(derive(10000001, 160), "OperationError");
});

test("timingSafeEqual compares bytes of one length", () => {
  assert(subtle.timingSafeEqual(utf8("abc"), utf8("abc").buffer));
  assert(!subtle.timingSafeEqual(utf8("abc"), utf8("abd")));
  assert(subtle.timingSafeEqual(new Uint8Array(0), new Uint8Array(0)));
  assertThrows(() => subtle.timingSafeEqual(utf8("abc"), utf8("ab")), TypeError);
  assertThrows(() => subtle.timingSafeEqual("abc", utf8("abc")), TypeError);
  assertThrows(() => subtle.timingSafeEqual(utf8("abc")), TypeError);
});

test("DigestStream hashes bytes and text", async () => {
  const stream = new crypto.DigestStream("md5");
  assert(stream instanceof WritableStream && stream instanceof crypto.DigestStream);
  const writer = stream.getWriter();
  await writer.write("hello");
  await writer.write(utf8("there"));
  await writer.close();
  assertEquals(stream.bytesWritten, 10n);
  assertEquals(hex(await stream.digest), hex(await subtle.digest("MD5", utf8("hellothere"))));
  const piped = new crypto.DigestStream({ name: "SHA-256" });
  await new Blob(["abc"]).stream().pipeTo(piped);
  assertEquals(hex(await piped.digest), ABC["sha-256"]);
  const empty = new crypto.DigestStream("SHA-1");
  await empty.close();
  assertEquals(hex(await empty.digest), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
});

test("DigestStream has no digest of what went wrong", async () => {
  assertThrows(() => new crypto.DigestStream("foo"), DOMException);
  assertThrows(() => new crypto.DigestStream(), TypeError);
  const aborted = new crypto.DigestStream("SHA-1");
  const reason = new Error("boom");
  await aborted.abort(reason);
  assert((await assertRejects(aborted.digest)) === reason);
  const wrong = new crypto.DigestStream("SHA-1");
  await assertRejects(wrong.getWriter().write(123), TypeError, "DigestStream is a byte stream");
  await assertRejects(wrong.digest, TypeError);
  const disposed = new crypto.DigestStream("SHA-1");
  disposed[Symbol.dispose]();
  disposed[Symbol.dispose]();
  await assertRejects(disposed.getWriter().write(utf8("x")), TypeError, "The DigestStream was disposed.");
});

test("patched built-ins get hold of nothing", async () => {
  const seen = [];
  const { then } = Promise.prototype;
  Promise.prototype.then = function (...handlers) {
    seen.push(this);
    return Reflect.apply(then, this, handlers);
  };
  Object.defineProperty(Object.prototype, "name", { configurable: true, set: (value) => seen.push(value) });
  let signature;
  try {
    const key = importHmac();
    Reflect.apply(then, key, [(made) => void (signature = subtle.sign("HMAC", made, new Uint8Array(40000)))]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    Promise.prototype.then = then;
    delete Object.prototype.name;
  }
  assertEquals(seen.length, 0);
  assertEquals((await signature).byteLength, 32);
});
