// What structured cloning can do with the objects of each kind: the table behind structured_clone.js.
//
// Standard: https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal
//
// A kind is found by prototype: the prototype chain of a value proposes kinds, and a kind's own brand check
// confirms it, so that a class derived from Map clones as a Map and `Object.create(Map.prototype)` as an
// object. Interfaces that nobody registered are refused, as are the language's objects that cannot be cloned.

import { isLengthTracking, isOutOfBounds, typedArrayLength } from "./buffer_views.js";
import { serializable, sharedArrayBufferPrototype, transferable } from "./clone_registry.js";
import { DOMException, domExceptionState, isDOMException } from "./dom_exception.js";
import {
  Array,
  ArrayBuffer,
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeGetMaxByteLength,
  ArrayBufferPrototypeGetResizable,
  ArrayBufferPrototypeTransfer,
  ArrayIsArray,
  ArrayIteratorPrototype,
  ArrayPrototypePush,
  AsyncIteratorPrototype,
  BigInt,
  BigInt64Array,
  BigIntPrototypeValueOf,
  BigUint64Array,
  Boolean,
  BooleanPrototypeValueOf,
  DataView,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  Date,
  DatePrototypeGetTime,
  Error,
  ErrorIsError,
  EvalError,
  FinalizationRegistry,
  Float16Array,
  Float32Array,
  Float64Array,
  FunctionPrototypeToString,
  GeneratorPrototype,
  Int16Array,
  Int32Array,
  Int8Array,
  Intl_,
  Map,
  MapPrototypeForEach,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeHas,
  MapPrototypeSet,
  Number,
  NumberPrototypeValueOf,
  Object,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectKeys,
  Promise,
  RangeError,
  ReferenceError,
  ReflectGetOwnPropertyDescriptor,
  ReflectHas,
  ReflectOwnKeys,
  RegExp,
  RegExpPrototypeGetDotAll,
  RegExpPrototypeGetGlobal,
  RegExpPrototypeGetHasIndices,
  RegExpPrototypeGetIgnoreCase,
  RegExpPrototypeGetMultiline,
  RegExpPrototypeGetSource,
  RegExpPrototypeGetSticky,
  RegExpPrototypeGetUnicode,
  RegExpPrototypeGetUnicodeSets,
  Set,
  SetPrototypeAdd,
  SetPrototypeForEach,
  SetPrototypeGetSize,
  String,
  StringPrototypeValueOf,
  Symbol,
  SymbolPrototypeToString,
  SyntaxError,
  Temporal_,
  TypeError,
  TypedArray,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  URIError,
  Uint16Array,
  Uint32Array,
  Uint8Array,
  Uint8ClampedArray,
  WeakMap,
  WeakRef,
  WeakSet,
  WebAssembly_,
} from "./primordials.js";
import { isAnyArrayBuffer, isInterfacePrototype, viewBuffer } from "./webidl.js";

/**
 * How objects of one kind are serialised. `write` gives the record's data; `create` makes an object of it and
 * `fill`, where there are references to others, completes the object once it is known under its record.
 *
 * @typedef {object} Kind
 * @property {(value: any) => boolean} is the brand check
 * @property {(value: any, write: (value: any) => any) => any} write
 * @property {(data: any, read: Read, consume: boolean) => any} create `consume`: the data will not be used again
 * @property {(object: any, data: any, read: Read) => void} [fill]
 */

/**
 * How objects of one interface are transferred.
 *
 * @typedef {object} TransferKind
 * @property {(value: any) => boolean} is
 * @property {(value: any) => boolean} isDetached
 * @property {(value: any) => any} transfer detach the value, and give what its successor is made of
 * @property {(data: any) => any} receive
 */

/** Gives what a part of the data stands for. @typedef {(part: any) => any} Read */

/** @param {string} what @returns {DOMException} */
export const dataCloneError = (what) => new DOMException(what, "DataCloneError");

/** @param {any} value */
export function notCloneable(value) {
  const text =
    typeof value === "function"
      ? FunctionPrototypeToString(value)
      : typeof value === "symbol"
        ? SymbolPrototypeToString(value)
        : `#<${constructorName(value)}>`;
  return dataCloneError(`${text} could not be cloned.`);
}

/** @param {object} value the name for a message, found without running a getter */
function constructorName(value) {
  const prototype = ObjectGetPrototypeOf(value);
  const constructor = prototype === null ? undefined : ownData(prototype, "constructor")?.value;
  const name = typeof constructor === "function" ? ownData(constructor, "name")?.value : undefined;
  return typeof name === "string" ? name : "Object";
}

