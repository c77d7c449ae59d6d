// console: what an app tells its operator.
//
// Standard: https://console.spec.whatwg.org/ ; each call becomes one log record with the app's name and a level.
// Host half: the record LOG of nano/engine/records.py.

import { hostLog, hostNow } from "./host.js";
import { inspect } from "./inspect.js";
import { format, restText } from "./inspect_format.js";
import { indentLines } from "./inspect_text.js";
import { tableText } from "./inspect_table.js";
import {
  ErrorCaptureStackTrace,
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  NumberPrototypeToFixed,
  ObjectDefineProperty,
  Object,
  ReflectOwnKeys,
  StringPrototypeIndexOf,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  SymbolToStringTag,
} from "./primordials.js";
import { converters, sequence } from "./webidl.js";

/** @typedef {"debug" | "info" | "log" | "warn" | "error"} Level */

const INDENT = 2;
const toProperties = sequence(converters.DOMString);

/** Columns by which the lines of open groups are indented. */
let indentation = 0;
/** @type {Map<string, number>} */
const counts = new Map();
/** When each timer was started, in milliseconds. @type {Map<string, number>} */
const timers = new Map();

/** @param {Level} level @param {string} text */
function print(level, text) {
  if (indentation > 0) text = StringPrototypeRepeat(" ", indentation) + indentLines(text, indentation);
  hostLog(level, text);
}

/** @param {any} label @returns {string} */
const toLabel = (label) => (label === undefined ? "default" : `${converters.DOMString(label)}`);

/** @param {number} ms */
function duration(ms) {
  if (ms < 1000) return `${trimmed(ms, 3)}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${trimmed(seconds, 3)}s`;
  const minutes = (seconds - (seconds % 60)) / 60;
  return `${minutes}:${seconds % 60 < 10 ? "0" : ""}${NumberPrototypeToFixed(seconds % 60, 3)} (m:ss.mmm)`;
}

/** @param {number} value @param {number} digits */
const trimmed = (value, digits) => `${+NumberPrototypeToFixed(value, digits)}`;

/** @param {string} label @returns {string | undefined} how long the timer has been running */
function elapsed(label) {
  const start = MapPrototypeGet(timers, label);
  if (start === undefined) {
    print("warn", `Timer '${label}' does not exist`);
    return undefined;
  }
  return `${label}: ${duration(hostNow() - start)}`;
}

/** @param {any[]} data @param {Function} caller left out of the stack */
function printTrace(data, caller) {
  const holder = { stack: "" };
  ErrorCaptureStackTrace(holder, caller);
  const stack = `${holder.stack}`;
  const frames = StringPrototypeIndexOf(stack, "\n");
  const text = format(data);
  const title = text === "" ? "Trace" : `Trace: ${text}`;
  print("error", frames < 0 ? title : title + StringPrototypeSlice(stack, frames));
}

/** @param {any[]} data */
function openGroup(data) {
  if (data.length > 0) print("log", format(data));
  indentation += INDENT;
}

/** The operations, in the order of the standard. */
const operations = {
  assert(condition = false, /** @type {any[]} */ ...data) {
    if (condition) return;
    if (data.length === 0) print("error", "Assertion failed");
    else if (typeof data[0] === "string") print("error", `Assertion failed: ${format(data)}`);
    else print("error", `Assertion failed ${format(data)}`);
  },

  clear() {
    indentation = 0;
  },

  /** @param {any[]} data */
  debug(...data) {
    print("debug", format(data));
  },

  /** @param {any[]} data */
  error(...data) {
    print("error", format(data));
  },

  /** @param {any[]} data */
  info(...data) {
    print("info", format(data));
  },

  /** @param {any[]} data */
  log(...data) {
    print("log", format(data));
  },

  /** @param {any} [tabularData] @param {any} [properties] */
  table(tabularData = undefined, properties = undefined) {
    const columns = properties === undefined
      ? undefined
      : toProperties(properties, { prefix: "Failed to execute 'table' on 'console'", name: "Argument 2" });
    print("log", tableText(tabularData, columns) ?? format([tabularData]));
  },

  /** @param {any[]} data */
  trace(...data) {
    printTrace(data, operations.trace);
  },

  /** @param {any[]} data */
  warn(...data) {
    print("warn", format(data));
  },

  /** @param {any} [item] @param {any} [options] */
  dir(item = undefined, options = undefined) {
    print("log", inspect(item, { customInspect: false, ...options }));
  },

  /** @param {any[]} data */
  dirxml(...data) {
    print("log", format(data));
  },

  /** @param {any} [label] */
  count(label = undefined) {
    const name = toLabel(label);
    const count = (MapPrototypeGet(counts, name) ?? 0) + 1;
    MapPrototypeSet(counts, name, count);
    print("info", `${name}: ${count}`);
  },

  /** @param {any} [label] */
  countReset(label = undefined) {
    const name = toLabel(label);
    if (!MapPrototypeDelete(counts, name)) print("warn", `Count for '${name}' does not exist`);
  },

  /** @param {any[]} data */
  group(...data) {
    openGroup(data);
  },

  /** @param {any[]} data */
  groupCollapsed(...data) {
    openGroup(data);
  },

  groupEnd() {
    if (indentation > 0) indentation -= INDENT;
  },

  /** @param {any} [label] */
  time(label = undefined) {
    const name = toLabel(label);
    if (MapPrototypeGet(timers, name) !== undefined) print("warn", `Timer '${name}' already exists`);
    else MapPrototypeSet(timers, name, hostNow());
  },

  /** @param {any} [label] @param {any[]} data */
  timeLog(label = undefined, ...data) {
    const text = elapsed(toLabel(label));
    if (text !== undefined) print("info", text + restText(data, 0));
  },

  /** @param {any} [label] */
  timeEnd(label = undefined) {
    const name = toLabel(label);
    const text = elapsed(name);
    if (text === undefined) return;
    MapPrototypeDelete(timers, name);
    print("info", text);
  },

  /** A mark for profilers, of which there is none. @param {any} [_label] */
  timeStamp(_label = undefined) {},
};

/**
 * The namespace object: its operations on itself, and an empty object between it and Object.prototype.
 *
 * @see https://console.spec.whatwg.org/#console-namespace
 */
function makeNamespace() {
  const namespace = { __proto__: new Object() };
  const names = ReflectOwnKeys(operations);
  for (let i = 0; i < names.length; i++) {
    const value = /** @type {any} */ (operations)[names[i]];
    define(namespace, names[i], value, true, true);
  }
  define(namespace, SymbolToStringTag, "console", false, false);
  return namespace;
}

/** @param {any} target @param {PropertyKey} name @param {any} value @param {boolean} writable @param {boolean} enumerable */
function define(target, name, value, writable, enumerable) {
  ObjectDefineProperty(target, name, /** @type {any} */ ({ __proto__: null, value, writable, enumerable, configurable: true }));
}

export const console = makeNamespace();
