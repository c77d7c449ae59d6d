// node:buffer, from https://github.com/feross/buffer: what it lacks (base64url), and what the engine does faster.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/buffer.html

import { Buffer, INSPECT_MAX_BYTES, SlowBuffer, kMaxLength } from "buffer/";

const { Blob, File, atob, btoa } = globalThis;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const { from, isEncoding, byteLength, alloc } = Buffer;
const { toString, write, fill } = Buffer.prototype;

/** @param {any} encoding */
const lower = (encoding) => (typeof encoding === "string" ? encoding.toLowerCase() : encoding);
/** Decoders of base64 take both alphabets. @param {any} encoding */
const decodable = (encoding) => (lower(encoding) === "base64url" ? "base64" : encoding);
/** @param {any} encoding */
const isUtf8Name = (encoding) => encoding === undefined || encoding === null || encoding === "utf8" || encoding === "utf-8";

/** @param {Record<string, Function>} methods @param {object} target */
function replace(methods, target) {
  for (const name of Object.keys(methods)) {
    Object.defineProperty(target, name, { value: methods[name], writable: true, configurable: true, enumerable: true });
  }
}

replace(
  {
    from(/** @type {any} */ value, /** @type {any} */ encoding, /** @type {any} */ length) {
      if (typeof value !== "string") return from(value, encoding, length);
      if (isUtf8Name(encoding)) return Object.setPrototypeOf(encoder.encode(value), Buffer.prototype);
      return from(value, decodable(encoding));
    },
    isEncoding: (/** @type {any} */ encoding) => lower(encoding) === "base64url" || isEncoding(encoding),
    byteLength(/** @type {any} */ value, /** @type {any} */ encoding) {
      if (lower(encoding) !== "base64url" || typeof value !== "string") return byteLength(value, encoding);
      return Math.floor((value.replace(/=+$/, "").length * 3) / 4);
    },
    alloc: (/** @type {number} */ size, /** @type {any} */ filling, /** @type {any} */ encoding) =>
      alloc(size, filling, decodable(encoding)),
  },
  Buffer,
);

replace(
  {
    toString(/** @type {any} */ encoding, /** @type {any} */ start, /** @type {any} */ end) {
      const name = lower(encoding);
      const whole = start === undefined && end === undefined;
      // @ts-ignore: `this` is a Buffer
      const bytes = /** @type {any} */ (whole ? this : this.subarray(start ?? 0, end ?? this.length));
      if (isUtf8Name(name)) return decoder.decode(bytes);
      if (name === "hex") return bytes.toHex();
      if (name === "base64") return bytes.toBase64();
      if (name === "base64url") return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
      return toString.call(this, encoding, start, end);
    },
    write(/** @type {any[]} */ ...args) {
      const last = args.length - 1;
      if (last > 0) args[last] = decodable(args[last]);
      // @ts-ignore: as above
      return write.apply(this, args);
    },
    fill(/** @type {any[]} */ ...args) {
      const last = args.length - 1;
      if (last > 0) args[last] = decodable(args[last]);
      // @ts-ignore: as above
      return fill.apply(this, args);
    },
  },
  Buffer.prototype,
);

/** @param {any} input */
const bytesOf = (input) =>
  ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);

/** @param {any} input */
export const isAscii = (input) => bytesOf(input).every((byte) => byte < 128);

/** @param {any} input */
export function isUtf8(input) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(input));
    return true;
  } catch {
    return false;
  }
}

export const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: 536870888 };

export { Blob, Buffer, File, INSPECT_MAX_BYTES, SlowBuffer, atob, btoa, kMaxLength };

export default { Blob, Buffer, File, INSPECT_MAX_BYTES, SlowBuffer, atob, btoa, constants, isAscii, isUtf8, kMaxLength };
