// Views on buffers, whatever their type.
//
// Standards: https://streams.spec.whatwg.org/#abstract-opdef-transferarraybuffer and the operations after it

import {
  ArrayBufferPrototypeSlice,
  ArrayBufferPrototypeTransfer,
  BigInt64Array,
  BigUint64Array,
  DataView,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  Float16Array,
  Float32Array,
  Float64Array,
  Int16Array,
  Int32Array,
  Int8Array,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint16Array,
  Uint32Array,
  Uint8Array,
  Uint8ClampedArray,
} from "../primordials.js";
import { viewBuffer } from "../webidl.js";

/** @param {any} buffer @throws {TypeError} where a buffer cannot change hands (detached, WebAssembly memory) */
export const transferArrayBuffer = (buffer) => /** @type {ArrayBuffer} */ (ArrayBufferPrototypeTransfer(buffer));

/** @param {ArrayBufferView} view @returns {number} */
export const viewByteLength = (view) =>
  TypedArrayPrototypeGetSymbolToStringTag(view) === undefined
    ? DataViewPrototypeGetByteLength(view)
    : TypedArrayPrototypeGetByteLength(view);

/** @param {ArrayBufferView} view @returns {number} */
export const viewByteOffset = (view) =>
  TypedArrayPrototypeGetSymbolToStringTag(view) === undefined
    ? DataViewPrototypeGetByteOffset(view)
    : TypedArrayPrototypeGetByteOffset(view);

/**
 * The constructor of a view and the size of its elements.
 *
 * @param {ArrayBufferView} view
 * @returns {{ make: any, elementSize: number }}
 */
export function viewType(view) {
  switch (TypedArrayPrototypeGetSymbolToStringTag(view)) {
    case "Uint8Array": return { make: Uint8Array, elementSize: 1 };
    case "Uint8ClampedArray": return { make: Uint8ClampedArray, elementSize: 1 };
    case "Int8Array": return { make: Int8Array, elementSize: 1 };
    case "Uint16Array": return { make: Uint16Array, elementSize: 2 };
    case "Int16Array": return { make: Int16Array, elementSize: 2 };
    case "Float16Array": return { make: Float16Array, elementSize: 2 };
    case "Uint32Array": return { make: Uint32Array, elementSize: 4 };
    case "Int32Array": return { make: Int32Array, elementSize: 4 };
    case "Float32Array": return { make: Float32Array, elementSize: 4 };
    case "Float64Array": return { make: Float64Array, elementSize: 8 };
    case "BigInt64Array": return { make: BigInt64Array, elementSize: 8 };
    case "BigUint64Array": return { make: BigUint64Array, elementSize: 8 };
    default: return { make: DataView, elementSize: 1 };
  }
}

/**
 * A copy of a chunk for the other branch of a tee.
 *
 * @see https://streams.spec.whatwg.org/#abstract-opdef-cloneasuint8array
 * @param {ArrayBufferView} view
 */
export function cloneAsUint8Array(view) {
  const start = viewByteOffset(view);
  return new Uint8Array(ArrayBufferPrototypeSlice(viewBuffer(view), start, start + viewByteLength(view)));
}
