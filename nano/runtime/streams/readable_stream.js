// ReadableStream.
//
// Standard: https://streams.spec.whatwg.org/#rs

import { PromiseReject, RangeError, ReflectApply, TypeError } from "../primordials.js";
import { toAbortSignal } from "../abort.js";
import {
  aliasIterator,
  converters,
  dictionary,
  enumeration,
  exposeInterface,
  isObject,
  requiredArguments,
  typeError,
} from "../webidl.js";
import { setUpByteController } from "./byte_controller.js";
import { byteControllerObject } from "./byte_interfaces.js";
import { setUpDefaultController } from "./default_controller.js";
import { defaultControllerObject } from "./default_interface.js";
import {
  convertStrategy,
  extractHighWaterMark,
  extractSizeAlgorithm,
  invokePromise,
  markHandled,
  followed,
} from "./internal.js";
import { iterate, readableFrom } from "./iteration.js";
import { pipeTo } from "./pipe.js";
import { Readable } from "./readable.js";
import { ReadableStreamBYOBReader, ReadableStreamDefaultReader, setReadableLookUp } from "./readers.js";
import { tee } from "./tee.js";
import { writableRecord } from "./writable_stream.js";

const MAKE = { __proto__: null };

const convertSource = dictionary("UnderlyingSource", [
  { name: "autoAllocateChunkSize", converter: converters["[EnforceRange] unsigned long long"] },
  { name: "cancel", converter: converters.callback },
  { name: "pull", converter: converters.callback },
  { name: "start", converter: converters.callback },
  { name: "type", converter: enumeration("ReadableStreamType", ["bytes"]) },
]);

const convertReaderOptions = dictionary("ReadableStreamGetReaderOptions", [
  { name: "mode", converter: enumeration("ReadableStreamReaderMode", ["byob"]) },
]);

const convertIteratorOptions = dictionary("ReadableStreamIteratorOptions", [
  { name: "preventCancel", converter: converters.boolean, default: () => false },
]);

const convertPipeOptions = dictionary("StreamPipeOptions", [
  { name: "preventAbort", converter: converters.boolean, default: () => false },
  { name: "preventCancel", converter: converters.boolean, default: () => false },
  { name: "preventClose", converter: converters.boolean, default: () => false },
  { name: "signal", converter: toAbortSignal },
]);

/** @type {import("../webidl.js").Converter<Readable>} */
const convertReadable = (value, context) => {
  const record = readableRecord(value);
  if (record === undefined) throw typeError(context, "is not of type 'ReadableStream'.");
  return record;
};

/** @type {import("../webidl.js").Converter<import("./writable.js").Writable>} */
const convertWritable = (value, context) => {
  const record = writableRecord(value);
  if (record === undefined) throw typeError(context, "is not of type 'WritableStream'.");
  return record;
};

// The interface object comes along with the record because pipeThrough() returns it.
const convertPair = dictionary("ReadableWritablePair", [
  { name: "readable", converter: (value, context) => (convertReadable(value, context), value), required: true },
  { name: "writable", converter: convertWritable, required: true },
]);

/** The slots behind a ReadableStream; undefined for other values. @type {(value: any) => Readable | undefined} */
let readableRecord;

export class ReadableStream {
  /** @type {Readable} */
  #record;

