// Bodies: what Request and Response share.
//
// Standard: https://fetch.spec.whatwg.org/#body-mixin
// Host half: nano/engine/events.py, which sends a request's body in chunks (see host_body.js).
//
// Theory of operation. A body is whole (a string, bytes, or a blob), comes from the host, or is a stream. The
// standard thinks of all as streams; here a stream is made when somebody asks for it, with `.body`, or by
// cloning what the host still sends. Whole bodies are consumed, moved to another Request and sent without one.
// A body that was used up without a stream shows one that is disturbed and locked when it is asked for later.

import { copyBytes } from "./bytes.js";
import {
  blobBytes,
  blobParts,
  blobSize,
  blobType,
  copyBufferSource,
  createBlob,
  isBlob,
  isBufferSource,
  streamParts,
} from "./blob.js";
import { createFormData, formEntries, isFormData } from "./form_data.js";
import { HostBody } from "./host_body.js";
import { extractMIMEType, mimeParameter, serializeMIMEType } from "./mime.js";
import { parseMultipart, randomBoundary, serializeMultipart } from "./multipart.js";
import {
  ArrayBufferPrototypeGetByteLength,
  JSONParse,
  ObjectDefineProperties,
  ObjectGetOwnPropertyDescriptors,
  Promise,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  StringPrototypeCharCodeAt,
  StringPrototypeSlice,
  TypeError,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
} from "./primordials.js";
import {
  abandonReadableStream,
  cancelReadableStream,
  createReadableByteStream,
  getFixedLength,
  getStreamOrigin,
  isReadableStream,
  isReadableStreamDisturbed,
  isReadableStreamLocked,
  pumpToSink,
  readAllBytes,
  teeReadableStream,
} from "./streams/index.js";
import { isURLSearchParams, parseUrlencodedBytes, searchParamsList, serializeUrlencoded } from "./url_search_params.js";
import { utf8Decode, utf8Encode } from "./utf8.js";
import { converters } from "./webidl.js";
import { structuredClone } from "./structured_clone.js";

export { bodyFromHost } from "./host_body.js";

/** @typedef {import("./blob.js").Blob} Blob */
/** @typedef {import("./blob.js").Bytes} Bytes */
/** @typedef {import("./host_body.js").Box} Box */
/** @typedef {import("./streams/readable_stream.js").ReadableStream} ReadableStream */

/** What a whole body consists of. @typedef {string | Bytes | Blob} Whole */

/**
 * What a body is made of when it leaves for the host. "host" is one that the host has itself and nobody here has read
 * from, so that it need not come here. `parts` are what the stream gives, where that is known, so that it can be sent
 * again.
 *
 * @typedef {{ kind: "null" } | { kind: "string", string: string } | { kind: "bytes", bytes: Bytes }
 *   | { kind: "host", host: HostBody, length: number | null }
 *   | { kind: "stream", stream: ReadableStream, length: number | null, parts: readonly Bytes[] | null }} Outgoing
 */

const EMPTY = new Uint8Array(0);
/** Blobs of several parts are joined up to this size when they are sent, and streamed above it. */
const JOINED = 65536;

/**
 * Who else holds the bytes of a body: nobody; others, none of whom changes them; or the app, which may.
 *
 * @typedef {"own" | "shared" | "foreign"} Ownership
 */

/** @see https://fetch.spec.whatwg.org/#concept-body */
export class Body {
  /** @type {Whole | HostBody | null} null once there is a stream, or the body has been used up or moved */
  #source;
  /** @type {ReadableStream | null} */
  #stream;
  /** Used up without a stream, or moved. */
  #spent = false;
  /** @type {Ownership} */
  #ownership = "own";

  /** @param {Whole | HostBody | null} source @param {ReadableStream | null} [stream] */
  constructor(source, stream = null) {
    this.#source = source;
    this.#stream = stream;
    if (stream !== null) this.#ownership = "foreign";
  }

  /** Whether the body was read from. */
  get used() {
    return this.#spent || (this.#stream !== null && isReadableStreamDisturbed(this.#stream));
  }

