// FileReader, and the ProgressEvent it fires.
//
// Standards: https://w3c.github.io/FileAPI/#APIASynch and https://xhr.spec.whatwg.org/#interface-progressevent
// All bytes of a blob are in memory, so a read has one progress event, and none for an empty blob. Each event
// comes in a task of its own, loadend too: scripts that await one event after the other rely on the microtasks
// that a browser runs between two events of one task.

import { blobBytes, blobParts, blobSize, blobType, isBlob, joinBytes } from "./blob.js";
import { DOMException } from "./dom_exception.js";
import { TextDecoderCommon } from "./encoding.js";
import { getEncoding } from "./encoding_labels.js";
import { Event, EventTarget, defineEventHandler, fireEvent } from "./events.js";
import { mimeParameter, parseMIMEType } from "./mime.js";
import { TypedArrayPrototypeGetBuffer, Uint8ArrayPrototypeToBase64 } from "./primordials.js";
import { queueTask } from "./timers.js";
import { latin1Decode } from "./utf8.js";
import { converters, dictionary, exposeInterface, interfaceType, requiredArguments } from "./webidl.js";

/** @typedef {import("./blob.js").Blob} Blob */

const toProgressEventInit = dictionary("ProgressEventInit", [
  { name: "lengthComputable", converter: converters.boolean, default: () => false },
  { name: "loaded", converter: converters.double, default: () => 0 },
  { name: "total", converter: converters.double, default: () => 0 },
]);

export class ProgressEvent extends Event {
  #lengthComputable;
  #loaded;
  #total;

  /** @param {string} type @param {any} [eventInitDict] */
  constructor(type, eventInitDict = undefined) {
    const prefix = "Failed to construct 'ProgressEvent'";
    requiredArguments(arguments.length, 1, prefix);
    super(type, eventInitDict);
    const init = toProgressEventInit(eventInitDict, { prefix, name: "Argument 2" });
    this.#lengthComputable = init.lengthComputable;
    this.#loaded = init.loaded;
    this.#total = init.total;
  }

  /** @returns {boolean} */
  get lengthComputable() {
    return this.#lengthComputable;
  }

  /** @returns {number} */
  get loaded() {
    return this.#loaded;
  }

  /** @returns {number} */
  get total() {
    return this.#total;
  }
}

exposeInterface(ProgressEvent, { name: "ProgressEvent" });

const EMPTY = 0;
const LOADING = 1;
const DONE = 2;

/** @typedef {(blob: Blob) => string | ArrayBuffer} Packer @see https://w3c.github.io/FileAPI/#blob-package-data */

/** @type {Packer} */
const asArrayBuffer = (blob) => /** @type {ArrayBuffer} */ (TypedArrayPrototypeGetBuffer(joinBytes(blobParts(blob), blobSize(blob))));

/** @type {Packer} */
const asBinaryString = (blob) => latin1Decode(blobBytes(blob));

/** @type {Packer} */
const asDataURL = (blob) =>
  `data:${blobType(blob) || "application/octet-stream"};base64,${Uint8ArrayPrototypeToBase64(blobBytes(blob))}`;

/**
 * Text in the encoding that is named, or else the blob's type says, or else UTF-8; a byte order mark wins.
 *
 * @param {Blob} blob
 * @param {string | undefined} label
 */
function asText(blob, label) {
  const bytes = blobBytes(blob);
  let encoding = label === undefined ? undefined : getEncoding(label);
  if (encoding === undefined) {
    const type = parseMIMEType(blobType(blob));
    const charset = type === null ? undefined : mimeParameter(type, "charset");
    if (charset !== undefined) encoding = getEncoding(charset);
  }
  const options = { fatal: false, ignoreBOM: false };
  const decoder = new TextDecoderCommon(markedEncoding(bytes) ?? encoding ?? "utf-8", options, "FileReader");
  return decoder.decode(bytes, false);
}

/** @param {Uint8Array} bytes @see https://encoding.spec.whatwg.org/#bom-sniff */
function markedEncoding(bytes) {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : null;
}

