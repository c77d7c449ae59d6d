// IdentityTransformStream and FixedLengthStream, which Workers have beside the standard's streams.
//
// Contract: https://developers.cloudflare.com/workers/runtime-apis/streams/transformstream/
// What they do is in byte_identity.js.

import { Number, NumberMAX_SAFE_INTEGER, TypeError } from "../primordials.js";
import { converters, exposeInterface, requiredArguments } from "../webidl.js";
import { ByteIdentity } from "./byte_identity.js";
import { convertStrategy, extractHighWaterMark } from "./internal.js";
import { readableRecord } from "./readable_stream.js";
import { ADOPT, TransformStream } from "./transform.js";

/** @param {any} strategy @param {string} prefix @param {string} name */
const byteMark = (strategy, prefix, name) => extractHighWaterMark(convertStrategy(strategy, { prefix, name }), 0);

export class IdentityTransformStream extends TransformStream {
  /** @param {any} [strategy] */
  constructor(strategy = undefined) {
    const sides = strategy instanceof ByteIdentity
      ? strategy
      : new ByteIdentity(undefined, byteMark(strategy, "Failed to construct 'IdentityTransformStream'", "Argument 1"));
    super(ADOPT, sides);
  }
}

exposeInterface(IdentityTransformStream);

export class FixedLengthStream extends IdentityTransformStream {
  /** @param {any} expectedLength @param {any} [strategy] */
  constructor(expectedLength, strategy = undefined) {
    const prefix = "Failed to construct 'FixedLengthStream'";
    requiredArguments(arguments.length, 1, prefix);
    const length = toLength(expectedLength, prefix);
    super(new ByteIdentity(length, byteMark(strategy, prefix, "Argument 2")));
  }
}

exposeInterface(FixedLengthStream, { length: 1 });

/** @param {any} value a number or a bigint @param {string} prefix @returns {number} */
function toLength(value, prefix) {
  const length = typeof value === "bigint" ? Number(value) : converters["unrestricted double"](value, { prefix, name: "Argument 1" });
  if (!(length >= 0) || length > NumberMAX_SAFE_INTEGER || length % 1 !== 0) {
    throw new TypeError(`${prefix}: the length must be a non-negative integer.`);
  }
  return length;
}

/**
 * How many bytes a stream will give, where that is fixed: the readable side of a FixedLengthStream.
 *
 * @param {any} stream
 * @returns {number | undefined}
 */
export function getFixedLength(stream) {
  const origin = readableRecord(stream)?.origin;
  return origin instanceof ByteIdentity ? origin.length : undefined;
}
