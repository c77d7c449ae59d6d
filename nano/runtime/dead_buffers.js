// Having the engine look for dead array buffers before there are very many.
//
// V8 collects young objects when they fill their space, of a megabyte at first. What array buffers hold lies beside it,
// and counts only from 64 MB on, so that a script which reads or makes a stream, and little else, keeps that much
// of dead pieces. A large array that dies at once fills the space: one for each few megabytes that pass keeps an
// isolate small, and costs less than the page faults of ever new memory.

import { Array } from "./primordials.js";

/** After how many bytes of a body. */
const OFTEN = 4194304;
/** Elements of four bytes: as much as the space has at first. */
const LENGTH = 262144;

let passed = 0;
/** Kept until the next call, so that no optimizer finds it to be in vain. @type {any[] | null} */
let garbage = null;

/** So many bytes of bodies were read or sent, in buffers that will be dead soon. @param {number} size */
export function countDeadBytes(size) {
  passed += size;
  garbage = null;
  if (passed < OFTEN) return;
  passed = 0;
  garbage = new Array(LENGTH);
}
