// Text for people: what console.log() prints, what an uncaught error looks like in the log.
//
// No standard (https://console.spec.whatwg.org/#printer leaves it to the implementation); the text is that of
// Node's util.inspect(), which developers know, including its hook Symbol.for("nodejs.util.inspect.custom").
//
// What is inspected may be hostile. Properties are read by descriptor and getters of scripts are not called;
// what a script can make throw (proxies, hooks) is caught; and an inspection visits a limited number of
// values, so that its text stays small beside what a log line may be.

import { indentLines, stringLiteral } from "./inspect_text.js";
import { groupColumns, layOut } from "./inspect_layout.js";
import { describe } from "./inspect_kinds.js";
import {
  ArrayPrototypeIncludes,
  ArrayPrototypePop,
  ArrayPrototypePush,
  BigIntPrototypeToString,
  Map,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  NumberPrototypeToString,
  ObjectGetOwnPropertySymbols,
  ObjectIs,
  ReflectApply,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  RegExpPrototypeExec,
  String,
  SymbolFor,
  SymbolPrototypeToString,
} from "./primordials.js";

/** Objects with a method of this name say themselves how they are shown: `(depth, options, inspect) => any`. */
export const inspectCustom = SymbolFor("nodejs.util.inspect.custom");

/**
 * @typedef {object} InspectOptions
 * @property {number | null} [depth] how many levels of objects in objects are shown; default 2, null for all
 * @property {boolean} [showHidden] show properties that are not enumerable as well
 * @property {number | null} [maxArrayLength] items of arrays, maps and sets; default 100
 * @property {number | null} [maxStringLength] characters of strings in objects; default 10000
 * @property {number} [breakLength] width of a line; default 80
 * @property {number | boolean} [compact] how many inner levels may share a line; default 3
 * @property {boolean | Function} [sorted] order properties by name
 * @property {boolean | "get" | "set"} [getters] call getters, and show what they give
 * @property {boolean} [customInspect] false: ignore the hook
 * @property {boolean} [colors] accepted and ignored
 */

/** More values than this in one inspection are cut off. */
const MOST_VALUES = 50_000;
const IDENTIFIER = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

/** One inspection: its options and where it stands. */
export class Inspection {
  /** The objects that are being shown, outermost first. @type {object[]} */
  #path = [];
  /** The number of each object that contains itself. @type {Map<object, number> | undefined} */
  #circular = undefined;
  indentation = 0;
  /** Depth of the object shown last: tells the layout how deep what it joins is. */
  currentDepth = 0;
  #budget = MOST_VALUES;

  /** @param {InspectOptions} options */
  constructor(options) {
    const { depth = 2, maxArrayLength = 100, maxStringLength = 10_000, breakLength = 80, compact = 3 } = options;
    this.options = options;
    this.depth = depth ?? Infinity;
    this.maxArrayLength = maxArrayLength ?? Infinity;
    this.maxStringLength = maxStringLength ?? Infinity;
    this.breakLength = breakLength;
    this.compact = typeof compact === "number" ? compact : compact ? 3 : 0;
    this.showHidden = options.showHidden === true;
    this.getters = options.getters ?? false;
  }

  /** Whether enough was shown: what is left is to be counted only. */
  get exhausted() {
    return this.#budget < 0;
  }

  /** @param {any} value @param {number} level @returns {string} */
  value(value, level) {
    this.#budget--;
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return this.#primitive(value);
    if (this.exhausted) return "...";
    try {
      const custom = this.#custom(value, level);
      if (custom !== undefined) return custom;
      if (ArrayPrototypeIncludes(this.#path, value)) return this.#circularReference(value);
      return this.#object(value, level);
    } catch {
      return "[object that cannot be inspected]"; // a proxy's trap threw, or the stack is full
    }
  }

  /** @param {any} value */
  #primitive(value) {
    if (typeof value === "string") {
      return stringLiteral(value, this.maxStringLength, this.breakLength - this.indentation - 4, this.indentation);
    }
    if (typeof value === "number") return ObjectIs(value, -0) ? "-0" : NumberPrototypeToString(value);
    if (typeof value === "bigint") return `${BigIntPrototypeToString(value)}n`;
    if (typeof value === "symbol") return SymbolPrototypeToString(value);
    return `${value}`;
  }

  /** Ask the object's own hook. @param {any} value @param {number} level @returns {string | undefined} */
  #custom(value, level) {
    if (this.options.customInspect === false) return undefined;
    const hook = value[inspectCustom];
    if (typeof hook !== "function" || hook === inspect) return undefined;
    const depth = this.depth - level;
    const result = ReflectApply(hook, value, [depth, { ...this.options, depth }, inspect]);
    if (result === value) return undefined;
    if (typeof result === "string") return indentLines(result, this.indentation);
    return this.value(result, level);
  }

