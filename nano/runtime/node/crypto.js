// node:crypto: hashes, HMACs, random values.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/crypto.html
// Host half: nano/ops/node_crypto.py.
//
// A question to the host is, all numbers little-endian,
//
//     u32 handle (0: a new hash) | u8 flags | u8 length and name of the algorithm | u32 length of the key | key | data
//
// with an algorithm and a key for new ones only. The answer is `u32 handle`, or the digest where flag DIGEST is set,
// which ends the hash; empty if there is no such algorithm. Data is collected first, so that a small one is one question.

import { fillRandom, hostAskBytes } from "nano:internals";
import { Buffer } from "node:buffer";

const { crypto } = globalThis;
const { subtle } = crypto;
const webcrypto = crypto;

const DIGEST = 1;
const COPY = 2;
const HMAC = 4;
const FORGET = 8;
/** What fits into a question beside its head. */
const PIECE = 32768;

/** @param {string} code @param {string} message @param {ErrorConstructor} [Class] */
const failure = (code, message, Class = Error) => Object.assign(new /** @type {any} */ (Class)(message), { code });

/** @param {any} data @param {string} [encoding] @param {string} [name] @returns {Uint8Array} */
function toBytes(data, encoding = undefined, name = "data") {
  if (typeof data === "string") return Buffer.from(data, encoding === "buffer" ? "utf8" : encoding);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  const what = `The "${name}" argument must be of type string or an instance of Buffer, TypedArray, or DataView.`;
  throw failure("ERR_INVALID_ARG_TYPE", what, TypeError);
}

/** @param {Uint8Array} bytes @param {string} [encoding] @returns {any} */
function encoded(bytes, encoding) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding === undefined || encoding === null || encoding === "buffer" ? buffer : buffer.toString(encoding);
}

/** Has the host forget hashes that nobody can reach any more. @type {FinalizationRegistry<number>} */
const abandoned = new FinalizationRegistry((handle) => {
  ask(handle, FORGET, "", null, new Uint8Array(0));
});

/**
 * @param {number} handle
 * @param {number} flags
 * @param {string} algorithm
 * @param {Uint8Array | null} key
 * @param {Uint8Array} data
 * @returns {Uint8Array}
 */
function ask(handle, flags, algorithm, key, data) {
  const name = Buffer.from(algorithm);
  const keyLength = key === null ? 0 : key.length;
  const question = new Uint8Array(10 + name.length + keyLength + data.length);
  const view = new DataView(question.buffer);
  view.setUint32(0, handle, true);
  question[4] = flags | (key === null ? 0 : HMAC);
  question[5] = name.length;
  question.set(name, 6);
  view.setUint32(6 + name.length, keyLength, true);
  if (key !== null) question.set(key, 10 + name.length);
  question.set(data, 10 + name.length + keyLength);
  return hostAskBytes("node_crypto.hash", question);
}

/** One hash, or HMAC, in the making. */
class State {
  /** @type {Uint8Array[]} */
  #pieces = [];
  #size = 0;
  #handle = 0;
  #algorithm;
  #key;

  /** @param {string} algorithm @param {Uint8Array | null} key */
  constructor(algorithm, key) {
    this.#algorithm = algorithm;
    this.#key = key;
  }

  /** @param {Uint8Array} bytes kept by others, who may change them */
  update(bytes) {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = bytes.slice(at, at + PIECE);
      if (this.#size + piece.length > PIECE) this.#send(0);
      this.#pieces.push(piece);
      this.#size += piece.length;
    }
  }

  /** @param {number} flags */
  #send(flags) {
    const isNew = this.#handle === 0;
    const data = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    const answer = ask(this.#handle, flags, isNew ? this.#algorithm : "", isNew ? this.#key : null, data);
    this.#pieces = [];
    this.#size = 0;
    if (answer.length === 0) throw new Error("too many hashes are open");
    if (flags === DIGEST) {
      if (this.#handle !== 0) abandoned.unregister(this);
    } else if (isNew) {
      this.#opened(new DataView(answer.buffer).getUint32(0, true));
    }
    return answer;
  }

  /** @param {number} handle */
  #opened(handle) {
    this.#handle = handle;
    abandoned.register(this, handle, this);
  }

  digest() {
    return this.#send(DIGEST);
  }

