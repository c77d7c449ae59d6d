// CryptoKey: a handle of a key that the host has.
//
// Standard: https://w3c.github.io/webcrypto/#cryptokey-interface
// Host half: nano/ops/crypto_keys.py. What a CryptoKey says of itself is for scripts to read: the host has its own
// record of what a key is for, and whether it may be exported.

import { copyBytes } from "./bytes.js";
import { registerSerializable } from "./clone_registry.js";
import { hostTell } from "./host.js";
import {
  FinalizationRegistry,
  FinalizationRegistryPrototypeRegister,
  ObjectDefineProperty,
  ReflectOwnKeys,
} from "./primordials.js";
import { exposeInterface, illegalConstructor, isObject } from "./webidl.js";

/**
 * What the host tells of a key.
 *
 * @typedef {object} KeyDescription
 * @property {number} handle
 * @property {"secret" | "public" | "private"} type
 * @property {boolean} extractable
 * @property {{ [member: string]: any }} algorithm bytes stand in a buffer of the answer, hashes are names
 * @property {string[]} usages
 */

/** Shared by a CryptoKey and its clones; when it is garbage, the host can forget the key. */
class KeySlot {
  /** @param {KeyDescription} description @param {Uint8Array[]} buffers */
  constructor(description, buffers) {
    this.handle = description.handle;
    this.type = description.type;
    this.extractable = description.extractable;
    this.algorithm = description.algorithm;
    this.usages = description.usages;
    this.publicExponent = this.algorithm.publicExponent === undefined ? undefined : buffers[this.algorithm.publicExponent];
    FinalizationRegistryPrototypeRegister((unreachable ??= new FinalizationRegistry(forget)), this, this.handle);
  }
}

/** @type {FinalizationRegistry<number> | undefined} */
let unreachable;

/** Tell the host that nobody has this handle any more. @param {number} handle of a key or a digest */
export function forget(handle) {
  hostTell("crypto.free", handle);
}

/** @param {any} target @param {string} name @param {any} value */
function define(target, name, value) {
  const descriptor = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  ObjectDefineProperty(target, name, /** @type {any} */ (descriptor));
}

/** The object that `algorithm` gives. @param {KeySlot} slot */
function algorithmObject(slot) {
  const object = {};
  const names = ReflectOwnKeys(slot.algorithm);
  for (let i = 0; i < names.length; i++) {
    const name = /** @type {string} */ (names[i]);
    if (name === "hash") {
      const hash = {};
      define(hash, "name", slot.algorithm.hash);
      define(object, name, hash);
    } else {
      define(object, name, name === "publicExponent" ? copyBytes(/** @type {Uint8Array} */ (slot.publicExponent)) : slot.algorithm[name]);
    }
  }
  return object;
}

/** @param {readonly string[]} list @returns {string[]} */
function copyList(list) {
  /** @type {string[]} */
  const copy = [];
  for (let i = 0; i < list.length; i++) define(copy, `${i}`, list[i]);
  return copy;
}

const MAKE = { __proto__: null };

/** @type {(value: any) => value is CryptoKey} */
export let isCryptoKey;
/** The handle that stands for a key at the host. @type {(key: CryptoKey) => number} */
export let keyHandle;

export class CryptoKey {
  /** @type {KeySlot} */
  #slot;
  /** Cached, as the standard wants the same object each time. @type {object | undefined} */
  #algorithm = undefined;
  /** @type {string[] | undefined} */
  #usages = undefined;

  /** @param {any} token @param {KeySlot} slot */
  constructor(token, slot) {
    if (token !== MAKE) throw illegalConstructor();
    this.#slot = slot;
  }

  get type() {
    return this.#slot.type;
  }

  get extractable() {
    return this.#slot.extractable;
  }

  get algorithm() {
    return (this.#algorithm ??= algorithmObject(this.#slot));
  }

  get usages() {
    return (this.#usages ??= copyList(this.#slot.usages));
  }

  static {
    isCryptoKey = /** @type {any} */ ((/** @type {any} */ value) => isObject(value) && #slot in value);
    keyHandle = (key) => key.#slot.handle;
    registerSerializable(CryptoKey, {
      is: isCryptoKey,
      write: (key) => key.#slot,
      create: (slot) => new CryptoKey(MAKE, slot),
    });
  }
}

exposeInterface(CryptoKey, { length: 0 });

/**
 * @param {KeyDescription} description
 * @param {Uint8Array[]} buffers of the same answer
 * @returns {CryptoKey}
 */
export const createKey = (description, buffers) => new CryptoKey(MAKE, new KeySlot(description, buffers));
