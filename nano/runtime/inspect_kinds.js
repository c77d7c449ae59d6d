// What there is to say about each kind of object, for inspect.js.
//
// The prototype chain only suggests what an object is; the built-in getter of that kind confirms it.

import { errorKind } from "./inspect_errors.js";
import { interfaceKind } from "./inspect_interfaces.js";
import { functionName, namesOf, prefix, shortName } from "./inspect_names.js";
import {
  ArrayBuffer,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  ArrayIsArray,
  ArrayPrototypePush,
  BigInt,
  BigIntPrototypeValueOf,
  Boolean,
  BooleanPrototypeValueOf,
  DataView,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  Date,
  DatePrototypeGetTime,
  DatePrototypeToISOString,
  ErrorIsError,
  FunctionPrototypeToString,
  Map,
  MapIteratorPrototypeNext,
  MapPrototypeEntries,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathMin,
  Number,
  NumberIsNaN,
  NumberPrototypeValueOf,
  ObjectGetPrototypeOf,
  Promise,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  RegExp,
  RegExpPrototypeExec,
  RegExpPrototypeToString,
  Set,
  SetIteratorPrototypeNext,
  SetPrototypeGetSize,
  SetPrototypeValues,
  String,
  StringPrototypeSlice,
  StringPrototypeValueOf,
  Symbol,
  SymbolPrototypeValueOf,
  TypedArray,
  TypedArrayPrototypeGetSymbolToStringTag,
  Uint8Array,
  Uint8ArrayPrototypeToHex,
  uncurryThis,
  WeakMap,
  WeakMapPrototypeHas,
  WeakRef,
  WeakRefPrototypeDeref,
  WeakSet,
  WeakSetPrototypeHas,
} from "./primordials.js";

/** @typedef {import("./inspect_names.js").Kind} Kind */
/** @typedef {import("./inspect_names.js").Names} Names */
/** @typedef {import("./inspect.js").Inspection} Inspection */

/** Items from which on an array counts as large. */
const LARGE = 10_000;
/** Bytes of an ArrayBuffer that are shown. */
const MOST_BYTES = 50;
const INDEX = /^(?:0|[1-9]\d{0,9})$/;
const CLASS = /^class\b/;
const SPECIAL_FUNCTION = /^(?:Async|Generator|AsyncGenerator)Function$/;

const typedArrayLength = uncurryThis(/** @type {any} */ (ReflectGetOwnPropertyDescriptor(/** @type {any} */ (TypedArray).prototype, "length")).get);

/**
 * @param {any} value an object or a function
 * @param {Inspection} inspection
 * @returns {Kind}
 */
export function describe(value, inspection) {
  const names = namesOf(value);
  if (ArrayIsArray(value)) return arrayKind(value, names, inspection);
  if (typeof value === "function") return functionKind(value, names);
  if (TypedArrayPrototypeGetSymbolToStringTag(value) !== undefined) return typedArrayKind(value, names, inspection);
  if (ErrorIsError(value)) return errorKind(value, names, inspection);
  const special = specialKind(value, names, inspection);
  if (special !== undefined) return special;
  return interfaceKind(value, names, inspection) ?? plainKind(value, names, inspection);
}

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
function plainKind(value, names, inspection) {
  if (isArguments(value)) return { ...arrayKind(value, names, inspection), name: "Arguments", open: "[Arguments] [" };
  const plain = names.constructor === "Object" && names.tag === "";
  return { name: shortName(names, "Object"), open: plain ? "{" : `${prefix(names, "Object")}{`, close: "}" };
}

/** @param {any} value */
function isArguments(value) {
  const length = ReflectGetOwnPropertyDescriptor(value, "length");
  return length !== undefined && !length.enumerable && ReflectGetOwnPropertyDescriptor(value, "callee")?.enumerable === false;
}

/** @param {PropertyKey} key */
const isIndex = (key) => typeof key === "string" && RegExpPrototypeExec(INDEX, key) !== null;

/** @param {PropertyKey} key */
const isIndexOrLength = (key) => key === "length" || isIndex(key);

/** @param {number} count */
const moreItems = (count) => `... ${count} more item${count === 1 ? "" : "s"}`;

