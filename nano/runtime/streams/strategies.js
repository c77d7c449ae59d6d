// ByteLengthQueuingStrategy and CountQueuingStrategy.
//
// Standard: https://streams.spec.whatwg.org/#blqs-class, #cqs-class

import { converters, dictionary, exposeInterface, requiredArguments } from "../webidl.js";

const convertInit = dictionary("QueuingStrategyInit", [
  { name: "highWaterMark", converter: converters["unrestricted double"], required: true },
]);

/** @param {any} init @param {number} given @param {string} name @returns {number} */
function highWaterMarkOf(init, given, name) {
  const prefix = `Failed to construct '${name}'`;
  requiredArguments(given, 1, prefix);
  return convertInit(init, { prefix, name: "Argument 1" }).highWaterMark;
}

// One function per realm, not constructors, with the names and lengths that the standard gives them.
const BYTE_LENGTH = {
  /** @param {any} chunk */
  size(chunk) {
    return chunk.byteLength;
  },
};
const COUNT = {
  size() {
    return 1;
  },
};

export class ByteLengthQueuingStrategy {
  /** @type {number} */
  #highWaterMark;

  /** @param {any} init */
  constructor(init) {
    this.#highWaterMark = highWaterMarkOf(init, arguments.length, "ByteLengthQueuingStrategy");
  }

  get highWaterMark() {
    return this.#highWaterMark;
  }

  get size() {
    this.#highWaterMark; // the brand check
    return BYTE_LENGTH.size;
  }
}

exposeInterface(ByteLengthQueuingStrategy);

export class CountQueuingStrategy {
  /** @type {number} */
  #highWaterMark;

  /** @param {any} init */
  constructor(init) {
    this.#highWaterMark = highWaterMarkOf(init, arguments.length, "CountQueuingStrategy");
  }

  get highWaterMark() {
    return this.#highWaterMark;
  }

  get size() {
    this.#highWaterMark; // the brand check
    return COUNT.size;
  }
}

exposeInterface(CountQueuingStrategy);