  /** @see https://fetch.spec.whatwg.org/#body-unusable */
  get unusable() {
    return this.used || (this.#stream !== null && isReadableStreamLocked(this.#stream));
  }

  /** How many bytes there are, where that is known without encoding. @returns {number | null} */
  get length() {
    const source = this.#source;
    if (source === null) return this.#stream === null ? null : streamLength(this.#stream);
    if (source instanceof HostBody) return source.length;
    if (isBlob(source)) return blobSize(source);
    return typeof source === "string" ? null : TypedArrayPrototypeGetByteLength(source);
  }

  /** Whether the app made the body's stream. */
  get isAppStream() {
    return this.#stream !== null && getStreamOrigin(this.#stream) === undefined;
  }

  /** What `take` gave: who else holds it. */
  get ownership() {
    return this.#ownership;
  }

  /** What `.body` shows: the stream, made now if there was none. @returns {ReadableStream} */
  get stream() {
    if (this.#stream !== null) return this.#stream;
    const source = this.#source;
    this.#source = null;
    if (this.#spent) this.#stream = spentStream();
    else if (source instanceof HostBody) this.#stream = source.stream();
    else if (typeof source === "string") this.#stream = streamParts([utf8Encode(source)]);
    else this.#stream = streamParts(isBlob(source) ? blobParts(source) : [/** @type {Bytes} */ (source)]);
    this.#ownership = "foreign";
    return this.#stream;
  }

  /**
   * Clone a body.
   *
   * @see https://fetch.spec.whatwg.org/#concept-body-clone
   * @returns {Body}
   */
  clone() {
    const source = this.#source;
    if (source !== null && !(source instanceof HostBody)) {
      const copy = new Body(source);
      this.#ownership = copy.#ownership = "shared";
      return copy;
    }
    const branches = teeReadableStream(this.stream, (chunk) => structuredClone(chunk));
    this.#stream = branches[0];
    return new Body(null, branches[1]);
  }

  /**
   * Make a body for another owner out of this one, which then counts as used.
   *
   * @see https://fetch.spec.whatwg.org/#dom-request, the last steps
   * @returns {Body}
   */
  move() {
    const host = this.#takeHost();
    if (host !== null) return new Body(host);
    const moved = new Body(this.#source, this.#stream === null ? null : proxyOf(this.#stream));
    if (this.#stream === null) moved.#ownership = this.#ownership;
    this.spend();
    return moved;
  }

  /** Take what the host has itself, if nobody has read from it. @returns {HostBody | null} */
  #takeHost() {
    const source = this.#stream === null ? this.#source : getStreamOrigin(this.#stream);
    if (this.unusable || !(source instanceof HostBody) || !source.untouched) return null;
    if (this.#stream !== null) abandonReadableStream(this.#stream);
    this.spend();
    return source;
  }

  /** Count as used, without being read. */
  spend() {
    this.#spent = true;
    this.#source = null;
  }

  /**
   * Fully read a body.
   *
   * @see https://fetch.spec.whatwg.org/#body-fully-read
   * @param {boolean} [asText] whether text will be made of it, which the host may do
   * @returns {string | Bytes | Promise<string | Box>} a whole body is there at once
   */
  take(asText = false) {
    if (asText) {
      const host = this.#takeHost();
      if (host !== null) return host.text();
    }
    const source = this.#source;
    if (source === null) return /** @type {Promise<Box>} */ (readAllBytes(/** @type {ReadableStream} */ (this.#stream)));
    this.spend();
    if (source instanceof HostBody) return source.collect();
    if (!isBlob(source)) return source;
    this.#ownership = "shared";
    return blobBytes(source);
  }

  /** @returns {Outgoing} */
  send() {
    if (this.unusable) throw new TypeError("The body has been used already, or is locked by a reader.");
    const { length } = this;
    const host = this.#takeHost();
    if (host !== null) return { kind: "host", host, length };
    const source = this.#source;
    if (source === null || source instanceof HostBody) {
      const { stream } = this;
      this.spend();
      return { kind: "stream", stream, length, parts: null };
    }
    this.spend();
    if (typeof source === "string") return { kind: "string", string: source };
    if (!isBlob(source)) return { kind: "bytes", bytes: source };
    if (blobParts(source).length < 2 || blobSize(source) <= JOINED) return { kind: "bytes", bytes: blobBytes(source) };
    const parts = blobParts(source);
    return { kind: "stream", stream: streamParts(parts), length, parts };
  }
}

/** @param {ReadableStream} stream @returns {number | null} */
function streamLength(stream) {
  const origin = getStreamOrigin(stream);
  return origin instanceof HostBody ? origin.length : (getFixedLength(stream) ?? null);
}

/** The stream of a body that was used up without one: at its end, disturbed, and locked. */
function spentStream() {
  const source = createReadableByteStream({ pull: undefined, cancel: undefined, highWaterMark: 0, origin: undefined });
  source.close();
  readAllBytes(source.stream);
  return source.stream;
}

/**
 * Create a proxy for a stream: one that gives the same bytes, while the other is locked.
 *
 * @see https://streams.spec.whatwg.org/#readablestream-create-a-proxy
 * @param {ReadableStream} stream
 * @returns {ReadableStream}
 */
function proxyOf(stream) {
  /** Whether somebody waits for more than we have passed on. */
  let wanted = false;
  /** @type {(value?: undefined) => void} */
  let resume = () => {};
  const proxy = createReadableByteStream({
    highWaterMark: 0,
    origin: undefined,
    pull() {
      wanted = true;
      resume();
    },
    cancel: (reason) => stop(reason),
  });
  const stop = pumpToSink(stream, {
    write(bytes) {
      if (TypedArrayPrototypeGetByteLength(bytes) === 0) return undefined;
      wanted = false;
      // This may call pull() at once, when a second reader waits.
      proxy.enqueue(copyBytes(/** @type {Bytes} */ (bytes)));
      if (wanted) return undefined;
      return new Promise((resolve) => {
        resume = resolve;
      });
    },
    close: () => proxy.close(),
    abort: (reason) => proxy.error(reason),
  });
  return proxy.stream;
}

/**
 * Convert to BodyInit and extract a body.
 *
 * @see https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 * @param {any} init neither null nor undefined
 * @param {import("./webidl.js").Context} context
 * @returns {{ body: Body, type: string | null }}
 */
export function extractBody(init, context) {
  if (typeof init === "string") return { body: new Body(converters.USVString(init)), type: TEXT };
  if (isReadableStream(init)) {
    if (isReadableStreamDisturbed(init) || isReadableStreamLocked(init)) {
      throw new TypeError(`${context.prefix}: the stream has been read from already, or is locked.`);
    }
    return { body: new Body(null, /** @type {any} */ (init)), type: null };
  }
  if (isBlob(init)) return { body: new Body(init), type: blobType(init) || null };
  if (isBufferSource(init)) return { body: new Body(copyBufferSource(converters.BufferSource(init, context))), type: null };
  if (isFormData(init)) {
    const boundary = randomBoundary();
    const parts = serializeMultipart(formEntries(init), boundary);
    return { body: new Body(createBlob(parts, "")), type: `multipart/form-data; boundary=${boundary}` };
  }
  if (isURLSearchParams(init)) {
    return { body: new Body(serializeUrlencoded(searchParamsList(init))), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  return { body: new Body(converters.USVString(init, context)), type: TEXT };
}

const TEXT = "text/plain;charset=UTF-8";

/**
 * Take a body for sending, which uses it up.
 *
 * @param {Body | null} body
 * @returns {Outgoing}
 */
export const takeBody = (body) => (body === null ? { kind: "null" } : body.send());

/**
 * Give up what was taken for sending.
 *
 * @param {Outgoing} outgoing
 * @param {any} reason
 */
export function discardOutgoing(outgoing, reason) {
  if (outgoing.kind === "host") outgoing.host.cancel(reason);
  else if (outgoing.kind === "stream") PromisePrototypeThen(cancelReadableStream(outgoing.stream, reason), undefined, () => {});
}

/** @param {string | Bytes} whole */
function toText(whole) {
  if (typeof whole !== "string") return utf8Decode(whole);
  return StringPrototypeCharCodeAt(whole, 0) === 0xfeff ? StringPrototypeSlice(whole, 1) : whole;
}

/** Bytes to give away, in a buffer of their own. @param {string | Bytes} whole @param {Ownership} ownership @returns {Bytes} */
function toOwnBytes(whole, ownership) {
  if (typeof whole === "string") return utf8Encode(whole);
  const exact = ArrayBufferPrototypeGetByteLength(TypedArrayPrototypeGetBuffer(whole)) === TypedArrayPrototypeGetByteLength(whole);
  return ownership === "own" && exact ? whole : copyBytes(whole);
}

/** Bytes to keep. @param {string | Bytes} whole @param {Ownership} ownership @returns {Bytes} */
function toKeptBytes(whole, ownership) {
  if (typeof whole === "string") return utf8Encode(whole);
  return ownership === "foreign" ? copyBytes(whole) : whole;
}

/** What blob() gives as type. @param {string | null} contentType */
function typeForBlob(contentType) {
  const type = extractMIMEType(contentType);
  return type === null ? "" : serializeMIMEType(type);
}

/**
 * What formData() makes of a body.
 *
 * @param {Bytes} bytes
 * @param {string | null} contentType
 */
function toFormData(bytes, contentType) {
  const type = extractMIMEType(contentType);
  if (type?.essence === "multipart/form-data") {
    const entries = parseMultipart(bytes, mimeParameter(type, "boundary") ?? "");
    if (entries === null) throw new TypeError("The body is not well-formed multipart/form-data.");
    return createFormData(entries);
  }
  if (type?.essence === "application/x-www-form-urlencoded") return createFormData(parseUrlencodedBytes(bytes));
  throw new TypeError(`The Content-Type ${contentType === null ? "is missing" : `'${contentType}'`}, so that the body is no form.`);
}

/**
 * Give Request or Response the members of the Body mixin; to be called before `exposeInterface`.
 *
 * @param {any} Class
 * @param {{
 *   name: string,
 *   isInstance: (value: any) => boolean,
 *   bodyOf: (owner: any) => Body | null,
 *   contentTypeOf: (owner: any) => string | null,
 * }} owners
 */
export function mixinBody(Class, { name, isInstance, bodyOf, contentTypeOf }) {
  /**
   * Consume a body.
   *
   * @see https://fetch.spec.whatwg.org/#concept-body-consume-body
   * @param {any} owner
   * @param {string} method
   * @param {(whole: string | Bytes, ownership: Ownership) => any} convert
   * @param {boolean} [asText] whether it makes text
   * @returns {Promise<any>}
   */
  function consume(owner, method, convert, asText = false) {
    const prefix = `Failed to execute '${method}' on '${name}'`;
    if (!isInstance(owner)) return PromiseReject(new TypeError(`${prefix}: Illegal invocation`));
    try {
      const body = bodyOf(owner);
      if (body === null) return PromiseResolve(convert(EMPTY, "shared"));
      if (body.unusable) {
        return PromiseReject(new TypeError(`${prefix}: the body has been used already, or is locked by a reader.`));
      }
      const whole = body.take(asText);
      if (typeof whole === "string" || TypedArrayPrototypeGetSymbolToStringTag(whole) !== undefined) {
        return PromiseResolve(convert(/** @type {string | Bytes} */ (whole), body.ownership));
      }
      return PromisePrototypeThen(/** @type {Promise<string | Box>} */ (whole), (all) =>
        convert(typeof all === "string" ? all : all.bytes, body.ownership),
      );
    } catch (error) {
      return PromiseReject(error);
    }
  }
  const members = {
    get body() {
      return bodyOf(this)?.stream ?? null;
    },
    get bodyUsed() {
      return bodyOf(this)?.used ?? false;
    },
    arrayBuffer() {
      return consume(this, "arrayBuffer", (whole, ownership) => TypedArrayPrototypeGetBuffer(toOwnBytes(whole, ownership)));
    },
    blob() {
      return consume(this, "blob", (whole, ownership) => {
        const bytes = toKeptBytes(whole, ownership);
        return createBlob(TypedArrayPrototypeGetByteLength(bytes) === 0 ? [] : [bytes], typeForBlob(contentTypeOf(this)));
      });
    },
    bytes() {
      return consume(this, "bytes", toOwnBytes);
    },
    formData() {
      return consume(this, "formData", (whole, ownership) => toFormData(toKeptBytes(whole, ownership), contentTypeOf(this)));
    },
    json() {
      return consume(this, "json", (whole) => JSONParse(toText(whole)), true);
    },
    text() {
      return consume(this, "text", toText, true);
    },
  };
  ObjectDefineProperties(Class.prototype, ObjectGetOwnPropertyDescriptors(members));
}
