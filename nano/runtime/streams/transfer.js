// Transferable streams: `structuredClone(stream, { transfer: [stream] })` and `postMessage()`.
//
// Standard: https://streams.spec.whatwg.org/#rs-transfer, #ws-transfer, #ts-transfer, #transferrable-streams
//
// The standard joins the two ends with message ports. Both ends are in one isolate here, so that chunks and
// errors go over directly; they are cloned all the same, and the writing end waits until a chunk is asked for.

import { registerTransferable } from "../clone_registry.js";
import { transferReadable, transferTransform, transferWritable } from "./crossing.js";
import { ReadableStream, readableObject, readableRecord } from "./readable_stream.js";
import { ADOPT, TransformStream, transformSides } from "./transform.js";
import { WritableStream, writableObject, writableRecord } from "./writable_stream.js";

/** @typedef {import("./readable.js").Readable} Readable */
/** @typedef {import("./writable.js").Writable} Writable */

const notDetached = () => false;

registerTransferable(ReadableStream, {
  is: (value) => readableRecord(value) !== undefined,
  isDetached: notDetached,
  transfer: (stream) => transferReadable(/** @type {Readable} */ (readableRecord(stream))),
  receive: readableObject,
});

registerTransferable(WritableStream, {
  is: (value) => writableRecord(value) !== undefined,
  isDetached: notDetached,
  transfer: (stream) => transferWritable(/** @type {Writable} */ (writableRecord(stream))),
  receive: writableObject,
});

registerTransferable(TransformStream, {
  is: (value) => transformSides(value) !== undefined,
  isDetached: notDetached,
  transfer: (stream) => transferTransform(/** @type {any} */ (transformSides(stream))),
  receive: (sides) => new TransformStream(ADOPT, sides),
});
