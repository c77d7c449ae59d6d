// Header lists: what stands behind a Headers object, and what the host sends.
//
// Standard: https://fetch.spec.whatwg.org/#concept-header-list

import {
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeSort,
  ArrayPrototypeSplice,
  Map,
  MapPrototypeDelete,
  MapPrototypeForEach,
  MapPrototypeGet,
  MapPrototypeSet,
  StringPrototypeToLowerCase,
} from "./primordials.js";

/**
 * A header list. Lookups are by lower-case name; how a name was spelt when it first came is remembered only
 * where it was not in lower case, since the standard gives all headers of one name one spelling.
 *
 * @see https://fetch.spec.whatwg.org/#concept-header-list
 */
export class HeaderList {
  /** Flat, names in lower case: `[name, value, name, value, …]`. @type {string[]} */
  entries;
  /** Spelling by lower-case name. @type {Map<string, string> | null} */
  spelling = null;

  /** @param {string[]} [entries] belongs to the list from now on */
  constructor(entries = []) {
    this.entries = entries;
  }

  /** @returns {HeaderList} */
  clone() {
    const copy = new HeaderList(ArrayPrototypeSlice(this.entries));
    if (this.spelling !== null) MapPrototypeForEach(this.spelling, (name, lower) => copy.#spell(lower, name));
    return copy;
  }

  /** @param {string} lower */
  has(lower) {
    const { entries } = this;
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === lower) return true;
    return false;
  }

  /** @param {string} lower @returns {string | null} all values, combined */
  get(lower) {
    const { entries } = this;
    let combined = null;
    for (let i = 0; i < entries.length; i += 2) {
      if (entries[i] === lower) combined = combined === null ? entries[i + 1] : `${combined}, ${entries[i + 1]}`;
    }
    return combined;
  }

  /** @param {string} lower @returns {string[]} */
  getAll(lower) {
    const { entries } = this;
    /** @type {string[]} */
    const values = [];
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === lower) ArrayPrototypePush(values, entries[i + 1]);
    return values;
  }

  /** @param {string} name @param {string} value */
  append(name, value) {
    const lower = StringPrototypeToLowerCase(name);
    if (lower !== name && !this.has(lower)) this.#spell(lower, name);
    ArrayPrototypePush(this.entries, lower, value);
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    const { entries } = this;
    const lower = StringPrototypeToLowerCase(name);
    for (let i = 0; i < entries.length; i += 2) {
      if (entries[i] !== lower) continue;
      entries[i + 1] = value;
      this.#drop(lower, i + 2);
      return;
    }
    if (lower !== name) this.#spell(lower, name);
    ArrayPrototypePush(entries, lower, value);
  }

  /** @param {string} lower */
  delete(lower) {
    this.#drop(lower, 0);
    if (this.spelling !== null) MapPrototypeDelete(this.spelling, lower);
  }

  /** @param {string} lower @param {string} name */
  #spell(lower, name) {
    this.spelling ??= new Map();
    MapPrototypeSet(this.spelling, lower, name);
  }

  /** @param {string} lower @param {number} from */
  #drop(lower, from) {
    const { entries } = this;
    for (let i = from; i < entries.length; ) {
      if (entries[i] === lower) ArrayPrototypeSplice(entries, i, 2);
      else i += 2;
    }
  }

  /** @returns {readonly string[]} flat, names as the app spelt them: what goes on the wire */
  wire() {
    const { entries, spelling } = this;
    if (spelling === null) return entries;
    const wire = ArrayPrototypeSlice(entries);
    for (let i = 0; i < wire.length; i += 2) wire[i] = MapPrototypeGet(spelling, wire[i]) ?? wire[i];
    return wire;
  }
}

/**
 * Sort and combine.
 *
 * @see https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine
 * @param {string[]} entries
 * @returns {string[]} flat
 */
export function sortAndCombine(entries) {
  /** @type {number[]} */
  const order = [];
  for (let i = 0; i < entries.length; i += 2) ArrayPrototypePush(order, i);
  ArrayPrototypeSort(order, (a, b) => (entries[a] < entries[b] ? -1 : entries[a] > entries[b] ? 1 : a - b));
  /** @type {string[]} */
  const sorted = [];
  for (let i = 0; i < order.length; i++) {
    const name = entries[order[i]];
    const value = entries[order[i] + 1];
    const last = sorted.length - 2;
    if (last >= 0 && sorted[last] === name && name !== "set-cookie") sorted[last + 1] += `, ${value}`;
    else ArrayPrototypePush(sorted, name, value);
  }
  return sorted;
}
