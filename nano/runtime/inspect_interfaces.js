// Objects of web interfaces: Request, Headers, URL …, for inspect.js.

import {
  ArrayPrototypePush,
  ObjectGetPrototypeOf,
  ReflectApply,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  String,
  StringPrototypeStartsWith,
  SymbolIterator,
  SymbolToStringTag,
} from "./primordials.js";

/** @typedef {import("./inspect_names.js").Kind} Kind */
/** @typedef {import("./inspect_names.js").Names} Names */
/** @typedef {import("./inspect.js").Inspection} Inspection */

/**
 * Objects of web interfaces keep their state in private fields and show it through attributes, which are
 * enumerable getters on a prototype that has a class string nobody can overwrite.
 *
 * @param {any} value
 * @param {Names} names
 * @param {Inspection} inspection
 * @returns {Kind | undefined}
 */
export function interfaceKind(value, names, inspection) {
  /** @type {any[]} */
  const prototypes = [];
  for (let proto = ObjectGetPrototypeOf(value); proto !== null; proto = ObjectGetPrototypeOf(proto)) {
    const tag = ReflectGetOwnPropertyDescriptor(proto, SymbolToStringTag);
    if (typeof tag?.value === "string" && tag.writable === false) ArrayPrototypePush(prototypes, proto);
  }
  if (prototypes.length === 0) return undefined;
  const name = names.constructor ?? names.tag;
  const open = `${name} {`;
  /** @param {number} level */
  const entries = (level) => pairsOf(value, prototypes, inspection, level) ?? attributesOf(value, prototypes, inspection, level);
  return { name, open, close: "}", entries };
}

/** What an interface that is iterable over pairs contains. @param {any} value @param {any[]} prototypes @param {Inspection} inspection @param {number} level */
function pairsOf(value, prototypes, inspection, level) {
  const method = ReflectGetOwnPropertyDescriptor(prototypes[0], "entries")?.value;
  if (typeof method !== "function" || ReflectGetOwnPropertyDescriptor(prototypes[0], SymbolIterator)?.value !== method) return undefined;
  /** @type {string[]} */
  const entries = [];
  try {
    const iterator = ReflectApply(method, value, []);
    for (let step = iterator.next(); !step.done; step = iterator.next()) {
      if (entries.length >= inspection.maxArrayLength || inspection.exhausted) {
        ArrayPrototypePush(entries, "... more items");
        break;
      }
      const pair = step.value;
      ArrayPrototypePush(entries, `${inspection.key(String(pair[0]))}: ${inspection.indented(() => inspection.value(pair[1], level), 2)}`);
    }
  } catch {
    return undefined; // not really of the interface
  }
  return entries;
}

/** @param {any} value @param {any[]} prototypes @param {Inspection} inspection @param {number} level */
function attributesOf(value, prototypes, inspection, level) {
  /** @type {string[]} */
  const entries = [];
  for (let i = 0; i < prototypes.length; i++) {
    const keys = ReflectOwnKeys(prototypes[i]);
    for (let j = 0; j < keys.length; j++) {
      const key = keys[j];
      const descriptor = ReflectGetOwnPropertyDescriptor(prototypes[i], key);
      if (typeof key !== "string" || descriptor?.get === undefined || !descriptor.enumerable) continue;
      if (StringPrototypeStartsWith(key, "on")) continue; // event handlers
      try {
        const attribute = ReflectApply(descriptor.get, value, []);
        ArrayPrototypePush(entries, `${key}: ${inspection.indented(() => inspection.value(attribute, level), 2)}`);
      } catch {
        // an attribute that is not to be had in this state
      }
    }
  }
  return entries;
}
