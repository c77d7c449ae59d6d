// Headers.
//
// Standard: https://fetch.spec.whatwg.org/#headers-class
// Host half: nano/engine/host.py hands a request's head over as one string, "name\nvalue\nname\nvalue…" with
// lower-case names, and validates again what leaves.
//
// As on every server runtime, the guard "request" forbids no header name (an app sets Cookie and Host as it
// likes), and "response" lets Set-Cookie through. From Workers comes getAll("set-cookie").

import { isToken, trimHTTPWhitespace } from "./http_syntax.js";
import {
  ArrayPrototypePush,
  ObjectPrototypePropertyIsEnumerable,
  ReflectOwnKeys,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
  SymbolIterator,
  TypeError,
} from "./primordials.js";
import { converters, exposeInterface, isObject, requiredArguments, sequence, sequenceFrom, typeError } from "./webidl.js";
import { HeaderList, sortAndCombine } from "./header_list.js";
import { parseMIMEType } from "./mime.js";
import { declarePairIterable } from "./pair_iterator.js";

/** @typedef {"none" | "immutable" | "request" | "request-no-cors" | "response"} Guard */
/** @typedef {import("./webidl.js").Context} Context */

/**
 * Normalise a header value and check it.
 *
 * @see https://fetch.spec.whatwg.org/#concept-header-value
 * @param {string} value code units below 256
 * @param {string} prefix
 * @returns {string}
 */
function headerValue(value, prefix) {
  if (isPlainValue(value)) return value;
  value = trimHTTPWhitespace(value);
  for (let i = 0; i < value.length; i++) {
    const c = StringPrototypeCharCodeAt(value, i);
    if (c === 0x0a || c === 0x0d || c === 0) {
      throw new TypeError(`${prefix}: the header value contains a line break or NUL at index ${i}.`);
    }
    if (c > 255) throw new TypeError(`${prefix}: the header value contains a character above 255 at index ${i}.`);
  }
  return value;
}

/** @param {string} name @param {string} prefix */
function checkName(name, prefix) {
  if (!isToken(name)) throw new TypeError(`${prefix}: '${name}' is not a valid header name.`);
}

/** @see https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header-name */
const NO_CORS_NAMES = ["accept", "accept-language", "content-language", "content-type"];
const NO_CORS_CONTENT_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/**
 * The name argument of a method that only reads.
 *
 * @param {any} name
 * @param {number} given
 * @param {string} prefix
 * @returns {string} in lower case
 */
function lowerName(name, given, prefix) {
  requiredArguments(given, 1, prefix);
  if (typeof name !== "string") name = converters.ByteString(name, { prefix, name: "Argument 1" });
  checkName(name, prefix);
  return StringPrototypeToLowerCase(name);
}

/** @param {readonly string[]} list @param {string} item */
function includes(list, item) {
  for (let i = 0; i < list.length; i++) if (list[i] === item) return true;
  return false;
}

/** @param {number} c @see https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte */
const isUnsafeByte = (c) =>
  (c < 0x20 && c !== 0x09) || c === 0x22 || c === 0x28 || c === 0x29 || c === 0x3a || c === 0x3c || c === 0x3e ||
  c === 0x3f || c === 0x40 || c === 0x5b || c === 0x5c || c === 0x5d || c === 0x7b || c === 0x7d || c === 0x7f;

/** @param {number} c */
const isLanguageByte = (c) =>
  (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) ||
  c === 0x20 || c === 0x2a || c === 0x2c || c === 0x2d || c === 0x2e || c === 0x3b || c === 0x3d;

/**
 * Whether a header is no-CORS-safelisted.
 *
 * @see https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header
 * @param {string} lower
 * @param {string} value
 */
function isNoCORSSafelisted(lower, value) {
  if (!includes(NO_CORS_NAMES, lower) || value.length > 128) return false;
  const language = lower === "accept-language" || lower === "content-language";
  for (let i = 0; i < value.length; i++) {
    const c = StringPrototypeCharCodeAt(value, i);
    if (language ? !isLanguageByte(c) : isUnsafeByte(c)) return false;
  }
  if (lower !== "content-type") return true;
  const type = parseMIMEType(value);
  return type !== null && includes(NO_CORS_CONTENT_TYPES, type.essence);
}

const CONSTRUCT = "Failed to construct 'Headers'";
const byteStringPair = sequence(converters.ByteString);

/**
 * What a HeadersInit says, flat, and whether all of it is known to be valid: tokens for names, values that
 * need no normalisation.
 */
class InitPairs {
  /** @type {string[]} */
  flat = [];
  valid = true;

  /** @param {any} name @param {Context} context @returns {string} */
  name(name, context) {
    if (typeof name === "string" && isToken(name)) return name;
    this.valid = false;
    return converters.ByteString(name, context);
  }

