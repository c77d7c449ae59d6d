// node:util/types: which of the engine's kinds a value is, whatever its prototype.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/util.html#utiltypes. Proxies cannot be told; promises are told by
// their prototype.

const { getOwnPropertyDescriptor, getPrototypeOf } = Object;

/** Whether a function that checks its receiver accepts a value. @param {Function} brandCheck @param {...any} args */
const accepts =
  (brandCheck, ...args) =>
  (/** @type {any} */ value) => {
    try {
      Reflect.apply(brandCheck, value, args);
      return true;
    } catch {
      return false;
    }
  };

/** @param {object} prototype @param {PropertyKey} name @returns {Function} */
const getterOf = (prototype, name) => /** @type {any} */ (getOwnPropertyDescriptor(prototype, name)).get;

const tagOf = getterOf(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
/** @param {string} name */
const isTyped = (name) => (/** @type {any} */ value) => Reflect.apply(tagOf, value, []) === name;
/** @param {string} name */
const isTagged = (name) => (/** @type {any} */ value) => Object.prototype.toString.call(value) === `[object ${name}]`;
/** @param {any} value */
const isObject = (value) => typeof value === "object" && value !== null;

export const isAnyArrayBuffer = accepts(getterOf(ArrayBuffer.prototype, "byteLength"));
export const isArrayBuffer = isAnyArrayBuffer;
export const isSharedArrayBuffer = () => false;
export const isArrayBufferView = ArrayBuffer.isView;
export const isDataView = (/** @type {any} */ value) => ArrayBuffer.isView(value) && Reflect.apply(tagOf, value, []) === undefined;
export const isTypedArray = (/** @type {any} */ value) => Reflect.apply(tagOf, value, []) !== undefined;
export const isUint8Array = isTyped("Uint8Array");
export const isUint8ClampedArray = isTyped("Uint8ClampedArray");
export const isUint16Array = isTyped("Uint16Array");
export const isUint32Array = isTyped("Uint32Array");
export const isInt8Array = isTyped("Int8Array");
export const isInt16Array = isTyped("Int16Array");
export const isInt32Array = isTyped("Int32Array");
export const isFloat16Array = isTyped("Float16Array");
export const isFloat32Array = isTyped("Float32Array");
export const isFloat64Array = isTyped("Float64Array");
export const isBigInt64Array = isTyped("BigInt64Array");
export const isBigUint64Array = isTyped("BigUint64Array");

export const isMap = accepts(getterOf(Map.prototype, "size"));
export const isSet = accepts(getterOf(Set.prototype, "size"));
export const isWeakMap = accepts(WeakMap.prototype.has, {});
export const isWeakSet = accepts(WeakSet.prototype.has, {});
export const isDate = accepts(Date.prototype.getTime);
/** @param {any} value */
export const isRegExp = (value) => value !== RegExp.prototype && accepts(getterOf(RegExp.prototype, "source"))(value);
export const isNativeError = /** @type {any} */ (Error).isError;
/** @param {any} value */
export const isPromise = (value) => value instanceof Promise;
export const isMapIterator = isTagged("Map Iterator");
export const isSetIterator = isTagged("Set Iterator");
export const isGeneratorObject = isTagged("Generator");
/** @param {any} value */
export const isAsyncFunction = (value) =>
  typeof value === "function" && /^Async(Generator)?Function$/.test(value[Symbol.toStringTag] ?? "");
/** @param {any} value */
export const isGeneratorFunction = (value) =>
  typeof value === "function" && /GeneratorFunction$/.test(value[Symbol.toStringTag] ?? "");
export const isArgumentsObject = isTagged("Arguments");
export const isModuleNamespaceObject = isTagged("Module");
export const isProxy = () => false;
export const isExternal = () => false;
export const isCryptoKey = isTagged("CryptoKey");
export const isKeyObject = () => false;

const ofNumber = accepts(Number.prototype.valueOf);
const ofString = accepts(String.prototype.valueOf);
const ofBoolean = accepts(Boolean.prototype.valueOf);
const ofSymbol = accepts(Symbol.prototype.valueOf);
const ofBigInt = accepts(BigInt.prototype.valueOf);
/** @param {any} value */
export const isNumberObject = (value) => isObject(value) && ofNumber(value);
/** @param {any} value */
export const isStringObject = (value) => isObject(value) && ofString(value);
/** @param {any} value */
export const isBooleanObject = (value) => isObject(value) && ofBoolean(value);
/** @param {any} value */
export const isSymbolObject = (value) => isObject(value) && ofSymbol(value);
/** @param {any} value */
export const isBigIntObject = (value) => isObject(value) && ofBigInt(value);
/** @param {any} value */
export const isBoxedPrimitive = (value) =>
  isNumberObject(value) || isStringObject(value) || isBooleanObject(value) || isSymbolObject(value) || isBigIntObject(value);
