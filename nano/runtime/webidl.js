// Web IDL for the interfaces of this runtime: argument conversion and the shape of interface objects.
//
// Standard: https://webidl.spec.whatwg.org/ (converters: section 3.2, interfaces: 3.7).
// An API file states what its arguments are; the wording of errors, the order of conversions and every
// property descriptor are decided here and nowhere else.

import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetResizable,
  ArrayPrototypePush,
  DataViewPrototypeGetBuffer,
  MathFloor,
  MathPow,
  Number,
  NumberIsFinite,
  NumberIsNaN,
  NumberMAX_SAFE_INTEGER,
  NumberMIN_SAFE_INTEGER,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectGet,
  ReflectDefineProperty,
  ReflectHas,
  ReflectOwnKeys,
  Set,
  SetPrototypeAdd,
  SetPrototypeHas,
  String,
  StringPrototypeCharCodeAt,
  StringPrototypeToWellFormed,
  SymbolAsyncIterator,
  SymbolIterator,
  SymbolToStringTag,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypeError,
  BigInt,
  BigIntAsIntN,
  uncurriedApply,
} from "./primordials.js";
import { bindToFrame } from "./async_context.js";

/**
 * What an error text says about where a bad value stood, for example
 * `{ prefix: "Failed to construct 'URL'", name: "Argument 1" }`.
 *
 * @typedef {{ prefix?: string, name?: string }} Context
 */

/** @template T @typedef {(value: any, context?: Context) => T} Converter */

/**
 * A TypeError whose text begins with the operation that failed.
 *
 * @param {Context | undefined} context
 * @param {string} what
 * @returns {TypeError}
 */
export function typeError(context, what) {
  const subject = context?.name === undefined ? "Value" : context.name;
  const prefix = context?.prefix === undefined ? "" : `${context.prefix}: `;
  return new TypeError(`${prefix}${subject} ${what}`);
}

/**
 * Check that a call has as many arguments as its operation requires.
 *
 * @param {number} given `arguments.length`
 * @param {number} required
 * @param {string} prefix "Failed to execute 'append' on 'Headers'"
 */
export function requiredArguments(given, required, prefix) {
  if (given < required) {
    throw new TypeError(
      `${prefix}: ${required} argument${required === 1 ? "" : "s"} required, but only ${given} present.`,
    );
  }
}

/** The error of every interface that scripts cannot construct. */
export function illegalConstructor() {
  return new TypeError("Illegal constructor");
}

/** @param {any} value @returns {value is object} */
export const isObject = (value) =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** @type {Converter<string>} */
function toDOMString(value, context) {
  if (typeof value === "string") return value;
  if (typeof value === "symbol") throw typeError(context, "is a symbol, which cannot be converted to a string.");
  return String(value);
}

/**
 * Convert to an integer of the given width.
 *
 * @see https://webidl.spec.whatwg.org/#abstract-opdef-converttoint
 * @param {number} bits
 * @param {boolean} signed
 * @param {"wrap" | "enforce" | "clamp"} mode
 * @returns {Converter<number>}
 */
function integer(bits, signed, mode = "wrap") {
  const upper = bits === 64 ? NumberMAX_SAFE_INTEGER : MathPow(2, signed ? bits - 1 : bits) - 1;
  const lower = !signed ? 0 : bits === 64 ? NumberMIN_SAFE_INTEGER : -MathPow(2, bits - 1);
  return (value, context) => {
    if (typeof value === "bigint") throw typeError(context, "is a BigInt, which cannot be converted to a number.");
    if (typeof value === "symbol") throw typeError(context, "is a symbol, which cannot be converted to a number.");
    let x = Number(value);
    if (mode === "enforce") {
      if (!NumberIsFinite(x)) throw typeError(context, "is not a finite number.");
      x = truncate(x);
      if (x < lower || x > upper) throw typeError(context, `is outside the accepted range of ${lower} to ${upper}, inclusive.`);
      return x;
    }
    if (mode === "clamp") {
      if (NumberIsNaN(x)) return 0;
      x = x < lower ? lower : x > upper ? upper : x;
      const floor = MathFloor(x);
      const rest = x - floor;
      const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
      return rounded + 0;
    }
    if (!NumberIsFinite(x) || x === 0) return 0;
    x = truncate(x);
    if (x >= lower && x <= upper) return x + 0;
    if (bits === 64) return Number((signed ? BigIntAsIntN : asUintN)(64, BigInt(x)));
    const modulus = MathPow(2, bits);
    x = x % modulus;
    if (x < 0) x += modulus;
    return signed && x > upper ? x - modulus : x + 0;
  };
}

