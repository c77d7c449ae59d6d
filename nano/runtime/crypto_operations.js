// What the methods of SubtleCrypto do: cryptography done by the host.
//
// Standard: https://w3c.github.io/webcrypto/#subtlecrypto-interface; the interface is in crypto_subtle.js.
// Host half: nano/ops/crypto.py. The contract: this side converts arguments and normalizes algorithms, which can run
// the app's code; everything after that is decided by the host, from its own record of the keys. A call carries the
// method's name, a normalized algorithm, handles of keys and places among at most three buffers; a key comes back as a
// description with its handle (crypto_key.js).
//
// A small call is a question, answered at once in a tenth of the time that an op takes: u8 status (0 done, 1 failed,
// 2 too slow), then value and buffers. A large one, and one that the host finds too slow, is an op.

import {
  OpBuffers,
  normalizeAlgorithm,
  normalizeEither,
  sourceBytes,
  toAlgorithmIdentifier,
} from "./crypto_algorithms.js";
import { createKey, isCryptoKey, keyHandle } from "./crypto_key.js";
import { DOMException } from "./dom_exception.js";
import { hostAskBytes, hostOp, packValue, unpackValue } from "./host.js";
import {
  ArrayBufferIsView,
  ObjectHasOwn,
  Promise,
  PromisePrototypeThen,
  ReflectApply,
  TypeError,
  TypedArrayPrototypeGetBuffer,
} from "./primordials.js";
import {
  converters,
  dictionary,
  enumeration,
  interfaceType,
  isAnyArrayBuffer,
  isObject,
  nullable,
  requiredArguments,
  sequence,
} from "./webidl.js";

/** @typedef {import("./crypto_key.js").CryptoKey} CryptoKey */
/** @typedef {{ value: any, buffers: Uint8Array[] }} Answer */

/** Calls with more bytes are ops. */
const ASKED = 32768;
const Status = { DONE: 0, FAILED: 1, SLOW: 2 };

// ---- Arguments ---------------------------------------------------------------------------------------------

