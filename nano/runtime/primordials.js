// Built-ins as they were before any app code ran.
//
// Everything in this runtime reaches the language's built-ins through this module, so that an app which
// overwrites `Array.prototype.push` or `Promise.prototype.then` breaks itself only and never gets hold of a
// value that belongs to the runtime. Static functions keep their names (`ObjectDefineProperty`), prototype
// methods are uncurried: `ArrayPrototypePush(array, item)`; getters carry `Get`. The bundler drops what is unused.

const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
const getPrototypeOf = /** @type {(object: any) => any} */ (Reflect.getPrototypeOf);
const { bind, call } = globalThis.Function.prototype;

/**
 * Turn a method into a function that takes its receiver as first argument.
 *
 * @type {<F extends (...args: any[]) => any>(method: F) => (self: any, ...args: Parameters<F>) => ReturnType<F>}
 */
export const uncurryThis = /** @type {any} */ (bind.bind(call));

/**
 * The getter of an accessor property, taking its receiver as first argument.
 *
 * @param {object} prototype
 * @param {PropertyKey} name
 * @returns {(self: any) => any}
 */
const uncurryGetter = (prototype, name) =>
  uncurryThis(/** @type {any} */ (getOwnPropertyDescriptor(prototype, name)).get);

export const globalThis_ = globalThis;


export const { Array } = globalThis;
export const ArrayIsArray = /* @__PURE__ */ Array.isArray.bind(Array);
export const ArrayFrom = /* @__PURE__ */ Array.from.bind(Array);
export const ArrayFromAsync = /* @__PURE__ */ Array.fromAsync.bind(Array);
export const ArrayOf = /* @__PURE__ */ Array.of.bind(Array);
export const ArrayPrototypeAt = /* @__PURE__ */ uncurryThis(Array.prototype.at);
export const ArrayPrototypeConcat = /* @__PURE__ */ uncurryThis(Array.prototype.concat);
export const ArrayPrototypeCopyWithin = /* @__PURE__ */ uncurryThis(Array.prototype.copyWithin);
export const ArrayPrototypeFill = /* @__PURE__ */ uncurryThis(Array.prototype.fill);
export const ArrayPrototypeFind = /* @__PURE__ */ uncurryThis(Array.prototype.find);
export const ArrayPrototypeFindIndex = /* @__PURE__ */ uncurryThis(Array.prototype.findIndex);
export const ArrayPrototypeFindLast = /* @__PURE__ */ uncurryThis(Array.prototype.findLast);
export const ArrayPrototypeFindLastIndex = /* @__PURE__ */ uncurryThis(Array.prototype.findLastIndex);
export const ArrayPrototypeLastIndexOf = /* @__PURE__ */ uncurryThis(Array.prototype.lastIndexOf);
export const ArrayPrototypePop = /* @__PURE__ */ uncurryThis(Array.prototype.pop);
export const ArrayPrototypePush = /* @__PURE__ */ uncurryThis(Array.prototype.push);
export const ArrayPrototypeReverse = /* @__PURE__ */ uncurryThis(Array.prototype.reverse);
export const ArrayPrototypeShift = /* @__PURE__ */ uncurryThis(Array.prototype.shift);
export const ArrayPrototypeUnshift = /* @__PURE__ */ uncurryThis(Array.prototype.unshift);
export const ArrayPrototypeSlice = /* @__PURE__ */ uncurryThis(Array.prototype.slice);
export const ArrayPrototypeSort = /* @__PURE__ */ uncurryThis(Array.prototype.sort);
export const ArrayPrototypeSplice = /* @__PURE__ */ uncurryThis(Array.prototype.splice);
export const ArrayPrototypeIncludes = /* @__PURE__ */ uncurryThis(Array.prototype.includes);
export const ArrayPrototypeIndexOf = /* @__PURE__ */ uncurryThis(Array.prototype.indexOf);
export const ArrayPrototypeJoin = /* @__PURE__ */ uncurryThis(Array.prototype.join);
export const ArrayPrototypeKeys = /* @__PURE__ */ uncurryThis(Array.prototype.keys);
export const ArrayPrototypeEntries = /* @__PURE__ */ uncurryThis(Array.prototype.entries);
export const ArrayPrototypeValues = /* @__PURE__ */ uncurryThis(Array.prototype.values);
export const ArrayPrototypeForEach = /* @__PURE__ */ uncurryThis(Array.prototype.forEach);
export const ArrayPrototypeFilter = /* @__PURE__ */ uncurryThis(Array.prototype.filter);
export const ArrayPrototypeFlat = /* @__PURE__ */ uncurryThis(Array.prototype.flat);
export const ArrayPrototypeFlatMap = /* @__PURE__ */ uncurryThis(Array.prototype.flatMap);
export const ArrayPrototypeMap = /* @__PURE__ */ uncurryThis(Array.prototype.map);
export const ArrayPrototypeEvery = /* @__PURE__ */ uncurryThis(Array.prototype.every);
export const ArrayPrototypeSome = /* @__PURE__ */ uncurryThis(Array.prototype.some);
export const ArrayPrototypeReduce = /* @__PURE__ */ uncurryThis(Array.prototype.reduce);
export const ArrayPrototypeReduceRight = /* @__PURE__ */ uncurryThis(Array.prototype.reduceRight);
export const ArrayPrototypeToReversed = /* @__PURE__ */ uncurryThis(Array.prototype.toReversed);
export const ArrayPrototypeToSorted = /* @__PURE__ */ uncurryThis(Array.prototype.toSorted);
export const ArrayPrototypeToSpliced = /* @__PURE__ */ uncurryThis(Array.prototype.toSpliced);
export const ArrayPrototypeWith = /* @__PURE__ */ uncurryThis(Array.prototype.with);
export const ArrayPrototypeToLocaleString = /* @__PURE__ */ uncurryThis(Array.prototype.toLocaleString);
export const ArrayPrototypeToString = /* @__PURE__ */ uncurryThis(Array.prototype.toString);
export const ArrayPrototypeSymbolIterator = /* @__PURE__ */ uncurryThis(Array.prototype[globalThis.Symbol.iterator]);