const toBlob = /** @type {import("./webidl.js").Converter<Blob>} */ (interfaceType("Blob", (value) => isBlob(value)));

export class FileReader extends EventTarget {
  #state = EMPTY;
  /** @type {string | ArrayBuffer | null} */
  #result = null;
  /** @type {any} */
  #error = null;
  /** Tells the tasks of the read under way from those of earlier ones. */
  #reading = 0;

  /** @param {Blob} blob */
  readAsArrayBuffer(blob) {
    this.#read(blob, arguments.length, "readAsArrayBuffer", asArrayBuffer);
  }

  /** @param {Blob} blob */
  readAsBinaryString(blob) {
    this.#read(blob, arguments.length, "readAsBinaryString", asBinaryString);
  }

  /** @param {Blob} blob @param {string} [encoding] */
  readAsText(blob, encoding = undefined) {
    const context = { prefix: "Failed to execute 'readAsText' on 'FileReader'", name: "Argument 2" };
    const label = encoding === undefined ? undefined : converters.DOMString(encoding, context);
    this.#read(blob, arguments.length, "readAsText", (source) => asText(source, label));
  }

  /** @param {Blob} blob */
  readAsDataURL(blob) {
    this.#read(blob, arguments.length, "readAsDataURL", asDataURL);
  }

  abort() {
    const loading = this.#state === LOADING;
    this.#result = null;
    if (!loading) return;
    this.#state = DONE;
    this.#reading++;
    this.#error = new DOMException("The read was aborted.", "AbortError");
    fireEvent(this, new ProgressEvent("abort"));
    if (/** @type {number} */ (this.#state) !== LOADING) fireEvent(this, new ProgressEvent("loadend"));
  }

  get readyState() {
    return this.#state;
  }

  get result() {
    return this.#result;
  }

  get error() {
    return this.#error;
  }

  /**
   * @see https://w3c.github.io/FileAPI/#readOperation
   * @param {any} value
   * @param {number} given
   * @param {string} method
   * @param {Packer} pack
   */
  #read(value, given, method, pack) {
    const prefix = `Failed to execute '${method}' on 'FileReader'`;
    requiredArguments(given, 1, prefix);
    const blob = toBlob(value, { prefix, name: "Argument 1" });
    if (this.#state === LOADING) throw new DOMException(`${prefix}: a read is under way already.`, "InvalidStateError");
    this.#state = LOADING;
    this.#reading++;
    this.#result = null;
    this.#error = null;
    const total = blobSize(blob);
    this.#queue("loadstart", 0, total);
    if (total > 0) this.#queue("progress", total, total);
    this.#task(() => {
      this.#finish(blob, pack);
      fireEvent(this, progress(this.#error === null ? "load" : "error", total, total));
    });
    this.#queue("loadend", total, total);
  }

  /** @param {Blob} blob @param {Packer} pack */
  #finish(blob, pack) {
    this.#state = DONE;
    try {
      this.#result = pack(blob);
    } catch {
      this.#error = new DOMException("The data does not fit into memory.", "NotReadableError");
    }
  }

  /** @param {string} type @param {number} loaded @param {number} total */
  #queue(type, loaded, total) {
    this.#task(() => fireEvent(this, progress(type, loaded, total)));
  }

  /** Queue a step of the read under way, dropped when another one has begun or this was aborted. @param {() => void} steps */
  #task(steps) {
    const reading = this.#reading;
    queueTask(() => {
      if (this.#reading === reading) steps();
    });
  }
}

/** @param {string} type @param {number} loaded @param {number} total */
const progress = (type, loaded, total) => new ProgressEvent(type, { __proto__: null, lengthComputable: true, loaded, total });

const HANDLERS = ["loadstart", "progress", "load", "abort", "error", "loadend"];
for (let i = 0; i < HANDLERS.length; i++) defineEventHandler(FileReader, HANDLERS[i]);
exposeInterface(FileReader, { name: "FileReader", constants: { EMPTY, LOADING, DONE } });
