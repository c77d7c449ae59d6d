// SubtleCrypto.
//
// Standard: https://w3c.github.io/webcrypto/#subtlecrypto-interface
// What the methods do is in crypto_operations.js.

import { setSubtleCrypto } from "./crypto.js";
import { operate, timingSafeEqual } from "./crypto_operations.js";
import { exposeInterface, illegalConstructor, isObject } from "./webidl.js";

const MAKE = { __proto__: null };

/** @type {(value: any) => boolean} */
let isSubtle;

export class SubtleCrypto {
  #brand = true;

  /** @param {any} token */
  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
  }

  /** @param {any} algorithm @param {any} key @param {any} data */
  encrypt(algorithm, key, data) {
    return operate(isSubtle(this), "encrypt", arguments);
  }

  /** @param {any} algorithm @param {any} key @param {any} data */
  decrypt(algorithm, key, data) {
    return operate(isSubtle(this), "decrypt", arguments);
  }

  /** @param {any} algorithm @param {any} key @param {any} data */
  sign(algorithm, key, data) {
    return operate(isSubtle(this), "sign", arguments);
  }

  /** @param {any} algorithm @param {any} key @param {any} signature @param {any} data */
  verify(algorithm, key, signature, data) {
    return operate(isSubtle(this), "verify", arguments);
  }

  /** @param {any} algorithm @param {any} data @returns {Promise<ArrayBuffer>} */
  digest(algorithm, data) {
    return operate(isSubtle(this), "digest", arguments);
  }

  /** @param {any} algorithm @param {any} extractable @param {any} keyUsages */
  generateKey(algorithm, extractable, keyUsages) {
    return operate(isSubtle(this), "generateKey", arguments);
  }

  /** @param {any} algorithm @param {any} baseKey @param {any} derivedKeyType @param {any} extractable @param {any} keyUsages */
  deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    return operate(isSubtle(this), "deriveKey", arguments);
  }

  /** @param {any} algorithm @param {any} baseKey @param {any} [length] */
  deriveBits(algorithm, baseKey, length = null) {
    return operate(isSubtle(this), "deriveBits", arguments);
  }

  /** @param {any} format @param {any} keyData @param {any} algorithm @param {any} extractable @param {any} keyUsages */
  importKey(format, keyData, algorithm, extractable, keyUsages) {
    return operate(isSubtle(this), "importKey", arguments);
  }

  /** @param {any} format @param {any} key */
  exportKey(format, key) {
    return operate(isSubtle(this), "exportKey", arguments);
  }

  /** @param {any} format @param {any} key @param {any} wrappingKey @param {any} wrapAlgorithm */
  wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    return operate(isSubtle(this), "wrapKey", arguments);
  }

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
    return operate(isSubtle(this), "unwrapKey", arguments);
  }

  /**
   * Workers' own: whether two sequences of bytes are the same, in a time that does not depend on where they differ.
   *
   * @see https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#timingsafeequal
   * @param {any} a
   * @param {any} b
   * @returns {boolean}
   */
  timingSafeEqual(a, b) {
    this.#brand;
    return timingSafeEqual(a, b, arguments.length);
  }

  static {
    isSubtle = (value) => isObject(value) && #brand in value;
  }
}

exposeInterface(SubtleCrypto, { length: 0 });

/** @type {SubtleCrypto | undefined} */
let subtle;
setSubtleCrypto(() => (subtle ??= new SubtleCrypto(MAKE)));
