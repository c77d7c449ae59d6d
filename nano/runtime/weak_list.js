// A list of objects that it does not keep alive, in the order in which they were added.

import {
  ArrayPrototypePush,
  WeakRef,
  WeakRefPrototypeDeref,
} from "./primordials.js";

/** @template {object} T */
export class WeakList {
  /** @type {WeakRef<T>[]} */
  #refs = [];
  /** The length at which the dead are swept out: twice what was alive last time, so that adding stays cheap. */
  #sweepAt = 16;

  /** @param {T} item not in the list yet */
  add(item) {
    if (this.#refs.length >= this.#sweepAt) this.#sweep(undefined);
    ArrayPrototypePush(this.#refs, new WeakRef(item));
  }

  /** @param {T} item */
  delete(item) {
    this.#sweep(item);
  }

  /** @param {(item: T) => void} visit may not change the list */
  forEach(visit) {
    const refs = this.#refs;
    for (let i = 0; i < refs.length; i++) {
      const item = WeakRefPrototypeDeref(refs[i]);
      if (item !== undefined) visit(item);
    }
  }

  /** @param {T | undefined} unwanted */
  #sweep(unwanted) {
    const refs = this.#refs;
    /** @type {WeakRef<T>[]} */
    const alive = [];
    for (let i = 0; i < refs.length; i++) {
      const item = WeakRefPrototypeDeref(refs[i]);
      if (item !== undefined && item !== unwanted) ArrayPrototypePush(alive, refs[i]);
    }
    this.#refs = alive;
    this.#sweepAt = 2 * alive.length + 16;
  }
}
