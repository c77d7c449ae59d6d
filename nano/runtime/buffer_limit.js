// How much of one body may be held that was not read in pieces: max_buffer_size_mb of the app.
// Host half: nano/engine/unread.py, for what the host holds.

import { TypeError } from "./primordials.js";

/** In bytes. */
let bufferLimit = Infinity;

/** @param {number} bytes */
export function setBufferLimit(bytes) {
  bufferLimit = bytes;
}

/** @param {number} bytes that are held */
export const exceedsBufferLimit = (bytes) => bytes > bufferLimit;

/** Why one branch of a body ends. */
export const branchTooLarge = () => new TypeError(`One branch of a body is more than ${bufferLimit} bytes ahead of the other.`);

/** Why a body is not read at once. */
export const bodyTooLarge = () => new TypeError(`the body has more than ${bufferLimit} bytes, which is what may be read at once`);
