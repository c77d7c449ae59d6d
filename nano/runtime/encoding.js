// TextEncoder and TextDecoder, and the decoder behind everything that decodes a stream of bytes.
//
// Standard: https://encoding.spec.whatwg.org/
// Host half: nano/ops/encoding.py, which has the indexes of the legacy encodings (legacy_decoders.js).
// The UTF-8 itself is in utf8.js, the labels in encoding_labels.js, the stream classes in streams/text.js.

import { getEncoding } from "./encoding_labels.js";
import { createLegacyDecoder } from "./legacy_decoders.js";
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeGetResizable,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  ObjectGetOwnPropertyDescriptor,
  RangeError,
  StringPrototypeCharCodeAt,
  StringPrototypeIsWellFormed,
  StringPrototypeSlice,
  StringPrototypeToWellFormed,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint16Array,
  Uint8Array,
  globalThis_,
  uncurryThis,
} from "./primordials.js";
import {
  BLOCK,
  invalidEncodedData,
  unitsToString,
  utf8DecodeWithoutBom,
  utf8Encode,
  utf8EncodeInto,
  utf8IncompleteTail,
} from "./utf8.js";
import { converters, dictionary, exposeInterface, isAnyArrayBuffer, requiredArguments, typeError, viewBuffer } from "./webidl.js";

/** @typedef {import("./webidl.js").Context} Context */

/** @param {string} name */
const sharedGetter = (name) =>
  uncurryThis(/** @type {any} */ (ObjectGetOwnPropertyDescriptor(globalThis_.SharedArrayBuffer.prototype, name)).get);
const sharedByteLength = sharedGetter("byteLength");
const sharedGrowable = sharedGetter("growable");

/** @param {any} buffer */
function isSharedBuffer(buffer) {
  try {
    sharedByteLength(buffer);
    return true;
  } catch {
    return false;
  }
}

/**
 * Refuse what an [AllowShared] type without [AllowResizable] refuses.
 *
 * @param {any} buffer
 * @param {Context} context
 * @returns {boolean} whether the buffer is shared
 */
function refuseChangingSize(buffer, context) {
  const shared = !isAnyArrayBuffer(buffer);
  if (shared ? sharedGrowable(buffer) : ArrayBufferPrototypeGetResizable(buffer)) {
    throw typeError(context, "is backed by a resizable buffer, which is not allowed.");
  }
  return shared;
}

/** @param {Uint8Array} bytes */
function copyOf(bytes) {
  const copy = new Uint8Array(TypedArrayPrototypeGetByteLength(bytes));
  TypedArrayPrototypeSet(copy, bytes);
  return copy;
}

/**
 * The bytes of an AllowSharedBufferSource. Shared memory is copied, so that nobody changes what has been
 * looked at; anything else is only viewed.
 *
 * @see https://webidl.spec.whatwg.org/#AllowSharedBufferSource
 * @param {any} value
 * @param {Context} context
 * @returns {Uint8Array}
 */
export function allowSharedBufferSource(value, context) {
  if (ArrayBufferIsView(value)) return viewedBytes(value, context);
  if (typeof value === "object" && value !== null) {
    if (isAnyArrayBuffer(value)) {
      refuseChangingSize(value, context);
      return ArrayBufferPrototypeGetDetached(value) ? new Uint8Array(0) : new Uint8Array(value);
    }
    if (isSharedBuffer(value)) {
      refuseChangingSize(value, context);
      return copyOf(new Uint8Array(value));
    }
  }
  throw typeError(context, "is not an ArrayBuffer, a SharedArrayBuffer or a view on one.");
}

/** @param {any} view @param {Context} context */
function viewedBytes(view, context) {
  const buffer = viewBuffer(view);
  const shared = refuseChangingSize(buffer, context);
  const tag = TypedArrayPrototypeGetSymbolToStringTag(view);
  if (!shared && ArrayBufferPrototypeGetDetached(buffer)) return new Uint8Array(0);
  if (tag === "Uint8Array") return shared ? copyOf(view) : view;
  const bytes =
    tag === undefined
      ? new Uint8Array(buffer, DataViewPrototypeGetByteOffset(view), DataViewPrototypeGetByteLength(view))
      : new Uint8Array(buffer, TypedArrayPrototypeGetByteOffset(view), TypedArrayPrototypeGetByteLength(view));
  return shared ? copyOf(bytes) : bytes;
}

/** @param {Uint8Array} bytes @param {number} start @param {number} end */
const view = (bytes, start, end) =>
  new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + start, end - start);

/**
 * What is left of earlier chunks, followed by this one.
 *
 * @param {Uint8Array | null} pending
 * @param {Uint8Array} bytes
 */
