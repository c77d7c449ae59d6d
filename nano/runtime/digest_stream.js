// crypto.DigestStream: a WritableStream that hashes what is written to it.
//
// Workers' own: https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#constructors
// Host half: nano/ops/crypto.py (digestStart, digestUpdate, digestFinish). A write is done when the host has
// taken its bytes in, so that a fast source waits for the host.

import { Crypto } from "./crypto.js";
import { OpBuffers, normalizeAlgorithm, sourceBytes, toAlgorithmIdentifier } from "./crypto_algorithms.js";
import { forget } from "./crypto_key.js";
import { bufferOf, promised } from "./crypto_operations.js";
import {
  ArrayBufferIsView,
  BigInt,
  FinalizationRegistry,
  FinalizationRegistryPrototypeRegister,
  ObjectDefineProperty,
  Promise,
  PromisePrototypeThen,
  SymbolDispose,
  TypeError,
} from "./primordials.js";
import { WritableStream } from "./streams/index.js";
import { utf8Encode } from "./utf8.js";
import { converters, exposeInterface, isAnyArrayBuffer, isObject, requiredArguments } from "./webidl.js";

const PREFIX = "Failed to construct 'DigestStream'";
const NOT_BYTES =
  "DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type on its writable side.";

const noop = () => {};

/** @type {FinalizationRegistry<number> | undefined} */
let abandoned;

/** @param {any} chunk @returns {Uint8Array<ArrayBuffer>} */
function chunkBytes(chunk) {
  if (typeof chunk === "string") return /** @type {Uint8Array<ArrayBuffer>} */ (utf8Encode(chunk));
  if (!ArrayBufferIsView(chunk) && !(isObject(chunk) && isAnyArrayBuffer(chunk))) throw new TypeError(NOT_BYTES);
  return sourceBytes(converters.BufferSource(chunk, { prefix: "DigestStream", name: "The chunk" }));
}

/** @param {object} args @param {Uint8Array<ArrayBuffer>} [bytes] */
function callOf(args, bytes) {
  const buffers = new OpBuffers();
  if (bytes !== undefined) buffers.add(bytes);
  return { args, buffers };
}

/** The sink, and what the stream shows of it. */
class Digest {
  /** @type {Promise<ArrayBuffer>} */
  result;
  /** @type {(digest: ArrayBuffer | Promise<ArrayBuffer>) => void} */
  #resolve = noop;
  /** @type {(reason: any) => void} */
  #reject = noop;
  #name;
  /** Of the host's half, which begins with the first bytes. */
  #handle = 0;
  written = 0;
  disposed = false;

  /** @param {string} name of the hash function */
  constructor(name) {
    this.#name = name;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who does not ask for the digest need not hear that there is none.
    PromisePrototypeThen(this.result, undefined, noop);
  }

  /** @returns {Promise<void>} */
  begin() {
    return promised(() => callOf({ __proto__: null, method: "digestStart", name: this.#name }), ({ value }) => {
      this.#handle = value;
      FinalizationRegistryPrototypeRegister((abandoned ??= new FinalizationRegistry(forget)), this, value);
    });
  }

  /** @param {any} chunk */
  write(chunk) {
    if (this.disposed) throw disposedError();
    try {
      const bytes = chunkBytes(chunk);
      this.written += bytes.length;
      return promised(() => callOf({ __proto__: null, method: "digestUpdate", digest: this.#handle, data: 0 }, bytes), noop);
    } catch (error) {
      this.#reject(error);
      throw error;
    }
  }

  close() {
    if (this.disposed) throw disposedError();
    const result = promised(() => callOf({ __proto__: null, method: "digestFinish", digest: this.#handle }), bufferOf);
    this.#resolve(result);
    return result;
  }

  /** @param {any} reason */
  abort(reason) {
    this.#reject(reason);
    forget(this.#handle);
  }

  dispose() {
    if (this.disposed) return;
    this.disposed = true;
    this.abort(disposedError());
  }
}

const disposedError = () => new TypeError("The DigestStream was disposed.");

export class DigestStream extends WritableStream {
  /** @type {Digest} */
  #digest;

  /** @param {any} algorithm */
  constructor(algorithm) {
    requiredArguments(arguments.length, 1, PREFIX);
    const context = { prefix: PREFIX, name: "Argument 1" };
    const given = toAlgorithmIdentifier(algorithm, context);
    const digest = new Digest(normalizeAlgorithm(given, "digest", new OpBuffers(), context).name);
    super({
      __proto__: null,
      start: () => digest.begin(),
      write: (/** @type {any} */ chunk) => digest.write(chunk),
      close: () => digest.close(),
      abort: (/** @type {any} */ reason) => digest.abort(reason),
    });
    this.#digest = digest;
  }

  /** The digest of all that was written, when the stream is closed. */
  get digest() {
    return this.#digest.result;
  }

  get bytesWritten() {
    return BigInt(this.#digest.written);
  }

  [SymbolDispose]() {
    this.#digest.dispose();
  }
}

exposeInterface(DigestStream);

ObjectDefineProperty(Crypto.prototype, "DigestStream", /** @type {any} */ ({
  __proto__: null,
  value: DigestStream,
  writable: true,
  enumerable: false,
  configurable: true,
}));
