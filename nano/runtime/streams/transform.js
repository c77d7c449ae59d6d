// TransformStream and TransformStreamDefaultController.
//
// Standard: https://streams.spec.whatwg.org/#ts
//
// Theory of operation. The writable side's sink waits while the readable side has enough ("backpressure"),
// and each pull of the readable side lifts that. Whichever side ends first (close, abort, cancel) decides:
// its `finish` promise is what the other endings get as well.

import {
  PromisePrototypeThen,
  PromiseReject,
  PromiseWithResolvers,
  RangeError,
  ReflectApply,
  TypeError,
} from "../primordials.js";
import { converters, dictionary, exposeInterface, illegalConstructor, isObject } from "../webidl.js";
import { setUpDefaultController } from "./default_controller.js";
import {
  Deferred,
  convertStrategy,
  extractHighWaterMark,
  extractSizeAlgorithm,
  invokePromise,
  upon,
} from "./internal.js";
import { Readable } from "./readable.js";
import { readableObject } from "./readable_stream.js";
import { Writable, WritableController } from "./writable.js";
import { writableObject } from "./writable_stream.js";

/** @typedef {import("./internal.js").Outcome} Outcome */
/** @typedef {import("./internal.js").SizeAlgorithm} SizeAlgorithm */

/** The algorithms of a transformer. @typedef {{
 *   __proto__?: null,
 *   transform?: (chunk: any) => Outcome,
 *   flush?: () => Outcome,
 *   cancel?: (reason: any) => Outcome,
 * }} TransformAlgorithms */