// ---- Kinds -------------------------------------------------------------------------------------------------

/** Own enumerable properties, for arrays and ordinary objects. @param {any} value @param {(value: any) => any} write */
function writeProperties(value, write) {
  const own = ObjectKeys(value);
  /** @type {string[]} */
  const keys = [];
  /** @type {any[]} */
  const values = [];
  for (let i = 0; i < own.length; i++) {
    // A getter of an earlier property may have removed this one.
    if (!ObjectHasOwn(value, own[i])) continue;
    ArrayPrototypePush(keys, own[i]);
    ArrayPrototypePush(values, write(value[own[i]]));
  }
  return { keys, values, length: 0 };
}

/** @param {any} object @param {{ keys: string[], values: any[] }} data @param {Read} read */
function fillProperties(object, { keys, values }, read) {
  for (let i = 0; i < keys.length; i++) {
    const value = read(values[i]);
    // CreateDataProperty; an assignment does the same, and faster, unless something is inherited.
    if (ReflectHas(object, keys[i])) define(object, keys[i], value, true);
    else object[keys[i]] = value;
  }
}

/** @param {object} object @param {string} key @param {any} value @param {boolean} enumerable */
function define(object, key, value, enumerable) {
  const descriptor = { __proto__: null, value, writable: true, enumerable, configurable: true };
  ObjectDefineProperty(object, key, /** @type {any} */ (descriptor));
}

/** @type {Kind} */
const ORDINARY = {
  is: () => true,
  write: writeProperties,
  create: () => ({}),
  fill: fillProperties,
};

/** @type {Kind} */
const ARRAY = {
  is: ArrayIsArray,
  write(value, write) {
    const { length } = value;
    const data = writeProperties(value, write);
    data.length = length;
    return data;
  },
  create: ({ length }) => new Array(length),
  fill: fillProperties,
};

/** @param {(value: any) => any} unbox @returns {Kind} */
const wrapper = (unbox) => ({ is: accepts(unbox), write: unbox, create: (data) => Object(data) });

/** A brand check made of a method or getter that throws for other receivers. @param {(value: any) => any} probe */
const accepts = (probe) => (/** @type {any} */ value) => {
  try {
    probe(value);
    return true;
  } catch {
    return false;
  }
};

/** @type {Kind} */
const DATE = { is: accepts(DatePrototypeGetTime), write: DatePrototypeGetTime, create: (time) => new Date(time) };

/** @type {Kind} */
const REGEXP = {
  // The getters take RegExp.prototype as well, and give undefined for it.
  is: (value) => accepts(RegExpPrototypeGetGlobal)(value) && RegExpPrototypeGetGlobal(value) !== undefined,
  write: (value) => ({ source: RegExpPrototypeGetSource(value), flags: flagsOf(value) }),
  create: ({ source, flags }) => new RegExp(source, flags),
};

/** The `flags` getter would look at properties that the app can redefine. @param {RegExp} value */
const flagsOf = (value) =>
  (RegExpPrototypeGetHasIndices(value) ? "d" : "") +
  (RegExpPrototypeGetGlobal(value) ? "g" : "") +
  (RegExpPrototypeGetIgnoreCase(value) ? "i" : "") +
  (RegExpPrototypeGetMultiline(value) ? "m" : "") +
  (RegExpPrototypeGetDotAll(value) ? "s" : "") +
  (RegExpPrototypeGetUnicode(value) ? "u" : "") +
  (RegExpPrototypeGetUnicodeSets(value) ? "v" : "") +
  (RegExpPrototypeGetSticky(value) ? "y" : "");

/** @type {Kind} */
const MAP = {
  is: accepts(MapPrototypeGetSize),
  write(value, write) {
    /** @type {any[]} */
    const copied = [];
    MapPrototypeForEach(value, (item, key) => {
      ArrayPrototypePush(copied, key);
      ArrayPrototypePush(copied, item);
    });
    for (let i = 0; i < copied.length; i++) copied[i] = write(copied[i]);
    return copied;
  },
  create: () => new Map(),
  fill(object, data, read) {
    for (let i = 0; i < data.length; i += 2) MapPrototypeSet(object, read(data[i]), read(data[i + 1]));
  },
};

