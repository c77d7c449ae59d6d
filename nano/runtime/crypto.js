// crypto: random values and identifiers.
//
// Standard: https://w3c.github.io/webcrypto/#Crypto-interface
// Random bytes come from the operating system by the host (hostRandom in host.js); `crypto.subtle` is added by
// its own module through setSubtleCrypto().

import { DOMException } from "./dom_exception.js";
import { hostRandom } from "./host.js";
import {
  NumberPrototypeToString,
  StringPrototypePadStart,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray,
  Uint8Array,
} from "./primordials.js";
import { QuotaExceededError } from "./quota_exceeded_error.js";
import { converters, exposeInterface, illegalConstructor, requiredArguments, viewBuffer } from "./webidl.js";

/** What one call may ask for. */
const QUOTA = 65536;
const POOL = 4096;
const UUID_BYTES = 16;

/** Entropy fetched ahead for small requests; what was given out is wiped. @type {Uint8Array | undefined} */
let pool;
let poolAt = POOL;

/** The two digits of each byte. @type {string[] | undefined} */
let hexDigits;

/** @param {number} size at most POOL @returns {number} where in the pool that many fresh bytes stand */
function takeFromPool(size) {
  pool ??= new Uint8Array(POOL);
  if (poolAt + size > POOL) {
    hostRandom(pool);
    poolAt = 0;
  }
  const at = poolAt;
  poolAt += size;
  return at;
}

/** Fill bytes with entropy of the operating system. @param {Uint8Array} bytes */
export function fillRandom(bytes) {
  const size = bytes.length;
  if (size > POOL / 4) {
    hostRandom(bytes);
    return;
  }
  const at = takeFromPool(size);
  const fresh = TypedArrayPrototypeSubarray(/** @type {Uint8Array} */ (pool), at, at + size);
  TypedArrayPrototypeSet(bytes, fresh);
  for (let i = 0; i < size; i++) fresh[i] = 0;
}

/** @returns {string[]} */
function makeHexDigits() {
  /** @type {string[]} */
  const digits = [];
  for (let i = 0; i < 256; i++) digits[i] = StringPrototypePadStart(NumberPrototypeToString(i, 16), 2, "0");
  return digits;
}

/** A version 4 UUID. @see https://w3c.github.io/webcrypto/#Crypto-method-randomUUID */
export function randomUUID() {
  const hex = (hexDigits ??= makeHexDigits());
  const at = takeFromPool(UUID_BYTES);
  const bytes = /** @type {Uint8Array} */ (pool);
  bytes[at + 6] = (bytes[at + 6] & 0x0f) | 0x40;
  bytes[at + 8] = (bytes[at + 8] & 0x3f) | 0x80;
  let text = "";
  for (let i = 0; i < UUID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += hex[bytes[at + i]];
    bytes[at + i] = 0;
  }
  return text;
}

/** @param {ArrayBufferView} view */
function isIntegerArray(view) {
  switch (TypedArrayPrototypeGetSymbolToStringTag(view)) {
    case "Int8Array":
    case "Uint8Array":
    case "Uint8ClampedArray":
    case "Int16Array":
    case "Uint16Array":
    case "Int32Array":
    case "Uint32Array":
    case "BigInt64Array":
    case "BigUint64Array":
      return true;
    default:
      return false;
  }
}

const MAKE = { __proto__: null };

/** Gives the SubtleCrypto object, which is made when first asked for. @type {(() => object) | undefined} */
let subtleMaker;

/** @param {() => object} maker */
export function setSubtleCrypto(maker) {
  subtleMaker = maker;
}

export class Crypto {
  /** @type {object | undefined} */
  #subtle = undefined;

  /** @param {any} token */
  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
  }

  get subtle() {
    return (this.#subtle ??= subtleMaker?.());
  }

  /** @param {any} array */
  getRandomValues(array) {
    this.#subtle; // the brand check
    const prefix = "Failed to execute 'getRandomValues' on 'Crypto'";
    requiredArguments(arguments.length, 1, prefix);
    const view = converters.ArrayBufferView(array, { prefix, name: "Argument 1" });
    if (!isIntegerArray(view)) {
      throw new DOMException(`${prefix}: the array is not of an integer type.`, "TypeMismatchError");
    }
    const size = TypedArrayPrototypeGetByteLength(view);
    if (size > QUOTA) throw new QuotaExceededError(`${prefix}: more than ${QUOTA} bytes were asked for.`);
    if (size > 0) fillRandom(new Uint8Array(viewBuffer(view), TypedArrayPrototypeGetByteOffset(view), size));
    return array;
  }

  randomUUID() {
    this.#subtle; // the brand check
    return randomUUID();
  }
}

exposeInterface(Crypto, { length: 0 });

export const crypto = new Crypto(MAKE);
