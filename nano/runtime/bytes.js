// Views and copies of bytes that no patched built-in can get hold of.
//
// `subarray` and `slice` ask the array for its constructor, and `length` is an accessor of a prototype that scripts
// share; either would hand memory of the runtime to an app which replaces them. So views are made with the genuine
// constructor, and the accessors are locked before an app runs, as nothing but an attack replaces them.

import {
  ObjectDefineProperty,
  TypedArray,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeSet,
  Uint8Array,
} from "./primordials.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const LOCKED = ["buffer", "byteLength", "byteOffset", "length"];

/** Make the accessors of typed arrays unchangeable; called once, before the first of an app's scripts. */
export function lockTypedArrays() {
  for (let i = 0; i < LOCKED.length; i++) {
    ObjectDefineProperty(TypedArray.prototype, LOCKED[i], /** @type {any} */ ({ __proto__: null, configurable: false }));
  }
}

/**
 * A part of an array, on the same memory.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {Bytes}
 */
export const viewBytes = (bytes, start, end) =>
  new Uint8Array(
    /** @type {ArrayBuffer} */ (TypedArrayPrototypeGetBuffer(bytes)),
    TypedArrayPrototypeGetByteOffset(bytes) + start,
    end - start,
  );

/**
 * A copy of an array, or of a part of it.
 *
 * @param {Uint8Array} bytes
 * @param {number} [start]
 * @param {number} [end]
 * @returns {Bytes}
 */
export function copyBytes(bytes, start = 0, end = TypedArrayPrototypeGetByteLength(bytes)) {
  const copy = new Uint8Array(end - start);
  TypedArrayPrototypeSet(copy, viewBytes(bytes, start, end));
  return copy;
}