  copy() {
    const copy = new State(this.#algorithm, this.#key);
    copy.#pieces = [...this.#pieces];
    copy.#size = this.#size;
    if (this.#handle !== 0) {
      const answer = ask(this.#handle, COPY, "", null, new Uint8Array(0));
      copy.#opened(new DataView(answer.buffer).getUint32(0, true));
    }
    return copy;
  }
}

/** What Hash and Hmac share. */
class Digesting {
  /** @type {State | null} null when the digest was taken */
  _state;

  /** @param {State} state */
  constructor(state) {
    Object.defineProperty(this, "_state", { writable: true });
    this._state = state;
  }

  /** @param {any} data @param {string} [inputEncoding] */
  update(data, inputEncoding = undefined) {
    if (this._state === null) throw failure("ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
    this._state.update(toBytes(data, inputEncoding));
    return this;
  }

  /** @param {string} [encoding] */
  digest(encoding = undefined) {
    if (this._state === null) throw failure("ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
    const bytes = this._state.digest();
    this._state = null;
    return encoded(bytes, encoding);
  }
}

export class Hash extends Digesting {
  copy() {
    if (this._state === null) throw failure("ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
    return new Hash(this._state.copy());
  }
}

export class Hmac extends Digesting {
  /** The digest; empty when it was taken before. @param {string} [encoding] */
  digest(encoding = undefined) {
    return this._state === null ? encoded(new Uint8Array(0), encoding) : super.digest(encoding);
  }
}

const HASHES = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha512-224", "sha512-256", "sha3-224", "sha3-256", "sha3-384", "sha3-512", "blake2b512", "blake2s256"];

export const getHashes = () => [...HASHES];

/** @param {any} name */
function toAlgorithm(name) {
  if (typeof name !== "string") {
    throw failure("ERR_INVALID_ARG_TYPE", `The "algorithm" argument must be of type string.`, TypeError);
  }
  const plain = name.toLowerCase().replace(/^rsa-/, "").replace(/^sha-(?=[1-5])/, "sha").replace("/", "-");
  if (!HASHES.includes(plain)) throw failure("ERR_OSSL_EVP_UNSUPPORTED", "Digest method not supported");
  return plain;
}

/** @param {string} algorithm */
export const createHash = (algorithm) => new Hash(new State(toAlgorithm(algorithm), null));

/** @param {string} algorithm @param {any} key */
export function createHmac(algorithm, key) {
  let name;
  try {
    name = toAlgorithm(algorithm);
  } catch (error) {
    if (/** @type {any} */ (error).code !== "ERR_OSSL_EVP_UNSUPPORTED") throw error;
    throw failure("ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${algorithm}`);
  }
  let bytes = toBytes(key, "utf8", "key");
  // A key longer than the hash's block stands for its hash (RFC 2104).
  if (bytes.length > 1024) bytes = createHash(name).update(bytes).digest();
  return new Hmac(new State(name, bytes.slice()));
}

/** @param {string} algorithm @param {any} data @param {string} [outputEncoding] */
export const hash = (algorithm, data, outputEncoding = "hex") => createHash(algorithm).update(data).digest(outputEncoding);

/** @param {any} size @param {number} most */
function checkSize(size, most) {
  if (typeof size !== "number") throw failure("ERR_INVALID_ARG_TYPE", 'The "size" argument must be of type number.', TypeError);
  if (!(size >= 0 && size <= most)) {
    const what = `The value of "size" is out of range. It must be >= 0 && <= ${most}. Received ${size}`;
    throw failure("ERR_OUT_OF_RANGE", what, RangeError);
  }
}

/** @param {Uint8Array} bytes */
function fill(bytes) {
  for (let at = 0; at < bytes.length; at += 65536) fillRandom(bytes.subarray(at, at + 65536));
  return bytes;
}

/** @param {Function} callback @param {() => any} steps */
function later(callback, steps) {
  setTimeout(() => callback(null, steps()), 0);
}

/** @param {number} size @param {(error: null, bytes: any) => void} [callback] @returns {any} */
export function randomBytes(size, callback = undefined) {
  checkSize(size, 2 ** 31 - 1);
  const make = () => fill(Buffer.alloc(Math.trunc(size)));
  return callback === undefined ? make() : later(callback, make);
}

/** @param {any} buffer @param {number} [offset] @param {number} [size] */
export function randomFillSync(buffer, offset = 0, size = undefined) {
  const bytes = toBytes(buffer, undefined, "buf");
  fill(bytes.subarray(offset, size === undefined ? undefined : offset + size));
  return buffer;
}

/** @param {any} buffer @param {...any} rest offset, size and the callback */
export function randomFill(buffer, ...rest) {
  const callback = rest.pop();
  later(callback, () => randomFillSync(buffer, ...rest));
}

/** @param {any} min @param {any} [max] @param {any} [callback] @returns {any} */
export function randomInt(min, max = undefined, callback = undefined) {
  if (max === undefined || typeof max === "function") return randomInt(0, min, max);
  const range = max - min;
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max)) {
    throw failure("ERR_INVALID_ARG_TYPE", 'The "min" and "max" arguments must be safe integers.', TypeError);
  }
  if (!(range > 0 && range < 2 ** 48)) {
    throw failure("ERR_OUT_OF_RANGE", `The value of "max" is out of range. Received ${max}`, RangeError);
  }
  const draw = () => {
    // The part of 2 ** 48 that does not divide evenly is drawn again.
    const limit = 2 ** 48 - (2 ** 48 % range);
    for (;;) {
      const drawn = randomBytes(6).readUIntBE(0, 6);
      if (drawn < limit) return min + (drawn % range);
    }
  };
  return callback === undefined ? draw() : later(callback, draw);
}

export const randomUUID = () => crypto.randomUUID();

/** @param {any} array */
export const getRandomValues = (array) => crypto.getRandomValues(array);

/** @param {any} a @param {any} b */
export function timingSafeEqual(a, b) {
  if (typeof a === "string" || typeof b === "string") {
    throw failure("ERR_INVALID_ARG_TYPE", "The arguments must be instances of ArrayBuffer, Buffer, TypedArray, or DataView.", TypeError);
  }
  const [left, right] = [toBytes(a, undefined, "buf1"), toBytes(b, undefined, "buf2")];
  if (left.length !== right.length) {
    throw failure("ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", "Input buffers must have the same byte length", RangeError);
  }
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i] ^ right[i];
  return difference === 0;
}

export { subtle, webcrypto };

export default {
  Hash,
  Hmac,
  createHash,
  createHmac,
  getHashes,
  getRandomValues,
  hash,
  randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
  subtle,
  timingSafeEqual,
  webcrypto,
};
