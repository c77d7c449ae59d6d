// A request's body as the host sends it.
// Host half: nano/engine/events.py. What the two owe each other stands at HostSource and HostBody.

import {
  ArrayPrototypePush,
  ArrayPrototypeShift,
  Promise,
  TypedArrayPrototypeGetByteLength,
} from "./primordials.js";
import { joinBytes } from "./blob.js";
import { bodyTooLarge, exceedsBufferLimit } from "./buffer_limit.js";
import { countDeadBytes } from "./dead_buffers.js";
import { forgetText, hostText } from "./host.js";
import { createReadableByteStream } from "./streams/index.js";

/** @typedef {import("./blob.js").Bytes} Bytes */
/** @typedef {import("./streams/native.js").ByteSource} ByteSource */
/** @typedef {import("./streams/readable_stream.js").ReadableStream} ReadableStream */

/** Bytes as promises carry them: a promise looks for `then` on what it is resolved with. @typedef {{ bytes: Bytes }} Box */

/** How many bytes the host may send ahead of what has been read. */
const WINDOW = 262144;

/**
 * How a body that the host sends asks for more. `requestCredit(n)` permits the host to send n more bytes (the first
 * call is the app's first read); `cancel(reason)` says that nobody wants the rest, and nothing is called afterwards.
 *
 * `over()` says, perhaps twice, that nothing is left to read, or that nobody will. `id` is that of the body's records,
 * if it has any.
 *
 * @typedef {{
 *   id: number | null,
 *   length?: number | null,
 *   requestCredit(bytes: number): void,
 *   cancel(reason: any): void,
 *   over: (() => void) | undefined,
 * }} HostSource
 */

/**
 * A body that the host sends in chunks, as credit permits: never more than WINDOW bytes are under way or waiting
 * to be read. The host calls `onChunk` any number of times, then `onEnd` or `onError` once.
 */
export class HostBody {
  #source;
  /** @type {Bytes[]} what came and was not read */
  #waiting = [];
  #waitingSize = 0;
  /** Bytes the host may still send. */
  #credit = 0;
  /** @type {"open" | "passed" | "ended" | "failed" | "cancelled"} */
  #state = "open";
  /** @type {any} */
  #error;
  /** The end of our stream, if there is one. @type {ByteSource | null} */
  #end = null;
  /** Whether the stream's reader waits for a chunk. */
  #wanted = false;
  /** @type {{ resolve: (box: any) => void, reject: (reason: any) => void } | null} */
  #collector = null;

  /** @param {HostSource} source */
  constructor(source) {
    this.#source = source;
  }

  /** The length the sender announced. @returns {number | null} */
  get length() {
    return this.#source.length ?? null;
  }

  /** Whether the host has it, and nothing has been asked for: then `pass` may be called. */
  get untouched() {
    if (this.#state !== "open" || this.#source.id === null) return false;
    return this.#credit === 0 && this.#waiting.length === 0 && !this.#wanted;
  }

  /**
   * Leave it to the host, which gives it to somebody else.
   *
   * @returns {number} the id of the body's records
   */
  pass() {
    this.#state = "passed";
    return /** @type {number} */ (this.#source.id);
  }

  /** @param {Bytes} bytes nobody else's */
  onChunk(bytes) {
    if (this.#state !== "open") return;
    const size = TypedArrayPrototypeGetByteLength(bytes);
    this.#credit = this.#credit > size ? this.#credit - size : 0;
    ArrayPrototypePush(this.#waiting, bytes);
    this.#waitingSize += size;
    countDeadBytes(size);
    if (this.#collector !== null && exceedsBufferLimit(this.#waitingSize)) this.#tooLarge();
    else if (this.#collector !== null) this.#grant(0);
    else if (this.#wanted) this.#deliver();
  }

  onEnd() {
    if (this.#state === "passed") this.#drop();
    if (this.#state !== "open") return;
    this.#state = "ended";
    if (this.#collector !== null) this.#collected();
    else if (this.#waiting.length === 0) {
      this.#drop();
      this.#end?.close();
    }
  }

  /** What was not read yet is lost. @param {any} error */
  onError(error) {
    if (this.#state === "passed") {
      forgetText(/** @type {number} */ (this.#source.id));
      this.#collector?.reject(error);
      this.#drop();
    }
    if (this.#state !== "open" && (this.#state !== "ended" || this.#waiting.length === 0)) return;
    this.#state = "failed";
    this.#error = error;
    this.#drop();
    this.#collector?.reject(error);
    this.#end?.error(error);
  }

  /** @returns {ReadableStream} */
  stream() {
    const end = createReadableByteStream({
      highWaterMark: 0,
      pull: () => this.#pull(),
      cancel: (reason) => this.cancel(reason),
      origin: this,
    });
    this.#end = end;
    if (this.#state === "failed") end.error(this.#error);
    else if (this.#state === "ended" && this.#waiting.length === 0) end.close();
    return end.stream;
  }

  #pull() {
    this.#wanted = true;
    if (this.#waiting.length > 0) this.#deliver();
    else this.#grant(0);
  }

  /** Nobody wants the rest. @param {any} reason */
  cancel(reason) {
    if (this.#state === "open") this.#source.cancel(reason);
    this.#state = "cancelled";
    this.#drop();
  }

  /** All of it. @returns {Promise<Box>} */
  collect() {
    return new Promise((resolve, reject) => {
      if (this.#state === "failed") return void reject(this.#error);
      this.#collector = { resolve, reject };
      if (this.#state === "ended") this.#collected();
      else this.#grant(this.#waitingSize);
    });
  }

  #collected() {
    const bytes = joinBytes(this.#waiting, this.#waitingSize);
    this.#collector?.resolve(/** @type {any} */ ({ __proto__: null, bytes }));
    this.#drop();
  }

  /** All of it as text, decoded by the engine; only while untouched. @returns {Promise<string>} */
  text() {
    const id = this.pass();
    return new Promise((resolve, reject) => {
      this.#collector = { resolve, reject };
      hostText(id, (text) => {
        resolve(text);
        this.#drop();
      });
    });
  }

  /** More has come than may be collected. */
  #tooLarge() {
    const error = bodyTooLarge();
    this.#collector?.reject(error);
    this.cancel(error);
  }

  #drop() {
    this.#waiting = [];
    this.#waitingSize = 0;
    const { over } = this.#source;
    if (over !== undefined) over();
  }

  /** Hand the stream the oldest chunk. */
  #deliver() {
    const end = /** @type {ByteSource} */ (this.#end);
    const bytes = /** @type {Bytes} */ (ArrayPrototypeShift(this.#waiting));
    this.#waitingSize -= TypedArrayPrototypeGetByteLength(bytes);
    this.#wanted = false;
    this.#grant(this.#waitingSize);
    end.enqueue(bytes);
    if (this.#state === "ended" && this.#waiting.length === 0) {
      this.#drop();
      end.close();
    }
  }

  /**
   * Fill the window up, in pieces of at least half of it.
   *
   * @param {number} waiting the bytes that count against it
   */
  #grant(waiting) {
    const room = WINDOW - this.#credit - waiting;
    if (this.#state !== "open" || room < WINDOW / 2) return;
    this.#credit += room;
    this.#source.requestCredit(room);
  }
}

/**
 * A request's body that the host sends as the app reads; for createServerRequest.
 *
 * @param {HostSource} source
 * @returns {HostBody}
 */
export const bodyFromHost = (source) => new HostBody(source);
