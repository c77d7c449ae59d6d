// Blob and File: immutable bytes.
//
// Standard: https://w3c.github.io/FileAPI/
// A blob is a list of parts, arrays of bytes that nobody outside of the runtime ever holds. Blobs made of blobs,
// and slices, share the parts; bytes are copied when they come in from a script and when they go out to one.
// FileReader and the events it fires are in file_reader.js.

import { registerSerializable } from "./clone_registry.js";
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetDetached,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  DateNow,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint8Array,
} from "./primordials.js";
import {
  converters,
  dictionary,
  enumeration,
  exposeInterface,
  isAnyArrayBuffer,
  isObject,
  requiredArguments,
  sequence,
  viewBuffer,
} from "./webidl.js";
import { copyBytes, viewBytes } from "./bytes.js";
import { createReadableByteStream } from "./streams/index.js";
import { utf8Decode, utf8Encode } from "./utf8.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** How much of a blob one chunk of its stream carries. */
const CHUNK = 65536;

/**
 * One new array with the bytes of several.
 *
 * @param {readonly Bytes[]} parts
 * @param {number} size their sum
 * @returns {Bytes}
 */
export function joinBytes(parts, size) {
  const all = new Uint8Array(size);
  for (let i = 0, at = 0; i < parts.length; i++) {
    TypedArrayPrototypeSet(all, parts[i], at);
    at += TypedArrayPrototypeGetByteLength(parts[i]);
  }
  return all;
}

/**
 * Get a copy of the bytes held by a buffer source.
 *
 * @see https://webidl.spec.whatwg.org/#dfn-get-buffer-source-copy
 * @param {ArrayBuffer | ArrayBufferView} source
 * @returns {Bytes}
 */
export function copyBufferSource(source) {
  if (!ArrayBufferIsView(source)) {
    const buffer = /** @type {ArrayBuffer} */ (source);
    return ArrayBufferPrototypeGetDetached(buffer) ? new Uint8Array(0) : copyBytes(new Uint8Array(buffer));
  }
  const buffer = viewBuffer(source);
  if (ArrayBufferPrototypeGetDetached(buffer)) return new Uint8Array(0);
  const typed = TypedArrayPrototypeGetSymbolToStringTag(source) !== undefined;
  const offset = typed ? TypedArrayPrototypeGetByteOffset(source) : DataViewPrototypeGetByteOffset(source);
  const length = typed ? TypedArrayPrototypeGetByteLength(source) : DataViewPrototypeGetByteLength(source);
  return copyBytes(new Uint8Array(buffer, offset, length));
}

/** @param {any} value @returns {value is ArrayBuffer | ArrayBufferView} */
export const isBufferSource = (value) => ArrayBufferIsView(value) || (isObject(value) && isAnyArrayBuffer(value));

/**
 * The `type` a blob gets: empty unless all of it is printable ASCII, and in lower case.
 *
 * @param {string} type
 * @returns {string}
 */
export function normalizeType(type) {
  for (let i = 0; i < type.length; i++) {
    const c = StringPrototypeCharCodeAt(type, i);
    if (c < 0x20 || c > 0x7e) return "";
  }
  return StringPrototypeToLowerCase(type);
}

/**
 * Convert line endings to native, which here is a line feed.
 *
 * @see https://w3c.github.io/FileAPI/#convert-line-endings-to-native
 * @param {string} string
 * @returns {string}
 */
function toNativeLineEndings(string) {
  let result = "";
  let from = 0;
  for (let cr = StringPrototypeIndexOf(string, "\r"); cr !== -1; cr = StringPrototypeIndexOf(string, "\r", from)) {
    result += `${StringPrototypeSlice(string, from, cr)}\n`;
    from = StringPrototypeCharCodeAt(string, cr + 1) === 0x0a ? cr + 2 : cr + 1;
  }
  return result + StringPrototypeSlice(string, from);
}

/** @type {import("./webidl.js").Converter<Blob | ArrayBuffer | ArrayBufferView | string>} */
function blobPart(value, context) {
  if (isBlob(value)) return value;
  if (isBufferSource(value)) return converters.BufferSource(value, context);
  return converters.USVString(value, context);
}