/** @param {any[]} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
function arrayKind(value, names, inspection) {
  const length = /** @type {any} */ (ReflectGetOwnPropertyDescriptor(value, "length")).value;
  const plain = names.constructor === "Array" && names.tag === "";
  return {
    name: shortName(names, "Array"),
    open: plain ? "[" : `${prefix(names, "Array", `(${length})`)}[`,
    close: "]",
    skipKey: inspection.showHidden ? isIndex : isIndexOrLength,
    large: length > LARGE,
    columns: numeric(value, length) ? "end" : "start",
    entries: (level) => arrayEntries(value, length, inspection, level),
  };
}

/** Whether the first items are numbers, which are aligned at their end. @param {any} value @param {number} length */
function numeric(value, length) {
  for (let i = 0; i < length && i < 100; i++) {
    const item = ReflectGetOwnPropertyDescriptor(value, i)?.value;
    if (typeof item !== "number" && typeof item !== "bigint") return false;
  }
  return true;
}

/** @param {any} value @param {number} length @param {Inspection} inspection @param {number} level */
function arrayEntries(value, length, inspection, level) {
  /** @type {string[]} */
  const entries = [];
  let at = 0;
  for (; at < length && entries.length < inspection.maxArrayLength && !inspection.exhausted; at++) {
    const descriptor = ReflectGetOwnPropertyDescriptor(value, at);
    if (descriptor === undefined) at = addHole(value, at, length, entries);
    else ArrayPrototypePush(entries, inspection.item(descriptor, level));
  }
  if (at < length) ArrayPrototypePush(entries, moreItems(length - at));
  return entries;
}

/** @param {any} value @param {number} at @param {number} length @param {string[]} entries @returns {number} last index of the hole */
function addHole(value, at, length, entries) {
  const end = endOfHole(value, at, length);
  ArrayPrototypePush(entries, `<${end - at} empty item${end - at === 1 ? "" : "s"}>`);
  return end - 1;
}

/** Steps over a hole; a huge one by the keys that are there. @param {any} value @param {number} at @param {number} length */
function endOfHole(value, at, length) {
  for (let i = at; i < length && i < at + 1000; i++) {
    if (ReflectGetOwnPropertyDescriptor(value, i) !== undefined) return i;
  }
  const keys = ReflectOwnKeys(value);
  for (let i = 0; i < keys.length && isIndex(keys[i]); i++) {
    if (Number(keys[i]) >= at) return Number(keys[i]);
  }
  return length;
}

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
function typedArrayKind(value, names, inspection) {
  const type = /** @type {string} */ (TypedArrayPrototypeGetSymbolToStringTag(value));
  const length = typedArrayLength(value);
  const own = { constructor: names.constructor, tag: names.tag === type ? "" : names.tag };
  return {
    name: shortName(own, type),
    open: `${prefix(own, type, `(${length})`)}[`,
    close: "]",
    skipKey: isIndex,
    large: length > LARGE,
    columns: "end",
    entries: (level) => {
      /** @type {string[]} */
      const entries = [];
      let at = 0;
      for (; at < length && at < inspection.maxArrayLength && !inspection.exhausted; at++) {
        ArrayPrototypePush(entries, inspection.value(value[at], level));
      }
      if (at < length) ArrayPrototypePush(entries, moreItems(length - at));
      return entries;
    },
  };
}

/** @param {any} value @param {Names} names @returns {Kind} */
function functionKind(value, names) {
  let source = "";
  try {
    source = FunctionPrototypeToString(value);
  } catch {
    // a function whose source the engine keeps to itself
  }
  const base = RegExpPrototypeExec(CLASS, source) === null ? functionBase(value, names) : classBase(value, names);
  return { name: names.constructor ?? "Function", open: "{", close: "}", whole: base, skipKey: isFunctionKey };
}

/** @param {PropertyKey} key */
const isFunctionKey = (key) => key === "length" || key === "name" || key === "prototype" || key === "arguments" || key === "caller";

/** @param {any} value @param {Names} names */
function functionBase(value, names) {
  const type = names.tag !== "" ? names.tag : (names.constructor ?? "Function");
  const kind = RegExpPrototypeExec(SPECIAL_FUNCTION, type) === null ? "Function" : type;
  const name = functionName(value);
  const base = name === null ? `[${kind} (anonymous)]` : `[${kind}: ${name}]`;
  if (names.constructor === null) return `${base} [null prototype]`;
  const tag = names.tag !== "" && names.tag !== kind ? ` [${names.tag}]` : "";
  return names.constructor === "Function" || names.constructor === kind ? `${base}${tag}` : `${base} ${names.constructor}${tag}`;
}