export const { ArrayBuffer } = globalThis;
export const ArrayBufferIsView = ArrayBuffer.isView;
export const ArrayBufferPrototypeGetByteLength = /* @__PURE__ */ uncurryGetter(ArrayBuffer.prototype, "byteLength");
export const ArrayBufferPrototypeSlice = /* @__PURE__ */ uncurryThis(ArrayBuffer.prototype.slice);
export const ArrayBufferPrototypeGetMaxByteLength = /* @__PURE__ */ uncurryGetter(ArrayBuffer.prototype, "maxByteLength");
export const ArrayBufferPrototypeGetResizable = /* @__PURE__ */ uncurryGetter(ArrayBuffer.prototype, "resizable");
export const ArrayBufferPrototypeResize = /* @__PURE__ */ uncurryThis(ArrayBuffer.prototype.resize);
export const ArrayBufferPrototypeTransfer = /* @__PURE__ */ uncurryThis(ArrayBuffer.prototype.transfer);
export const ArrayBufferPrototypeTransferToFixedLength = /* @__PURE__ */ uncurryThis(ArrayBuffer.prototype.transferToFixedLength);
export const ArrayBufferPrototypeGetDetached = /* @__PURE__ */ uncurryGetter(ArrayBuffer.prototype, "detached");

export const { BigInt } = globalThis;
export const BigIntAsUintN = BigInt.asUintN;
export const BigIntAsIntN = BigInt.asIntN;
export const BigIntPrototypeToLocaleString = /* @__PURE__ */ uncurryThis(BigInt.prototype.toLocaleString);
export const BigIntPrototypeToString = /* @__PURE__ */ uncurryThis(BigInt.prototype.toString);
export const BigIntPrototypeValueOf = /* @__PURE__ */ uncurryThis(BigInt.prototype.valueOf);

export const { BigInt64Array } = globalThis;
export const BigInt64ArrayBYTES_PER_ELEMENT = BigInt64Array.BYTES_PER_ELEMENT;

export const { BigUint64Array } = globalThis;
export const BigUint64ArrayBYTES_PER_ELEMENT = BigUint64Array.BYTES_PER_ELEMENT;

export const { Boolean } = globalThis;
export const BooleanPrototypeToString = /* @__PURE__ */ uncurryThis(Boolean.prototype.toString);
export const BooleanPrototypeValueOf = /* @__PURE__ */ uncurryThis(Boolean.prototype.valueOf);

export const { DataView } = globalThis;
export const DataViewPrototypeGetBuffer = /* @__PURE__ */ uncurryGetter(DataView.prototype, "buffer");
export const DataViewPrototypeGetByteLength = /* @__PURE__ */ uncurryGetter(DataView.prototype, "byteLength");
export const DataViewPrototypeGetByteOffset = /* @__PURE__ */ uncurryGetter(DataView.prototype, "byteOffset");
export const DataViewPrototypeGetInt8 = /* @__PURE__ */ uncurryThis(DataView.prototype.getInt8);
export const DataViewPrototypeSetInt8 = /* @__PURE__ */ uncurryThis(DataView.prototype.setInt8);
export const DataViewPrototypeGetUint8 = /* @__PURE__ */ uncurryThis(DataView.prototype.getUint8);
export const DataViewPrototypeSetUint8 = /* @__PURE__ */ uncurryThis(DataView.prototype.setUint8);
export const DataViewPrototypeGetInt16 = /* @__PURE__ */ uncurryThis(DataView.prototype.getInt16);
export const DataViewPrototypeSetInt16 = /* @__PURE__ */ uncurryThis(DataView.prototype.setInt16);
export const DataViewPrototypeGetUint16 = /* @__PURE__ */ uncurryThis(DataView.prototype.getUint16);
export const DataViewPrototypeSetUint16 = /* @__PURE__ */ uncurryThis(DataView.prototype.setUint16);
export const DataViewPrototypeGetInt32 = /* @__PURE__ */ uncurryThis(DataView.prototype.getInt32);
export const DataViewPrototypeSetInt32 = /* @__PURE__ */ uncurryThis(DataView.prototype.setInt32);
export const DataViewPrototypeGetUint32 = /* @__PURE__ */ uncurryThis(DataView.prototype.getUint32);
export const DataViewPrototypeSetUint32 = /* @__PURE__ */ uncurryThis(DataView.prototype.setUint32);
export const DataViewPrototypeGetFloat32 = /* @__PURE__ */ uncurryThis(DataView.prototype.getFloat32);
export const DataViewPrototypeSetFloat32 = /* @__PURE__ */ uncurryThis(DataView.prototype.setFloat32);
export const DataViewPrototypeGetFloat64 = /* @__PURE__ */ uncurryThis(DataView.prototype.getFloat64);
export const DataViewPrototypeSetFloat64 = /* @__PURE__ */ uncurryThis(DataView.prototype.setFloat64);
export const DataViewPrototypeGetBigInt64 = /* @__PURE__ */ uncurryThis(DataView.prototype.getBigInt64);
export const DataViewPrototypeSetBigInt64 = /* @__PURE__ */ uncurryThis(DataView.prototype.setBigInt64);
export const DataViewPrototypeGetBigUint64 = /* @__PURE__ */ uncurryThis(DataView.prototype.getBigUint64);
export const DataViewPrototypeSetBigUint64 = /* @__PURE__ */ uncurryThis(DataView.prototype.setBigUint64);
export const DataViewPrototypeGetFloat16 = /* @__PURE__ */ uncurryThis(DataView.prototype.getFloat16);
export const DataViewPrototypeSetFloat16 = /* @__PURE__ */ uncurryThis(DataView.prototype.setFloat16);

