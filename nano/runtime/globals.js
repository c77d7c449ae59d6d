// The global scope of an app: what is there, and what of the engine is not.
//
// Standard: WinterTC Minimum Common Web API (https://min-common-api.proposal.wintertc.org/), and what Workers add.
// The keys of this table and the language's own globals are all that an app can see.

import { console } from "./console.js";
import { Crypto } from "./crypto.js";
import { CryptoKey } from "./crypto_key.js";
import { SubtleCrypto } from "./crypto_subtle.js";
import "./digest_stream.js";
import { QuotaExceededError } from "./quota_exceeded_error.js";
import { AbortController, AbortSignal } from "./abort.js";
import { atob, btoa } from "./base64.js";
import { Blob, File } from "./blob.js";
import { lockTypedArrays } from "./bytes.js";
import { Cache, CacheStorage, caches } from "./caches.js";
import { CompressionStream, DecompressionStream } from "./compression.js";
import { forbidCodeGeneration } from "./code_generation.js";
import { DOMException } from "./dom_exception.js";
import { TextDecoder, TextEncoder } from "./encoding.js";
import { CloseEvent, CustomEvent, ErrorEvent, Event, EventTarget, PromiseRejectionEvent } from "./events.js";
import { FileReader, ProgressEvent } from "./file_reader.js";
import { FormData } from "./form_data.js";
import { WorkerGlobalScope, installGlobalScope } from "./global_scope.js";
import { Headers } from "./headers.js";
import { HTMLRewriter } from "./html_rewriter.js";
import { BroadcastChannel, MessageChannel, MessageEvent, MessagePort } from "./message_channel.js";
import { Navigator } from "./navigator.js";
import {
  Performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  PerformanceObserver,
  PerformanceObserverEntryList,
  PerformanceResourceTiming,
} from "./performance.js";
import { ObjectDefineProperty, ReflectDeleteProperty, ReflectOwnKeys, globalThis_ } from "./primordials.js";
import { reportError } from "./report_error.js";
import { Request } from "./request.js";
import { Response } from "./response.js";
import { Scheduler, scheduler } from "./scheduler.js";
import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  FixedLengthStream,
  IdentityTransformStream,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "./streams/index.js";
import { TextDecoderStream, TextEncoderStream } from "./streams/text.js";
import { structuredClone } from "./structured_clone.js";
import { clearInterval, clearTimeout, queueMicrotask, setInterval, setTimeout } from "./timers.js";
import { URL } from "./url.js";
import { URLPattern } from "./url_pattern.js";
import { URLSearchParams } from "./url_search_params.js";
import { installWebAssemblyStreaming } from "./wasm.js";
import { WebSocketPair } from "./web_socket_pair.js";

/** Interfaces, functions and objects by global name. @type {Record<string, any>} */
const GLOBALS = {
  __proto__: /** @type {any} */ (null),
  Crypto,
  CryptoKey,
  SubtleCrypto,
  QuotaExceededError,
  console,
  AbortController,
  AbortSignal,
  Blob,
  BroadcastChannel,
  ByteLengthQueuingStrategy,
  Cache,
  CacheStorage,
  CloseEvent,
  CompressionStream,
  CountQueuingStrategy,
  CustomEvent,
  DOMException,
  DecompressionStream,
  ErrorEvent,
  Event,
  EventTarget,
  File,
  FileReader,
  FixedLengthStream,
  FormData,
  HTMLRewriter,
  Headers,
  IdentityTransformStream,
  MessageChannel,
  MessageEvent,
  MessagePort,
  Navigator,
  Performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  PerformanceObserver,
  PerformanceObserverEntryList,
  PerformanceResourceTiming,
  ProgressEvent,
  PromiseRejectionEvent,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  Request,
  Response,
  Scheduler,
  TextDecoder,
  TextDecoderStream,
  TextEncoder,
  TextEncoderStream,
  TransformStream,
  TransformStreamDefaultController,
  URL,
  URLPattern,
  URLSearchParams,
  WebSocketPair,
  WorkerGlobalScope,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
  atob,
  btoa,
  caches,
  clearInterval,
  clearTimeout,
  queueMicrotask,
  reportError,
  scheduler,
  setInterval,
  setTimeout,
  structuredClone,
};

/** Engine globals that Workers do not have, because they give blocking waits or fine clocks to untrusted code. */
const REMOVED = ["SharedArrayBuffer"];
const REMOVED_FROM_ATOMICS = ["wait", "waitAsync", "notify"];

/** Put the runtime's globals in place, as Web IDL shapes them: not enumerable, writable, configurable. */
export function installGlobals() {
  const names = ReflectOwnKeys(GLOBALS);
  for (let i = 0; i < names.length; i++) {
    const value = GLOBALS[/** @type {string} */ (names[i])];
    // The bundle's own names are short.
    if (typeof value === "function") nameFunction(value, names[i]);
    define(names[i], value);
  }
  define("self", globalThis_);
  installGlobalScope();
  installWebAssemblyStreaming();
  lockTypedArrays();
  forbidCodeGeneration();
  for (let i = 0; i < REMOVED.length; i++) ReflectDeleteProperty(globalThis_, REMOVED[i]);
  for (let i = 0; i < REMOVED_FROM_ATOMICS.length; i++) {
    ReflectDeleteProperty(/** @type {any} */ (globalThis_).Atomics, REMOVED_FROM_ATOMICS[i]);
  }
}

/** @param {Function} value @param {PropertyKey} name */
function nameFunction(value, name) {
  ObjectDefineProperty(value, "name", /** @type {any} */ ({ __proto__: null, value: name, configurable: true }));
}

/** @param {PropertyKey} name @param {any} value */
function define(name, value) {
  ObjectDefineProperty(globalThis_, name, /** @type {any} */ ({
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  }));
}
