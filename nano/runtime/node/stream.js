// node:stream, from https://github.com/nodejs/readable-stream, which is Node's own.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/stream.html

import Stream from "readable-stream/lib/stream.js";

export const {
  Duplex,
  PassThrough,
  Readable,
  Transform,
  Writable,
  addAbortSignal,
  compose,
  destroy,
  finished,
  getDefaultHighWaterMark,
  isDisturbed,
  isErrored,
  isReadable,
  pipeline,
  promises,
  setDefaultHighWaterMark,
} = Stream;

export { Stream };
export default Stream;