/** The slots of a TransformStream and of its controller. */
export class Transform {
  readable = new Readable();
  writable = new Writable();
  backpressure = true;
  /** Resolved when backpressure changes. */
  #change = new Deferred();
  /** @type {Promise<undefined> | undefined} */
  #finish = undefined;
  /** @type {((chunk: any) => Outcome) | undefined} */
  #transform = undefined;
  /** @type {(() => Outcome) | undefined} */
  #flush = undefined;
  /** @type {((reason: any) => Outcome) | undefined} */
  #cancel = undefined;
  /** @type {object | undefined} of the controller */
  controllerWrapper = undefined;
  /** @param {any} reason */
  #onTransformFailed = (reason) => {
    this.error(reason);
    throw reason;
  };

  /**
   * @see https://streams.spec.whatwg.org/#initialize-transform-stream
   * @param {Outcome} start
   * @param {{ __proto__?: null, writableHighWaterMark?: number, writableSize?: SizeAlgorithm, readableHighWaterMark?: number, readableSize?: SizeAlgorithm }} [strategies]
   */
  constructor(start, strategies) {
    const sink = new WritableController(this.writable, {
      __proto__: null,
      write: (chunk) => this.#sinkWrite(chunk),
      close: () => this.#sinkClose(),
      abort: (reason) => this.#sinkAbort(reason),
      highWaterMark: strategies?.writableHighWaterMark ?? 1,
      size: strategies?.writableSize,
    });
    sink.begin(start);
    const source = setUpDefaultController(this.readable, {
      __proto__: null,
      pull: () => this.#sourcePull(),
      cancel: (reason) => this.#sourceCancel(reason),
      highWaterMark: strategies?.readableHighWaterMark ?? 0,
      size: strategies?.readableSize,
    });
    source.begin(start);
  }

  /** @param {TransformAlgorithms} algorithms */
  setAlgorithms(algorithms) {
    this.#transform = algorithms.transform;
    this.#flush = algorithms.flush;
    this.#cancel = algorithms.cancel;
  }

  #clearAlgorithms() {
    this.#transform = this.#flush = this.#cancel = undefined;
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-set-backpressure @param {boolean} backpressure */
  #setBackpressure(backpressure) {
    const change = this.#change;
    this.#change = new Deferred();
    this.backpressure = backpressure;
    change.resolve();
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-error @param {any} error */
  error(error) {
    this.readable.controller.error(error);
    this.#errorWritable(error);
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-error-writable-and-unblock-write @param {any} error */
  #errorWritable(error) {
    this.#clearAlgorithms();
    this.writable.controller.errorIfNeeded(error);
    this.#unblockWrite();
  }

  #unblockWrite() {
    if (this.backpressure) this.#setBackpressure(false);
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-controller-enqueue @param {any} chunk */
  enqueue(chunk) {
    const controller = this.readable.controller;
    if (!controller.canCloseOrEnqueue()) throw new TypeError("The readable side is not in a state that permits enqueue.");
    try {
      controller.enqueue(chunk);
    } catch (error) {
      this.#errorWritable(error);
      throw this.readable.storedError;
    }
    if (!this.backpressure && !controller.shouldCallPull()) this.#setBackpressure(true);
  }

  /**
   * For transforms that give more chunks than they get: undefined while the readable side takes more, else a promise
   * for the time when it does, or wants no more at all.
   */
  whenWanted() {
    return this.backpressure ? this.#change.promise : undefined;
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-controller-terminate */
  terminate() {
    this.readable.controller.close();
    this.#errorWritable(new TypeError("The transform stream was terminated."));
  }

  /** @param {any} chunk @returns {Outcome} */
  #perform(chunk) {
    const transform = this.#transform;
    if (transform === undefined) return undefined;
    const outcome = transform(chunk);
    return outcome === undefined ? undefined : PromisePrototypeThen(outcome, undefined, this.#onTransformFailed);
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-sink-write-algorithm @param {any} chunk @returns {Outcome} */
  #sinkWrite(chunk) {
    if (!this.backpressure) return this.#perform(chunk);
    return PromisePrototypeThen(this.#change.promise, () => {
      if (this.writable.state === "erroring") throw this.writable.storedError;
      return this.#perform(chunk);
    });
  }

  /**
   * Run the last algorithm of the transformer, once whichever side asks.
   *
   * @param {() => Outcome} algorithm
   * @param {(resolve: () => void, reject: (reason: any) => void) => void} onFulfilled
   * @param {(reason: any) => void} onRejected
   */
  #end(algorithm, onFulfilled, onRejected) {
    if (this.#finish !== undefined) return this.#finish;
    const { promise, resolve, reject } = PromiseWithResolvers();
    this.#finish = promise;
    const outcome = algorithm();
    this.#clearAlgorithms();
    /** @param {any} reason */
    const onFailed = (reason) => {
      onRejected(reason);
      reject(reason);
    };
    upon(outcome, () => onFulfilled(() => resolve(undefined), reject), onFailed);
    return promise;
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-sink-abort-algorithm @param {any} reason */
  #sinkAbort(reason) {
    const { readable } = this;
    return this.#end(
      () => this.#cancel?.(reason),
      (resolve, reject) => {
        if (readable.state === "errored") {
          reject(readable.storedError);
        } else {
          readable.controller.error(reason);
          resolve();
        }
      },
      (error) => readable.controller.error(error),
    );
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-sink-close-algorithm */
  #sinkClose() {
    const { readable } = this;
    return this.#end(
      () => this.#flush?.(),
      (resolve, reject) => {
        if (readable.state === "errored") {
          reject(readable.storedError);
        } else {
          readable.controller.close();
          resolve();
        }
      },
      (error) => readable.controller.error(error),
    );
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-source-cancel @param {any} reason */
  #sourceCancel(reason) {
    const { writable } = this;
    // A flush that waits for the reader gets to know that there is none.
    if (this.#finish !== undefined) this.#unblockWrite();
    /** @param {any} error */
    const stop = (error) => {
      writable.controller.errorIfNeeded(error);
      this.#unblockWrite();
    };
    return this.#end(
      () => this.#cancel?.(reason),
      (resolve, reject) => {
        if (writable.state === "errored") {
          reject(writable.storedError);
        } else {
          stop(reason);
          resolve();
        }
      },
      stop,
    );
  }

  /** @see https://streams.spec.whatwg.org/#transform-stream-default-source-pull */
  #sourcePull() {
    this.#setBackpressure(false);
    return this.#change.promise;
  }
}

/** The runtime's own first argument of `new TransformStream()`: the second is a record with the two sides. */
export const ADOPT = { __proto__: null };

const MAKE = { __proto__: null };

const convertTransformer = dictionary("Transformer", [
  { name: "cancel", converter: converters.callback },
  { name: "flush", converter: converters.callback },
  { name: "readableType", converter: converters.any },
  { name: "start", converter: converters.callback },
  { name: "transform", converter: converters.callback },
  { name: "writableType", converter: converters.any },
]);

