// ReadableByteStreamController and ReadableStreamBYOBRequest.
//
// Standard: https://streams.spec.whatwg.org/#rbs-controller-class, #rs-byob-request-class

import {
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  TypeError,
} from "../primordials.js";
import {
  converters,
  exposeInterface,
  illegalConstructor,
  requiredArguments,
  viewBuffer,
} from "../webidl.js";
import { viewByteLength } from "./byte_views.js";

/** @typedef {import("./byte_controller.js").ByobRequest} ByobRequest */
/** @typedef {import("./byte_controller.js").ByteController} ByteController */

const MAKE = { __proto__: null };

export class ReadableByteStreamController {
  /** @type {ByteController} */
  #record;

  /** @param {any} token @param {any} record */
  constructor(token, record) {
    if (token !== MAKE) throw illegalConstructor();
    this.#record = record;
  }

  get byobRequest() {
    const request = this.#record.byobRequest;
    return request === undefined ? null : (request.wrapper ??= new ReadableStreamBYOBRequest(MAKE, request));
  }

  get desiredSize() {
    return this.#record.desiredSize;
  }

  close() {
    if (!this.#record.canCloseOrEnqueue()) throw new TypeError("The stream is not in a state that permits close.");
    this.#record.close();
  }

  /** @param {any} chunk */
  enqueue(chunk) {
    const record = this.#record;
    const prefix = "Failed to execute 'enqueue' on 'ReadableByteStreamController'";
    requiredArguments(arguments.length, 1, prefix);
    chunk = converters.ArrayBufferView(chunk, { prefix, name: "Argument 1" });
    if (viewByteLength(chunk) === 0) throw new TypeError(`${prefix}: the chunk is empty.`);
    if (ArrayBufferPrototypeGetByteLength(viewBuffer(chunk)) === 0) throw new TypeError(`${prefix}: the chunk's buffer is empty.`);
    if (!record.canCloseOrEnqueue()) throw new TypeError(`${prefix}: the stream is not in a state that permits enqueue.`);
    record.enqueue(chunk);
  }

  /** @param {any} [e] */
  error(e = undefined) {
    this.#record.error(e);
  }
}

exposeInterface(ReadableByteStreamController, { length: 0 });

export class ReadableStreamBYOBRequest {
  /** @type {ByobRequest} */
  #record;

  /** @param {any} token @param {any} record */
  constructor(token, record) {
    if (token !== MAKE) throw illegalConstructor();
    this.#record = record;
  }

  get view() {
    return this.#record.view;
  }

  /** @param {any} bytesWritten */
  respond(bytesWritten) {
    const record = this.#record;
    const prefix = "Failed to execute 'respond' on 'ReadableStreamBYOBRequest'";
    requiredArguments(arguments.length, 1, prefix);
    const size = converters["[EnforceRange] unsigned long long"](bytesWritten, { prefix, name: "Argument 1" });
    const { controller, view } = record;
    if (controller === undefined || view === null) throw new TypeError(`${prefix}: the request was answered already.`);
    refuseDetached(view, prefix);
    controller.respond(size);
  }

  /** @param {any} view */
  respondWithNewView(view) {
    const record = this.#record;
    const prefix = "Failed to execute 'respondWithNewView' on 'ReadableStreamBYOBRequest'";
    requiredArguments(arguments.length, 1, prefix);
    view = converters.ArrayBufferView(view, { prefix, name: "Argument 1" });
    if (record.controller === undefined) throw new TypeError(`${prefix}: the request was answered already.`);
    refuseDetached(view, prefix);
    record.controller.respondWithNewView(view);
  }
}

exposeInterface(ReadableStreamBYOBRequest, { length: 0 });

/** @param {ArrayBufferView} view @param {string} prefix */
function refuseDetached(view, prefix) {
  if (ArrayBufferPrototypeGetDetached(viewBuffer(view))) throw new TypeError(`${prefix}: the view's buffer was detached.`);
}

/** @param {ByteController} record */
export function byteControllerObject(record) {
  return (record.wrapper ??= new ReadableByteStreamController(MAKE, record));
}