export const { Date } = globalThis;
export const DateNow = Date.now;
export const DateParse = Date.parse;
export const DateUTC = Date.UTC;
export const DatePrototypeToString = /* @__PURE__ */ uncurryThis(Date.prototype.toString);
export const DatePrototypeToDateString = /* @__PURE__ */ uncurryThis(Date.prototype.toDateString);
export const DatePrototypeToTimeString = /* @__PURE__ */ uncurryThis(Date.prototype.toTimeString);
export const DatePrototypeToISOString = /* @__PURE__ */ uncurryThis(Date.prototype.toISOString);
export const DatePrototypeToUTCString = /* @__PURE__ */ uncurryThis(Date.prototype.toUTCString);
export const DatePrototypeGetDate = /* @__PURE__ */ uncurryThis(Date.prototype.getDate);
export const DatePrototypeSetDate = /* @__PURE__ */ uncurryThis(Date.prototype.setDate);
export const DatePrototypeGetDay = /* @__PURE__ */ uncurryThis(Date.prototype.getDay);
export const DatePrototypeGetFullYear = /* @__PURE__ */ uncurryThis(Date.prototype.getFullYear);
export const DatePrototypeSetFullYear = /* @__PURE__ */ uncurryThis(Date.prototype.setFullYear);
export const DatePrototypeGetHours = /* @__PURE__ */ uncurryThis(Date.prototype.getHours);
export const DatePrototypeSetHours = /* @__PURE__ */ uncurryThis(Date.prototype.setHours);
export const DatePrototypeGetMilliseconds = /* @__PURE__ */ uncurryThis(Date.prototype.getMilliseconds);
export const DatePrototypeSetMilliseconds = /* @__PURE__ */ uncurryThis(Date.prototype.setMilliseconds);
export const DatePrototypeGetMinutes = /* @__PURE__ */ uncurryThis(Date.prototype.getMinutes);
export const DatePrototypeSetMinutes = /* @__PURE__ */ uncurryThis(Date.prototype.setMinutes);
export const DatePrototypeGetMonth = /* @__PURE__ */ uncurryThis(Date.prototype.getMonth);
export const DatePrototypeSetMonth = /* @__PURE__ */ uncurryThis(Date.prototype.setMonth);
export const DatePrototypeGetSeconds = /* @__PURE__ */ uncurryThis(Date.prototype.getSeconds);
export const DatePrototypeSetSeconds = /* @__PURE__ */ uncurryThis(Date.prototype.setSeconds);
export const DatePrototypeGetTime = /* @__PURE__ */ uncurryThis(Date.prototype.getTime);
export const DatePrototypeSetTime = /* @__PURE__ */ uncurryThis(Date.prototype.setTime);
export const DatePrototypeGetTimezoneOffset = /* @__PURE__ */ uncurryThis(Date.prototype.getTimezoneOffset);
export const DatePrototypeGetUTCDate = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCDate);
export const DatePrototypeSetUTCDate = /* @__PURE__ */ uncurryThis(Date.prototype.setUTCDate);
export const DatePrototypeGetUTCDay = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCDay);
export const DatePrototypeGetUTCFullYear = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCFullYear);
export const DatePrototypeSetUTCFullYear = /* @__PURE__ */ uncurryThis(Date.prototype.setUTCFullYear);
export const DatePrototypeGetUTCHours = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCHours);
export const DatePrototypeSetUTCHours = /* @__PURE__ */ uncurryThis(Date.prototype.setUTCHours);
export const DatePrototypeGetUTCMilliseconds = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCMilliseconds);
export const DatePrototypeSetUTCMilliseconds = /* @__PURE__ */ uncurryThis(Date.prototype.setUTCMilliseconds);
export const DatePrototypeGetUTCMinutes = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCMinutes);
export const DatePrototypeSetUTCMinutes = /* @__PURE__ */ uncurryThis(Date.prototype.setUTCMinutes);
export const DatePrototypeGetUTCMonth = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCMonth);
export const DatePrototypeSetUTCMonth = /* @__PURE__ */ uncurryThis(Date.prototype.setUTCMonth);
export const DatePrototypeGetUTCSeconds = /* @__PURE__ */ uncurryThis(Date.prototype.getUTCSeconds);
export const DatePrototypeSetUTCSeconds = /* @__PURE__ */ uncurryThis(Date.prototype.setUTCSeconds);
export const DatePrototypeValueOf = /* @__PURE__ */ uncurryThis(Date.prototype.valueOf);
export const DatePrototypeToJSON = /* @__PURE__ */ uncurryThis(Date.prototype.toJSON);
export const DatePrototypeToLocaleString = /* @__PURE__ */ uncurryThis(Date.prototype.toLocaleString);
export const DatePrototypeToLocaleDateString = /* @__PURE__ */ uncurryThis(Date.prototype.toLocaleDateString);
export const DatePrototypeToLocaleTimeString = /* @__PURE__ */ uncurryThis(Date.prototype.toLocaleTimeString);
export const DatePrototypeToTemporalInstant = /* @__PURE__ */ uncurryThis(Date.prototype.toTemporalInstant);
export const DatePrototypeSymbolToPrimitive = /* @__PURE__ */ uncurryThis(Date.prototype[globalThis.Symbol.toPrimitive]);

export const { Error } = globalThis;
export const ErrorIsError = Error.isError;
export const ErrorPrototypeToString = /* @__PURE__ */ uncurryThis(Error.prototype.toString);

export const { EvalError } = globalThis;

export const { FinalizationRegistry } = globalThis;
export const FinalizationRegistryPrototypeRegister = /* @__PURE__ */ uncurryThis(FinalizationRegistry.prototype.register);
export const FinalizationRegistryPrototypeUnregister = /* @__PURE__ */ uncurryThis(FinalizationRegistry.prototype.unregister);

