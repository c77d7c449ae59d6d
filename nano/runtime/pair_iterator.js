// The `iterable<K, V>` declaration: entries, keys, values, forEach and @@iterator of Headers, FormData, ….
//
// Standard: https://webidl.spec.whatwg.org/#js-iterable
// Iteration is live: each step looks at the pairs as they are then.

import {
  IteratorPrototype,
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptors,
  ObjectSetPrototypeOf,
  ReflectDeleteProperty,
  SymbolToStringTag,
  TypeError,
  uncurriedApply,
} from "./primordials.js";
import { aliasIterator, converters, requiredArguments } from "./webidl.js";

/** @typedef {"key" | "value" | "key+value"} Kind */

/**
 * Give an interface the members of a pair iterator; to be called before `exposeInterface`.
 *
 * @template {object} T
 * @param {any} Class
 * @param {string} name the interface's
 * @param {(object: T) => readonly any[]} pairsOf the value pairs to iterate over as of now, flat:
 *   `[key, value, key, value, …]`; throws a TypeError for an object that is no instance
 */
export function declarePairIterable(Class, name, pairsOf) {
  const PairIterator = pairIteratorClass(name, pairsOf);
  const members = /** @type {ThisType<T> & { [name: string]: any }} */ ({
    entries() {
      return make(this, "key+value");
    },
    /** @param {any} callback */
    forEach(callback, thisArgument = undefined) {
      const prefix = `Failed to execute 'forEach' on '${name}'`;
      let pairs = pairsOf(this);
      requiredArguments(arguments.length, 1, prefix);
      converters.callback(callback, { prefix, name: "Argument 1" });
      for (let i = 0; i < pairs.length; i += 2) {
        uncurriedApply(callback, thisArgument, [pairs[i + 1], pairs[i], this]);
        pairs = pairsOf(this);
      }
    },
    keys() {
      return make(this, "key");
    },
    values() {
      return make(this, "value");
    },
  });
  /** @param {T} target @param {Kind} kind */
  function make(target, kind) {
    pairsOf(target); // the brand check
    return new PairIterator(target, kind);
  }
  ObjectDefineProperty(members.forEach, "length", /** @type {any} */ ({ __proto__: null, value: 1 }));
  ObjectDefineProperties(Class.prototype, ObjectGetOwnPropertyDescriptors(members));
  aliasIterator(Class, "entries");
}

/**
 * The class of an interface's default iterator objects; its prototype is the standard's iterator prototype
 * object, so scripts get to see neither constructor nor class.
 *
 * @template {object} T
 * @param {string} name
 * @param {(object: T) => readonly any[]} pairsOf
 */
function pairIteratorClass(name, pairsOf) {
  class PairIterator {
    /** @type {T} */
    #target;
    /** @type {Kind} */
    #kind;
    #at = 0;

    /** @param {T} target @param {Kind} kind */
    constructor(target, kind) {
      this.#target = target;
      this.#kind = kind;
    }

    next() {
      if (!(#at in this)) throw new TypeError(`next() was called on an object that is no ${name} Iterator`);
      const pairs = pairsOf(this.#target);
      const at = this.#at;
      if (at >= pairs.length) return { value: undefined, done: true };
      this.#at = at + 2;
      if (this.#kind === "key") return { value: pairs[at], done: false };
      if (this.#kind === "value") return { value: pairs[at + 1], done: false };
      return { value: [pairs[at], pairs[at + 1]], done: false };
    }
  }
  const { prototype } = PairIterator;
  ReflectDeleteProperty(prototype, "constructor");
  ObjectSetPrototypeOf(prototype, IteratorPrototype);
  ObjectDefineProperties(prototype, /** @type {any} */ ({
    __proto__: null,
    next: { __proto__: null, enumerable: true },
    [SymbolToStringTag]: { __proto__: null, value: `${name} Iterator`, configurable: true },
  }));
  return PairIterator;
}
