// What objects are called, for inspect.js.

import { ObjectGetPrototypeOf, ReflectGetOwnPropertyDescriptor, SymbolToStringTag } from "./primordials.js";

/**
 * How a kind of object is shown.
 *
 * @typedef {object} Kind
 * @property {string} name for objects that lie too deep
 * @property {string} open
 * @property {string} close
 * @property {string} [whole] all there is to say if no property has to be shown; else what stands before the brace
 * @property {(level: number) => string[]} [entries] what is shown beside properties
 * @property {(key: PropertyKey) => boolean} [skipKey] properties that `entries` or `whole` has shown
 * @property {boolean} [large] has so many items that the keys of others are not looked for among them
 * @property {string[]} [extra] own properties that are shown although they are not enumerable
 * @property {"start" | "end"} [columns] entries are array items, which may stand in columns
 */

/** @typedef {import("./inspect.js").Inspection} Inspection */

/**
 * What an object calls itself.
 *
 * @typedef {{ constructor: string | null, tag: string }} Names
 */

/** @param {any} value @returns {Names} */
export function namesOf(value) {
  /** @type {string | null} */
  let constructor = null;
  let tag = "";
  for (let object = value; object !== null; object = ObjectGetPrototypeOf(object)) {
    if (constructor === null) constructor = functionName(ReflectGetOwnPropertyDescriptor(object, "constructor")?.value);
    if (tag === "") {
      const own = ReflectGetOwnPropertyDescriptor(object, SymbolToStringTag)?.value;
      if (typeof own === "string") tag = own;
    }
    if (constructor !== null && tag !== "") break;
  }
  return { constructor, tag: tag === constructor ? "" : tag };
}

/** @param {any} value @returns {string | null} */
export function functionName(value) {
  if (typeof value !== "function") return null;
  const name = ReflectGetOwnPropertyDescriptor(value, "name")?.value;
  return typeof name === "string" && name !== "" ? name : null;
}

/**
 * "Foo(3) [tag] ", with the name of the kind where there is no constructor.
 *
 * @param {Names} names
 * @param {string} fallback
 * @param {string} [size] "(3)"
 */
export function prefix(names, fallback, size = "") {
  const tag = names.tag === "" || names.tag === fallback ? "" : `[${names.tag}] `;
  if (names.constructor === null) return `[${fallback}${size}: null prototype] ${tag}`;
  return `${names.constructor}${size} ${tag}`;
}

/** @param {Names} names @param {string} fallback */
export const shortName = (names, fallback) =>
  names.constructor === null ? `${fallback}: null prototype` : names.tag === "" ? names.constructor : `${names.constructor} [${names.tag}]`;
