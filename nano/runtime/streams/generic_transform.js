// Transform streams of other standards (text and compression streams): algorithms without a transformer object.
//
// Standard: https://streams.spec.whatwg.org/#other-specs-ts-creating

import { PromiseReject } from "../primordials.js";
import { readableObject } from "./readable_stream.js";
import { Transform } from "./transform_record.js";
import { writableObject } from "./writable_stream.js";

/**
 * What an interface with the mixin GenericTransformStream keeps: its two sides, and how to give out chunks.
 *
 * @typedef {{
 *   readonly readable: import("./readable_stream.js").ReadableStream,
 *   readonly writable: import("./writable_stream.js").WritableStream,
 *   enqueue(chunk: any): void,
 *   error(reason: any): void,
 *   terminate(): void,
 *   whenWanted(): Promise<any> | undefined,
 * }} GenericTransform
 */

class GenericTransformStream {
  #record = new Transform(undefined);

  /** @param {{ transform(chunk: any): any, flush?(): any, cancel?(reason: any): any }} algorithms */
  constructor(algorithms) {
    this.#record.setAlgorithms({
      __proto__: null,
      transform: (chunk) => settled(() => algorithms.transform(chunk)),
      flush: () => settled(() => algorithms.flush?.()),
      cancel: (reason) => settled(() => algorithms.cancel?.(reason)),
    });
  }

  get readable() {
    return readableObject(this.#record.readable);
  }

  get writable() {
    return writableObject(this.#record.writable);
  }

  /** @param {any} chunk */
  enqueue(chunk) {
    this.#record.enqueue(chunk);
  }

  /** @param {any} reason */
  error(reason) {
    this.#record.error(reason);
  }

  terminate() {
    this.#record.terminate();
  }

  /** Nothing to wait for while the readable side takes more; else until it does, or wants no more at all. */
  whenWanted() {
    return this.#record.whenWanted();
  }
}

/** @param {() => any} steps @returns {Promise<any> | undefined} */
function settled(steps) {
  try {
    return steps();
  } catch (error) {
    return PromiseReject(error);
  }
}

/**
 * Make the sides of a generic transform stream.
 *
 * @param {object} algorithms each may throw, or return a promise of the runtime's to be waited for
 * @param {(chunk: any) => Promise<any> | void} algorithms.transform
 * @param {() => Promise<any> | void} [algorithms.flush]
 * @param {(reason: any) => Promise<any> | void} [algorithms.cancel]
 * @returns {GenericTransform}
 */
export const createTransform = (algorithms) => new GenericTransformStream(algorithms);