  /** @param {any} [underlyingSource] @param {any} [strategy] */
  constructor(underlyingSource = undefined, strategy = undefined) {
    if (underlyingSource === MAKE) {
      this.#record = strategy;
      return;
    }
    const prefix = "Failed to construct 'ReadableStream'";
    if (underlyingSource !== undefined) converters.object(underlyingSource, { prefix, name: "Argument 1" });
    strategy = convertStrategy(strategy, { prefix, name: "Argument 2" });
    const source = convertSource(underlyingSource, { prefix, name: "Argument 1" });
    this.#record = new Readable();
    this.#record.wrapper = this;
    if (source.type === "bytes") {
      if (strategy.size !== undefined) throw new RangeError(`${prefix}: a byte stream's strategy cannot have a size function.`);
      setUpBytes(this.#record, underlyingSource, source, extractHighWaterMark(strategy, 0));
    } else {
      const size = extractSizeAlgorithm(strategy);
      setUpDefault(this.#record, underlyingSource, source, extractHighWaterMark(strategy, 1), size);
    }
  }

  /** @param {any} asyncIterable */
  static from(asyncIterable) {
    requiredArguments(arguments.length, 1, "Failed to execute 'from' on 'ReadableStream'");
    return readableObject(readableFrom(asyncIterable));
  }

  get locked() {
    return this.#record.locked;
  }

  /** @param {any} [reason] */
  cancel(reason = undefined) {
    try {
      const record = this.#record;
      return record.locked ? PromiseReject(new TypeError("A locked stream cannot be cancelled.")) : record.cancel(reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /** @param {any} [options] */
  getReader(options = undefined) {
    this.#record; // the brand check comes first
    const { mode } = convertReaderOptions(options, { prefix: "Failed to execute 'getReader' on 'ReadableStream'", name: "Argument 1" });
    return mode === undefined ? new ReadableStreamDefaultReader(this) : new ReadableStreamBYOBReader(this);
  }

  /** @param {any} transform @param {any} [options] */
  pipeThrough(transform, options = undefined) {
    const record = this.#record;
    const prefix = "Failed to execute 'pipeThrough' on 'ReadableStream'";
    requiredArguments(arguments.length, 1, prefix);
    const { readable, writable } = convertPair(transform, { prefix, name: "Argument 1" });
    const converted = convertPipeOptions(options, { prefix, name: "Argument 2" });
    if (record.locked) throw new TypeError(`${prefix}: the stream is locked.`);
    if (writable.locked) throw new TypeError(`${prefix}: the writable side is locked.`);
    markHandled(pipeTo(record, writable, converted));
    return readable;
  }

  /** @param {any} destination @param {any} [options] */
  pipeTo(destination, options = undefined) {
    try {
      const record = this.#record;
      const prefix = "Failed to execute 'pipeTo' on 'ReadableStream'";
      requiredArguments(arguments.length, 1, prefix);
      const writable = convertWritable(destination, { prefix, name: "Argument 1" });
      const converted = convertPipeOptions(options, { prefix, name: "Argument 2" });
      if (record.locked) return PromiseReject(new TypeError(`${prefix}: the stream is locked.`));
      if (writable.locked) return PromiseReject(new TypeError(`${prefix}: the destination is locked.`));
      return pipeTo(record, writable, converted);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  tee() {
    const branches = tee(this.#record);
    return [readableObject(branches[0]), readableObject(branches[1])];
  }

  /** @param {any} [options] */
  values(options = undefined) {
    const record = this.#record;
    const context = { prefix: "Failed to execute 'values' on 'ReadableStream'", name: "Argument 1" };
    return iterate(record, convertIteratorOptions(options, context).preventCancel);
  }

  static {
    readableRecord = (value) => (isObject(value) && #record in value ? value.#record : undefined);
    setReadableLookUp(readableRecord);
  }
}

exposeInterface(ReadableStream, { length: 0 });
aliasIterator(ReadableStream, "values", true);

/** @param {Readable} record @returns {ReadableStream} */
export function readableObject(record) {
  return /** @type {any} */ (record.wrapper ??= new ReadableStream(MAKE, record));
}

/**
 * @see https://streams.spec.whatwg.org/#set-up-readable-stream-default-controller-from-underlying-source
 * @param {Readable} record
 * @param {any} self the source
 * @param {any} source its converted members
 * @param {number} highWaterMark
 * @param {import("./internal.js").SizeAlgorithm | undefined} size
 */
function setUpDefault(record, self, source, highWaterMark, size) {
  const { start, pull, cancel } = source;
  const controller = setUpDefaultController(record, {
    __proto__: null,
    pull: pull && (() => invokePromise(pull, self, [defaultControllerObject(controller)])),
    cancel: cancel && ((reason) => invokePromise(cancel, self, [reason])),
    highWaterMark,
    size,
  });
  controller.begin(start && followed(ReflectApply(start, self, [defaultControllerObject(controller)])));
}

/**
 * @see https://streams.spec.whatwg.org/#set-up-readable-byte-stream-controller-from-underlying-source
 * @param {Readable} record
 * @param {any} self the source
 * @param {any} source its converted members
 * @param {number} highWaterMark
 */
function setUpBytes(record, self, source, highWaterMark) {
  const { start, pull, cancel, autoAllocateChunkSize } = source;
  if (autoAllocateChunkSize === 0) throw new TypeError("autoAllocateChunkSize must be greater than 0.");
  const controller = setUpByteController(record, {
    __proto__: null,
    pull: pull && (() => invokePromise(pull, self, [byteControllerObject(controller)])),
    cancel: cancel && ((reason) => invokePromise(cancel, self, [reason])),
    highWaterMark,
    autoAllocateChunkSize,
  });
  controller.begin(start && followed(ReflectApply(start, self, [byteControllerObject(controller)])));
}

export { readableRecord };