export const { Float32Array } = globalThis;
export const Float32ArrayBYTES_PER_ELEMENT = Float32Array.BYTES_PER_ELEMENT;

export const { Float64Array } = globalThis;
export const Float64ArrayBYTES_PER_ELEMENT = Float64Array.BYTES_PER_ELEMENT;

export const { Function } = globalThis;
export const FunctionPrototypeApply = /* @__PURE__ */ uncurryThis(Function.prototype.apply);
export const FunctionPrototypeBind = /* @__PURE__ */ uncurryThis(Function.prototype.bind);
export const FunctionPrototypeCall = /* @__PURE__ */ uncurryThis(Function.prototype.call);
export const FunctionPrototypeToString = /* @__PURE__ */ uncurryThis(Function.prototype.toString);

export const { Int16Array } = globalThis;
export const Int16ArrayBYTES_PER_ELEMENT = Int16Array.BYTES_PER_ELEMENT;

export const { Int32Array } = globalThis;
export const Int32ArrayBYTES_PER_ELEMENT = Int32Array.BYTES_PER_ELEMENT;

export const { Int8Array } = globalThis;
export const Int8ArrayBYTES_PER_ELEMENT = Int8Array.BYTES_PER_ELEMENT;

export const { Map } = globalThis;
export const MapGroupBy = Map.groupBy;
export const MapPrototypeGet = /* @__PURE__ */ uncurryThis(Map.prototype.get);
export const MapPrototypeSet = /* @__PURE__ */ uncurryThis(Map.prototype.set);
export const MapPrototypeHas = /* @__PURE__ */ uncurryThis(Map.prototype.has);
export const MapPrototypeDelete = /* @__PURE__ */ uncurryThis(Map.prototype.delete);
export const MapPrototypeClear = /* @__PURE__ */ uncurryThis(Map.prototype.clear);
export const MapPrototypeEntries = /* @__PURE__ */ uncurryThis(Map.prototype.entries);
export const MapPrototypeForEach = /* @__PURE__ */ uncurryThis(Map.prototype.forEach);
export const MapPrototypeKeys = /* @__PURE__ */ uncurryThis(Map.prototype.keys);
export const MapPrototypeGetSize = /* @__PURE__ */ uncurryGetter(Map.prototype, "size");
export const MapPrototypeValues = /* @__PURE__ */ uncurryThis(Map.prototype.values);
export const MapPrototypeSymbolIterator = /* @__PURE__ */ uncurryThis(Map.prototype[globalThis.Symbol.iterator]);

export const { Number } = globalThis;
export const NumberIsFinite = Number.isFinite;
export const NumberIsInteger = Number.isInteger;
export const NumberIsNaN = Number.isNaN;
export const NumberIsSafeInteger = Number.isSafeInteger;
export const NumberParseFloat = Number.parseFloat;
export const NumberParseInt = Number.parseInt;
export const NumberMAX_VALUE = Number.MAX_VALUE;
export const NumberMIN_VALUE = Number.MIN_VALUE;
export const NumberNaN = Number.NaN;
export const NumberNEGATIVE_INFINITY = Number.NEGATIVE_INFINITY;
export const NumberPOSITIVE_INFINITY = Number.POSITIVE_INFINITY;
export const NumberMAX_SAFE_INTEGER = Number.MAX_SAFE_INTEGER;
export const NumberMIN_SAFE_INTEGER = Number.MIN_SAFE_INTEGER;
export const NumberEPSILON = Number.EPSILON;
export const NumberPrototypeToExponential = /* @__PURE__ */ uncurryThis(Number.prototype.toExponential);
export const NumberPrototypeToFixed = /* @__PURE__ */ uncurryThis(Number.prototype.toFixed);
export const NumberPrototypeToPrecision = /* @__PURE__ */ uncurryThis(Number.prototype.toPrecision);
export const NumberPrototypeToString = /* @__PURE__ */ uncurryThis(Number.prototype.toString);
export const NumberPrototypeValueOf = /* @__PURE__ */ uncurryThis(Number.prototype.valueOf);
export const NumberPrototypeToLocaleString = /* @__PURE__ */ uncurryThis(Number.prototype.toLocaleString);

export const { Object } = globalThis;
export const ObjectAssign = Object.assign;
export const ObjectGetOwnPropertyDescriptor = Object.getOwnPropertyDescriptor;
export const ObjectGetOwnPropertyDescriptors = Object.getOwnPropertyDescriptors;
export const ObjectGetOwnPropertyNames = Object.getOwnPropertyNames;
export const ObjectGetOwnPropertySymbols = Object.getOwnPropertySymbols;
export const ObjectHasOwn = Object.hasOwn;
export const ObjectIs = Object.is;
export const ObjectPreventExtensions = Object.preventExtensions;
export const ObjectSeal = Object.seal;
export const ObjectCreate = Object.create;
export const ObjectDefineProperties = Object.defineProperties;
export const ObjectDefineProperty = Object.defineProperty;
export const ObjectFreeze = Object.freeze;
export const ObjectGetPrototypeOf = Object.getPrototypeOf;
export const ObjectSetPrototypeOf = Object.setPrototypeOf;
export const ObjectIsExtensible = Object.isExtensible;
export const ObjectIsFrozen = Object.isFrozen;
export const ObjectIsSealed = Object.isSealed;
export const ObjectKeys = Object.keys;
export const ObjectEntries = Object.entries;
export const ObjectFromEntries = Object.fromEntries;
export const ObjectValues = Object.values;
export const ObjectGroupBy = Object.groupBy;
export const ObjectPrototypeHasOwnProperty = /* @__PURE__ */ uncurryThis(Object.prototype.hasOwnProperty);
export const ObjectPrototypeIsPrototypeOf = /* @__PURE__ */ uncurryThis(Object.prototype.isPrototypeOf);
export const ObjectPrototypePropertyIsEnumerable = /* @__PURE__ */ uncurryThis(Object.prototype.propertyIsEnumerable);
export const ObjectPrototypeToString = /* @__PURE__ */ uncurryThis(Object.prototype.toString);
export const ObjectPrototypeValueOf = /* @__PURE__ */ uncurryThis(Object.prototype.valueOf);
export const ObjectPrototypeToLocaleString = /* @__PURE__ */ uncurryThis(Object.prototype.toLocaleString);

