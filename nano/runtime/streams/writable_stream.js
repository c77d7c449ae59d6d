// WritableStream, WritableStreamDefaultWriter, WritableStreamDefaultController.
//
// Standard: https://streams.spec.whatwg.org/#ws

import { PromiseReject, RangeError, ReflectApply, TypeError } from "../primordials.js";
import {
  converters,
  dictionary,
  exposeInterface,
  illegalConstructor,
  isObject,
  requiredArguments,
  typeError,
} from "../webidl.js";
import { createAbortSignal, signalAbort } from "../abort.js";
import {
  convertStrategy,
  extractHighWaterMark,
  extractSizeAlgorithm,
  invokePromise,
  followed,
} from "./internal.js";
import { Writable, WritableController, Writer } from "./writable.js";

const MAKE = { __proto__: null };

const convertSink = dictionary("UnderlyingSink", [
  { name: "abort", converter: converters.callback },
  { name: "close", converter: converters.callback },
  { name: "start", converter: converters.callback },
  { name: "type", converter: converters.any },
  { name: "write", converter: converters.callback },
]);

/** The slots behind a WritableStream; undefined for other values. @type {(value: any) => Writable | undefined} */
let writableRecord;

export class WritableStream {
  /** @type {Writable} */
  #record;

  /** @param {any} [underlyingSink] @param {any} [strategy] */
  constructor(underlyingSink = undefined, strategy = undefined) {
    if (underlyingSink === MAKE) {
      this.#record = strategy;
      return;
    }
    const prefix = "Failed to construct 'WritableStream'";
    if (underlyingSink !== undefined) converters.object(underlyingSink, { prefix, name: "Argument 1" });
    strategy = convertStrategy(strategy, { prefix, name: "Argument 2" });
    const sink = convertSink(underlyingSink, { prefix, name: "Argument 1" });
    if (sink.type !== undefined) throw new RangeError(`${prefix}: 'type' of the sink must not be set.`);
    const size = extractSizeAlgorithm(strategy);
    this.#record = new Writable();
    this.#record.wrapper = this;
    setUpController(this.#record, underlyingSink, sink, extractHighWaterMark(strategy, 1), size);
  }

  get locked() {
    return this.#record.locked;
  }

  /** @param {any} [reason] */
  abort(reason = undefined) {
    try {
      const record = this.#record;
      return record.locked ? PromiseReject(new TypeError("A locked stream cannot be aborted.")) : record.abort(reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  close() {
    try {
      const record = this.#record;
      if (record.locked) return PromiseReject(new TypeError("A locked stream cannot be closed."));
      if (record.closeQueuedOrInFlight) return PromiseReject(new TypeError("The stream is closing already."));
      return record.close();
    } catch (error) {
      return PromiseReject(error);
    }
  }

  getWriter() {
    return new WritableStreamDefaultWriter(MAKE, new Writer(this.#record));
  }

  static {
    writableRecord = (value) => (isObject(value) && #record in value ? value.#record : undefined);
  }
}

exposeInterface(WritableStream, { length: 0 });

/** @param {Writable} record @returns {WritableStream} */
export function writableObject(record) {
  return /** @type {any} */ (record.wrapper ??= new WritableStream(MAKE, record));
}

/**
 * @see https://streams.spec.whatwg.org/#set-up-writable-stream-default-controller-from-underlying-sink
 * @param {Writable} record
 * @param {any} self the sink
 * @param {any} sink its converted members
 * @param {number} highWaterMark
 * @param {import("./internal.js").SizeAlgorithm | undefined} size
 */
function setUpController(record, self, sink, highWaterMark, size) {
  const { abort, close, start, write } = sink;
  const controller = new WritableController(record, {
    __proto__: null,
    write: write && ((chunk) => invokePromise(write, self, [chunk, controllerObject(controller)])),
    close: close && (() => invokePromise(close, self, [])),
    abort: abort && ((reason) => invokePromise(abort, self, [reason])),
    highWaterMark,
    size,
  });
  controller.begin(start && followed(ReflectApply(start, self, [controllerObject(controller)])));
}

export class WritableStreamDefaultWriter {
  /** @type {Writer} */
  #record;

  /** @param {any} stream @param {any} [record] */
  constructor(stream, record) {
    if (stream === MAKE) {
      this.#record = record;
      return;
    }
    const prefix = "Failed to construct 'WritableStreamDefaultWriter'";
    requiredArguments(arguments.length, 1, prefix);
    const target = writableRecord(stream);
    if (target === undefined) throw typeError({ prefix, name: "Argument 1" }, "is not of type 'WritableStream'.");
    this.#record = new Writer(target);
  }

  get closed() {
    try {
      return this.#record.closed.promise;
    } catch (error) {
      return PromiseReject(error);
    }
  }

  get desiredSize() {
    if (this.#record.stream === undefined) throw released();
    return this.#record.desiredSize;
  }

  get ready() {
    try {
      return this.#record.ready.promise;
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /** @param {any} [reason] */
  abort(reason = undefined) {
    try {
      const stream = this.#record.stream;
      return stream === undefined ? PromiseReject(released()) : stream.abort(reason);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  close() {
    try {
      const stream = this.#record.stream;
      if (stream === undefined) return PromiseReject(released());
      if (stream.closeQueuedOrInFlight) return PromiseReject(new TypeError("The stream is closing already."));
      return stream.close();
    } catch (error) {
      return PromiseReject(error);
    }
  }

  releaseLock() {
    if (this.#record.stream !== undefined) this.#record.release();
  }

  /** @param {any} [chunk] */
  write(chunk = undefined) {
    try {
      return this.#record.stream === undefined ? PromiseReject(released()) : this.#record.write(chunk);
    } catch (error) {
      return PromiseReject(error);
    }
  }
}

exposeInterface(WritableStreamDefaultWriter, { length: 1 });

const released = () => new TypeError("The writer was released.");

export class WritableStreamDefaultController {
  /** @type {WritableController} */
  #record;
  /** @type {import("../abort.js").AbortSignal | undefined} */
  #signal = undefined;

  /** @param {any} token @param {any} record */
  constructor(token, record) {
    if (token !== MAKE) throw illegalConstructor();
    this.#record = record;
  }

  get signal() {
    const record = this.#record;
    if (this.#signal === undefined) {
      const signal = createAbortSignal();
      this.#signal = signal;
      if (record.aborted) signalAbort(signal, record.abortReason);
      else record.onAbort = (reason) => signalAbort(signal, reason);
    }
    return this.#signal;
  }

  /** @param {any} [e] */
  error(e = undefined) {
    this.#record.errorIfNeeded(e);
  }
}

exposeInterface(WritableStreamDefaultController, { length: 0 });

/** @param {WritableController} record */
function controllerObject(record) {
  return (record.wrapper ??= new WritableStreamDefaultController(MAKE, record));
}

export { writableRecord };
