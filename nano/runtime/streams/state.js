// What the rest of the runtime asks of streams: what they are, and in which state.
//
// Not part of a standard. Nothing here is visible to scripts.

import { Reader } from "./readable.js";
import { readableRecord } from "./readable_stream.js";

/** @typedef {import("./readable.js").Readable} Readable */
/** @typedef {import("./readable_stream.js").ReadableStream} ReadableStream */

/** @param {any} value @returns {value is ReadableStream} */
export const isReadableStream = (value) => readableRecord(value) !== undefined;

/** @param {any} stream @returns {Readable} */
export const recordOf = (stream) => /** @type {Readable} */ (readableRecord(stream));

/** @param {ReadableStream} stream */
export const isReadableStreamLocked = (stream) => recordOf(stream).locked;

/** Whether anything was ever read from the stream, or it was cancelled. @param {ReadableStream} stream */
export const isReadableStreamDisturbed = (stream) => recordOf(stream).disturbed;

/** @param {ReadableStream} stream */
export const isReadableStreamErrored = (stream) => recordOf(stream).state === "errored";

/** @param {ReadableStream} stream */
export const isReadableStreamClosed = (stream) => recordOf(stream).state === "closed";

/**
 * What `createReadableByteStream` was given as `origin`, so that a body which only passes through is
 * recognised and need not enter the isolate.
 *
 * @param {ReadableStream} stream
 */
export const getStreamOrigin = (stream) => recordOf(stream).origin;

/**
 * Give a stream an origin, or take it away.
 *
 * @param {ReadableStream} stream
 * @param {any} origin
 */
export function setStreamOrigin(stream, origin) {
  recordOf(stream).origin = origin;
}

/** Have a stream that is not locked be locked and disturbed for good: somebody else has its source. @param {ReadableStream} stream */
export function abandonReadableStream(stream) {
  const record = recordOf(stream);
  record.disturbed = true;
  new Reader(record);
}

/** Cancel a stream, also a locked one. @param {ReadableStream} stream @param {any} reason @returns {Promise<undefined>} */
export const cancelReadableStream = (stream, reason) => recordOf(stream).cancel(reason);