export const { Promise } = globalThis;
export const PromiseAll = /* @__PURE__ */ Promise.all.bind(Promise);
export const PromiseAllSettled = /* @__PURE__ */ Promise.allSettled.bind(Promise);
export const PromiseAny = /* @__PURE__ */ Promise.any.bind(Promise);
export const PromiseRace = /* @__PURE__ */ Promise.race.bind(Promise);
export const PromiseResolve = /* @__PURE__ */ Promise.resolve.bind(Promise);
export const PromiseReject = /* @__PURE__ */ Promise.reject.bind(Promise);
export const PromiseWithResolvers = /* @__PURE__ */ Promise.withResolvers.bind(Promise);
export const PromiseTry = /* @__PURE__ */ Promise.try.bind(Promise);
export const PromisePrototypeThen = /* @__PURE__ */ uncurryThis(Promise.prototype.then);
export const PromisePrototypeCatch = /* @__PURE__ */ uncurryThis(Promise.prototype.catch);
export const PromisePrototypeFinally = /* @__PURE__ */ uncurryThis(Promise.prototype.finally);

export const { Proxy } = globalThis;
export const ProxyRevocable = Proxy.revocable;

export const { RangeError } = globalThis;

export const { ReferenceError } = globalThis;

export const { RegExp } = globalThis;
export const RegExpEscape = RegExp.escape;
export const RegExpPrototypeExec = /* @__PURE__ */ uncurryThis(RegExp.prototype.exec);
export const RegExpPrototypeGetDotAll = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "dotAll");
export const RegExpPrototypeGetFlags = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "flags");
export const RegExpPrototypeGetGlobal = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "global");
export const RegExpPrototypeGetHasIndices = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "hasIndices");
export const RegExpPrototypeGetIgnoreCase = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "ignoreCase");
export const RegExpPrototypeGetMultiline = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "multiline");
export const RegExpPrototypeGetSource = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "source");
export const RegExpPrototypeGetSticky = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "sticky");
export const RegExpPrototypeGetUnicode = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "unicode");
export const RegExpPrototypeGetUnicodeSets = /* @__PURE__ */ uncurryGetter(RegExp.prototype, "unicodeSets");
export const RegExpPrototypeCompile = /* @__PURE__ */ uncurryThis(RegExp.prototype.compile);
export const RegExpPrototypeToString = /* @__PURE__ */ uncurryThis(RegExp.prototype.toString);
export const RegExpPrototypeTest = /* @__PURE__ */ uncurryThis(RegExp.prototype.test);
export const RegExpPrototypeSymbolMatch = /* @__PURE__ */ uncurryThis(RegExp.prototype[globalThis.Symbol.match]);
export const RegExpPrototypeSymbolMatchAll = /* @__PURE__ */ uncurryThis(RegExp.prototype[globalThis.Symbol.matchAll]);
export const RegExpPrototypeSymbolReplace = /* @__PURE__ */ uncurryThis(RegExp.prototype[globalThis.Symbol.replace]);
export const RegExpPrototypeSymbolSearch = /* @__PURE__ */ uncurryThis(RegExp.prototype[globalThis.Symbol.search]);
export const RegExpPrototypeSymbolSplit = /* @__PURE__ */ uncurryThis(RegExp.prototype[globalThis.Symbol.split]);

export const { Set } = globalThis;
export const SetPrototypeHas = /* @__PURE__ */ uncurryThis(Set.prototype.has);
export const SetPrototypeAdd = /* @__PURE__ */ uncurryThis(Set.prototype.add);
export const SetPrototypeDelete = /* @__PURE__ */ uncurryThis(Set.prototype.delete);
export const SetPrototypeDifference = /* @__PURE__ */ uncurryThis(Set.prototype.difference);
export const SetPrototypeClear = /* @__PURE__ */ uncurryThis(Set.prototype.clear);
export const SetPrototypeEntries = /* @__PURE__ */ uncurryThis(Set.prototype.entries);
export const SetPrototypeForEach = /* @__PURE__ */ uncurryThis(Set.prototype.forEach);
export const SetPrototypeIntersection = /* @__PURE__ */ uncurryThis(Set.prototype.intersection);
export const SetPrototypeIsSubsetOf = /* @__PURE__ */ uncurryThis(Set.prototype.isSubsetOf);
export const SetPrototypeIsSupersetOf = /* @__PURE__ */ uncurryThis(Set.prototype.isSupersetOf);
export const SetPrototypeIsDisjointFrom = /* @__PURE__ */ uncurryThis(Set.prototype.isDisjointFrom);
export const SetPrototypeGetSize = /* @__PURE__ */ uncurryGetter(Set.prototype, "size");
export const SetPrototypeSymmetricDifference = /* @__PURE__ */ uncurryThis(Set.prototype.symmetricDifference);
export const SetPrototypeUnion = /* @__PURE__ */ uncurryThis(Set.prototype.union);
export const SetPrototypeValues = /* @__PURE__ */ uncurryThis(Set.prototype.values);
export const SetPrototypeKeys = /* @__PURE__ */ uncurryThis(Set.prototype.keys);
export const SetPrototypeSymbolIterator = /* @__PURE__ */ uncurryThis(Set.prototype[globalThis.Symbol.iterator]);

