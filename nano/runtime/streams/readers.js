// ReadableStreamDefaultReader and ReadableStreamBYOBReader.
//
// Standard: https://streams.spec.whatwg.org/#default-reader-class, #byob-reader-class

import {
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  Promise,
  PromiseReject,
  PromiseResolve,
  RangeError,
  TypeError,
} from "../primordials.js";
import { converters, dictionary, exposeInterface, requiredArguments, typeError, viewBuffer } from "../webidl.js";
import { viewByteLength, viewType } from "./byte_views.js";
import { Reader } from "./readable.js";

/** @typedef {import("./readable.js").Readable} Readable */

/** A read whose answer is a promise of `{ value, done }`; without a wait it needs no resolving functions. */
class PromisedRead {
  /** @type {Promise<any> | undefined} */
  promise = undefined;
  /** @type {((value: any) => void) | undefined} */
  #resolve = undefined;
  /** @type {((reason: any) => void) | undefined} */
  #reject = undefined;

  /** @param {any} value */
  chunk(value) {
    this.#answer(value, false);
  }

  /** @param {any} [value] */
  close(value = undefined) {
    this.#answer(value, true);
  }

  /** @param {any} value @param {boolean} done */
  #answer(value, done) {
    if (this.#resolve === undefined) this.promise = PromiseResolve({ value, done });
    else this.#resolve({ value, done });
  }

  /** @param {any} reason */
  error(reason) {
    if (this.#reject === undefined) this.promise = PromiseReject(reason);
    else this.#reject(reason);
  }

  /** @returns {Promise<any>} */
  result() {
    return (this.promise ??= new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    }));
  }
}

/** @type {(value: any) => Readable | undefined} set by readable_stream.js, which depends on this module */
let recordOf;

/** @param {(value: any) => Readable | undefined} lookUp tells the record of a ReadableStream */
export function setReadableLookUp(lookUp) {
  recordOf = lookUp;
}

/** @param {any} value @param {string} name of the reader @param {number} given */
function streamArgument(value, name, given) {
  const prefix = `Failed to construct '${name}'`;
  requiredArguments(given, 1, prefix);
  const record = recordOf(value);
  if (record === undefined) throw typeError({ prefix, name: "Argument 1" }, "is not of type 'ReadableStream'.");
  return record;
}

const released = () => new TypeError("The reader was released.");

export class ReadableStreamDefaultReader {
  /** @type {Reader} */
  #record;

  /** @param {any} stream */
  constructor(stream) {
    this.#record = new Reader(streamArgument(stream, "ReadableStreamDefaultReader", arguments.length));
  }

  get closed() {
    try {
      return this.#record.closed.promise;
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /** @param {any} [reason] */
  cancel(reason = undefined) {
    try {
      return this.#record.stream === undefined ? PromiseReject(released()) : this.#record.cancel(reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  read() {
    try {
      const record = this.#record;
      if (record.stream === undefined) return PromiseReject(released());
      const read = new PromisedRead();
      record.read(read);
      return read.result();
    } catch (error) {
      return PromiseReject(error);
    }
  }

  releaseLock() {
    if (this.#record.stream !== undefined) this.#record.release();
  }
}

exposeInterface(ReadableStreamDefaultReader);

const convertReadOptions = dictionary("ReadableStreamBYOBReaderReadOptions", [
  { name: "min", converter: converters["[EnforceRange] unsigned long long"], default: () => 1 },
]);

export class ReadableStreamBYOBReader {
  /** @type {Reader} */
  #record;

  /** @param {any} stream */
  constructor(stream) {
    this.#record = new Reader(streamArgument(stream, "ReadableStreamBYOBReader", arguments.length), true);
  }

  get closed() {
    try {
      return this.#record.closed.promise;
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /** @param {any} [reason] */
  cancel(reason = undefined) {
    try {
      return this.#record.stream === undefined ? PromiseReject(released()) : this.#record.cancel(reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /** @param {any} view @param {any} [options] */
  read(view, options = undefined) {
    try {
      const record = this.#record;
      const prefix = "Failed to execute 'read' on 'ReadableStreamBYOBReader'";
      requiredArguments(arguments.length, 1, prefix);
      view = converters.ArrayBufferView(view, { prefix, name: "Argument 1" });
      const { min } = convertReadOptions(options, { prefix, name: "Argument 2" });
      checkView(view, min, prefix);
      if (record.stream === undefined) return PromiseReject(released());
      const read = new PromisedRead();
      record.readInto(view, min, read);
      return read.result();
    } catch (error) {
      return PromiseReject(error);
    }
  }

  releaseLock() {
    if (this.#record.stream !== undefined) this.#record.release();
  }
}

exposeInterface(ReadableStreamBYOBReader);

/** @param {ArrayBufferView} view @param {number} min @param {string} prefix */
function checkView(view, min, prefix) {
  const byteLength = viewByteLength(view);
  const buffer = viewBuffer(view);
  if (byteLength === 0) throw new TypeError(`${prefix}: the view is empty.`);
  if (ArrayBufferPrototypeGetByteLength(buffer) === 0) throw new TypeError(`${prefix}: the view's buffer is empty.`);
  if (ArrayBufferPrototypeGetDetached(buffer)) throw new TypeError(`${prefix}: the view's buffer was detached.`);
  if (min === 0) throw new TypeError(`${prefix}: 'min' must be greater than 0.`);
  if (min > byteLength / viewType(view).elementSize) throw new RangeError(`${prefix}: 'min' is larger than the view.`);
}