const toKeyFormat = enumeration("KeyFormat", ["raw", "spki", "pkcs8", "jwk"]);
const toUsages = sequence(
  enumeration("KeyUsage", ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"]),
);
const toKey = interfaceType("CryptoKey", isCryptoKey);
const toLength = nullable(converters["unsigned long"]);

/** @param {string} name @param {import("./webidl.js").Converter<any>} [converter] */
const member = (name, converter = converters.DOMString) => ({ name, converter });

const toOtherPrimes = sequence(dictionary("RsaOtherPrimesInfo", [member("d"), member("r"), member("t")]));

/** `JsonWebKey`; made at the first use. @type {import("./webidl.js").Converter<any> | undefined} */
let toJsonWebKey;

const makeJsonWebKey = () =>
  dictionary("JsonWebKey", [
    member("alg"),
    member("crv"),
    member("d"),
    member("dp"),
    member("dq"),
    member("e"),
    member("ext", converters.boolean),
    member("k"),
    member("key_ops", sequence(converters.DOMString)),
    member("kty"),
    member("n"),
    member("oth", toOtherPrimes),
    member("p"),
    member("q"),
    member("qi"),
    member("use"),
    member("x"),
    member("y"),
  ]);

/** `(BufferSource or JsonWebKey)` @type {import("./webidl.js").Converter<any>} */
function toKeyData(value, context) {
  if (ArrayBufferIsView(value) || (isObject(value) && isAnyArrayBuffer(value))) return converters.BufferSource(value, context);
  return (toJsonWebKey ??= makeJsonWebKey())(value, context);
}

/** @param {any} data as toKeyData gives it */
const isBytes = (data) => ArrayBufferIsView(data) || isAnyArrayBuffer(data);

/** The arguments of one call: conversion in the order of the declaration. */
class Call {
  #prefix;
  #count = 0;

  /** @param {string} method @param {number} given `arguments.length` @param {number} required */
  constructor(method, given, required) {
    this.#prefix = `Failed to execute '${method}' on 'SubtleCrypto'`;
    requiredArguments(given, required, this.#prefix);
  }

  /**
   * @template T
   * @param {import("./webidl.js").Converter<T>} converter
   * @param {any} value
   */
  take(converter, value) {
    return converter(value, { prefix: this.#prefix, name: `Argument ${++this.#count}` });
  }

  get context() {
    return { prefix: this.#prefix, name: "The algorithm" };
  }

  /** @param {string} what @returns {TypeError} */
  typeError(what) {
    return new TypeError(`${this.#prefix}: ${what}`);
  }
}

// ---- Answers -----------------------------------------------------------------------------------------------

/** What a failed op is to scripts. @param {any} error */
function exceptionOf(error) {
  const name = error.name;
  if (name === "TypeError") return new TypeError(error.message);
  return new DOMException(error.message, name === "Error" ? "OperationError" : name);
}

/**
 * Have the host run a method.
 *
 * @param {object} args with the method's name
 * @param {OpBuffers} buffers
 * @returns {Answer | Promise<Answer>}
 * @throws what the method fails with
 */
function perform(args, { first, second, third }) {
  if (first.length + second.length + third.length <= ASKED) {
    const question = packValue(args, [first, second, third]);
    const answer = question.length <= 2 * ASKED - 8 ? hostAskBytes("crypto.ask", question) : undefined;
    if (answer !== undefined && answer[0] !== Status.SLOW) {
      const result = unpackValue(answer, 1, answer.length);
      if (answer[0] === Status.FAILED) throw exceptionOf(result.value);
      return result;
    }
  }
  return hostOp("crypto.call", args, first, second, third);
}

/**
 * The promise of a method: `begin` converts arguments and gives what to perform, `finish` makes the result. No handler
 * gives a value back, so that nobody else's promise gets to see it.
 *
 * @template T
 * @param {() => { args: object, buffers: OpBuffers }} begin
 * @param {(answer: Answer) => T} finish
 * @returns {Promise<T>}
 */
export function promised(begin, finish) {
  return new Promise((resolve, reject) => {
    const { args, buffers } = begin();
    const answer = perform(args, buffers);
    if (!isPromise(answer)) {
      resolve(finish(answer));
      return;
    }
    PromisePrototypeThen(
      answer,
      (later) => {
        resolve(finish(later));
      },
      (error) => {
        reject(exceptionOf(error));
      },
    );
  });
}

/** @param {Answer | Promise<Answer>} answer @returns {answer is Promise<Answer>} */
const isPromise = (answer) => !ObjectHasOwn(answer, "buffers");

/** @param {Answer} answer @returns {ArrayBuffer} */
export const bufferOf = ({ buffers }) => /** @type {ArrayBuffer} */ (TypedArrayPrototypeGetBuffer(buffers[0]));

/** @param {Answer} answer */
const valueOf = ({ value }) => value;

/** @param {Answer} answer */
const keyOf = ({ value, buffers }) => createKey(value, buffers);

/** A CryptoKey, or a CryptoKeyPair. @param {Answer} answer */
const keysOf = ({ value, buffers }) =>
  value.privateKey === undefined
    ? createKey(value, buffers)
    : { publicKey: createKey(value.publicKey, buffers), privateKey: createKey(value.privateKey, buffers) };

/** @param {Answer} answer a JWK, or bytes in another format */
const exportedOf = ({ value, buffers }) => (buffers.length === 0 ? value : TypedArrayPrototypeGetBuffer(buffers[0]));

// ---- The methods -------------------------------------------------------------------------------------------

/** What each method has the host perform. @type {Record<string, (...args: any[]) => { args: object, buffers: OpBuffers }>} */
const OPERATIONS = {
  __proto__: /** @type {any} */ (null),

  /** @param {any} algorithm @param {any} key @param {any} data */
  encrypt(algorithm, key, data) {
    return transformation("encrypt", arguments.length, algorithm, key, data);
  },

  /** @param {any} algorithm @param {any} key @param {any} data */
  decrypt(algorithm, key, data) {
    return transformation("decrypt", arguments.length, algorithm, key, data);
  },

  /** @param {any} algorithm @param {any} key @param {any} data */
  sign(algorithm, key, data) {
    return transformation("sign", arguments.length, algorithm, key, data);
  },

  /** @param {any} algorithm @param {any} key @param {any} signature @param {any} data */
  verify(algorithm, key, signature, data) {
    const call = new Call("verify", arguments.length, 4);
    const buffers = new OpBuffers();
    algorithm = call.take(toAlgorithmIdentifier, algorithm);
    const handle = keyHandle(call.take(toKey, key));
    signature = call.take(converters.BufferSource, signature);
    data = call.take(converters.BufferSource, data);
    const args = {
      __proto__: null,
      method: "verify",
      algorithm: normalizeAlgorithm(algorithm, "verify", buffers, call.context),
      key: handle,
      signature: buffers.add(sourceBytes(signature)),
      data: buffers.add(sourceBytes(data)),
    };
    return { args, buffers };
  },

  /** @param {any} algorithm @param {any} data */
  digest(algorithm, data) {
    const call = new Call("digest", arguments.length, 2);
    const buffers = new OpBuffers();
    algorithm = call.take(toAlgorithmIdentifier, algorithm);
    data = call.take(converters.BufferSource, data);
    const { name } = normalizeAlgorithm(algorithm, "digest", buffers, call.context);
    return { args: { __proto__: null, method: "digest", name, data: buffers.add(sourceBytes(data)) }, buffers };
  },

  /** @param {any} algorithm @param {any} extractable @param {any} keyUsages */
  generateKey(algorithm, extractable, keyUsages) {
    const call = new Call("generateKey", arguments.length, 3);
    const buffers = new OpBuffers();
    algorithm = call.take(toAlgorithmIdentifier, algorithm);
    extractable = call.take(converters.boolean, extractable);
    const usages = call.take(toUsages, keyUsages);
    const normalized = normalizeAlgorithm(algorithm, "generateKey", buffers, call.context);
    return { args: { __proto__: null, method: "generateKey", algorithm: normalized, extractable, usages }, buffers };
  },

  /** @param {any} algorithm @param {any} baseKey @param {any} derivedKeyType @param {any} extractable @param {any} keyUsages */
  deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    const call = new Call("deriveKey", arguments.length, 5);
    const buffers = new OpBuffers();
    algorithm = call.take(toAlgorithmIdentifier, algorithm);
    const handle = keyHandle(call.take(toKey, baseKey));
    derivedKeyType = call.take(toAlgorithmIdentifier, derivedKeyType);
    extractable = call.take(converters.boolean, extractable);
    const usages = call.take(toUsages, keyUsages);
    const args = {
      __proto__: null,
      method: "deriveKey",
      algorithm: normalizeAlgorithm(algorithm, "deriveBits", buffers, call.context),
      derived: normalizeAlgorithm(derivedKeyType, "importKey", buffers, call.context),
      sized: normalizeAlgorithm(derivedKeyType, "get key length", buffers, call.context),
      key: handle,
      extractable,
      usages,
    };
    return { args, buffers };
  },

  /** @param {any} algorithm @param {any} baseKey @param {any} [length] */
  deriveBits(algorithm, baseKey, length = null) {
    const call = new Call("deriveBits", arguments.length, 2);
    const buffers = new OpBuffers();
    algorithm = call.take(toAlgorithmIdentifier, algorithm);
    const handle = keyHandle(call.take(toKey, baseKey));
    const bits = call.take(toLength, length);
    const normalized = normalizeAlgorithm(algorithm, "deriveBits", buffers, call.context);
    const args = { __proto__: null, method: "deriveBits", algorithm: normalized, key: handle, length: bits };
    return { args, buffers };
  },

  /** @param {any} format @param {any} keyData @param {any} algorithm @param {any} extractable @param {any} keyUsages */
  importKey(format, keyData, algorithm, extractable, keyUsages) {
    const call = new Call("importKey", arguments.length, 5);
    const buffers = new OpBuffers();
    const kind = call.take(toKeyFormat, format);
    keyData = call.take(toKeyData, keyData);
    algorithm = call.take(toAlgorithmIdentifier, algorithm);
    extractable = call.take(converters.boolean, extractable);
    const usages = call.take(toUsages, keyUsages);
    const normalized = normalizeAlgorithm(algorithm, "importKey", buffers, call.context);
    if (isBytes(keyData) === (kind === "jwk")) throw call.typeError(`the key data is not of the format '${kind}'.`);
    const data = kind === "jwk" ? keyData : buffers.add(sourceBytes(keyData));
    const args = { __proto__: null, method: "importKey", format: kind, data, algorithm: normalized, extractable, usages };
    return { args, buffers };
  },

  /** @param {any} format @param {any} key */
  exportKey(format, key) {
    const call = new Call("exportKey", arguments.length, 2);
    const kind = call.take(toKeyFormat, format);
    const handle = keyHandle(call.take(toKey, key));
    return { args: { __proto__: null, method: "exportKey", format: kind, key: handle }, buffers: new OpBuffers() };
  },

  /** @param {any} format @param {any} key @param {any} wrappingKey @param {any} wrapAlgorithm */
  wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    const call = new Call("wrapKey", arguments.length, 4);
    const buffers = new OpBuffers();
    const kind = call.take(toKeyFormat, format);
    const handle = keyHandle(call.take(toKey, key));
    const wrapping = keyHandle(call.take(toKey, wrappingKey));
    wrapAlgorithm = call.take(toAlgorithmIdentifier, wrapAlgorithm);
    const algorithm = normalizeEither(wrapAlgorithm, "wrapKey", "encrypt", buffers, call.context);
    const args = { __proto__: null, method: "wrapKey", format: kind, key: handle, wrappingKey: wrapping, algorithm };
    return { args, buffers };
  },

  /**
   * @param {any} format
   * @param {any} wrappedKey
   * @param {any} unwrappingKey
   * @param {any} unwrapAlgorithm
   * @param {any} unwrappedKeyAlgorithm
   * @param {any} extractable
   * @param {any} keyUsages
   */
  unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages) {
    const call = new Call("unwrapKey", arguments.length, 7);
    const buffers = new OpBuffers();
    const kind = call.take(toKeyFormat, format);
    wrappedKey = call.take(converters.BufferSource, wrappedKey);
    const unwrapping = keyHandle(call.take(toKey, unwrappingKey));
    unwrapAlgorithm = call.take(toAlgorithmIdentifier, unwrapAlgorithm);
    unwrappedKeyAlgorithm = call.take(toAlgorithmIdentifier, unwrappedKeyAlgorithm);
    extractable = call.take(converters.boolean, extractable);
    const usages = call.take(toUsages, keyUsages);
    const args = {
      __proto__: null,
      method: "unwrapKey",
      format: kind,
      unwrappingKey: unwrapping,
      algorithm: normalizeEither(unwrapAlgorithm, "unwrapKey", "decrypt", buffers, call.context),
      unwrapped: normalizeAlgorithm(unwrappedKeyAlgorithm, "importKey", buffers, call.context),
      data: buffers.add(sourceBytes(wrappedKey)),
      extractable,
      usages,
    };
    return { args, buffers };
  },
};

/** What each method makes of the answer. @type {Record<string, (answer: Answer) => any>} */
const RESULTS = {
  __proto__: /** @type {any} */ (null),
  encrypt: bufferOf,
  decrypt: bufferOf,
  sign: bufferOf,
  verify: valueOf,
  digest: bufferOf,
  generateKey: keysOf,
  deriveKey: keyOf,
  deriveBits: bufferOf,
  importKey: keyOf,
  exportKey: exportedOf,
  wrapKey: bufferOf,
  unwrapKey: keyOf,
};

/**
 * The arguments of encrypt, decrypt and sign.
 *
 * @param {"encrypt" | "decrypt" | "sign"} operation
 * @param {number} given
 * @param {any} algorithm
 * @param {any} key
 * @param {any} data
 */
function transformation(operation, given, algorithm, key, data) {
  const call = new Call(operation, given, 3);
  const buffers = new OpBuffers();
  algorithm = call.take(toAlgorithmIdentifier, algorithm);
  const handle = keyHandle(call.take(toKey, key));
  data = call.take(converters.BufferSource, data);
  const normalized = normalizeAlgorithm(algorithm, operation, buffers, call.context);
  const place = buffers.add(sourceBytes(data));
  return { args: { __proto__: null, method: operation, algorithm: normalized, key: handle, data: place }, buffers };
}

/**
 * Run a method.
 *
 * @param {boolean} valid whether it was called on a SubtleCrypto
 * @param {string} method
 * @param {ArrayLike<any>} args
 * @returns {Promise<any>}
 */
export const operate = (valid, method, args) =>
  promised(() => {
    if (!valid) throw new TypeError("Illegal invocation");
    return ReflectApply(OPERATIONS[method], undefined, args);
  }, RESULTS[method]);

/**
 * Whether two sequences of bytes are the same, in a time that does not depend on where they differ.
 *
 * @param {any} a
 * @param {any} b
 * @param {number} given how many arguments there are
 * @returns {boolean}
 */
export function timingSafeEqual(a, b, given) {
  const call = new Call("timingSafeEqual", given, 2);
  const left = sourceBytes(call.take(converters.BufferSource, a));
  const right = sourceBytes(call.take(converters.BufferSource, b));
  if (left.length !== right.length) throw call.typeError("the two have not the same length.");
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i] ^ right[i];
  return difference === 0;
}
