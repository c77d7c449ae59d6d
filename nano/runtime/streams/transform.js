// TransformStream and TransformStreamDefaultController.
//
// Standard: https://streams.spec.whatwg.org/#ts
// What they do is in transform_record.js.

import { PromiseReject, PromiseWithResolvers, RangeError, ReflectApply } from "../primordials.js";
import { converters, dictionary, exposeInterface, illegalConstructor, isObject } from "../webidl.js";
import { convertStrategy, extractHighWaterMark, extractSizeAlgorithm, invokePromise } from "./internal.js";
import { readableObject } from "./readable_stream.js";
import { Transform } from "./transform_record.js";
import { writableObject } from "./writable_stream.js";

/** @typedef {import("./readable.js").Readable} Readable */
/** @typedef {import("./writable.js").Writable} Writable */
/** @typedef {import("./internal.js").Outcome} Outcome */

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
