// Which algorithms there are for which operation, with which parameters: normalizing an algorithm.
//
// Standard: https://w3c.github.io/webcrypto/#algorithm-normalization, https://wicg.github.io/webcrypto-secure-curves/
// Host half: nano/ops/crypto.py, which checks the parameters again and decides what they mean.
//
// A normalized algorithm is what goes to the host: a record with the parameters, where bytes are places among the
// buffers of the op, hashes names and keys handles.

import { copyBytes } from "./bytes.js";
import { isCryptoKey, keyHandle } from "./crypto_key.js";
import { DOMException } from "./dom_exception.js";
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetDetached,
  ArrayPrototypePush,
  StringPrototypeCharCodeAt,
  StringPrototypeToUpperCase,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
} from "./primordials.js";
import { viewByteLength, viewByteOffset } from "./streams/byte_views.js";
import { converters, dictionary, interfaceType, isObject, typeError, viewBuffer } from "./webidl.js";

/** @typedef {import("./webidl.js").Context} Context */
/** @typedef {import("./webidl.js").Member & { kind?: "bytes" | "hash" | "key" }} Parameter */
/** @typedef {{ name: string, parameters: readonly Parameter[], convert: import("./webidl.js").Converter<any> }} Entry */
/** @typedef {{ name: string, [parameter: string]: any }} Normalized */

/**
 * @typedef {"encrypt" | "decrypt" | "sign" | "verify" | "digest" | "hash" | "generateKey" | "importKey" | "deriveBits"
 *   | "wrapKey" | "unwrapKey" | "get key length"} Operation "hash": a digest as part of another algorithm
 */

const NOTHING = new Uint8Array(0);

/** The buffers of one op: three are enough for every method. */
export class OpBuffers {
  first = NOTHING;
  second = NOTHING;
  third = NOTHING;
  #count = 0;

  /** @param {Uint8Array<ArrayBuffer>} bytes which the op copies when it is sent @returns {number} their place */
  add(bytes) {
    const place = this.#count++;
    if (place === 0) this.first = bytes;
    else if (place === 1) this.second = bytes;
    else this.third = bytes;
    return place;
  }
}

/**
 * The bytes of a BufferSource, on its own memory.
 *
 * @param {ArrayBuffer | ArrayBufferView} source as its converter gives it
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function sourceBytes(source) {
  const view = ArrayBufferIsView(source) ? /** @type {ArrayBufferView} */ (source) : undefined;
  const buffer = view === undefined ? /** @type {ArrayBuffer} */ (source) : viewBuffer(view);
  // Normalizing the algorithm may have run code of the app that took the memory away.
  if (ArrayBufferPrototypeGetDetached(buffer)) return NOTHING;
  return view === undefined ? new Uint8Array(buffer) : new Uint8Array(buffer, viewByteOffset(view), viewByteLength(view));
}

// ---- The registry ------------------------------------------------------------------------------------------

/** @param {string} name @param {boolean} [required] @returns {Parameter} */
const bytes = (name, required = false) => ({ name, converter: converters.BufferSource, required, kind: "bytes" });

/** @param {string} name @param {"octet" | "unsigned short" | "unsigned long"} type @param {boolean} [required] @returns {Parameter} */
const integer = (name, type, required = false) => ({ name, converter: converters[`[EnforceRange] ${type}`], required });

/** @type {Parameter} */
const NAME = { name: "name", converter: converters.DOMString, required: true };
/** @type {Parameter} */
const NAMED_CURVE = { name: "namedCurve", converter: converters.DOMString, required: true };
/** @type {Parameter} */
const HASH = { name: "hash", converter: toAlgorithmIdentifier, required: true, kind: "hash" };
/** @type {Parameter} */
const PUBLIC = { name: "public", converter: interfaceType("CryptoKey", isCryptoKey), required: true, kind: "key" };
/** @type {Parameter} */
const PUBLIC_EXPONENT = { name: "publicExponent", converter: toBigInteger, required: true, kind: "bytes" };

/** `(object or DOMString)` @type {import("./webidl.js").Converter<any>} */
export function toAlgorithmIdentifier(value, context) {
  return isObject(value) ? value : converters.DOMString(value, context);
}

/** @type {import("./webidl.js").Converter<any>} */
function toBigInteger(value, context) {
  if (TypedArrayPrototypeGetSymbolToStringTag(value) !== "Uint8Array") throw typeError(context, "is not a Uint8Array.");
  return converters.ArrayBufferView(value, context);
}

const toAlgorithm = dictionary("Algorithm", [NAME]);

const RSA_NAMES = ["RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP"];
const EC_NAMES = ["ECDSA", "ECDH"];
const CFRG_NAMES = ["Ed25519", "X25519", "Ed448", "X448"];
const CIPHER_NAMES = ["AES-CBC", "AES-CTR", "AES-GCM"];
const AES_NAMES = ["AES-CBC", "AES-CTR", "AES-GCM", "AES-KW"];
const SHA_NAMES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"];

/**
 * The registered algorithms: operations, names, and the members of the dictionary behind `name`, in Web IDL's order.
 *
 * @see https://w3c.github.io/webcrypto/#algorithm-overview
 * @returns {[Operation[], string[], Parameter[]][]}
 */