const toBlobParts = sequence(blobPart);
const blobMembers = [
  { name: "endings", converter: enumeration("EndingType", ["transparent", "native"]), default: () => "transparent" },
  { name: "type", converter: converters.DOMString, default: () => "" },
];
const toBlobPropertyBag = dictionary("BlobPropertyBag", blobMembers);
const toFilePropertyBag = dictionary("FilePropertyBag", [
  ...blobMembers,
  { name: "lastModified", converter: converters["long long"] },
]);

/**
 * Process blob parts.
 *
 * @see https://w3c.github.io/FileAPI/#process-blob-parts
 * @param {readonly (Blob | ArrayBuffer | ArrayBufferView | string)[]} given
 * @param {string} endings
 * @returns {Bytes[]}
 */
function processBlobParts(given, endings) {
  /** @type {Bytes[]} */
  const parts = [];
  for (let i = 0; i < given.length; i++) {
    const part = given[i];
    if (typeof part === "string") ArrayPrototypePush(parts, utf8Encode(endings === "native" ? toNativeLineEndings(part) : part));
    else if (!isBlob(part)) ArrayPrototypePush(parts, copyBufferSource(part));
    else {
      const shared = blobParts(part);
      for (let j = 0; j < shared.length; j++) ArrayPrototypePush(parts, shared[j]);
    }
  }
  return parts;
}

/** @type {(value: any) => value is Blob} */
export let isBlob;
/** The parts of a blob, not to be changed or given away. @type {(blob: Blob) => readonly Bytes[]} */
export let blobParts;
/** All bytes of a blob in one array, not to be changed or given away. @type {(blob: Blob) => Bytes} */
export let blobBytes;
/** What the getter of that name gives, whatever a script has put in its place. @type {(blob: Blob) => number} */
export let blobSize;
/** @type {(blob: Blob) => string} */
export let blobType;
/** @type {<T extends Blob>(blob: T, parts: Bytes[], type: string) => T} */
let fill;

export class Blob {
  /** @type {Bytes[]} */
  #parts = [];
  #size = 0;
  #type = "";

  /** @param {any} [parts] @param {any} [options] */
  constructor(parts = undefined, options = undefined) {
    if (parts === undefined && options === undefined) return;
    const prefix = "Failed to construct 'Blob'";
    const given = parts === undefined ? [] : toBlobParts(parts, { prefix, name: "Argument 1" });
    const { endings, type } = toBlobPropertyBag(options, { prefix, name: "Argument 2" });
    fill(this, processBlobParts(given, endings), normalizeType(type));
  }

  get size() {
    return this.#size;
  }

  get type() {
    return this.#type;
  }

