// Which interfaces can be cloned and transferred: what API files say, for clone_kinds.js.
//
// Standard: https://html.spec.whatwg.org/multipage/structured-data.html#serializable-objects

import { Map, MapPrototypeSet, globalThis_ } from "./primordials.js";

/** @typedef {import("./clone_kinds.js").Kind} Kind */
/** @typedef {import("./clone_kinds.js").TransferKind} TransferKind */

/** @type {Map<object, Kind>} */
export const serializable = new Map();
/** @type {Map<object, TransferKind>} */
export const transferable = new Map();

/**
 * Make an interface serialisable.
 *
 * @see https://html.spec.whatwg.org/multipage/structured-data.html#serializable-objects
 * @param {Function} Class
 * @param {Kind} kind
 */
export function registerSerializable(Class, kind) {
  MapPrototypeSet(serializable, Class.prototype, kind);
}

/**
 * Make an interface transferable.
 *
 * @see https://html.spec.whatwg.org/multipage/structured-data.html#transferable-objects
 * @param {Function} Class
 * @param {TransferKind} kind
 */
export function registerTransferable(Class, kind) {
  MapPrototypeSet(transferable, Class.prototype, kind);
}

/** Kept from before the global goes away: WebAssembly memory can still make such buffers. */
export const sharedArrayBufferPrototype = globalThis_.SharedArrayBuffer.prototype;