export const { String } = globalThis;
export const StringFromCharCode = String.fromCharCode;
export const StringFromCodePoint = String.fromCodePoint;
export const StringRaw = String.raw;
export const StringPrototypeAt = /* @__PURE__ */ uncurryThis(String.prototype.at);
export const StringPrototypeCharAt = /* @__PURE__ */ uncurryThis(String.prototype.charAt);
export const StringPrototypeCharCodeAt = /* @__PURE__ */ uncurryThis(String.prototype.charCodeAt);
export const StringPrototypeCodePointAt = /* @__PURE__ */ uncurryThis(String.prototype.codePointAt);
export const StringPrototypeConcat = /* @__PURE__ */ uncurryThis(String.prototype.concat);
export const StringPrototypeEndsWith = /* @__PURE__ */ uncurryThis(String.prototype.endsWith);
export const StringPrototypeIncludes = /* @__PURE__ */ uncurryThis(String.prototype.includes);
export const StringPrototypeIndexOf = /* @__PURE__ */ uncurryThis(String.prototype.indexOf);
export const StringPrototypeIsWellFormed = /* @__PURE__ */ uncurryThis(String.prototype.isWellFormed);
export const StringPrototypeLastIndexOf = /* @__PURE__ */ uncurryThis(String.prototype.lastIndexOf);
export const StringPrototypeLocaleCompare = /* @__PURE__ */ uncurryThis(String.prototype.localeCompare);
export const StringPrototypeMatch = /* @__PURE__ */ uncurryThis(String.prototype.match);
export const StringPrototypeMatchAll = /* @__PURE__ */ uncurryThis(String.prototype.matchAll);
export const StringPrototypeNormalize = /* @__PURE__ */ uncurryThis(String.prototype.normalize);
export const StringPrototypePadEnd = /* @__PURE__ */ uncurryThis(String.prototype.padEnd);
export const StringPrototypePadStart = /* @__PURE__ */ uncurryThis(String.prototype.padStart);
export const StringPrototypeRepeat = /* @__PURE__ */ uncurryThis(String.prototype.repeat);
export const StringPrototypeReplace = /* @__PURE__ */ uncurryThis(String.prototype.replace);
export const StringPrototypeReplaceAll = /* @__PURE__ */ uncurryThis(String.prototype.replaceAll);
export const StringPrototypeSearch = /* @__PURE__ */ uncurryThis(String.prototype.search);
export const StringPrototypeSlice = /* @__PURE__ */ uncurryThis(String.prototype.slice);
export const StringPrototypeSplit = /* @__PURE__ */ uncurryThis(String.prototype.split);
export const StringPrototypeSubstr = /* @__PURE__ */ uncurryThis(String.prototype.substr);
export const StringPrototypeSubstring = /* @__PURE__ */ uncurryThis(String.prototype.substring);
export const StringPrototypeStartsWith = /* @__PURE__ */ uncurryThis(String.prototype.startsWith);
export const StringPrototypeToString = /* @__PURE__ */ uncurryThis(String.prototype.toString);
export const StringPrototypeToWellFormed = /* @__PURE__ */ uncurryThis(String.prototype.toWellFormed);
export const StringPrototypeTrim = /* @__PURE__ */ uncurryThis(String.prototype.trim);
export const StringPrototypeTrimStart = /* @__PURE__ */ uncurryThis(String.prototype.trimStart);
export const StringPrototypeTrimLeft = /* @__PURE__ */ uncurryThis(String.prototype.trimLeft);
export const StringPrototypeTrimEnd = /* @__PURE__ */ uncurryThis(String.prototype.trimEnd);
export const StringPrototypeTrimRight = /* @__PURE__ */ uncurryThis(String.prototype.trimRight);
export const StringPrototypeToLocaleLowerCase = /* @__PURE__ */ uncurryThis(String.prototype.toLocaleLowerCase);
export const StringPrototypeToLocaleUpperCase = /* @__PURE__ */ uncurryThis(String.prototype.toLocaleUpperCase);
export const StringPrototypeToLowerCase = /* @__PURE__ */ uncurryThis(String.prototype.toLowerCase);
export const StringPrototypeToUpperCase = /* @__PURE__ */ uncurryThis(String.prototype.toUpperCase);
export const StringPrototypeValueOf = /* @__PURE__ */ uncurryThis(String.prototype.valueOf);
export const StringPrototypeSymbolIterator = /* @__PURE__ */ uncurryThis(String.prototype[globalThis.Symbol.iterator]);

export const { Symbol } = globalThis;
export const SymbolFor = Symbol.for;
export const SymbolKeyFor = Symbol.keyFor;
export const SymbolAsyncIterator = Symbol.asyncIterator;
export const SymbolHasInstance = Symbol.hasInstance;
export const SymbolIsConcatSpreadable = Symbol.isConcatSpreadable;
export const SymbolIterator = Symbol.iterator;
export const SymbolMatch = Symbol.match;
export const SymbolMatchAll = Symbol.matchAll;
export const SymbolReplace = Symbol.replace;
export const SymbolSearch = Symbol.search;
export const SymbolSpecies = Symbol.species;
export const SymbolSplit = Symbol.split;
export const SymbolToPrimitive = Symbol.toPrimitive;
export const SymbolToStringTag = Symbol.toStringTag;
export const SymbolUnscopables = Symbol.unscopables;
export const SymbolDispose = Symbol.dispose;
export const SymbolAsyncDispose = Symbol.asyncDispose;
export const SymbolPrototypeToString = /* @__PURE__ */ uncurryThis(Symbol.prototype.toString);
export const SymbolPrototypeValueOf = /* @__PURE__ */ uncurryThis(Symbol.prototype.valueOf);
export const SymbolPrototypeGetDescription = /* @__PURE__ */ uncurryGetter(Symbol.prototype, "description");
export const SymbolPrototypeSymbolToPrimitive = /* @__PURE__ */ uncurryThis(Symbol.prototype[Symbol.toPrimitive]);