const asUintN = BigInt.asUintN;

/** @param {number} x */
const truncate = (x) => (x < 0 ? -MathFloor(-x) : MathFloor(x)) + 0;

/** @param {boolean} restricted @param {(x: number) => number} [round] @returns {Converter<number>} */
function float(restricted, round) {
  return (value, context) => {
    if (typeof value === "bigint" || typeof value === "symbol") {
      throw typeError(context, `is a ${typeof value}, which cannot be converted to a number.`);
    }
    const x = Number(value);
    if (restricted && !NumberIsFinite(x)) throw typeError(context, "is not a finite number.");
    return round === undefined ? x : round(x);
  };
}

/** @param {any} value */
export function isAnyArrayBuffer(value) {
  try {
    ArrayBufferPrototypeGetByteLength(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * The buffer behind a view, whatever its type.
 *
 * @param {ArrayBufferView} view
 * @returns {ArrayBuffer}
 */
export function viewBuffer(view) {
  return TypedArrayPrototypeGetSymbolToStringTag(view) === undefined
    ? DataViewPrototypeGetBuffer(view)
    : TypedArrayPrototypeGetBuffer(view);
}

/** @param {any} buffer @param {Context} [context] */
function refuseResizable(buffer, context) {
  if (!isAnyArrayBuffer(buffer)) throw typeError(context, "is backed by a shared buffer, which is not allowed.");
  if (ArrayBufferPrototypeGetResizable(buffer)) throw typeError(context, "is backed by a resizable buffer, which is not allowed.");
}

export const converters = {
  /** @type {Converter<any>} */
  any: (value) => value,
  /** @type {Converter<boolean>} */
  boolean: (value) => !!value,
  byte: integer(8, true),
  octet: integer(8, false),
  short: integer(16, true),
  "unsigned short": integer(16, false),
  "[EnforceRange] unsigned short": integer(16, false, "enforce"),
  "[EnforceRange] octet": integer(8, false, "enforce"),
  long: integer(32, true),
  "unsigned long": integer(32, false),
  "[EnforceRange] unsigned long": integer(32, false, "enforce"),
  "[Clamp] long long": integer(64, true, "clamp"),
  "long long": integer(64, true),
  "unsigned long long": integer(64, false),
  "[EnforceRange] unsigned long long": integer(64, false, "enforce"),
  double: float(true),
  "unrestricted double": float(false),
  DOMString: toDOMString,
  /** @type {Converter<string>} */
  USVString: (value, context) => StringPrototypeToWellFormed(toDOMString(value, context)),
  /** @type {Converter<string>} */
  ByteString(value, context) {
    const string = toDOMString(value, context);
    for (let i = 0; i < string.length; i++) {
      if (StringPrototypeCharCodeAt(string, i) > 255) {
        throw typeError(context, `has a character at index ${i} with a value greater than 255, which a ByteString cannot hold.`);
      }
    }
    return string;
  },
  /** @type {Converter<object>} */
  object(value, context) {
    if (!isObject(value)) throw typeError(context, "is not an object.");
    return value;
  },
  /** @type {Converter<ArrayBuffer>} */
  ArrayBuffer(value, context) {
    if (!isObject(value) || !isAnyArrayBuffer(value)) throw typeError(context, "is not an ArrayBuffer.");
    refuseResizable(value, context);
    return /** @type {ArrayBuffer} */ (value);
  },
  /** @type {Converter<ArrayBufferView>} */
  ArrayBufferView(value, context) {
    if (!ArrayBufferIsView(value)) throw typeError(context, "is not a view on an ArrayBuffer.");
    refuseResizable(viewBuffer(value), context);
    return value;
  },
  /** @type {Converter<ArrayBuffer | ArrayBufferView>} */
  BufferSource(value, context) {
    if (ArrayBufferIsView(value)) return converters.ArrayBufferView(value, context);
    if (isObject(value) && isAnyArrayBuffer(value)) return converters.ArrayBuffer(value, context);
    throw typeError(context, "is not an ArrayBuffer or a view on one.");
  },
  /** The function, bound to the asynchronous context of now where the app uses them. @type {Converter<Function>} */
  callback(value, context) {
    if (typeof value !== "function") throw typeError(context, "is not a function.");
    return bindToFrame(value);
  },
};

/** @template T @param {Converter<T>} converter @returns {Converter<T | null>} */
export const nullable = (converter) => (value, context) =>
  value === null || value === undefined ? null : converter(value, context);

/**
 * Convert to an enumeration value.
 *
 * @template {string} T
 * @param {string} name
 * @param {readonly T[]} values
 * @returns {Converter<T>}
 */
export const enumeration = (name, values) => (value, context) => {
  const string = toDOMString(value, context);
  for (let i = 0; i < values.length; i++) if (values[i] === string) return values[i];
  throw typeError(context, `'${string}' is not a valid value of the enumeration ${name}.`);
};

/**
 * Convert an iterable object to an array.
 *
 * @template T
 * @param {Converter<T>} converter
 * @returns {Converter<T[]>}
 */
export const sequence = (converter) => (value, context) => {
  if (!isObject(value)) throw typeError(context, "is not a sequence.");
  const method = /** @type {any} */ (value)[SymbolIterator];
  if (typeof method !== "function") throw typeError(context, "is not iterable.");
  return sequenceFrom(value, method, converter, context);
};

/**
 * Collect what an iterable gives; for unions that have looked up `@@iterator` themselves.
 *
 * @see https://webidl.spec.whatwg.org/#create-sequence-from-iterable
 * @template T
 * @param {any} value
 * @param {Function} method
 * @param {Converter<T>} converter
 * @param {Context} [context]
 * @returns {T[]}
 */
export function sequenceFrom(value, method, converter, context) {
  const iterator = uncurriedApply(method, value, []);
  if (!isObject(iterator)) throw typeError(context, "has an iterator that is not an object.");
  const next = /** @type {any} */ (iterator).next;
  /** @type {T[]} */
  const result = [];
  for (;;) {
    const step = uncurriedApply(next, iterator, []);
    if (!isObject(step)) throw typeError(context, "has an iterator whose next() is not an object.");
    if (/** @type {any} */ (step).done) return result;
    ArrayPrototypePush(result, converter(/** @type {any} */ (step).value, context));
  }
}

/**
 * Convert an object to a list of [key, value] pairs, in the order of its own keys.
 *
 * @template K, V
 * @param {Converter<K>} keys
 * @param {Converter<V>} values
 * @returns {Converter<[K, V][]>}
 */
export const record = (keys, values) => (value, context) => {
  if (!isObject(value)) throw typeError(context, "is not an object.");
  /** @type {[K, V][]} */
  const result = [];
  const own = ReflectOwnKeys(value);
  /** @type {{ [key: string]: number }} */
  const seen = /** @type {any} */ ({ __proto__: null });
  for (let i = 0; i < own.length; i++) {
    const descriptor = ObjectGetOwnPropertyDescriptor(value, own[i]);
    if (descriptor === undefined || !descriptor.enumerable) continue;
    const key = keys(own[i], context);
    const item = values(ReflectGet(value, own[i]), context);
    const at = seen[String(key)];
    if (at !== undefined) result[at] = [key, item];
    else {
      seen[String(key)] = result.length;
      ArrayPrototypePush(result, /** @type {[K, V]} */ ([key, item]));
    }
  }
  return result;
};

/**
 * A dictionary member: `[name, converter, default]`, or `[name, converter]` without default;
 * `required` as the third item makes it required.
 *
 * @typedef {{ name: string, converter: Converter<any>, default?: () => any, required?: boolean }} Member
 */

/**
 * Convert an object to a dictionary. Members are read in the order given, which Web IDL wants to be
 * lexicographical within each dictionary of an inheritance chain.
 *
 * @param {string} name
 * @param {readonly Member[]} members
 * @returns {Converter<any>}
 */
export const dictionary = (name, members) => (value, context) => {
  if (value !== undefined && value !== null && !isObject(value)) {
    throw typeError(context, `cannot be converted to the dictionary ${name}.`);
  }
  /** @type {any} */
  const result = { __proto__: null };
  for (let i = 0; i < members.length; i++) {
    const member = members[i];
    const given = value === undefined || value === null ? undefined : /** @type {any} */ (value)[member.name];
    if (given !== undefined) {
      result[member.name] = member.converter(given, { prefix: context?.prefix, name: `'${member.name}' of '${name}'` });
    } else if (member.default !== undefined) {
      result[member.name] = member.default();
    } else if (member.required) {
      throw typeError(context, `lacks the required member '${member.name}' of '${name}'.`);
    }
  }
  return result;
};

/**
 * Convert to an instance of an interface, told by its brand and not by its prototype.
 *
 * @template T
 * @param {string} name
 * @param {(value: any) => boolean} isInstance
 * @returns {Converter<T>}
 */
export const interfaceType = (name, isInstance) => (value, context) => {
  if (!isObject(value) || !isInstance(value)) throw typeError(context, `is not of type '${name}'.`);
  return /** @type {any} */ (value);
};

/** The prototypes of all interfaces: how structured cloning knows a platform object. @type {Set<object>} */
const interfacePrototypes = new Set();

/** @param {object} object */
export const isInterfacePrototype = (object) => SetPrototypeHas(interfacePrototypes, object);

/** @param {any} target @param {PropertyKey} key @param {PropertyDescriptor} descriptor */
function redefine(target, key, descriptor) {
  ObjectDefineProperty(target, key, /** @type {any} */ ({ __proto__: null, ...descriptor }));
}

/**
 * Give a class the shape Web IDL prescribes for an interface: operations and attributes enumerable, a
 * class string, an unwritable prototype, constants on both objects, and the iterator aliases.
 *
 * @param {any} Class
 * @param {object} [options]
 * @param {string} [options.name] the interface's name where it differs from the class's
 * @param {number} [options.length] the interface object's `length`, where default parameters do not give it
 * @param {Record<string, number>} [options.constants]
 * @param {boolean} [options.noTag] for namespaces' helper classes that have no class string
 * @returns {any} the class
 */
export function exposeInterface(Class, options) {
  const name = options?.name ?? Class.name;
  SetPrototypeAdd(interfacePrototypes, Class.prototype);
  shapeMembers(Class.prototype);
  shapeMembers(Class);
  if (!options?.noTag) {
    redefine(Class.prototype, SymbolToStringTag, { value: name, writable: false, enumerable: false, configurable: true });
  }
  redefine(Class, "name", { value: name, writable: false, enumerable: false, configurable: true });
  if (options?.length !== undefined) redefine(Class, "length", { value: options.length, configurable: true });
  if (options?.constants !== undefined) {
    const names = ReflectOwnKeys(options.constants);
    for (let i = 0; i < names.length; i++) {
      const value = options.constants[/** @type {string} */ (names[i])];
      redefine(Class, names[i], { value, enumerable: true });
      redefine(Class.prototype, names[i], { value, enumerable: true });
    }
  }
  return Class;
}

const ENUMERABLE = /** @type {any} */ ({ __proto__: null, enumerable: true });

/** The properties that every class has. */
const OF_CLASSES = /** @type {any} */ ({ __proto__: null, length: true, name: true, prototype: true });

/** Make string-named members enumerable; symbols stay hidden. @param {any} target with the members that a class declares */
function shapeMembers(target) {
  const keys = ReflectOwnKeys(target);
  const isClass = typeof target === "function";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (typeof key === "symbol" || key === "constructor" || (isClass && key in OF_CLASSES)) continue;
    ReflectDefineProperty(target, key, ENUMERABLE);
  }
}

/**
 * Make `@@iterator` (or `@@asyncIterator`) the same function object as a named method, as iterable
 * declarations demand.
 *
 * @param {any} Class
 * @param {string} method
 * @param {boolean} [async]
 */
export function aliasIterator(Class, method, async = false) {
  redefine(Class.prototype, async ? SymbolAsyncIterator : SymbolIterator, {
    value: Class.prototype[method],
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

/**
 * Whether an object has a property, own or inherited, without tripping over a patched `hasOwnProperty`.
 *
 * @param {object} object
 * @param {PropertyKey} key
 */
export const has = (object, key) => ReflectHas(object, key);