function joined(pending, bytes) {
  if (pending === null) return bytes;
  const start = TypedArrayPrototypeGetByteLength(pending);
  const all = new Uint8Array(start + TypedArrayPrototypeGetByteLength(bytes));
  TypedArrayPrototypeSet(all, pending);
  TypedArrayPrototypeSet(all, bytes, start);
  return all;
}

/**
 * A decoder with its state: `decode(bytes, more)` gives the characters that the bytes so far complete;
 * `more` says that others follow. Fatal decoders throw a TypeError.
 *
 * @typedef {{ decode(bytes: Uint8Array, more: boolean): string }} Decoder
 */

/** @implements {Decoder} @see https://encoding.spec.whatwg.org/#utf-8-decoder */
class Utf8Decoder {
  #fatal;
  /** @type {Uint8Array | null} the beginning of a sequence */
  #pending = null;

  /** @param {boolean} fatal */
  constructor(fatal) {
    this.#fatal = fatal;
  }

  /** @param {Uint8Array} bytes @param {boolean} more */
  decode(bytes, more) {
    let all = joined(this.#pending, bytes);
    this.#pending = null;
    if (more) {
      const tail = utf8IncompleteTail(all);
      if (tail > 0) {
        const end = TypedArrayPrototypeGetByteLength(all);
        this.#pending = copyOf(view(all, end - tail, end));
        all = view(all, 0, end - tail);
      }
    }
    return utf8DecodeWithoutBom(all, this.#fatal);
  }
}

/** @implements {Decoder} @see https://encoding.spec.whatwg.org/#shared-utf-16-decoder */
class Utf16Decoder {
  #bigEndian;
  #fatal;
  /** @type {Uint8Array | null} half a unit, a leading surrogate, or both */
  #pending = null;

  /** @param {boolean} bigEndian @param {boolean} fatal */
  constructor(bigEndian, fatal) {
    this.#bigEndian = bigEndian;
    this.#fatal = fatal;
  }

  /** @param {Uint8Array} bytes @param {boolean} more */
  decode(bytes, more) {
    const all = joined(this.#pending, bytes);
    this.#pending = null;
    const length = TypedArrayPrototypeGetByteLength(all);
    let end = length & ~1;
    // A leading surrogate waits for what follows; before half a unit at the end both are one error.
    if (end > 0 && (more || end < length) && (all[this.#bigEndian ? end - 2 : end - 1] & 0xfc) === 0xd8) end -= 2;
    const text = utf16Units(all, end, this.#bigEndian);
    if (this.#fatal && (!StringPrototypeIsWellFormed(text) || (!more && end < length))) throw invalidEncodedData();
    if (more && end < length) this.#pending = copyOf(view(all, end, length));
    return StringPrototypeToWellFormed(text) + (!more && end < length ? "\ufffd" : "");
  }
}

/** @param {Uint8Array} bytes @param {number} end @param {boolean} bigEndian */
function utf16Units(bytes, end, bigEndian) {
  const high = bigEndian ? 0 : 1;
  const units = new Uint16Array(end < 2 * BLOCK ? end >> 1 : BLOCK);
  let out = "";
  for (let i = 0; i < end; ) {
    const stop = i + 2 * BLOCK < end ? i + 2 * BLOCK : end;
    let n = 0;
    for (; i < stop; i += 2) units[n++] = (bytes[i + high] << 8) | bytes[i + 1 - high];
    out += unitsToString(units, n);
  }
  return out;
}

/** @param {string} encoding @param {boolean} fatal @returns {Decoder} */
function createDecoder(encoding, fatal) {
  if (encoding === "utf-8") return new Utf8Decoder(fatal);
  if (encoding === "utf-16le" || encoding === "utf-16be") return new Utf16Decoder(encoding === "utf-16be", fatal);
  return createLegacyDecoder(encoding, fatal);
}

/**
 * What TextDecoder and TextDecoderStream have in common: an encoding, a decoder with its state, and the
 * byte order mark that is dropped at the beginning.
 *
 * @see https://encoding.spec.whatwg.org/#textdecodercommon
 */
export class TextDecoderCommon {
  /** @type {Decoder | null} */
  #decoder = null;
  #bomSeen = false;

  /** @param {string} label @param {any} options TextDecoderOptions @param {string} prefix of error texts */
  constructor(label, options, prefix) {
    const encoding = getEncoding(label);
    if (encoding === undefined || encoding === "replacement") {
      throw new RangeError(`${prefix}: The encoding label provided ('${label}') is invalid.`);
    }
    /** @type {string} */
    this.encoding = encoding;
    /** @type {boolean} */
    this.fatal = options.fatal;
    /** @type {boolean} */
    this.ignoreBOM = options.ignoreBOM;
  }

  /**
   * Decode a chunk; after the last one (`more` is false), or an error, the next call starts anew.
   *
   * @param {Uint8Array} bytes
   * @param {boolean} more
   * @returns {string}
   */
  decode(bytes, more) {
    const decoder = (this.#decoder ??= createDecoder(this.encoding, this.fatal));
    let text;
    try {
      text = this.#serialize(decoder.decode(bytes, more));
    } catch (error) {
      this.#decoder = null;
      this.#bomSeen = false;
      throw error;
    }
    if (!more) {
      // A UTF-8 decoder at the end of its input has no state left and serves again.
      if (this.encoding !== "utf-8") this.#decoder = null;
      this.#bomSeen = false;
    }
    return text;
  }

  /** @see https://encoding.spec.whatwg.org/#concept-td-serialize @param {string} text */
  #serialize(text) {
    if (this.#bomSeen || text === "") return text;
    this.#bomSeen = true;
    if (this.ignoreBOM || StringPrototypeCharCodeAt(text, 0) !== 0xfeff || !isUnicode(this.encoding)) return text;
    return StringPrototypeSlice(text, 1);
  }
}

/** @param {string} encoding */
const isUnicode = (encoding) => encoding === "utf-8" || encoding === "utf-16le" || encoding === "utf-16be";

export const textDecoderOptions = dictionary("TextDecoderOptions", [
  { name: "fatal", converter: converters.boolean, default: () => false },
  { name: "ignoreBOM", converter: converters.boolean, default: () => false },
]);

const textDecodeOptions = dictionary("TextDecodeOptions", [
  { name: "stream", converter: converters.boolean, default: () => false },
]);

const NOTHING = new Uint8Array(0);
const DECODE = { prefix: "Failed to execute 'decode' on 'TextDecoder'", name: "Argument 1" };

/** @see https://encoding.spec.whatwg.org/#interface-textdecoder */
export class TextDecoder {
  #common;

  /** @param {string} [label] @param {{ fatal?: boolean, ignoreBOM?: boolean }} [options] */
  constructor(label = "utf-8", options = {}) {
    const prefix = "Failed to construct 'TextDecoder'";
    const name = converters.DOMString(label, { prefix, name: "Argument 1" });
    this.#common = new TextDecoderCommon(name, textDecoderOptions(options, { prefix, name: "Argument 2" }), prefix);
  }

  get encoding() {
    return this.#common.encoding;
  }

  get fatal() {
    return this.#common.fatal;
  }

  get ignoreBOM() {
    return this.#common.ignoreBOM;
  }

  /**
   * @param {ArrayBufferView | ArrayBufferLike} [input]
   * @param {{ stream?: boolean }} [options]
   * @returns {string}
   */
  decode(input = undefined, options = undefined) {
    const common = this.#common;
    const bytes = input === undefined ? NOTHING : allowSharedBufferSource(input, DECODE);
    const more = options === undefined ? false : textDecodeOptions(options, { prefix: DECODE.prefix, name: "Argument 2" }).stream;
    return common.decode(bytes, more);
  }
}

/** @see https://encoding.spec.whatwg.org/#interface-textencoder */
export class TextEncoder {
  #brand = true;

  get encoding() {
    this.#brand;
    return "utf-8";
  }

  /** @param {string} [input] @returns {Uint8Array<ArrayBuffer>} */
  encode(input = "") {
    this.#brand;
    return utf8Encode(
      typeof input === "string"
        ? input
        : converters.DOMString(input, { prefix: "Failed to execute 'encode' on 'TextEncoder'", name: "Argument 1" }),
    );
  }

  /**
   * @param {string} source
   * @param {Uint8Array} destination
   * @returns {{ read: number, written: number }}
   */
  encodeInto(source, destination) {
    this.#brand;
    const prefix = "Failed to execute 'encodeInto' on 'TextEncoder'";
    requiredArguments(arguments.length, 2, prefix);
    const string = converters.DOMString(source, { prefix, name: "Argument 1" });
    const context = { prefix, name: "Argument 2" };
    if (!ArrayBufferIsView(destination) || TypedArrayPrototypeGetSymbolToStringTag(destination) !== "Uint8Array") {
      throw typeError(context, "is not of type 'Uint8Array'.");
    }
    refuseChangingSize(viewBuffer(destination), context);
    return utf8EncodeInto(string, destination);
  }
}

exposeInterface(TextDecoder);
exposeInterface(TextEncoder);