export const { SyntaxError } = globalThis;

export const { TypeError } = globalThis;

export const { URIError } = globalThis;

export const { Uint16Array } = globalThis;
export const Uint16ArrayBYTES_PER_ELEMENT = Uint16Array.BYTES_PER_ELEMENT;

export const { Uint32Array } = globalThis;
export const Uint32ArrayBYTES_PER_ELEMENT = Uint32Array.BYTES_PER_ELEMENT;

export const { Uint8Array } = globalThis;
export const Uint8ArrayBYTES_PER_ELEMENT = Uint8Array.BYTES_PER_ELEMENT;
export const Uint8ArrayFromBase64 = /* @__PURE__ */ Uint8Array.fromBase64.bind(Uint8Array);
export const Uint8ArrayFromHex = /* @__PURE__ */ Uint8Array.fromHex.bind(Uint8Array);
export const Uint8ArrayPrototypeToBase64 = /* @__PURE__ */ uncurryThis(Uint8Array.prototype.toBase64);
export const Uint8ArrayPrototypeSetFromBase64 = /* @__PURE__ */ uncurryThis(Uint8Array.prototype.setFromBase64);
export const Uint8ArrayPrototypeToHex = /* @__PURE__ */ uncurryThis(Uint8Array.prototype.toHex);
export const Uint8ArrayPrototypeSetFromHex = /* @__PURE__ */ uncurryThis(Uint8Array.prototype.setFromHex);

export const { Uint8ClampedArray } = globalThis;
export const Uint8ClampedArrayBYTES_PER_ELEMENT = Uint8ClampedArray.BYTES_PER_ELEMENT;

export const { WeakMap } = globalThis;
export const WeakMapPrototypeDelete = /* @__PURE__ */ uncurryThis(WeakMap.prototype.delete);
export const WeakMapPrototypeGet = /* @__PURE__ */ uncurryThis(WeakMap.prototype.get);
export const WeakMapPrototypeSet = /* @__PURE__ */ uncurryThis(WeakMap.prototype.set);
export const WeakMapPrototypeHas = /* @__PURE__ */ uncurryThis(WeakMap.prototype.has);

export const { WeakRef } = globalThis;
export const WeakRefPrototypeDeref = /* @__PURE__ */ uncurryThis(WeakRef.prototype.deref);

export const { WeakSet } = globalThis;
export const WeakSetPrototypeDelete = /* @__PURE__ */ uncurryThis(WeakSet.prototype.delete);
export const WeakSetPrototypeHas = /* @__PURE__ */ uncurryThis(WeakSet.prototype.has);
export const WeakSetPrototypeAdd = /* @__PURE__ */ uncurryThis(WeakSet.prototype.add);

export const { AggregateError } = globalThis;

export const { Float16Array } = globalThis;
export const Float16ArrayBYTES_PER_ELEMENT = Float16Array.BYTES_PER_ELEMENT;

export const JSONParse = JSON.parse;
export const JSONStringify = JSON.stringify;
export const JSONRawJSON = /** @type {any} */ (JSON).rawJSON;
export const JSONIsRawJSON = /** @type {any} */ (JSON).isRawJSON;

export const MathAbs = Math.abs;
export const MathAcos = Math.acos;
export const MathAcosh = Math.acosh;
export const MathAsin = Math.asin;
export const MathAsinh = Math.asinh;
export const MathAtan = Math.atan;
export const MathAtanh = Math.atanh;
export const MathAtan2 = Math.atan2;
export const MathCeil = Math.ceil;
export const MathCbrt = Math.cbrt;
export const MathExpm1 = Math.expm1;
export const MathClz32 = Math.clz32;
export const MathCos = Math.cos;
export const MathCosh = Math.cosh;
export const MathExp = Math.exp;
export const MathFloor = Math.floor;
export const MathFround = Math.fround;
export const MathHypot = Math.hypot;
export const MathImul = Math.imul;
export const MathLog = Math.log;
export const MathLog1p = Math.log1p;
export const MathLog2 = Math.log2;
export const MathLog10 = Math.log10;
export const MathMax = Math.max;
export const MathMin = Math.min;
export const MathPow = Math.pow;
export const MathRandom = Math.random;
export const MathRound = Math.round;
export const MathSign = Math.sign;
export const MathSin = Math.sin;
export const MathSinh = Math.sinh;
export const MathSqrt = Math.sqrt;
export const MathTan = Math.tan;
export const MathTanh = Math.tanh;
export const MathTrunc = Math.trunc;
export const MathE = Math.E;
export const MathLN10 = Math.LN10;
export const MathLN2 = Math.LN2;
export const MathLOG10E = Math.LOG10E;
export const MathLOG2E = Math.LOG2E;
export const MathPI = Math.PI;
export const MathSQRT1_2 = Math.SQRT1_2;
export const MathSQRT2 = Math.SQRT2;
export const MathF16round = Math.f16round;

export const ReflectDefineProperty = Reflect.defineProperty;
export const ReflectDeleteProperty = Reflect.deleteProperty;
export const ReflectApply = Reflect.apply;
export const ReflectConstruct = Reflect.construct;
export const ReflectGet = Reflect.get;
export const ReflectGetOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor;
export const ReflectGetPrototypeOf = Reflect.getPrototypeOf;
export const ReflectHas = Reflect.has;
export const ReflectIsExtensible = Reflect.isExtensible;
export const ReflectOwnKeys = Reflect.ownKeys;
export const ReflectPreventExtensions = Reflect.preventExtensions;
export const ReflectSet = Reflect.set;
export const ReflectSetPrototypeOf = Reflect.setPrototypeOf;

