// Streams: what the rest of the runtime imports.
//
// Standard: https://streams.spec.whatwg.org/

export { ReadableByteStreamController, ReadableStreamBYOBRequest } from "./byte_interfaces.js";
export { ReadableStreamDefaultController } from "./default_interface.js";
export { ReadableStreamBYOBReader, ReadableStreamDefaultReader } from "./readers.js";
export { ReadableStream } from "./readable_stream.js";
export { WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter } from "./writable_stream.js";
export { TransformStream, TransformStreamDefaultController } from "./transform.js";
export { ByteLengthQueuingStrategy, CountQueuingStrategy } from "./strategies.js";
export { FixedLengthStream, IdentityTransformStream, getFixedLength } from "./workers.js";
export {
  bytesOfChunk,
  createReadableByteStream,
  pumpToSink,
  readAllBytes,
  readableFromBytes,
  teeReadableStream,
} from "./native.js";
export {
  abandonReadableStream,
  cancelReadableStream,
  getStreamOrigin,
  isReadableStream,
  isReadableStreamClosed,
  isReadableStreamDisturbed,
  isReadableStreamErrored,
  isReadableStreamLocked,
  setStreamOrigin,
} from "./state.js";
import "./transfer.js";
export { createTransform } from "./generic_transform.js";
