// URLSearchParams, and application/x-www-form-urlencoded in both directions.
//
// Standard: https://url.spec.whatwg.org/#interface-urlsearchparams
// A list of tuples is kept flat: [name, value, name, value, …].

import { declarePairIterable } from "./pair_iterator.js";
import {
  ArrayPrototypePush,
  ArrayPrototypeSort,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  SymbolIterator,
  TypeError,
  Uint8Array,
} from "./primordials.js";
import { FORM, percentDecodeBytes, percentEncode } from "./url_percent.js";
import { latin1Decode, utf8DecodeWithoutBom, utf8Encode } from "./utf8.js";
import { converters, exposeInterface, isObject, record, requiredArguments, sequence, sequenceFrom } from "./webidl.js";

/**
 * The urlencoded parser, for a string.
 *
 * @see https://url.spec.whatwg.org/#concept-urlencoded-string-parser
 * @param {string} input
 * @returns {string[]} a flat list
 */
export function parseUrlencoded(input) {
  for (let i = 0; i < input.length; i++) {
    if (StringPrototypeCharCodeAt(input, i) > 0x7f) return parseUrlencodedBytes(utf8Encode(input));
  }
  return parseByteString(input);
}

/**
 * The urlencoded parser, for bytes.
 *
 * @see https://url.spec.whatwg.org/#concept-urlencoded-parser
 * @param {Uint8Array} bytes
 * @returns {string[]} a flat list
 */
export const parseUrlencodedBytes = (bytes) => parseByteString(latin1Decode(bytes));

/** @param {string} input a character for each byte */
function parseByteString(input) {
  const { length } = input;
  /** @type {string[]} */
  const list = [];
  for (let start = 0; start < length; ) {
    let end = StringPrototypeIndexOf(input, "&", start);
    if (end < 0) end = length;
    if (end > start) {
      const equals = StringPrototypeIndexOf(input, "=", start);
      const split = equals >= 0 && equals < end ? equals : end;
      ArrayPrototypePush(list, decodePart(input, start, split));
      ArrayPrototypePush(list, split < end ? decodePart(input, split + 1, end) : "");
    }
    start = end + 1;
  }
  return list;
}

/** @param {string} input a character for each byte @param {number} start @param {number} end */
function decodePart(input, start, end) {
  for (let i = start; i < end; i++) {
    const byte = StringPrototypeCharCodeAt(input, i);
    if (byte === 0x25 || byte === 0x2b || byte > 0x7f) return decodeEscapes(input, start, end);
  }
  return StringPrototypeSlice(input, start, end);
}

/** @param {string} input @param {number} start @param {number} end */
function decodeEscapes(input, start, end) {
  const bytes = new Uint8Array(end - start);
  for (let i = start; i < end; i++) {
    const byte = StringPrototypeCharCodeAt(input, i);
    bytes[i - start] = byte === 0x2b ? 0x20 : byte;
  }
  return utf8DecodeWithoutBom(percentDecodeBytes(bytes));
}

/**
 * The urlencoded serializer.
 *
 * @see https://url.spec.whatwg.org/#concept-urlencoded-serializer
 * @param {readonly string[]} list flat
 * @returns {string}
 */
export function serializeUrlencoded(list) {
  let output = "";
  for (let i = 0; i < list.length; i += 2) {
    if (i > 0) output += "&";
    output += `${percentEncode(list[i], FORM)}=${percentEncode(list[i + 1], FORM)}`;
  }
  return output;
}

const recordOf = record(converters.USVString, converters.USVString);

/**
 * Whether an object is a URLSearchParams.
 *
 * @type {(value: any) => value is URLSearchParams}
 */
export let isURLSearchParams;

/**
 * The flat list of one, not to be changed.
 *
 * @type {(params: URLSearchParams) => readonly string[]}
 */
export let searchParamsList;

/** Replace the list without telling the URL. @type {(params: URLSearchParams, list: string[]) => void} */
export let setSearchParamsList;

/**
 * One that belongs to a URL, which hears of every change.
 *
 * @type {(list: string[], update: (query: string | null) => void) => URLSearchParams}
 */
export let createSearchParams;

/** @see https://url.spec.whatwg.org/#interface-urlsearchparams */
export class URLSearchParams {
  /** @type {string[]} */
  #list = [];
  /** @type {((query: string | null) => void) | null} */
  #update = null;

