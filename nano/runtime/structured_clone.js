// structuredClone() and the algorithms behind it, which messages and performance entries use as well.
//
// Standard: https://html.spec.whatwg.org/multipage/structured-data.html
//
// How it works. Serialising turns a graph of objects into a graph of records, one per object; primitives
// stand for themselves. Deserialising makes objects of records. What can be serialised, and how, is in
// clone_kinds.js; API files add their interfaces with clone_registry.js.
//
// What a script cannot see, we cannot refuse: a Proxy is cloned like the object it pretends to be.

import { dataCloneError, kindOf, notCloneable, transferKindOf } from "./clone_kinds.js";
import { ArrayPrototypePush, Map, MapPrototypeGet, MapPrototypeHas, MapPrototypeSet } from "./primordials.js";
import { converters, dictionary, requiredArguments, sequence } from "./webidl.js";

/** @typedef {import("./clone_kinds.js").Kind} Kind */
/** @typedef {import("./clone_kinds.js").TransferKind} TransferKind */

/** What stands for an object in the serialised form. */
class Rec {
  /** @type {any} */
  data = undefined;

  /** @param {Kind | TransferKind} kind */
  constructor(kind) {
    this.kind = kind;
  }
}

/** The serialised form of a value, with what was transferred along with it. */
export class Serialized {
  /** @param {any} root @param {Rec[]} transferred */
  constructor(root, transferred) {
    this.root = root;
    this.transferred = transferred;
  }
}

/**
 * @see https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal
 * @param {any} value
 * @param {Map<object, Rec>} memory
 * @returns {any} a primitive or a Rec
 */
function structuredSerializeInternal(value, memory) {
  if (typeof value === "function" || typeof value === "symbol") throw notCloneable(value);
  if (typeof value !== "object" || value === null) return value;
  const known = MapPrototypeGet(memory, value);
  if (known !== undefined) return known;
  const kind = kindOf(value);
  const record = new Rec(kind);
  MapPrototypeSet(memory, value, record);
  record.data = kind.write(value, (part) => structuredSerializeInternal(part, memory));
  return record;
}

/**
 * @see https://html.spec.whatwg.org/multipage/structured-data.html#structuredserialize
 * @param {any} value
 * @returns {Serialized} may be deserialised several times
 */
export const structuredSerialize = (value) => new Serialized(structuredSerializeInternal(value, new Map()), []);

/**
 * @see https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializewithtransfer
 * @param {any} value
 * @param {object[]} transferList
 * @returns {Serialized}
 */
export function structuredSerializeWithTransfer(value, transferList) {
  /** @type {Map<object, Rec>} */
  const memory = new Map();
  /** @type {Rec[]} */
  const transferred = [];
  // 2. What can be transferred gets its record first, so that the value's references lead to it.
  for (let i = 0; i < transferList.length; i++) {
    const transferable = transferList[i];
    const kind = transferKindOf(transferable);
    if (kind === undefined) throw dataCloneError(`Value at index ${i} of the transfer list is not transferable.`);
    if (MapPrototypeHas(memory, transferable)) {
      throw dataCloneError(`Value at index ${i} of the transfer list is a duplicate.`);
    }
    const record = new Rec(kind);
    MapPrototypeSet(memory, transferable, record);
    ArrayPrototypePush(transferred, record);
  }
  // 3. to 5. Nothing is detached unless the value could be serialised.
  const root = structuredSerializeInternal(value, memory);
  for (let i = 0; i < transferList.length; i++) {
    const kind = /** @type {TransferKind} */ (transferred[i].kind);
    if (kind.isDetached(transferList[i])) {
      throw dataCloneError(`Value at index ${i} of the transfer list is already detached.`);
    }
    transferred[i].data = kind.transfer(transferList[i]);
  }
  return new Serialized(root, transferred);
}

/**
 * StructuredDeserialize and StructuredDeserializeWithTransfer.
 *
 * @see https://html.spec.whatwg.org/multipage/structured-data.html#structureddeserialize
 * @param {Serialized} serialized
 * @param {boolean} consume whether this is the only use of it, so that buffers need not be copied again
 * @returns {{ value: any, transferred: any[] }}
 */
export function structuredDeserialize(serialized, consume) {
  /** @type {Map<Rec, any>} */
  const memory = new Map();
  /** @type {any[]} */
  const transferred = [];
  for (let i = 0; i < serialized.transferred.length; i++) {
    const record = serialized.transferred[i];
    const value = /** @type {TransferKind} */ (record.kind).receive(record.data);
    MapPrototypeSet(memory, record, value);
    ArrayPrototypePush(transferred, value);
  }
  const read = (/** @type {any} */ part) => {
    if (typeof part !== "object" || part === null) return part;
    if (MapPrototypeHas(memory, part)) return MapPrototypeGet(memory, part);
    const kind = /** @type {Kind} */ (part.kind);
    const value = kind.create(part.data, read, consume);
    MapPrototypeSet(memory, part, value);
    kind.fill?.(value, part.data, read);
    return value;
  };
  return { value: read(serialized.root), transferred };
}

const transferMember = {
  name: "transfer",
  converter: sequence(converters.object),
};

/** The converter of `StructuredSerializeOptions`. */
export const toStructuredSerializeOptions = dictionary("StructuredSerializeOptions", [transferMember]);

/**
 * @see https://html.spec.whatwg.org/multipage/structured-data.html#dom-structuredclone
 * @param {any} value
 * @param {{ transfer?: object[] }} [options]
 * @returns {any}
 */
export function structuredClone(value, options = undefined) {
  const prefix = "Failed to execute 'structuredClone'";
  requiredArguments(arguments.length, 1, prefix);
  const { transfer = [] } = toStructuredSerializeOptions(options, { prefix, name: "Argument 2" });
  return structuredDeserialize(structuredSerializeWithTransfer(value, transfer), true).value;
}