function registrations() {
  /** @type {Operation[]} */
  const encryption = ["encrypt", "decrypt"];
  /** @type {Operation[]} */
  const signatures = ["sign", "verify"];
  return [
    [encryption, ["RSA-OAEP"], [bytes("label")]],
    [encryption, ["AES-CBC"], [bytes("iv", true)]],
    [encryption, ["AES-CTR"], [bytes("counter", true), integer("length", "octet", true)]],
    [encryption, ["AES-GCM"], [bytes("additionalData"), bytes("iv", true), integer("tagLength", "octet")]],
    [["wrapKey", "unwrapKey"], ["AES-KW"], []],
    [signatures, ["RSASSA-PKCS1-v1_5", "HMAC", "Ed25519"], []],
    [signatures, ["RSA-PSS"], [integer("saltLength", "unsigned long", true)]],
    [signatures, ["ECDSA"], [HASH]],
    [signatures, ["Ed448"], [bytes("context")]],
    [["digest"], ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "MD5"], []],
    [["hash"], SHA_NAMES, []],
    [["generateKey"], RSA_NAMES, [integer("modulusLength", "unsigned long", true), PUBLIC_EXPONENT, HASH]],
    [["generateKey", "importKey"], EC_NAMES, [NAMED_CURVE]],
    [["generateKey", "importKey"], CFRG_NAMES, []],
    [["generateKey"], AES_NAMES, [integer("length", "unsigned short", true)]],
    [["generateKey", "importKey", "get key length"], ["HMAC"], [HASH, integer("length", "unsigned long")]],
    [["importKey"], RSA_NAMES, [HASH]],
    [["importKey"], AES_NAMES, []],
    [["importKey", "get key length"], ["HKDF", "PBKDF2"], []],
    [["get key length"], AES_NAMES, [integer("length", "unsigned short", true)]],
    [["deriveBits"], ["ECDH", "X25519", "X448"], [PUBLIC]],
    [["deriveBits"], ["HKDF"], [HASH, bytes("info", true), bytes("salt", true)]],
    [["deriveBits"], ["PBKDF2"], [HASH, integer("iterations", "unsigned long", true), bytes("salt", true)]],
  ];
}

/** Entries by operation and upper-case name; made at the first use. @type {any} */
let registry;

function makeRegistry() {
  const table = /** @type {any} */ ({ __proto__: null });
  const rows = registrations();
  for (let i = 0; i < rows.length; i++) {
    const operations = rows[i][0];
    const names = rows[i][1];
    const parameters = rows[i][2];
    const convert = convertAll([NAME], parameters);
    for (let j = 0; j < operations.length; j++) {
      const entries = (table[operations[j]] ??= { __proto__: null });
      for (let k = 0; k < names.length; k++) {
        entries[StringPrototypeToUpperCase(names[k])] = { __proto__: null, name: names[k], parameters, convert };
      }
    }
  }
  return table;
}

/** @param {Parameter[]} first @param {Parameter[]} rest */
function convertAll(first, rest) {
  /** @type {Parameter[]} */
  const members = [];
  for (let i = 0; i < first.length; i++) ArrayPrototypePush(members, first[i]);
  for (let i = 0; i < rest.length; i++) ArrayPrototypePush(members, rest[i]);
  return dictionary("Algorithm", members);
}

/** @param {Operation} operation @param {string} name @returns {Entry | undefined} */
function findEntry(operation, name) {
  // Upper case of what is not ASCII may be ASCII.
  for (let i = 0; i < name.length; i++) if (StringPrototypeCharCodeAt(name, i) > 127) return undefined;
  return (registry ??= makeRegistry())[operation][StringPrototypeToUpperCase(name)];
}

// ---- Normalizing -------------------------------------------------------------------------------------------

/**
 * @see https://w3c.github.io/webcrypto/#dfn-normalize-an-algorithm
 * @param {any} algorithm an object or a string
 * @param {Operation} operation
 * @param {OpBuffers} buffers of the op that it goes to the host with
 * @param {Context} context
 * @returns {Normalized}
 */
export function normalizeAlgorithm(algorithm, operation, buffers, context) {
  // 1. A string is a dictionary with this name.
  const given = typeof algorithm === "string" ? { __proto__: null, name: algorithm } : algorithm;
  // 2. to 5. The name decides which dictionary it is.
  const { name } = toAlgorithm(given, context);
  const entry = findEntry(operation, name);
  if (entry === undefined) {
    throw new DOMException(`${context.prefix}: the algorithm '${name}' is not supported for this.`, "NotSupportedError");
  }
  // 6. to 9. The dictionary is converted as a whole,
  const converted = entry.convert(given, context);
  const normalized = /** @type {any} */ ({ __proto__: null, name: entry.name });
  // 10. and then its members, each by its kind.
  for (let i = 0; i < entry.parameters.length; i++) {
    const parameter = entry.parameters[i];
    const value = converted[parameter.name];
    if (value !== undefined) normalized[parameter.name] = normalizeMember(value, parameter, buffers, context);
  }
  return normalized;
}

/** @param {any} value @param {Parameter} parameter @param {OpBuffers} buffers @param {Context} context */
function normalizeMember(value, parameter, buffers, context) {
  switch (parameter.kind) {
    case "bytes":
      return buffers.add(copyBytes(sourceBytes(value)));
    case "hash":
      return normalizeAlgorithm(value, "hash", buffers, context).name;
    case "key":
      return keyHandle(value);
    default:
      return value;
  }
}

/**
 * Normalize for one operation, or else for another, as wrapping keys may be an encryption.
 *
 * @param {any} algorithm
 * @param {Operation} operation
 * @param {Operation} fallback
 * @param {OpBuffers} buffers
 * @param {Context} context
 */
export function normalizeEither(algorithm, operation, fallback, buffers, context) {
  try {
    return normalizeAlgorithm(algorithm, operation, buffers, context);
  } catch {
    return normalizeAlgorithm(algorithm, fallback, buffers, context);
  }
}