  /** @param {any} [init] */
  constructor(init = undefined) {
    if (init === undefined) return;
    const context = { prefix: "Failed to construct 'URLSearchParams'", name: "Argument 1" };
    if (!isObject(init)) {
      const string = converters.USVString(init, context);
      this.#list = parseUrlencoded(StringPrototypeCharCodeAt(string, 0) === 0x3f ? StringPrototypeSlice(string, 1) : string);
      return;
    }
    const method = /** @type {any} */ (init)[SymbolIterator];
    const given =
      method === undefined || method === null
        ? recordOf(init, context)
        : sequenceFrom(init, iterationMethod(method), sequence(converters.USVString), context);
    for (let i = 0; i < given.length; i++) {
      const pair = given[i];
      if (pair.length !== 2) throw new TypeError(`${context.prefix}: Each pair must have a name and a value.`);
      ArrayPrototypePush(this.#list, pair[0]);
      ArrayPrototypePush(this.#list, pair[1]);
    }
  }

  get size() {
    return this.#list.length / 2;
  }

  /** @param {string} name @param {string} value */
  append(name, value) {
    const list = this.#list;
    const prefix = "Failed to execute 'append' on 'URLSearchParams'";
    requiredArguments(arguments.length, 2, prefix);
    const key = usv(name, prefix, 1);
    const text = usv(value, prefix, 2);
    ArrayPrototypePush(list, key);
    ArrayPrototypePush(list, text);
    this.#changed();
  }

  /** @param {string} name @param {string} [value] */
  delete(name, value = undefined) {
    const prefix = "Failed to execute 'delete' on 'URLSearchParams'";
    this.#list;
    requiredArguments(arguments.length, 1, prefix);
    const key = usv(name, prefix, 1);
    const text = value === undefined ? undefined : usv(value, prefix, 2);
    const list = this.#list;
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === key && (text === undefined || list[i + 1] === text)) continue;
      list[kept++] = list[i];
      list[kept++] = list[i + 1];
    }
    list.length = kept;
    this.#changed();
  }

  /** @param {string} name @returns {string | null} */
  get(name) {
    const list = this.#list;
    const prefix = "Failed to execute 'get' on 'URLSearchParams'";
    requiredArguments(arguments.length, 1, prefix);
    const key = usv(name, prefix, 1);
    for (let i = 0; i < list.length; i += 2) if (list[i] === key) return list[i + 1];
    return null;
  }

  /** @param {string} name @returns {string[]} */
  getAll(name) {
    const list = this.#list;
    const prefix = "Failed to execute 'getAll' on 'URLSearchParams'";
    requiredArguments(arguments.length, 1, prefix);
    const key = usv(name, prefix, 1);
    /** @type {string[]} */
    const values = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === key) ArrayPrototypePush(values, list[i + 1]);
    return values;
  }

  /** @param {string} name @param {string} [value] @returns {boolean} */
  has(name, value = undefined) {
    const list = this.#list;
    const prefix = "Failed to execute 'has' on 'URLSearchParams'";
    requiredArguments(arguments.length, 1, prefix);
    const key = usv(name, prefix, 1);
    const text = value === undefined ? undefined : usv(value, prefix, 2);
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === key && (text === undefined || list[i + 1] === text)) return true;
    }
    return false;
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    const list = this.#list;
    const prefix = "Failed to execute 'set' on 'URLSearchParams'";
    requiredArguments(arguments.length, 2, prefix);
    const key = usv(name, prefix, 1);
    const text = usv(value, prefix, 2);
    let kept = 0;
    let found = false;
    for (let i = 0; i < list.length; i += 2) {
      const match = list[i] === key;
      if (match && found) continue;
      list[kept++] = list[i];
      list[kept++] = match ? text : list[i + 1];
      found ||= match;
    }
    list.length = kept;
    if (!found) {
      ArrayPrototypePush(list, key);
      ArrayPrototypePush(list, text);
    }
    this.#changed();
  }

  sort() {
    const list = this.#list;
    /** @type {{ name: string, value: string }[]} */
    const tuples = [];
    for (let i = 0; i < list.length; i += 2) ArrayPrototypePush(tuples, { name: list[i], value: list[i + 1] });
    // "<" compares code units, and the sort is stable.
    ArrayPrototypeSort(tuples, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (let i = 0; i < tuples.length; i++) {
      list[2 * i] = tuples[i].name;
      list[2 * i + 1] = tuples[i].value;
    }
    this.#changed();
  }

  /** @returns {string} */
  toString() {
    return serializeUrlencoded(this.#list);
  }

  /** @see https://url.spec.whatwg.org/#concept-urlsearchparams-update */
  #changed() {
    if (this.#update === null) return;
    const query = serializeUrlencoded(this.#list);
    this.#update(query === "" ? null : query);
  }

  static {
    isURLSearchParams = /** @type {typeof isURLSearchParams} */ ((value) => isObject(value) && #list in value);
    searchParamsList = (params) => params.#list;
    setSearchParamsList = (params, list) => {
      params.#list = list;
    };
    createSearchParams = (list, update) => {
      const params = new URLSearchParams();
      params.#list = list;
      params.#update = update;
      return params;
    };
  }
}

/** @param {any} value @param {string} prefix @param {number} number */
const usv = (value, prefix, number) => converters.USVString(value, { prefix, name: `Argument ${number}` });

/** @param {any} method */
function iterationMethod(method) {
  if (typeof method !== "function") throw new TypeError("Failed to construct 'URLSearchParams': Argument 1 is not iterable.");
  return method;
}

declarePairIterable(URLSearchParams, "URLSearchParams", (/** @type {URLSearchParams} */ params) => searchParamsList(params));
exposeInterface(URLSearchParams, { name: "URLSearchParams" });