/** The two sides of a TransformStream; undefined for other values. @type {(value: any) => { readable: Readable, writable: Writable } | undefined} */
let transformSides;

export class TransformStream {
  /** @type {{ readable: Readable, writable: Writable }} */
  #record;

  /** @param {any} [transformer] @param {any} [writableStrategy] @param {any} [readableStrategy] */
  constructor(transformer = undefined, writableStrategy = undefined, readableStrategy = undefined) {
    if (transformer === ADOPT) {
      this.#record = writableStrategy;
      return;
    }
    const prefix = "Failed to construct 'TransformStream'";
    if (transformer !== undefined) converters.object(transformer, { prefix, name: "Argument 1" });
    writableStrategy = convertStrategy(writableStrategy, { prefix, name: "Argument 2" });
    readableStrategy = convertStrategy(readableStrategy, { prefix, name: "Argument 3" });
    const members = convertTransformer(transformer, { prefix, name: "Argument 1" });
    if (members.readableType !== undefined) throw new RangeError(`${prefix}: 'readableType' must not be set.`);
    if (members.writableType !== undefined) throw new RangeError(`${prefix}: 'writableType' must not be set.`);
    const started = PromiseWithResolvers();
    const record = new Transform(started.promise, {
      __proto__: null,
      readableHighWaterMark: extractHighWaterMark(readableStrategy, 0),
      readableSize: extractSizeAlgorithm(readableStrategy),
      writableHighWaterMark: extractHighWaterMark(writableStrategy, 1),
      writableSize: extractSizeAlgorithm(writableStrategy),
    });
    this.#record = record;
    setUpFromTransformer(record, transformer, members);
    const { start } = members;
    started.resolve(start && ReflectApply(start, transformer, [controllerObject(record)]));
  }

  get readable() {
    return readableObject(this.#record.readable);
  }

  get writable() {
    return writableObject(this.#record.writable);
  }

  static {
    transformSides = (value) => (isObject(value) && #record in value ? value.#record : undefined);
  }
}

exposeInterface(TransformStream, { length: 0 });

/**
 * @see https://streams.spec.whatwg.org/#set-up-transform-stream-default-controller-from-transformer
 * @param {Transform} record
 * @param {any} self the transformer
 * @param {any} members converted
 */
function setUpFromTransformer(record, self, members) {
  const { transform, flush, cancel } = members;
  record.setAlgorithms({
    __proto__: null,
    transform: transform
      ? (chunk) => invokeTransform(record, transform, self, chunk)
      : (chunk) => enqueueOutcome(record, chunk),
    flush: flush && (() => invokePromise(flush, self, [controllerObject(record)])),
    cancel: cancel && ((reason) => invokePromise(cancel, self, [reason])),
  });
}

/** @param {Transform} record @param {Function} transform @param {any} self @param {any} chunk */
const invokeTransform = (record, transform, self, chunk) =>
  invokePromise(transform, self, [chunk, controllerObject(record)]);

/** The transformation that changes nothing. @param {Transform} record @param {any} chunk @returns {Outcome} */
function enqueueOutcome(record, chunk) {
  try {
    record.enqueue(chunk);
    return undefined;
  } catch (error) {
    return PromiseReject(error);
  }
}

export class TransformStreamDefaultController {
  /** @type {Transform} */
  #record;

  /** @param {any} token @param {any} record */
  constructor(token, record) {
    if (token !== MAKE) throw illegalConstructor();
    this.#record = record;
  }

  get desiredSize() {
    return this.#record.readable.controller.desiredSize;
  }

  /** @param {any} [chunk] */
  enqueue(chunk = undefined) {
    this.#record.enqueue(chunk);
  }

  /** @param {any} [reason] */
  error(reason = undefined) {
    this.#record.error(reason);
  }

  terminate() {
    this.#record.terminate();
  }
}

exposeInterface(TransformStreamDefaultController, { length: 0 });

/** @param {Transform} record */
function controllerObject(record) {
  return (record.controllerWrapper ??= new TransformStreamDefaultController(MAKE, record));
}

export { transformSides };