const TypedArray = getPrototypeOf(Uint8Array);
export { TypedArray };
export const TypedArrayPrototypeGetBuffer = /* @__PURE__ */ uncurryGetter(TypedArray.prototype, "buffer");
export const TypedArrayPrototypeGetByteLength = /* @__PURE__ */ uncurryGetter(TypedArray.prototype, "byteLength");
export const TypedArrayPrototypeGetByteOffset = /* @__PURE__ */ uncurryGetter(TypedArray.prototype, "byteOffset");
export const TypedArrayPrototypeEntries = /* @__PURE__ */ uncurryThis(TypedArray.prototype.entries);
export const TypedArrayPrototypeKeys = /* @__PURE__ */ uncurryThis(TypedArray.prototype.keys);
export const TypedArrayPrototypeValues = /* @__PURE__ */ uncurryThis(TypedArray.prototype.values);
export const TypedArrayPrototypeAt = /* @__PURE__ */ uncurryThis(TypedArray.prototype.at);
export const TypedArrayPrototypeCopyWithin = /* @__PURE__ */ uncurryThis(TypedArray.prototype.copyWithin);
export const TypedArrayPrototypeEvery = /* @__PURE__ */ uncurryThis(TypedArray.prototype.every);
export const TypedArrayPrototypeFill = /* @__PURE__ */ uncurryThis(TypedArray.prototype.fill);
export const TypedArrayPrototypeFilter = /* @__PURE__ */ uncurryThis(TypedArray.prototype.filter);
export const TypedArrayPrototypeFind = /* @__PURE__ */ uncurryThis(TypedArray.prototype.find);
export const TypedArrayPrototypeFindIndex = /* @__PURE__ */ uncurryThis(TypedArray.prototype.findIndex);
export const TypedArrayPrototypeFindLast = /* @__PURE__ */ uncurryThis(TypedArray.prototype.findLast);
export const TypedArrayPrototypeFindLastIndex = /* @__PURE__ */ uncurryThis(TypedArray.prototype.findLastIndex);
export const TypedArrayPrototypeForEach = /* @__PURE__ */ uncurryThis(TypedArray.prototype.forEach);
export const TypedArrayPrototypeIncludes = /* @__PURE__ */ uncurryThis(TypedArray.prototype.includes);
export const TypedArrayPrototypeIndexOf = /* @__PURE__ */ uncurryThis(TypedArray.prototype.indexOf);
export const TypedArrayPrototypeJoin = /* @__PURE__ */ uncurryThis(TypedArray.prototype.join);
export const TypedArrayPrototypeLastIndexOf = /* @__PURE__ */ uncurryThis(TypedArray.prototype.lastIndexOf);
export const TypedArrayPrototypeMap = /* @__PURE__ */ uncurryThis(TypedArray.prototype.map);
export const TypedArrayPrototypeReverse = /* @__PURE__ */ uncurryThis(TypedArray.prototype.reverse);
export const TypedArrayPrototypeReduce = /* @__PURE__ */ uncurryThis(TypedArray.prototype.reduce);
export const TypedArrayPrototypeReduceRight = /* @__PURE__ */ uncurryThis(TypedArray.prototype.reduceRight);
export const TypedArrayPrototypeSet = /* @__PURE__ */ uncurryThis(TypedArray.prototype.set);
export const TypedArrayPrototypeSlice = /* @__PURE__ */ uncurryThis(TypedArray.prototype.slice);
export const TypedArrayPrototypeSome = /* @__PURE__ */ uncurryThis(TypedArray.prototype.some);
export const TypedArrayPrototypeSort = /* @__PURE__ */ uncurryThis(TypedArray.prototype.sort);
export const TypedArrayPrototypeSubarray = /* @__PURE__ */ uncurryThis(TypedArray.prototype.subarray);
export const TypedArrayPrototypeToReversed = /* @__PURE__ */ uncurryThis(TypedArray.prototype.toReversed);
export const TypedArrayPrototypeToSorted = /* @__PURE__ */ uncurryThis(TypedArray.prototype.toSorted);
export const TypedArrayPrototypeWith = /* @__PURE__ */ uncurryThis(TypedArray.prototype.with);
export const TypedArrayPrototypeToLocaleString = /* @__PURE__ */ uncurryThis(TypedArray.prototype.toLocaleString);
export const TypedArrayPrototypeToString = /* @__PURE__ */ uncurryThis(TypedArray.prototype.toString);
export const TypedArrayPrototypeGetSymbolToStringTag = /* @__PURE__ */ uncurryGetter(TypedArray.prototype, Symbol.toStringTag);
export const TypedArrayPrototypeSymbolIterator = /* @__PURE__ */ uncurryThis(TypedArray.prototype[Symbol.iterator]);

const ArrayIteratorPrototype = getPrototypeOf([][Symbol.iterator]());
export { ArrayIteratorPrototype };
export const ArrayIteratorPrototypeNext = /* @__PURE__ */ uncurryThis(ArrayIteratorPrototype.next);
export const IteratorPrototype = getPrototypeOf(ArrayIteratorPrototype);
export const AsyncIteratorPrototype = getPrototypeOf(getPrototypeOf(async function* () {}).prototype);
export const MapIteratorPrototypeNext = /* @__PURE__ */ uncurryThis(getPrototypeOf(new Map().entries()).next);
export const SetIteratorPrototypeNext = /* @__PURE__ */ uncurryThis(getPrototypeOf(new Set().values()).next);
export const GeneratorPrototype = getPrototypeOf(getPrototypeOf(function* () {}).prototype);
export const ErrorCaptureStackTrace = /** @type {any} */ (Error).captureStackTrace;
export const WebAssembly_ = /** @type {any} */ (globalThis).WebAssembly;
export const Intl_ = Intl;
export const Temporal_ = /** @type {any} */ (globalThis).Temporal;
export const { decodeURIComponent, encodeURIComponent, isNaN, parseFloat, parseInt } = globalThis;
export const uncurriedApply = apply;
export { defineProperty as reflectDefineProperty };