  /** @param {number} [start] @param {number} [end] @param {string} [contentType] */
  slice(start = undefined, end = undefined, contentType = undefined) {
    const size = this.#size;
    const prefix = "Failed to execute 'slice' on 'Blob'";
    const clamp = converters["[Clamp] long long"];
    const from = relative(start === undefined ? 0 : clamp(start, { prefix, name: "Argument 1" }), size);
    const to = relative(end === undefined ? size : clamp(end, { prefix, name: "Argument 2" }), size);
    const type = contentType === undefined ? "" : converters.DOMString(contentType, { prefix, name: "Argument 3" });
    return createBlob(sliceParts(this.#parts, from, to), normalizeType(type));
  }

  stream() {
    return streamParts(this.#parts);
  }

  async text() {
    return utf8Decode(blobBytes(this));
  }

  async arrayBuffer() {
    return TypedArrayPrototypeGetBuffer(joinBytes(this.#parts, this.#size));
  }

  async bytes() {
    return joinBytes(this.#parts, this.#size);
  }

  static {
    isBlob = (value) => isObject(value) && #parts in value;
    blobParts = (blob) => blob.#parts;
    blobSize = (blob) => blob.#size;
    blobType = (blob) => blob.#type;
    blobBytes = (blob) => {
      if (blob.#parts.length !== 1) blob.#parts = [joinBytes(blob.#parts, blob.#size)];
      return blob.#parts[0];
    };
    fill = (blob, parts, type) => {
      blob.#parts = parts;
      blob.#type = type;
      for (let i = 0; i < parts.length; i++) blob.#size += TypedArrayPrototypeGetByteLength(parts[i]);
      return blob;
    };
  }
}

/** A position counted from the end if negative, and within the blob. @param {number} position @param {number} size */
function relative(position, size) {
  if (position < 0) return position + size > 0 ? position + size : 0;
  return position < size ? position : size;
}

/**
 * @param {readonly Bytes[]} parts
 * @param {number} from
 * @param {number} to
 * @returns {Bytes[]} views
 */
function sliceParts(parts, from, to) {
  /** @type {Bytes[]} */
  const slices = [];
  for (let i = 0, at = 0; i < parts.length && at < to; i++) {
    const length = TypedArrayPrototypeGetByteLength(parts[i]);
    const start = from > at ? from - at : 0;
    const end = to < at + length ? to - at : length;
    if (start < end) ArrayPrototypePush(slices, viewBytes(parts[i], start, end));
    at += length;
  }
  return slices;
}

/**
 * The byte stream of some parts, which are copied out chunk by chunk.
 *
 * @param {readonly Bytes[]} parts
 * @returns {import("./streams/readable_stream.js").ReadableStream}
 */
export function streamParts(parts) {
  let index = 0;
  let at = 0;
  const source = createReadableByteStream({
    // Said in full, since the defaults of members left out would come from Object.prototype.
    highWaterMark: 0,
    origin: undefined,
    pull() {
      while (index < parts.length && at === TypedArrayPrototypeGetByteLength(parts[index])) {
        index++;
        at = 0;
      }
      if (index === parts.length) return source.close();
      const length = TypedArrayPrototypeGetByteLength(parts[index]);
      const end = at + CHUNK < length ? at + CHUNK : length;
      source.enqueue(copyBytes(viewBytes(parts[index], at, end)));
      at = end;
    },
    cancel() {
      parts = [];
      index = 0;
    },
  });
  return source.stream;
}

exposeInterface(Blob, { name: "Blob" });

/**
 * A blob of the runtime's own making.
 *
 * @param {Bytes[]} parts belong to the blob from now on
 * @param {string} type as it shall read
 * @returns {Blob}
 */
export const createBlob = (parts, type) => fill(new Blob(), parts, type);

/** @type {(value: any) => value is File} */
export let isFile;
/** @type {(file: File) => string} */
export let fileName;
/** @type {(file: File) => number} */
export let fileLastModified;
/** @type {(parts: Bytes[], type: string, name: string, lastModified?: number) => File} */
export let createFile;

/** Lets the runtime make a File without arguments to convert. */
const INTERNAL = {};

export class File extends Blob {
  #name = "";
  #lastModified = 0;

  /** @param {any} fileBits @param {string} fileName @param {any} [options] */
  constructor(fileBits, fileName, options = undefined) {
    if (fileBits === INTERNAL) {
      super();
      return;
    }
    const prefix = "Failed to construct 'File'";
    requiredArguments(arguments.length, 2, prefix);
    const given = toBlobParts(fileBits, { prefix, name: "Argument 1" });
    const name = converters.USVString(fileName, { prefix, name: "Argument 2" });
    const { endings, type, lastModified } = toFilePropertyBag(options, { prefix, name: "Argument 3" });
    super();
    this.#name = name;
    this.#lastModified = lastModified === undefined ? DateNow() : lastModified;
    fill(this, processBlobParts(given, endings), normalizeType(type));
  }

  get name() {
    return this.#name;
  }

  get lastModified() {
    return this.#lastModified;
  }

  static {
    isFile = (value) => isObject(value) && #name in value;
    fileName = (file) => file.#name;
    fileLastModified = (file) => file.#lastModified;
    createFile = (parts, type, name, lastModified = DateNow()) => {
      const file = new File(INTERNAL, "");
      file.#name = name;
      file.#lastModified = lastModified;
      return fill(file, parts, type);
    };
  }
}

exposeInterface(File, { name: "File" });

registerSerializable(Blob, {
  is: isBlob,
  write: (blob) => ({ parts: blobParts(blob), type: blobType(blob) }),
  create: ({ parts, type }) => createBlob(ArrayPrototypeSlice(parts), type),
});
registerSerializable(File, {
  is: isFile,
  write: (file) => ({
    parts: blobParts(file),
    type: blobType(file),
    name: fileName(file),
    lastModified: fileLastModified(file),
  }),
  create: ({ parts, type, name, lastModified }) => createFile(ArrayPrototypeSlice(parts), type, name, lastModified),
});
