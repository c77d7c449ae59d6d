// Two streams out of one.
//
// Standard: https://streams.spec.whatwg.org/#abstract-opdef-readablestreamtee
//
// Both branches pull through one reader; what arrives is given to both, so the slower one buffers. The
// original is cancelled when both branches are, with both reasons.

import { PromiseWithResolvers } from "../primordials.js";
import { branchTooLarge, exceedsBufferLimit } from "../buffer_limit.js";
import { setUpByteController } from "./byte_controller.js";
import { cloneAsUint8Array } from "./byte_views.js";
import { setUpDefaultController } from "./default_controller.js";
import { microtask, upon } from "./internal.js";
import { Readable, Reader } from "./readable.js";

/** What both kinds of tee share: two branches, their cancellation, one read at a time. */
class Tee {
  /** @type {Readable} */
  stream;
  /** @type {Reader} */
  reader;
  reading = false;
  branches = [new Readable(), new Readable()];
  canceled = [false, false];
  readAgain = [false, false];
  /** @type {any[]} */
  #reasons = [undefined, undefined];
  #done = PromiseWithResolvers();

  /** @param {Readable} stream */
  constructor(stream) {
    this.stream = stream;
    this.reader = new Reader(stream);
  }

  get bothCanceled() {
    return this.canceled[0] && this.canceled[1];
  }

  /** Settle what `cancel()` of the branches returned. @param {any} [outcome] */
  finish(outcome = undefined) {
    this.#done.resolve(outcome);
  }

  /** @param {number} which @param {any} reason */
  cancel(which, reason) {
    this.canceled[which] = true;
    this.#reasons[which] = reason;
    if (this.bothCanceled) this.finish(this.stream.cancel([this.#reasons[0], this.#reasons[1]]));
    return this.#done.promise;
  }

  /** The error of the original is the error of both. */
  forwardError() {
    const reader = this.reader;
    upon(reader.closed.promise, undefined, (reason) => {
      if (reader !== this.reader) return;
      this.branches[0].controller.error(reason);
      this.branches[1].controller.error(reason);
      if (!this.bothCanceled) this.finish();
    });
  }

  /** Whether a pull is to read; while another read is under way it is only noted. @param {number} which */
  beginRead(which) {
    if (this.reading) {
      this.readAgain[which] = true;
      return false;
    }
    this.reading = true;
    return true;
  }

  endRead() {
    this.reading = false;
  }

  /** @param {boolean} byob the kind of reader that is needed next */
  useReader(byob) {
    if (this.reader.byob === byob) return;
    this.reader.release();
    this.reader = new Reader(this.stream, byob);
    this.forwardError();
  }

  /** Neither branch can go on. @param {any} error */
  fail(error) {
    this.branches[0].controller.error(error);
    this.branches[1].controller.error(error);
    this.finish(this.stream.cancel(error));
  }

  closeBranches() {
    for (let i = 0; i < 2; i++) if (!this.canceled[i]) this.branches[i].controller.close();
  }
}

class DefaultTee extends Tee {
  /** @type {((chunk: any) => any) | undefined} */
  clone;

  /** @param {Readable} stream @param {((chunk: any) => any) | undefined} clone */
  constructor(stream, clone) {
    super(stream);
    this.clone = clone;
    for (let i = 0; i < 2; i++) {
      const controller = setUpDefaultController(this.branches[i], {
        __proto__: null,
        pull: () => this.#pull(),
        cancel: (reason) => this.cancel(i, reason),
      });
      controller.begin(undefined);
    }
    this.forwardError();
  }

  #pull() {
    if (this.beginRead(0)) this.reader.read(this);
    return undefined;
  }

  /** @param {any} chunk */
  chunk(chunk) {
    microtask(() => this.#deliver(chunk)); // so that errors of the source come before its last chunk
  }

  /** @param {any} chunk */
  #deliver(chunk) {
    this.readAgain[0] = false;
    let second = chunk;
    if (!this.canceled[1] && this.clone !== undefined) {
      try {
        second = this.clone(chunk);
      } catch (error) {
        this.fail(error);
        return;
      }
    }
    if (!this.canceled[0]) this.branches[0].controller.enqueue(chunk);
    if (!this.canceled[1]) this.branches[1].controller.enqueue(second);
    this.endRead();
    if (this.readAgain[0]) this.#pull();
  }

  close() {
    this.endRead();
    this.closeBranches();
    if (!this.bothCanceled) this.finish();
  }

  error() {
    this.endRead();
  }
}

class ByteTee extends Tee {
  /** @param {Readable} stream */
  constructor(stream) {
    super(stream);
    for (let i = 0; i < 2; i++) {
      const controller = setUpByteController(this.branches[i], {
        __proto__: null,
        pull: () => this.#pull(i),
        cancel: (reason) => this.cancel(i, reason),
      });
      controller.begin(undefined);
    }
    this.forwardError();
  }

  /** @param {number} which */
  #pull(which) {
    if (!this.beginRead(which)) return undefined;
    const request = this.branches[which].controller.byobRequest;
    if (request === undefined) this.#readDefault();
    else this.#readInto(request.view, which);
    return undefined;
  }

  #readDefault() {
    this.useReader(false);
    this.reader.read({
      chunk: (chunk) => microtask(() => this.#deliver(chunk)),
      close: () => this.#close(),
      error: () => this.endRead(),
    });
  }

  /** @param {Uint8Array} chunk */
  #deliver(chunk) {
    this.#beforeDelivery();
    let second = chunk;
    if (!this.canceled[0] && !this.canceled[1]) {
      try {
        second = cloneAsUint8Array(chunk);
      } catch (error) {
        this.fail(error);
        return;
      }
    }
    if (!this.canceled[0]) this.branches[0].controller.enqueue(chunk);
    if (!this.canceled[1]) this.branches[1].controller.enqueue(second);
    this.#afterDelivery();
  }