/** @type {Kind} */
const SET = {
  is: accepts(SetPrototypeGetSize),
  write(value, write) {
    /** @type {any[]} */
    const copied = [];
    SetPrototypeForEach(value, (item) => ArrayPrototypePush(copied, item));
    for (let i = 0; i < copied.length; i++) copied[i] = write(copied[i]);
    return copied;
  },
  create: () => new Set(),
  fill(object, data, read) {
    for (let i = 0; i < data.length; i++) SetPrototypeAdd(object, read(data[i]));
  },
};

/** @param {ArrayBuffer} buffer @returns {ArrayBuffer} a copy, resizable if the buffer is */
function copyBuffer(buffer) {
  const size = ArrayBufferPrototypeGetByteLength(buffer);
  const resizable = ArrayBufferPrototypeGetResizable(buffer);
  const maxByteLength = resizable ? ArrayBufferPrototypeGetMaxByteLength(buffer) : undefined;
  const copy = new ArrayBuffer(size, /** @type {any} */ ({ __proto__: null, maxByteLength }));
  TypedArrayPrototypeSet(new Uint8Array(copy), new Uint8Array(buffer));
  return copy;
}

/** @type {Kind} */
const BUFFER = {
  is: isAnyArrayBuffer,
  write(value) {
    if (ArrayBufferPrototypeGetDetached(value)) {
      throw dataCloneError("An ArrayBuffer is detached and could not be cloned.");
    }
    return copyBuffer(value);
  },
  create: (data, read, consume) => (consume ? data : copyBuffer(data)),
};

/** @type {Kind} */
const VIEW = {
  is: ArrayBufferIsView,
  write(value, write) {
    const buffer = viewBuffer(value);
    if (isOutOfBounds(value)) {
      throw dataCloneError("A view is out of the bounds of its buffer and could not be cloned.");
    }
    const type = TypedArrayPrototypeGetSymbolToStringTag(value) ?? "DataView";
    const isTyped = type !== "DataView";
    const offset = isTyped ? TypedArrayPrototypeGetByteOffset(value) : DataViewPrototypeGetByteOffset(value);
    const length = isLengthTracking(value)
      ? undefined
      : isTyped
        ? typedArrayLength(value)
        : DataViewPrototypeGetByteLength(value);
    return { type, buffer: write(buffer), offset, length };
  },
  create: ({ type, buffer, offset, length }, read) => new VIEWS[type](read(buffer), offset, length),
};

const ERROR_CONSTRUCTORS = /** @type {any} */ ({
  __proto__: null,
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
});

/** @type {Kind} */
const ERROR = {
  is: ErrorIsError,
  write(value, write) {
    const name = String(value.name);
    const message = ownData(value, "message");
    const data = {
      name: ReflectHas(ERROR_CONSTRUCTORS, name) ? name : "Error",
      message: message === undefined ? undefined : String(message.value),
      stack: stackOf(value),
      cause: undefined,
      hasCause: false,
    };
    const cause = ownData(value, "cause");
    if (cause !== undefined) {
      data.hasCause = true;
      data.cause = write(cause.value);
    }
    return data;
  },
  create({ name, message, stack }) {
    const error = new ERROR_CONSTRUCTORS[name]();
    if (message !== undefined) define(error, "message", message, false);
    define(error, "stack", stack, false);
    return error;
  },
  fill(error, { hasCause, cause }, read) {
    if (hasCause) define(error, "cause", read(cause), false);
  },
};

/** @param {object} value @param {string} key */
function ownData(value, key) {
  const descriptor = ReflectGetOwnPropertyDescriptor(value, key);
  return descriptor !== undefined && ObjectHasOwn(descriptor, "value") ? descriptor : undefined;
}

/** @param {any} error */
function stackOf(error) {
  const stack = ObjectHasOwn(error, "stack") ? error.stack : undefined;
  return typeof stack === "string" ? stack : undefined;
}

/** @type {Kind} */
const DOM_EXCEPTION = {
  is: isDOMException,
  write: (value) => ({ ...domExceptionState(value), stack: stackOf(value) }),
  create({ name, message, stack }) {
    const exception = new DOMException(message, name);
    define(exception, "stack", stack, false);
    return exception;
  },
};

/** @type {Kind} */
const REFUSED = {
  is: () => true,
  write(value) {
    throw notCloneable(value);
  },
  create: () => undefined,
};

/**
 * A WebAssembly.Module is immutable: the clone is the same compiled code, and may as well be the same object.
 *
 * @type {Kind}
 */