  /** @param {object} value */
  #circularReference(value) {
    this.#circular ??= new Map();
    let number = MapPrototypeGet(this.#circular, value);
    if (number === undefined) {
      number = MapPrototypeGetSize(this.#circular) + 1;
      MapPrototypeSet(this.#circular, value, number);
    }
    return `[Circular *${number}]`;
  }

  /** @param {any} value @param {number} level */
  #object(value, level) {
    const kind = describe(value, this);
    if (level > this.depth && kind.whole === undefined) return `[${kind.name}]`;
    ArrayPrototypePush(this.#path, value);
    this.currentDepth = level;
    let entries;
    try {
      entries = kind.entries === undefined ? [] : kind.entries(level + 1);
      this.#addProperties(entries, value, kind, level);
    } finally {
      ArrayPrototypePop(this.#path);
    }
    const number = this.#circular === undefined ? undefined : MapPrototypeGet(this.#circular, value);
    const reference = number === undefined ? "" : `<ref *${number}> `;
    return this.#join(kind, entries, level, reference);
  }

  /** @param {import("./inspect_names.js").Kind} kind @param {string[]} entries @param {number} level @param {string} reference */
  #join(kind, entries, level, reference) {
    const { open, close, whole } = kind;
    if (entries.length === 0) return `${reference}${whole ?? `${open}${close}`}`;
    let base = whole ?? "";
    let brace = open;
    if (reference !== "") {
      if (base === "") brace = `${reference}${open}`;
      else base = `${reference}${base}`;
    }
    const single = this.compact > 0 && this.currentDepth - level < this.compact;
    if (kind.columns && entries.length > 6 && this.compact > 0) {
      const rows = groupColumns(entries, kind.columns, this.breakLength - this.indentation);
      if (rows !== entries) return layOut(rows, base, brace, close, this.indentation, false, this.breakLength);
    }
    return layOut(entries, base, brace, close, this.indentation, single, this.breakLength);
  }

  /** The keys to show beside what the kind shows. @param {any} value @param {import("./inspect_names.js").Kind} kind */
  #keys(value, kind) {
    const keys = kind.large ? ObjectGetOwnPropertySymbols(value) : ReflectOwnKeys(value);
    /** @type {PropertyKey[]} */
    const shown = [];
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (kind.skipKey !== undefined && kind.skipKey(key)) continue;
      const descriptor = ReflectGetOwnPropertyDescriptor(value, key);
      if (descriptor !== undefined && (descriptor.enumerable || this.showHidden)) ArrayPrototypePush(shown, key);
    }
    return shown;
  }

  /** @param {PropertyKey[]} keys @param {any} value @param {import("./inspect_names.js").Kind} kind */
  #addExtra(keys, value, kind) {
    const extra = kind.extra ?? [];
    for (let i = 0; i < extra.length; i++) {
      if (ReflectGetOwnPropertyDescriptor(value, extra[i]) !== undefined) ArrayPrototypePush(keys, extra[i]);
    }
  }

  /** @param {string[]} entries @param {any} value @param {import("./inspect_names.js").Kind} kind @param {number} level */
  #addProperties(entries, value, kind, level) {
    const keys = this.#keys(value, kind);
    if (this.options.sorted) sortKeys(keys);
    this.#addExtra(keys, value, kind);
    for (let i = 0; i < keys.length; i++) {
      if (this.exhausted) {
        ArrayPrototypePush(entries, `... ${keys.length - i} more properties`);
        return;
      }
      ArrayPrototypePush(entries, this.property(value, keys[i], level + 1));
    }
  }

  /** An item of an array. @param {PropertyDescriptor} descriptor @param {number} level */
  item(descriptor, level) {
    return this.#propertyValue(undefined, descriptor, level);
  }

  /** Make text that will stand further to the right. @param {() => string} text @param {number} by columns */
  indented(text, by) {
    this.indentation += by;
    try {
      return text();
    } finally {
      this.indentation -= by;
    }
  }

  /** @param {any} object @param {PropertyKey} key @param {number} level */
  property(object, key, level) {
    const descriptor = ReflectGetOwnPropertyDescriptor(object, key);
    const text = this.#propertyValue(object, descriptor, level);
    if (typeof key === "symbol") return `[${SymbolPrototypeToString(key)}]: ${text}`;
    if (descriptor !== undefined && !descriptor.enumerable) return `[${String(key)}]: ${text}`;
    return `${this.key(/** @type {string} */ (key))}: ${text}`;
  }

  /** @param {string} key */
  key(key) {
    return RegExpPrototypeExec(IDENTIFIER, key) !== null ? key : stringLiteral(key, Infinity, Infinity, 0);
  }

  /** @param {any} object @param {PropertyDescriptor | undefined} descriptor @param {number} level */
  #propertyValue(object, descriptor, level) {
    if (descriptor === undefined) return "undefined";
    const { get, set } = descriptor;
    if (get === undefined && set === undefined) return this.indented(() => this.value(descriptor.value, level), 2);
    const label = get === undefined ? "Setter" : set === undefined ? "Getter" : "Getter/Setter";
    const call = this.getters === true || (this.getters === "get" && !set) || (this.getters === "set" && !!set);
    if (get === undefined || !call) return `[${label}]`;
    try {
      const value = ReflectApply(get, object, []);
      return `[${label}: ${this.indented(() => this.value(value, level), 2)}]`;
    } catch {
      return `[${label}: <failed>]`;
    }
  }
}

/** In place; insertion is enough for the few keys of an object. @param {PropertyKey[]} keys */
function sortKeys(keys) {
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i];
    let at = i;
    for (; at > 0 && String(keys[at - 1]) > String(key); at--) keys[at] = keys[at - 1];
    keys[at] = key;
  }
}

/**
 * Describe a value in words. Never throws, whatever the value does.
 *
 * @param {any} value
 * @param {InspectOptions} [options]
 * @returns {string}
 */
export function inspect(value, options) {
  try {
    return new Inspection(options ?? {}).value(value, 0);
  } catch {
    return "[value that cannot be inspected]";
  }
}