  #beforeDelivery() {
    this.readAgain[0] = this.readAgain[1] = false;
  }

  #afterDelivery() {
    this.endRead();
    if (this.stream.origin !== undefined) for (let i = 0; i < 2; i++) this.#checkLag(i);
    if (this.readAgain[0]) this.#pull(0);
    else if (this.readAgain[1]) this.#pull(1);
  }

  /** A branch of a body from outside that has fallen too far behind fails, and the other goes on. @param {number} which */
  #checkLag(which) {
    const { controller } = this.branches[which];
    if (this.canceled[which] || !exceedsBufferLimit(-controller.desiredSize)) return;
    const error = branchTooLarge();
    controller.error(error);
    upon(this.cancel(which, error), undefined, () => {});
  }

  #close() {
    this.endRead();
    this.closeBranches();
    for (let i = 0; i < 2; i++) {
      const controller = this.branches[i].controller;
      if (controller.hasPendingPullIntos) controller.respond(0);
    }
    if (!this.bothCanceled) this.finish();
  }

  /** @param {Uint8Array} view of the branch that has a BYOB reader @param {number} which branch that is */
  #readInto(view, which) {
    this.useReader(true);
    this.reader.readInto(view, 1, {
      chunk: (chunk) => microtask(() => this.#deliverInto(chunk, which)),
      close: (chunk) => this.#closeInto(chunk, which),
      error: () => this.endRead(),
    });
  }

  /** @param {Uint8Array} chunk @param {number} which */
  #deliverInto(chunk, which) {
    const other = 1 - which;
    this.#beforeDelivery();
    let clone;
    if (!this.canceled[other]) {
      try {
        clone = cloneAsUint8Array(chunk);
      } catch (error) {
        this.fail(error);
        return;
      }
    }
    if (!this.canceled[which]) this.branches[which].controller.respondWithNewView(chunk);
    if (clone !== undefined) this.branches[other].controller.enqueue(clone);
    this.#afterDelivery();
  }

  /** @param {Uint8Array | undefined} chunk an empty view of the buffer, if the stream was not cancelled @param {number} which */
  #closeInto(chunk, which) {
    const other = 1 - which;
    this.endRead();
    this.closeBranches();
    if (chunk !== undefined) {
      const controller = this.branches[other].controller;
      if (!this.canceled[which]) this.branches[which].controller.respondWithNewView(chunk);
      if (!this.canceled[other] && controller.hasPendingPullIntos) controller.respond(0);
    }
    if (!this.bothCanceled) this.finish();
  }
}

/**
 * @param {Readable} stream
 * @param {(chunk: any) => any} [clone] makes what the second branch gets of each chunk; byte streams need none
 * @returns {[Readable, Readable]}
 */
export function tee(stream, clone) {
  const { branches } = stream.controller.isByteController ? new ByteTee(stream) : new DefaultTee(stream, clone);
  return /** @type {[Readable, Readable]} */ (branches);
}
