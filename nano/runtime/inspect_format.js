// Format strings of console and util.format.
//
// Standard: https://console.spec.whatwg.org/#formatter ; %j and the text of each value are Node's.

import { inspect } from "./inspect.js";
import {
  BigIntPrototypeToString,
  JSONStringify,
  NumberParseFloat,
  NumberParseInt,
  NumberPrototypeToString,
  Number,
  ObjectIs,
  ReflectGetOwnPropertyDescriptor,
  ReflectGetPrototypeOf,
  String,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  Object,
  Error,
  SymbolPrototypeToString,
  globalThis_,
} from "./primordials.js";

const PERCENT = 37;

/** @typedef {import("./inspect.js").InspectOptions} InspectOptions */

/** @param {any} value @param {InspectOptions} [options] */
const plain = (value, options) => (typeof value === "string" ? value : inspect(value, options));

/** @param {number} value */
const numberText = (value) => (ObjectIs(value, -0) ? "-0" : NumberPrototypeToString(value));

/** @param {any} value */
function stringText(value) {
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(value);
  if (typeof value === "bigint") return `${BigIntPrototypeToString(value)}n`;
  if (typeof value === "object" && value !== null && !hasOwnToString(value)) {
    return inspect(value, { depth: 0, compact: 3 });
  }
  if (typeof value === "symbol") return SymbolPrototypeToString(value);
  try {
    return String(value);
  } catch {
    return inspect(value, { depth: 0 });
  }
}

/** Whether a class between the object and the language's own says how it is written. @param {any} value */
function hasOwnToString(value) {
  for (let object = value; object !== null && object !== Object.prototype; object = ReflectGetPrototypeOf(object)) {
    if (ReflectGetOwnPropertyDescriptor(object, "toString") === undefined) continue;
    return object !== Error.prototype && !isBuiltin(object);
  }
  return false;
}

/** Prototypes of the language's own classes, whose toString() tells less than an inspection. @param {any} object */
function isBuiltin(object) {
  const constructor = ReflectGetOwnPropertyDescriptor(object, "constructor")?.value;
  if (typeof constructor !== "function") return false;
  const name = ReflectGetOwnPropertyDescriptor(constructor, "name")?.value;
  return typeof name === "string" && ReflectGetOwnPropertyDescriptor(globalThis_, name)?.value === constructor;
}

/** @param {any} value */
function integerText(value) {
  if (typeof value === "bigint") return `${BigIntPrototypeToString(value)}n`;
  if (typeof value === "symbol") return "NaN";
  return numberText(guarded(() => NumberParseInt(value)));
}

/** @param {any} value */
function decimalText(value) {
  if (typeof value === "bigint") return `${BigIntPrototypeToString(value)}n`;
  if (typeof value === "symbol") return "NaN";
  return numberText(guarded(() => Number(value)));
}

/** @param {() => number} convert @returns {number} NaN where a script's own conversion throws */
function guarded(convert) {
  try {
    return convert();
  } catch {
    return NaN;
  }
}

/** @param {any} value */
function jsonText(value) {
  try {
    return `${JSONStringify(value)}`;
  } catch {
    return "[not serializable]";
  }
}

/** @param {number} code the character after the percent sign @param {any} value @param {InspectOptions} [options] @returns {string | undefined} */
function directive(code, value, options) {
  switch (code) {
    case 115: return stringText(value); // s
    case 100: return decimalText(value); // d
    case 105: return integerText(value); // i
    case 102: return typeof value === "symbol" ? "NaN" : numberText(guarded(() => NumberParseFloat(value))); // f
    case 106: return jsonText(value); // j
    case 79: return inspect(value, options); // O
    case 111: return inspect(value, { ...options, showHidden: true, depth: 4 }); // o
    case 99: return ""; // c: style sheets are of no use here
    default: return undefined;
  }
}

/**
 * Put arguments into one text.
 *
 * @param {readonly any[]} args the first may be a format string
 * @param {InspectOptions} [options] for what is inspected
 * @returns {string}
 */
export function format(args, options) {
  if (args.length === 0) return "";
  const template = args[0];
  if (args.length === 1) return plain(template, options);
  let next = 1;
  let text = "";
  if (typeof template === "string") {
    let from = 0;
    for (let at = StringPrototypeIndexOf(template, "%"); at >= 0; at = StringPrototypeIndexOf(template, "%", at)) {
      const code = StringPrototypeCharCodeAt(template, at + 1);
      const value = code === PERCENT ? "%" : next < args.length ? directive(code, args[next], options) : undefined;
      if (value === undefined) {
        at += 1;
        continue;
      }
      if (code !== PERCENT) next++;
      text += StringPrototypeSlice(template, from, at) + value;
      at += 2;
      from = at;
    }
    text += StringPrototypeSlice(template, from);
  } else {
    text = plain(template, options);
  }
  return text + restText(args, next, options);
}

/**
 * Arguments that no format string has taken, each after a space.
 *
 * @param {readonly any[]} args
 * @param {number} from
 * @param {InspectOptions} [options]
 */
export function restText(args, from, options) {
  let text = "";
  for (let i = from; i < args.length; i++) text += ` ${plain(args[i], options)}`;
  return text;
}