  /** @param {any} value @param {Context} context @returns {string} */
  value(value, context) {
    if (typeof value === "string" && isPlainValue(value)) return value;
    this.valid = false;
    return converters.ByteString(value, context);
  }
}

/** What has to be looked at more closely: blanks at the ends, control characters, characters beyond a byte. */
const NOT_PLAIN = /^ | $|[^\x20-\xff]/;

/** Whether a value is valid as it stands; almost all are. @param {string} value */
const isPlainValue = (value) => RegExpPrototypeExec(NOT_PLAIN, value) === null;

/**
 * Convert a HeadersInit.
 *
 * @param {any} init
 * @param {Context} context
 * @returns {InitPairs}
 */
function convertInit(init, context) {
  if (!isObject(init)) throw typeError(context, "is neither a sequence nor a record.");
  const method = /** @type {any} */ (init)[SymbolIterator];
  if (method === undefined || method === null) return convertRecord(init, context);
  if (typeof method !== "function") throw typeError(context, "is not iterable.");
  const pairs = new InitPairs();
  const given = sequenceFrom(init, method, byteStringPair, context);
  for (let i = 0; i < given.length; i++) {
    if (given[i].length !== 2) throw typeError(context, "contains a header that is not a pair of name and value.");
    ArrayPrototypePush(pairs.flat, pairs.name(given[i][0], context), pairs.value(given[i][1], context));
  }
  return pairs;
}

/**
 * The record half of HeadersInit; what webidl.record does, without a descriptor object per header.
 *
 * @param {object} init
 * @param {Context} context
 * @returns {InitPairs}
 */
function convertRecord(init, context) {
  const pairs = new InitPairs();
  const keys = ReflectOwnKeys(init);
  for (let i = 0; i < keys.length; i++) {
    // Like [[GetOwnProperty]], this triggers a proxy's getOwnPropertyDescriptor trap, and nothing else.
    if (!ObjectPrototypePropertyIsEnumerable(init, keys[i])) continue;
    const name = pairs.name(keys[i], context);
    ArrayPrototypePush(pairs.flat, name, pairs.value(/** @type {any} */ (init)[keys[i]], context));
  }
  return pairs;
}

/** @type {(list: HeaderList | string, guard: Guard) => Headers} */
let makeHeaders;
/** @type {(headers: Headers) => readonly string[]} */
let pairsOf;
/** @type {(value: any) => value is Headers} */
export let isHeaders;
/** The list behind an object, opened. @type {(headers: Headers) => HeaderList} */
export let headerListOf;
/** @type {(headers: Headers) => Guard} */
export let guardOf;
/** Append all of a HeadersInit. @type {(headers: Headers, init: any, context: Context) => void} */
export let fillHeaders;

export class Headers {
  /** @type {HeaderList | null} null until the lazy head is looked at */
  #list;
  /** @type {string | null} */
  #head = null;
  /** @type {Guard} */
  #guard = "none";
  /** What iteration walks over, until the next change. @type {string[] | null} */
  #sorted = null;

  constructor(init = undefined) {
    this.#list = new HeaderList();
    if (init !== undefined) fillHeaders(this, init, { prefix: CONSTRUCT, name: "Argument 1" });
  }

  /** @param {string} name @param {string} value */
  append(name, value) {
    const prefix = "Failed to execute 'append' on 'Headers'";
    const list = this.#open();
    requiredArguments(arguments.length, 2, prefix);
    if (typeof name !== "string" || typeof value !== "string") {
      name = converters.ByteString(name, { prefix, name: "Argument 1" });
      value = converters.ByteString(value, { prefix, name: "Argument 2" });
    }
    this.#append(list, name, value, prefix);
  }

