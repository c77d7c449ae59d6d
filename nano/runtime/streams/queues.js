// The queues of streams, with and without sizes.
//
// Standard: https://streams.spec.whatwg.org/#queue-with-sizes

import { RangeError } from "../primordials.js";

/** @template T */
class Node {
  /** @type {T} */
  value;
  /** @type {Node<T> | undefined} */
  next = undefined;

  /** @param {T} value */
  constructor(value) {
    this.value = value;
  }
}

/** First in, first out. @template T */
export class Queue {
  /** @type {Node<T> | undefined} */
  #head = undefined;
  /** @type {Node<T> | undefined} */
  #tail = undefined;
  length = 0;

  /** @param {T} value */
  push(value) {
    const node = new Node(value);
    if (this.#tail === undefined) this.#head = node;
    else this.#tail.next = node;
    this.#tail = node;
    this.length++;
  }

  /** The first item of a queue that is not empty. @returns {T} */
  peek() {
    return /** @type {Node<T>} */ (this.#head).value;
  }

  /** Remove the first item of a queue that is not empty. @returns {T} */
  shift() {
    const node = /** @type {Node<T>} */ (this.#head);
    this.#head = node.next;
    if (this.#head === undefined) this.#tail = undefined;
    this.length--;
    return node.value;
  }

  clear() {
    this.#head = this.#tail = undefined;
    this.length = 0;
  }

  /** Give away all items and be empty. @returns {Queue<T>} */
  take() {
    /** @type {Queue<T>} */
    const taken = new Queue();
    taken.#head = this.#head;
    taken.#tail = this.#tail;
    taken.length = this.length;
    this.clear();
    return taken;
  }
}

class Sized {
  /** @type {any} */
  value;
  /** @type {number} */
  size;

  /** @param {any} value @param {number} size */
  constructor(value, size) {
    this.value = value;
    this.size = size;
  }
}

/**
 * A queue whose items have sizes.
 *
 * @see https://streams.spec.whatwg.org/#queue-with-sizes
 */
export class SizedQueue {
  /** @type {Queue<Sized>} */
  #items = new Queue();
  totalSize = 0;

  get length() {
    return this.#items.length;
  }

  /** @param {any} value @param {number} size @throws {RangeError} for a size that is no finite, positive number or 0 */
  enqueue(value, size) {
    if (!(size >= 0) || size === Infinity) {
      throw new RangeError("The size of a chunk must be a finite, non-negative number.");
    }
    this.#items.push(new Sized(value, size));
    this.totalSize += size;
  }

  dequeue() {
    const item = this.#items.shift();
    this.totalSize -= item.size;
    if (this.totalSize < 0) this.totalSize = 0; // rounding
    return item.value;
  }

  peek() {
    return this.#items.peek().value;
  }

  reset() {
    this.#items.clear();
    this.totalSize = 0;
  }
}
