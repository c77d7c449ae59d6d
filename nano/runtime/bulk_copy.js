// Copying the code units of long strings into bytes.
//
// JavaScript can only ask a string for one code unit at a time, at about 100 MB/s. The string built-ins of
// WebAssembly (https://webassembly.github.io/js-string-builtins/) copy many at once, which makes it three times as
// fast. The module costs an isolate 0.3 ms and 100 kB, so it is made when an isolate has copied enough to want it.

import {
  StringPrototypeSlice,
  TypedArrayPrototypeSet,
  Uint8Array,
  Uint8ArrayFromBase64,
  WebAssembly_,
} from "./primordials.js";

/** How many code units one call takes; the size of the module's array. */
const PIECE = 16384;
/** Shorter strings are not worth a call. */
const WORTH_A_CALL = 256;
/** How many code units an isolate copies one by one before the module is made. */
const WORTH_A_MODULE = 262144;

/**
 * The module, which is small enough to be kept as what it was assembled to:
 *
 *     (type $units (array (mut i16)))
 *     (import "wasm:js-string" "intoCharCodeArray" (func $into (param externref (ref null $units) i32) (result i32)))
 *     (memory (export "memory") 1)
 *     (global $buffer (ref $units) (array.new_default $units (i32.const 16384)))
 *     (func (export "encode") (param $string externref) (param $length i32) (param $limit i32) (result i32)
 *       (local $i i32) (local $unit i32) (local $units (ref null $units))
 *       (drop (call $into (local.get $string) (global.get $buffer) (i32.const 0)))
 *       (local.set $units (global.get $buffer))
 *       (block (loop
 *         (br_if 1 (i32.ge_u (local.get $i) (local.get $length)))
 *         (br_if 1 (i32.ge_u (local.tee $unit (array.get_u $units (local.get $units) (local.get $i))) (local.get $limit)))
 *         (i32.store8 (local.get $i) (local.get $unit))
 *         (local.set $i (i32.add (local.get $i) (i32.const 1)))
 *         (br 0)))
 *       (local.get $i))
 */
const MODULE =
  "AGFzbQEAAAABEwNedwFgA29jAH8Bf2ADb39/AX8CJAEOd2FzbTpqcy1zdHJpbmcRaW50b0NoYXJDb2RlQXJyYXkAAQMCAQIFBAEB" +
  "AQEGDAFkAABBgIAB+wcACwcTAgZtZW1vcnkCAAZlbmNvZGUAAQpDAUECAn8BYwAgACMAQQAQABojACEFAkADQCADIAFPDQEgBSAD" +
  "+w0AIgQgAk8NASADIAQ6AAAgA0EBaiEDDAALCyADCw==";

const { Instance, Module } = WebAssembly_;

/**
 * @typedef {{ encode: (string: string, length: number, limit: number) => number, bytes: Uint8Array, buffer: ArrayBuffer }} Copier
 */

/** Null where the engine has no WebAssembly. @type {Copier | null | undefined} */
let copier;
let copied = 0;

/** @returns {Copier | null} */
function createCopier() {
  try {
    const module = new Module(Uint8ArrayFromBase64(MODULE), { builtins: ["js-string"] });
    const { encode, memory } = new Instance(module).exports;
    const { buffer } = memory;
    return { encode, buffer, bytes: new Uint8Array(buffer, 0, PIECE) };
  } catch {
    return null;
  }
}

/**
 * Copy code units below a limit to the beginning of an array, if there are enough to be worth it.
 *
 * @param {string} string
 * @param {Uint8Array} destination at least as long
 * @param {number} limit 128 or 256
 * @returns {number} how many were copied: all, or a part that ends before or at the first unit that is too large
 */
export function copyUnits(string, destination, limit) {
  const { length } = string;
  if (length < WORTH_A_CALL) return 0;
  if (copier === undefined) {
    copied += length;
    if (copied < WORTH_A_MODULE) return 0;
    copier = createCopier();
  }
  if (copier === null) return 0;
  const { encode, bytes, buffer } = copier;
  for (let start = 0; start < length; start += PIECE) {
    const size = length - start < PIECE ? length - start : PIECE;
    const piece = size === length ? string : StringPrototypeSlice(string, start, start + size);
    const count = encode(piece, size, limit);
    TypedArrayPrototypeSet(destination, count === PIECE ? bytes : new Uint8Array(buffer, 0, count), start);
    if (count < size) return start + count;
  }
  return length;
}