/** @param {any} value @param {Names} names */
function classBase(value, names) {
  const name = functionName(value);
  const parent = ObjectGetPrototypeOf(value);
  const parentName = parent === null ? null : functionName(parent);
  const ends = parentName !== null ? ` extends ${parentName}` : parent === null ? " extends null" : "";
  const tag = names.tag === "" ? "" : ` [${names.tag}]`;
  return `[class ${name ?? "(anonymous)"}${tag}${ends}]`;
}

/** @type {Map<object, (value: any, names: Names, inspection: Inspection) => Kind | undefined> | undefined} by prototype */
let makers;

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind | undefined} */
function specialKind(value, names, inspection) {
  makers ??= makeTable();
  for (let proto = ObjectGetPrototypeOf(value); proto !== null; proto = ObjectGetPrototypeOf(proto)) {
    const maker = MapPrototypeGet(makers, proto);
    if (maker !== undefined) return tried(maker, value, names, inspection);
  }
  if (names.constructor !== null) return undefined;
  return (
    tried(mapKind, value, names, inspection) ??
    tried(setKind, value, names, inspection) ??
    tried(dateKind, value, names, inspection) ??
    tried(bufferKind, value, names, inspection)
  );
}

/** @param {(value: any, names: Names, inspection: Inspection) => Kind | undefined} maker @param {any} value @param {Names} names @param {Inspection} inspection */
function tried(maker, value, names, inspection) {
  try {
    return maker(value, names, inspection);
  } catch {
    return undefined; // of this kind by its prototype only
  }
}

function makeTable() {
  const table = new Map();
  MapPrototypeSet(table, Map.prototype, mapKind);
  MapPrototypeSet(table, Set.prototype, setKind);
  MapPrototypeSet(table, Date.prototype, dateKind);
  MapPrototypeSet(table, RegExp.prototype, regExpKind);
  MapPrototypeSet(table, ArrayBuffer.prototype, bufferKind);
  MapPrototypeSet(table, DataView.prototype, dataViewKind);
  MapPrototypeSet(table, Promise.prototype, promiseKind);
  MapPrototypeSet(table, WeakMap.prototype, weakKind((value) => WeakMapPrototypeHas(value, value), "WeakMap"));
  MapPrototypeSet(table, WeakSet.prototype, weakKind((value) => WeakSetPrototypeHas(value, value), "WeakSet"));
  MapPrototypeSet(table, WeakRef.prototype, weakRefKind);
  MapPrototypeSet(table, Number.prototype, boxedKind(NumberPrototypeValueOf, "Number"));
  MapPrototypeSet(table, Boolean.prototype, boxedKind(BooleanPrototypeValueOf, "Boolean"));
  MapPrototypeSet(table, String.prototype, boxedKind(StringPrototypeValueOf, "String"));
  MapPrototypeSet(table, BigInt.prototype, boxedKind(BigIntPrototypeValueOf, "BigInt"));
  MapPrototypeSet(table, Symbol.prototype, boxedKind(SymbolPrototypeValueOf, "Symbol"));
  return table;
}

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
function mapKind(value, names, inspection) {
  const size = MapPrototypeGetSize(value);
  /** @param {number} level */
  const entries = (level) => {
    const iterator = MapPrototypeEntries(value);
    return collect(size, inspection, () => {
      const pair = MapIteratorPrototypeNext(iterator).value;
      return `${inspection.value(pair[0], level)} => ${inspection.value(pair[1], level)}`;
    });
  };
  return { name: shortName(names, "Map"), open: `${prefix(names, "Map", `(${size})`)}{`, close: "}", entries };
}

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
function setKind(value, names, inspection) {
  const size = SetPrototypeGetSize(value);
  /** @param {number} level */
  const entries = (level) => {
    const iterator = SetPrototypeValues(value);
    return collect(size, inspection, () => inspection.value(SetIteratorPrototypeNext(iterator).value, level));
  };
  return { name: shortName(names, "Set"), open: `${prefix(names, "Set", `(${size})`)}{`, close: "}", entries };
}

/** @param {number} size @param {Inspection} inspection @param {() => string} next */
function collect(size, inspection, next) {
  /** @type {string[]} */
  const entries = [];
  let shown = 0;
  for (; shown < size && shown < inspection.maxArrayLength && !inspection.exhausted; shown++) {
    ArrayPrototypePush(entries, inspection.indented(next, 2));
  }
  if (shown < size) ArrayPrototypePush(entries, moreItems(size - shown));
  return entries;
}

