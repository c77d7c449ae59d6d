// QuotaExceededError: a DOMException that says how much was asked for, and how much there was.
//
// Standard: https://webidl.spec.whatwg.org/#quotaexceedederror

import { registerSerializable } from "./clone_registry.js";
import { DOMException, domExceptionState } from "./dom_exception.js";
import { RangeError } from "./primordials.js";
import { converters, dictionary, exposeInterface, isObject } from "./webidl.js";

const PREFIX = "Failed to construct 'QuotaExceededError'";

const convertOptions = dictionary("QuotaExceededErrorOptions", [
  { name: "quota", converter: converters.double },
  { name: "requested", converter: converters.double },
]);

export class QuotaExceededError extends DOMException {
  /** @type {number | null} */
  #quota;
  /** @type {number | null} */
  #requested;

  constructor(message = "", options = undefined) {
    const text = converters.DOMString(message, { prefix: PREFIX, name: "Argument 1" });
    const { quota = null, requested = null } = convertOptions(options, { prefix: PREFIX, name: "Argument 2" });
    if (quota !== null && quota < 0) throw new RangeError(`${PREFIX}: 'quota' must not be negative.`);
    if (requested !== null && requested < 0) throw new RangeError(`${PREFIX}: 'requested' must not be negative.`);
    if (quota !== null && requested !== null && requested < quota) {
      throw new RangeError(`${PREFIX}: 'requested' must not be less than 'quota'.`);
    }
    super(text, "QuotaExceededError");
    this.#quota = quota;
    this.#requested = requested;
  }

  get quota() {
    return this.#quota;
  }

  get requested() {
    return this.#requested;
  }

  static {
    registerSerializable(QuotaExceededError, {
      is: (value) => isObject(value) && #quota in value,
      write: (error) => ({ ...domExceptionState(error), quota: error.#quota, requested: error.#requested }),
      create({ message, quota, requested }) {
        const error = new QuotaExceededError(message);
        error.#quota = quota;
        error.#requested = requested;
        return error;
      },
    });
  }
}

exposeInterface(QuotaExceededError, { length: 0 });
