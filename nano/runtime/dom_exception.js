// DOMException: the error of every web API that is not a TypeError or RangeError.
//
// Standard: https://webidl.spec.whatwg.org/#idl-DOMException
// The object is a real Error of the engine (Error.isError, stack) that carries a brand; its name and message
// live in private fields, since the standard wants getters on the prototype and no own properties.

import {
  Error,
  ObjectSetPrototypeOf,
  ReflectConstruct,
  ReflectDeleteProperty,
} from "./primordials.js";
import { converters, exposeInterface } from "./webidl.js";

/**
 * The error names table: the legacy code of each name that has one.
 *
 * @see https://webidl.spec.whatwg.org/#idl-DOMException-error-names
 * @type {{ [name: string]: number }}
 */
const LEGACY_CODES = /** @type {any} */ ({
  __proto__: null,
  IndexSizeError: 1,
  HierarchyRequestError: 3,
  WrongDocumentError: 4,
  InvalidCharacterError: 5,
  NoModificationAllowedError: 7,
  NotFoundError: 8,
  NotSupportedError: 9,
  InUseAttributeError: 10,
  InvalidStateError: 11,
  SyntaxError: 12,
  InvalidModificationError: 13,
  NamespaceError: 14,
  InvalidAccessError: 15,
  TypeMismatchError: 17,
  SecurityError: 18,
  NetworkError: 19,
  AbortError: 20,
  URLMismatchError: 21,
  QuotaExceededError: 22,
  TimeoutError: 23,
  InvalidNodeTypeError: 24,
  DataCloneError: 25,
});

/** Lets a class put private fields on an object that it did not allocate. */
class Adopt {
  /** @param {object} object */
  constructor(object) {
    return object;
  }
}

/** The private half of a DOMException. */
class DOMExceptionState extends Adopt {
  #name;
  #message;

  /** @param {object} error @param {string} name @param {string} message */
  constructor(error, name, message) {
    super(error);
    this.#name = name;
    this.#message = message;
  }

  /** @param {any} value @returns {boolean} */
  static has(value) {
    return #name in value;
  }

  /** The name; a TypeError for anything else than a DOMException. @param {any} error @returns {string} */
  static name(error) {
    return error.#name;
  }

  /** @param {any} error @returns {string} */
  static message(error) {
    return error.#message;
  }
}

export class DOMException {
  constructor(message = "", name = "Error") {
    message = converters.DOMString(message, { prefix: "Failed to construct 'DOMException'", name: "Argument 1" });
    name = converters.DOMString(name, { prefix: "Failed to construct 'DOMException'", name: "Argument 2" });
    const error = ReflectConstruct(Error, [message], new.target);
    new DOMExceptionState(error, name, message);
    // The engine formats the stack's first line from this own property, which must not stay.
    ReflectDeleteProperty(error, "message");
    return /** @type {any} */ (error);
  }

  /** @returns {string} */
  get name() {
    return DOMExceptionState.name(this);
  }

  /** @returns {string} */
  get message() {
    return DOMExceptionState.message(this);
  }

  /** @returns {number} */
  get code() {
    return LEGACY_CODES[DOMExceptionState.name(this)] ?? 0;
  }
}

ObjectSetPrototypeOf(DOMException.prototype, Error.prototype);

exposeInterface(DOMException, {
  name: "DOMException",
  length: 0,
  constants: {
    INDEX_SIZE_ERR: 1,
    DOMSTRING_SIZE_ERR: 2,
    HIERARCHY_REQUEST_ERR: 3,
    WRONG_DOCUMENT_ERR: 4,
    INVALID_CHARACTER_ERR: 5,
    NO_DATA_ALLOWED_ERR: 6,
    NO_MODIFICATION_ALLOWED_ERR: 7,
    NOT_FOUND_ERR: 8,
    NOT_SUPPORTED_ERR: 9,
    INUSE_ATTRIBUTE_ERR: 10,
    INVALID_STATE_ERR: 11,
    SYNTAX_ERR: 12,
    INVALID_MODIFICATION_ERR: 13,
    NAMESPACE_ERR: 14,
    INVALID_ACCESS_ERR: 15,
    VALIDATION_ERR: 16,
    TYPE_MISMATCH_ERR: 17,
    SECURITY_ERR: 18,
    NETWORK_ERR: 19,
    ABORT_ERR: 20,
    URL_MISMATCH_ERR: 21,
    QUOTA_EXCEEDED_ERR: 22,
    TIMEOUT_ERR: 23,
    INVALID_NODE_TYPE_ERR: 24,
    DATA_CLONE_ERR: 25,
  },
});

/**
 * Whether a value is a DOMException, whatever its prototype says.
 *
 * @param {any} value
 * @returns {value is DOMException}
 */
export const isDOMException = (value) =>
  typeof value === "object" && value !== null && DOMExceptionState.has(value);

/**
 * What structured cloning keeps of a DOMException; its stack is an ordinary property of the error.
 *
 * @param {DOMException} exception
 * @returns {{ name: string, message: string }}
 */
export const domExceptionState = (exception) => ({
  name: DOMExceptionState.name(exception),
  message: DOMExceptionState.message(exception),
});
