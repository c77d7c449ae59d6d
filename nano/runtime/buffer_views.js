// Two questions about views that the language does not answer: whether a view lies outside of its resizable
// buffer, and whether it follows the buffer's length.
//
// Standard: https://tc39.es/ecma262/#sec-istypedarrayoutofbounds, https://tc39.es/ecma262/#sec-typedarray-objects

import {
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetMaxByteLength,
  ArrayBufferPrototypeGetResizable,
  ArrayBufferPrototypeResize,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  ReflectGetOwnPropertyDescriptor,
  TypedArray,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeValues,
  Uint8Array,
  uncurryThis,
} from "./primordials.js";
import { isAnyArrayBuffer, viewBuffer } from "./webidl.js";

/** @type {(array: any) => number} */
export const typedArrayLength = uncurryThis(
  /** @type {any} */ (ReflectGetOwnPropertyDescriptor(/** @type {any} */ (TypedArray).prototype, "length")).get,
);

/** @param {ArrayBufferView} view */
const isTyped = (view) => TypedArrayPrototypeGetSymbolToStringTag(view) !== undefined;

/**
 * @param {ArrayBufferView} view
 * @returns {boolean} true as well for a view whose buffer is detached
 */
export function isOutOfBounds(view) {
  try {
    // Iterating a typed array out of bounds throws, where its length is just 0.
    if (isTyped(view)) TypedArrayPrototypeValues(view);
    else DataViewPrototypeGetByteLength(view);
    return false;
  } catch {
    return true;
  }
}

/**
 * Whether a view was made without a length, on a resizable buffer. The one way to see it is to resize the
 * buffer for a moment; no code of the app runs meanwhile.
 *
 * @param {ArrayBufferView} view within bounds
 * @returns {boolean}
 */
export function isLengthTracking(view) {
  const buffer = viewBuffer(view);
  if (!isAnyArrayBuffer(buffer) || !ArrayBufferPrototypeGetResizable(buffer)) return false;
  const size = ArrayBufferPrototypeGetByteLength(buffer);
  const length = viewLength(view);
  const step = length === 0 ? 8 : viewByteLength(view) / length;
  const rest = size - viewByteOffset(view) - viewByteLength(view);
  if (rest >= step) return false;
  if (ArrayBufferPrototypeGetMaxByteLength(buffer) >= size + step) {
    ArrayBufferPrototypeResize(buffer, size + step);
    const grew = viewLength(view) !== length;
    ArrayBufferPrototypeResize(buffer, size);
    return grew;
  }
  if (length === 0) return true;
  const end = new Uint8Array(new Uint8Array(buffer, size - step));
  ArrayBufferPrototypeResize(buffer, size - step);
  const shrank = !isOutOfBounds(view);
  ArrayBufferPrototypeResize(buffer, size);
  TypedArrayPrototypeSet(new Uint8Array(buffer), end, size - step);
  return shrank;
}

/** @param {any} view @returns {number} */
const viewLength = (view) =>
  isTyped(view) ? typedArrayLength(view) : DataViewPrototypeGetByteLength(view);

/** @param {any} view @returns {number} */
const viewByteLength = (view) =>
  isTyped(view) ? TypedArrayPrototypeGetByteLength(view) : DataViewPrototypeGetByteLength(view);

/** @param {any} view @returns {number} */
const viewByteOffset = (view) =>
  isTyped(view) ? TypedArrayPrototypeGetByteOffset(view) : DataViewPrototypeGetByteOffset(view);