/** @param {any} value @param {Names} names @returns {Kind} */
function dateKind(value, names) {
  const text = NumberIsNaN(DatePrototypeGetTime(value)) ? "Invalid Date" : DatePrototypeToISOString(value);
  return wholeKind(text, names, "Date");
}

/** @param {any} value @param {Names} names @returns {Kind} */
const regExpKind = (value, names) => wholeKind(RegExpPrototypeToString(value), names, "RegExp");

/** @param {string} text @param {Names} names @param {string} fallback @returns {Kind} */
function wholeKind(text, names, fallback) {
  const whole = names.constructor === fallback && names.tag === "" ? text : `${prefix(names, fallback)}${text}`;
  return { name: shortName(names, fallback), open: "{", close: "}", whole };
}

/** @param {any} value @param {Names} names @returns {Kind} */
function bufferKind(value, names) {
  const size = ArrayBufferPrototypeGetByteLength(value);
  const detached = ArrayBufferPrototypeGetDetached(value);
  const entries = () => (detached ? ["(detached)", "byteLength: 0"] : [bytesText(value, size), `byteLength: ${size}`]);
  return { name: shortName(names, "ArrayBuffer"), open: `${prefix(names, "ArrayBuffer")}{`, close: "}", entries };
}

/** @param {ArrayBuffer} buffer @param {number} size */
function bytesText(buffer, size) {
  const hex = Uint8ArrayPrototypeToHex(new Uint8Array(buffer, 0, MathMin(size, MOST_BYTES)));
  let text = "";
  for (let i = 0; i < hex.length; i += 2) text += `${i === 0 ? "" : " "}${StringPrototypeSlice(hex, i, i + 2)}`;
  const rest = size - MOST_BYTES;
  return `[Uint8Contents]: <${text}${rest > 0 ? ` ... ${rest} more byte${rest > 1 ? "s" : ""}` : ""}>`;
}

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
function dataViewKind(value, names, inspection) {
  const size = DataViewPrototypeGetByteLength(value);
  /** @param {number} level */
  const entries = (level) => [
    `byteLength: ${size}`,
    `byteOffset: ${DataViewPrototypeGetByteOffset(value)}`,
    `buffer: ${inspection.indented(() => inspection.value(DataViewPrototypeGetBuffer(value), level), 2)}`,
  ];
  return { name: shortName(names, "DataView"), open: `${prefix(names, "DataView")}{`, close: "}", entries };
}

/** A promise does not tell scripts its state. @param {any} _value @param {Names} names @returns {Kind} */
const promiseKind = (_value, names) => ({
  name: shortName(names, "Promise"),
  open: `${prefix({ constructor: names.constructor, tag: names.tag === "Promise" ? "" : names.tag }, "Promise")}{`,
  close: "}",
});

/** @param {(value: any) => any} check throws for other kinds @param {string} fallback */
const weakKind = (check, fallback) => (/** @type {any} */ value, /** @type {Names} */ names) => {
  check(value);
  const entries = () => ["<items unknown>"];
  return { name: shortName(names, fallback), open: `${prefix(names, fallback)}{`, close: "}", entries };
};

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
function weakRefKind(value, names, inspection) {
  const target = WeakRefPrototypeDeref(value);
  /** @param {number} level */
  const entries = (level) => [target === undefined ? "<cleared>" : inspection.indented(() => inspection.value(target, level), 2)];
  return { name: shortName(names, "WeakRef"), open: `${prefix(names, "WeakRef")}{`, close: "}", entries };
}

/** @param {(value: any) => any} valueOf throws for other kinds @param {string} type */
const boxedKind = (valueOf, type) => (/** @type {any} */ value, /** @type {Names} */ names, /** @type {Inspection} */ inspection) => {
  const inner = inspection.value(valueOf(value), 0);
  const label = names.constructor === null ? `${type} (null prototype)` : names.constructor === type ? type : `${type} (${names.constructor})`;
  const tag = names.tag === "" || names.tag === type ? "" : ` [${names.tag}]`;
  const skipKey = type === "String" ? isIndexOrLength : undefined;
  return { name: shortName(names, type), open: "{", close: "}", whole: `[${label}: ${inner}]${tag}`, skipKey };
};
