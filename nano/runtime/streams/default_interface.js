// ReadableStreamDefaultController; what it does is in default_controller.js.
//
// Standard: https://streams.spec.whatwg.org/#rs-default-controller-class

import { TypeError } from "../primordials.js";
import { exposeInterface, illegalConstructor } from "../webidl.js";

/** @typedef {import("./default_controller.js").DefaultController} DefaultController */

const MAKE = { __proto__: null };

export class ReadableStreamDefaultController {
  /** @type {DefaultController} */
  #record;

  /** @param {any} token @param {any} record */
  constructor(token, record) {
    if (token !== MAKE) throw illegalConstructor();
    this.#record = record;
  }

  get desiredSize() {
    return this.#record.desiredSize;
  }

  close() {
    if (!this.#record.canCloseOrEnqueue()) throw new TypeError("The stream is not in a state that permits close.");
    this.#record.close();
  }

  /** @param {any} [chunk] */
  enqueue(chunk = undefined) {
    if (!this.#record.canCloseOrEnqueue()) throw new TypeError("The stream is not in a state that permits enqueue.");
    this.#record.enqueue(chunk);
  }

  /** @param {any} [e] */
  error(e = undefined) {
    this.#record.error(e);
  }
}

exposeInterface(ReadableStreamDefaultController, { length: 0 });

/** @param {DefaultController} record */
export function defaultControllerObject(record) {
  return (record.wrapper ??= new ReadableStreamDefaultController(MAKE, record));
}