  /** @param {string} name */
  delete(name) {
    const prefix = "Failed to execute 'delete' on 'Headers'";
    const list = this.#open();
    requiredArguments(arguments.length, 1, prefix);
    if (typeof name !== "string") name = converters.ByteString(name, { prefix, name: "Argument 1" });
    checkName(name, prefix);
    this.#checkGuard(prefix);
    const lower = StringPrototypeToLowerCase(name);
    if (this.#guard === "request-no-cors" && !includes(NO_CORS_NAMES, lower) && lower !== "range") return;
    this.#sorted = null;
    list.delete(lower);
    this.#dropPrivileged(list);
  }

  /** @param {string} name */
  get(name) {
    const list = this.#open();
    return list.get(lowerName(name, arguments.length, "Failed to execute 'get' on 'Headers'"));
  }

  /** Workers' way to read Set-Cookie headers, which may not be combined. @param {string} name */
  getAll(name) {
    const prefix = "Failed to execute 'getAll' on 'Headers'";
    const list = this.#open();
    const lower = lowerName(name, arguments.length, prefix);
    if (lower !== "set-cookie") throw new TypeError(`${prefix}: getAll() can only be used with the header name "Set-Cookie".`);
    return list.getAll(lower);
  }

  getSetCookie() {
    return this.#open().getAll("set-cookie");
  }

  /** @param {string} name */
  has(name) {
    const list = this.#open();
    return list.has(lowerName(name, arguments.length, "Failed to execute 'has' on 'Headers'"));
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    const prefix = "Failed to execute 'set' on 'Headers'";
    const list = this.#open();
    requiredArguments(arguments.length, 2, prefix);
    if (typeof name !== "string" || typeof value !== "string") {
      name = converters.ByteString(name, { prefix, name: "Argument 1" });
      value = converters.ByteString(value, { prefix, name: "Argument 2" });
    }
    checkName(name, prefix);
    value = headerValue(value, prefix);
    this.#checkGuard(prefix);
    if (this.#guard === "request-no-cors" && !isNoCORSSafelisted(StringPrototypeToLowerCase(name), value)) return;
    this.#sorted = null;
    list.set(name, value);
    this.#dropPrivileged(list);
  }

  /** @returns {HeaderList} */
  #open() {
    const list = this.#list;
    if (list !== null) return list;
    const head = /** @type {string} */ (this.#head);
    this.#head = null;
    return (this.#list = new HeaderList(head === "" ? [] : StringPrototypeSplit(head, /** @type {any} */ ("\n"))));
  }

  /**
   * @see https://fetch.spec.whatwg.org/#concept-headers-append
   * @param {HeaderList} list
   * @param {string} name
   * @param {string} value
   * @param {string} prefix
   */
  #append(list, name, value, prefix) {
    checkName(name, prefix);
    value = headerValue(value, prefix);
    this.#checkGuard(prefix);
    if (this.#guard === "request-no-cors") {
      const lower = StringPrototypeToLowerCase(name);
      const present = list.get(lower);
      if (!isNoCORSSafelisted(lower, present === null ? value : `${present}, ${value}`)) return;
    }
    this.#sorted = null;
    list.append(name, value);
    this.#dropPrivileged(list);
  }

  /** @param {string} prefix */
  #checkGuard(prefix) {
    if (this.#guard === "immutable") throw new TypeError(`${prefix}: these headers are immutable.`);
  }

  /** @param {HeaderList} list @see https://fetch.spec.whatwg.org/#concept-headers-remove-privileged-no-cors-request-headers */
  #dropPrivileged(list) {
    if (this.#guard === "request-no-cors") list.delete("range");
  }

  static {
    makeHeaders = (list, guard) => {
      const headers = new Headers();
      headers.#guard = guard;
      if (typeof list === "string") {
        headers.#head = list;
        headers.#list = null;
      } else {
        headers.#list = list;
      }
      return headers;
    };
    isHeaders = (value) => isObject(value) && #guard in value;
    headerListOf = (headers) => headers.#open();
    guardOf = (headers) => headers.#guard;
    pairsOf = (headers) => (headers.#sorted ??= sortAndCombine(headers.#open().entries));
    fillHeaders = (headers, init, context) => {
      const list = headers.#open();
      if (headers.#guard !== "request-no-cors" && list.entries.length === 0 && iteratesAsHeaders(init)) {
        headers.#list = init.#open().clone();
        return;
      }
      const { flat, valid } = convertInit(init, context);
      const simple = valid && headers.#guard !== "request-no-cors" && headers.#guard !== "immutable";
      headers.#sorted = null;
      for (let i = 0; i < flat.length; i += 2) {
        if (simple) list.append(flat[i], flat[i + 1]);
        else headers.#append(list, flat[i], flat[i + 1], context.prefix ?? CONSTRUCT);
      }
    };
  }
}

/**
 * Whether an init is a Headers object whose iterator would give just what its list has.
 *
 * @param {any} init
 * @returns {init is Headers}
 */
const iteratesAsHeaders = (init) => isHeaders(init) && /** @type {any} */ (init)[SymbolIterator] === ownIterator;

declarePairIterable(Headers, "Headers", pairsOf);
exposeInterface(Headers, { name: "Headers" });
/** @type {any} */
const ownIterator = /** @type {any} */ (Headers.prototype)[SymbolIterator];

/**
 * A Headers object for the runtime's own use.
 *
 * @param {HeaderList | string[] | string} list a list that belongs to the object from now on, flat or not, or
 *   a lazy head: `"name\nvalue\nname\nvalue…"` with lower-case names, looked at when the app does
 * @param {Guard} guard
 * @returns {Headers}
 */
export const createHeaders = (list, guard) =>
  makeHeaders(typeof list === "string" || list instanceof HeaderList ? list : new HeaderList(list), guard);

/**
 * The headers to send, flat, in the order and spelling in which they were set. Not to be changed.
 *
 * @param {Headers} headers
 * @returns {readonly string[]}
 */
export const headersList = (headers) => headerListOf(headers).wire();