const SHARED = { is: () => true, write: (value) => value, create: (data) => data };

// ---- The table ---------------------------------------------------------------------------------------------

/** The constructors of views by name; the table is complete once they are there. @type {any} */
let VIEWS;

/** Fill the table with what the language has; at the first use, since many apps never clone. */
function buildTable() {
  /** @type {[any, Kind][]} */
  const table = [
    [Boolean, wrapper(BooleanPrototypeValueOf)],
    [Number, wrapper(NumberPrototypeValueOf)],
    [String, wrapper(StringPrototypeValueOf)],
    [BigInt, wrapper(BigIntPrototypeValueOf)],
    [Date, DATE],
    [RegExp, REGEXP],
    [Map, MAP],
    [Set, SET],
    [ArrayBuffer, BUFFER],
    [TypedArray, VIEW],
    [DataView, VIEW],
    [Error, ERROR],
    [DOMException, DOM_EXCEPTION],
    [WebAssembly_.Module, SHARED],
    [Symbol, REFUSED],
    [Promise, REFUSED],
    [WeakMap, REFUSED],
    [WeakSet, REFUSED],
    [WeakRef, REFUSED],
    [FinalizationRegistry, REFUSED],
  ];
  for (let i = 0; i < table.length; i++) MapPrototypeSet(serializable, table[i][0].prototype, table[i][1]);
  MapPrototypeSet(serializable, sharedArrayBufferPrototype, REFUSED);
  MapPrototypeSet(serializable, GeneratorPrototype, REFUSED);
  MapPrototypeSet(serializable, AsyncIteratorPrototype, REFUSED);
  MapPrototypeSet(serializable, ArrayIteratorPrototype, REFUSED);
  refuseMembers(Intl_);
  refuseMembers(WebAssembly_);
  if (Temporal_ !== undefined) refuseMembers(Temporal_);
  VIEWS = viewConstructors();
}

/** @param {any} namespace an object whose members are classes */
function refuseMembers(namespace) {
  const keys = ReflectOwnKeys(namespace);
  for (let i = 0; i < keys.length; i++) {
    const { value } = /** @type {PropertyDescriptor} */ (ReflectGetOwnPropertyDescriptor(namespace, keys[i]));
    const prototype = typeof value === "function" ? value.prototype : undefined;
    if (prototype !== undefined && !MapPrototypeHas(serializable, prototype)) MapPrototypeSet(serializable, prototype, REFUSED);
  }
}

const viewConstructors = () => ({
  __proto__: null,
  BigInt64Array,
  BigUint64Array,
  DataView,
  Float16Array,
  Float32Array,
  Float64Array,
  Int16Array,
  Int32Array,
  Int8Array,
  Uint16Array,
  Uint32Array,
  Uint8Array,
  Uint8ClampedArray,
});

/**
 * @param {object} value
 * @returns {Kind}
 */
export function kindOf(value) {
  if (ArrayIsArray(value)) return ARRAY;
  if (VIEWS === undefined) buildTable();
  let prototype = ObjectGetPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return ErrorIsError(value) ? ERROR : ORDINARY;
  let isPlatformObject = false;
  for (; prototype !== null && prototype !== Object.prototype; prototype = ObjectGetPrototypeOf(prototype)) {
    const kind = MapPrototypeGet(serializable, prototype);
    if (kind !== undefined && kind.is(value)) return kind;
    isPlatformObject ||= isInterfacePrototype(prototype);
  }
  return isPlatformObject ? REFUSED : ORDINARY;
}

/**
 * How a value is transferred; undefined if it cannot be.
 *
 * @param {object} value
 * @returns {TransferKind | undefined}
 */
export function transferKindOf(value) {
  if (isAnyArrayBuffer(value)) return BUFFER_TRANSFER;
  for (let prototype = ObjectGetPrototypeOf(value); prototype !== null; prototype = ObjectGetPrototypeOf(prototype)) {
    const kind = MapPrototypeGet(transferable, prototype);
    if (kind !== undefined && kind.is(value)) return kind;
  }
  return undefined;
}

/** @type {TransferKind} */
const BUFFER_TRANSFER = {
  is: isAnyArrayBuffer,
  isDetached: ArrayBufferPrototypeGetDetached,
  transfer: (buffer) => ArrayBufferPrototypeTransfer(buffer),
  receive: (buffer) => buffer,
};
