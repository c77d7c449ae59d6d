// The controller of byte streams, which can be read into a buffer of the reader's, as a record; its interface
// objects are in byte_interfaces.js.
//
// Standard: https://streams.spec.whatwg.org/#rbs-controller-class
//
// Buffers change hands by transfer: what a script gave away is detached, so it cannot alter bytes under way.

import {
  ArrayBuffer,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeSlice,
  MathMin,
  RangeError,
  TypedArrayPrototypeSet,
  TypeError,
  Uint8Array,
} from "../primordials.js";
import { viewBuffer } from "../webidl.js";
import { transferArrayBuffer, viewByteLength, viewByteOffset, viewType } from "./byte_views.js";
import { Puller } from "./default_controller.js";
import { Queue } from "./queues.js";

/** @typedef {import("./internal.js").Outcome} Outcome */
/** @typedef {import("./readable.js").Readable} Readable */
/** @typedef {import("./readable.js").ReadRequest} ReadRequest */
/** @typedef {import("./default_controller.js").Algorithms} Algorithms */

/** Bytes in the queue. */
class Entry {
  /** @type {ArrayBuffer} */
  buffer;
  /** @type {number} */
  byteOffset;
  /** @type {number} */
  byteLength;

  /** @param {ArrayBuffer} buffer @param {number} byteOffset @param {number} byteLength */
  constructor(buffer, byteOffset, byteLength) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
  }
}

/** A buffer that waits to be filled. @see https://streams.spec.whatwg.org/#pull-into-descriptor */
class PullInto {
  /** @type {ArrayBuffer} */
  buffer;
  /** @type {number} */
  bufferByteLength;
  /** @type {number} */
  byteOffset;
  /** @type {number} */
  byteLength;
  bytesFilled = 0;
  /** @type {number} in bytes */
  minimumFill;
  /** @type {any} the view's constructor */
  make;
  /** @type {number} */
  elementSize;
  /** @type {"default" | "byob" | "none"} */
  readerType;

  /**
   * @param {ArrayBuffer} buffer
   * @param {number} byteOffset
   * @param {number} byteLength
   * @param {number} minimumFill in bytes
   * @param {{ make: any, elementSize: number }} type
   * @param {"default" | "byob" | "none"} readerType
   */
  constructor(buffer, byteOffset, byteLength, minimumFill, type, readerType) {
    this.buffer = buffer;
    this.bufferByteLength = ArrayBufferPrototypeGetByteLength(buffer);
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.minimumFill = minimumFill;
    this.make = type.make;
    this.elementSize = type.elementSize;
    this.readerType = readerType;
  }

  /** @see https://streams.spec.whatwg.org/#abstract-opdef-readablebytestreamcontrollerconvertpullintodescriptor */
  convert() {
    return new this.make(transferArrayBuffer(this.buffer), this.byteOffset, this.bytesFilled / this.elementSize);
  }
}

/** The slots of a ReadableStreamBYOBRequest. */
export class ByobRequest {
  /** @type {ByteController | undefined} */
  controller;
  /** @type {Uint8Array | null} */
  view;
  /** @type {object | undefined} */
  wrapper = undefined;

  /** @param {ByteController} controller @param {Uint8Array} view */
  constructor(controller, view) {
    this.controller = controller;
    this.view = view;
  }
}

/** The slots of a ReadableByteStreamController. */
export class ByteController extends Puller {
  isByteController = true;
  /** @type {number | undefined} */
  autoAllocateChunkSize = undefined;
  /** @type {Queue<Entry>} */
  #queue = new Queue();
  #totalSize = 0;
  /** @type {Queue<PullInto>} */
  #pendingPullIntos = new Queue();
  /** @type {ByobRequest | undefined} */
  #byobRequest = undefined;

  get queuedSize() {
    return this.#totalSize;
  }

  get hasQueued() {
    return this.#totalSize > 0;
  }

  get hasPendingPullIntos() {
    return this.#pendingPullIntos.length > 0;
  }

  /** @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-close */
  close() {
    if (!this.canCloseOrEnqueue()) return;
    if (this.#totalSize > 0) {
      this.closeRequested = true;
      return;
    }
    if (this.#pendingPullIntos.length > 0) {
      const first = this.#pendingPullIntos.peek();
      if (first.bytesFilled % first.elementSize !== 0) {
        const error = new TypeError("The stream was closed in the middle of an element of the reader's view.");
        this.error(error);
        throw error;
      }
    }
    this.clearAlgorithms();
    this.stream.close();
  }

  /** @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-error @param {any} error */
  error(error) {
    if (this.stream.state !== "readable") return;
    this.#clearPendingPullIntos();
    this.#resetQueue();
    this.clearAlgorithms();
    this.stream.error(error);
  }

  /** @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-enqueue @param {ArrayBufferView} chunk */
  enqueue(chunk) {
    if (!this.canCloseOrEnqueue()) return;
    const byteOffset = viewByteOffset(chunk);
    const byteLength = viewByteLength(chunk);
    this.enqueueOwned(transferArrayBuffer(viewBuffer(chunk)), byteOffset, byteLength);
  }

  /**
   * Enqueue bytes of a buffer that nobody else holds.
   *
   * @param {ArrayBuffer} buffer
   * @param {number} byteOffset
   * @param {number} byteLength
   */
  enqueueOwned(buffer, byteOffset, byteLength) {
    if (!this.canCloseOrEnqueue()) return;
    if (this.#pendingPullIntos.length > 0) this.#reclaimFirstPullInto();
    const stream = this.stream;
    if (stream.reader === undefined) {
      this.#push(buffer, byteOffset, byteLength);
    } else if (stream.reader.byob) {
      this.#push(buffer, byteOffset, byteLength);
      this.#commitAll(this.#processPullIntos());
    } else {
      this.#processReadRequests();
      if (stream.readRequests === 0) this.#push(buffer, byteOffset, byteLength);
      else {
        if (this.#pendingPullIntos.length > 0) this.#pendingPullIntos.shift();
        stream.fulfill(new Uint8Array(buffer, byteOffset, byteLength), false);
      }
    }
    this.callPullIfNeeded();
  }

  /** Take the buffer of an outstanding BYOB request out of the source's hands. */
  #reclaimFirstPullInto() {
    const first = this.#pendingPullIntos.peek();
    if (ArrayBufferPrototypeGetDetached(first.buffer)) {
      throw new TypeError("The buffer of the BYOB request was detached.");
    }
    this.#invalidateByobRequest();
    first.buffer = transferArrayBuffer(first.buffer);
    if (first.readerType === "none") this.#enqueueDetachedPullInto(first);
  }

  /** @param {ArrayBuffer} buffer @param {number} byteOffset @param {number} byteLength */
  #push(buffer, byteOffset, byteLength) {
    this.#queue.push(new Entry(buffer, byteOffset, byteLength));
    this.#totalSize += byteLength;
  }

  /** @param {ArrayBuffer} buffer @param {number} byteOffset @param {number} byteLength */
  #pushClone(buffer, byteOffset, byteLength) {
    let clone;
    try {
      clone = ArrayBufferPrototypeSlice(buffer, byteOffset, byteOffset + byteLength);
    } catch (error) {
      this.error(error);
      throw error;
    }
    this.#push(clone, 0, byteLength);
  }

  /** @param {PullInto} first what a released reader left behind */
  #enqueueDetachedPullInto(first) {
    if (first.bytesFilled > 0) this.#pushClone(first.buffer, first.byteOffset, first.bytesFilled);
    this.#pendingPullIntos.shift();
  }

  #resetQueue() {
    this.#queue.clear();
    this.#totalSize = 0;
  }

  #clearPendingPullIntos() {
    this.#invalidateByobRequest();
    this.#pendingPullIntos.clear();
  }

  #invalidateByobRequest() {
    const request = this.#byobRequest;
    if (request === undefined) return;
    request.controller = undefined;
    request.view = null;
    this.#byobRequest = undefined;
  }

  /** @see https://streams.spec.whatwg.org/#abstract-opdef-readablebytestreamcontrollergetbyobrequest */
  get byobRequest() {
    if (this.#byobRequest === undefined && this.#pendingPullIntos.length > 0) {
      const first = this.#pendingPullIntos.peek();
      const start = first.byteOffset + first.bytesFilled;
      const view = new Uint8Array(first.buffer, start, first.byteLength - first.bytesFilled);
      this.#byobRequest = new ByobRequest(this, view);
    }
    return this.#byobRequest;
  }

  /** @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-commit-pull-into-descriptor @param {PullInto} pullInto */
  #commit(pullInto) {
    this.stream.fulfill(pullInto.convert(), this.stream.state === "closed");
  }

  /** @param {Queue<PullInto>} filled */
  #commitAll(filled) {
    while (filled.length > 0) this.#commit(filled.shift());
  }

  /**
   * Copy queued bytes into a waiting buffer; true when it holds enough to be given to the reader.
   *
   * @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-fill-pull-into-descriptor-from-queue
   * @param {PullInto} pullInto
   */
  #fillFromQueue(pullInto) {
    const most = MathMin(this.#totalSize, pullInto.byteLength - pullInto.bytesFilled);
    const mostFilled = pullInto.bytesFilled + most;
    const aligned = mostFilled - (mostFilled % pullInto.elementSize);
    const ready = aligned >= pullInto.minimumFill;
    let remaining = ready ? aligned - pullInto.bytesFilled : most;
    const target = new Uint8Array(pullInto.buffer);
    while (remaining > 0) {
      const head = this.#queue.peek();
      const size = MathMin(remaining, head.byteLength);
      const bytes = new Uint8Array(head.buffer, head.byteOffset, size);
      TypedArrayPrototypeSet(target, bytes, pullInto.byteOffset + pullInto.bytesFilled);
      if (head.byteLength === size) this.#queue.shift();
      else {
        head.byteOffset += size;
        head.byteLength -= size;
      }
      this.#totalSize -= size;
      pullInto.bytesFilled += size;
      remaining -= size;
    }
    return ready;
  }

  #fillReadRequest(/** @type {ReadRequest} */ request) {
    const entry = this.#queue.shift();
    this.#totalSize -= entry.byteLength;
    this.#handleQueueDrain();
    request.chunk(new Uint8Array(entry.buffer, entry.byteOffset, entry.byteLength));
  }

  #handleQueueDrain() {
    if (this.#totalSize === 0 && this.closeRequested) {
      this.clearAlgorithms();
      this.stream.close();
    } else {
      this.callPullIfNeeded();
    }
  }

  /** @returns {Queue<PullInto>} those that are ready, no longer pending */
  #processPullIntos() {
    /** @type {Queue<PullInto>} */
    const filled = new Queue();
    while (this.#pendingPullIntos.length > 0 && this.#totalSize > 0) {
      if (this.#fillFromQueue(this.#pendingPullIntos.peek())) filled.push(this.#shiftPullInto());
    }
    return filled;
  }

  #shiftPullInto() {
    return this.#pendingPullIntos.shift();
  }

  #processReadRequests() {
    const requests = /** @type {any} */ (this.stream.reader).requests;
    while (requests.length > 0 && this.#totalSize > 0) this.#fillReadRequest(requests.shift());
  }

  /**
   * @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-pull-into
   * @param {ArrayBufferView} view
   * @param {number} min in elements
   * @param {ReadRequest} request
   */
  pullInto(view, min, request) {
    const stream = this.stream;
    const type = viewType(view);
    const byteOffset = viewByteOffset(view);
    const byteLength = viewByteLength(view);
    let buffer;
    try {
      buffer = transferArrayBuffer(viewBuffer(view));
    } catch (error) {
      request.error(error);
      return;
    }
    const pullInto = new PullInto(buffer, byteOffset, byteLength, min * type.elementSize, type, "byob");
    if (this.#pendingPullIntos.length === 0) {
      if (stream.state === "closed") {
        request.close(new type.make(buffer, byteOffset, 0));
        return;
      }
      if (this.#totalSize > 0) {
        if (this.#fillFromQueue(pullInto)) {
          const filled = pullInto.convert();
          this.#handleQueueDrain();
          request.chunk(filled);
          return;
        }
        if (this.closeRequested) {
          const error = new TypeError("The stream ends before the view's next element is complete.");
          this.error(error);
          request.error(error);
          return;
        }
      }
    }
    const first = this.#pendingPullIntos.length === 0;
    this.#pendingPullIntos.push(pullInto);
    /** @type {any} */ (stream.reader).requests.push(request);
    if (first) this.callPullIfNeeded();
  }

  /** @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-respond @param {number} bytesWritten */
  respond(bytesWritten) {
    const first = this.#pendingPullIntos.peek();
    if (this.stream.state === "closed") {
      if (bytesWritten !== 0) throw new TypeError("bytesWritten must be 0 for a closed stream.");
    } else {
      if (bytesWritten === 0) throw new TypeError("bytesWritten must be greater than 0 for a readable stream.");
      if (first.bytesFilled + bytesWritten > first.byteLength) throw new RangeError("bytesWritten is out of range.");
    }
    first.buffer = transferArrayBuffer(first.buffer);
    this.#respondInternal(bytesWritten);
  }

  /** @see https://streams.spec.whatwg.org/#readable-byte-stream-controller-respond-with-new-view @param {ArrayBufferView} view */
  respondWithNewView(view) {
    const first = this.#pendingPullIntos.peek();
    const byteLength = viewByteLength(view);
    if (this.stream.state === "closed") {
      if (byteLength !== 0) throw new TypeError("The view's length must be 0 for a closed stream.");
    } else if (byteLength === 0) {
      throw new TypeError("The view's length must be greater than 0 for a readable stream.");
    }
    if (first.byteOffset + first.bytesFilled !== viewByteOffset(view)) {
      throw new RangeError("The view does not start where the BYOB request's view does.");
    }
    const buffer = viewBuffer(view);
    if (first.bufferByteLength !== ArrayBufferPrototypeGetByteLength(buffer)) {
      throw new RangeError("The view's buffer has another length than the BYOB request's.");
    }
    if (first.bytesFilled + byteLength > first.byteLength) {
      throw new RangeError("The view is larger than the BYOB request's.");
    }
    first.buffer = transferArrayBuffer(buffer);
    this.#respondInternal(byteLength);
  }

  /** @param {number} bytesWritten */
  #respondInternal(bytesWritten) {
    const first = this.#pendingPullIntos.peek();
    this.#invalidateByobRequest();
    if (this.stream.state === "closed") this.#respondInClosedState(first);
    else this.#respondInReadableState(bytesWritten, first);
    this.callPullIfNeeded();
  }

  /** @param {PullInto} first */
  #respondInClosedState(first) {
    if (first.readerType === "none") this.#pendingPullIntos.shift();
    /** @type {Queue<PullInto>} */
    const filled = new Queue();
    while (filled.length < this.stream.readIntoRequests) filled.push(this.#shiftPullInto());
    this.#commitAll(filled);
  }

  /** @param {number} bytesWritten @param {PullInto} first */
  #respondInReadableState(bytesWritten, first) {
    first.bytesFilled += bytesWritten;
    if (first.readerType === "none") {
      this.#enqueueDetachedPullInto(first);
      this.#commitAll(this.#processPullIntos());
      return;
    }
    if (first.bytesFilled < first.minimumFill) return;
    this.#pendingPullIntos.shift();
    const remainder = first.bytesFilled % first.elementSize;
    if (remainder > 0) {
      this.#pushClone(first.buffer, first.byteOffset + first.bytesFilled - remainder, remainder);
      first.bytesFilled -= remainder;
    }
    const filled = this.#processPullIntos();
    this.#commit(first);
    this.#commitAll(filled);
  }

  /** @param {any} reason @returns {Outcome} */
  cancelSteps(reason) {
    this.#clearPendingPullIntos();
    this.#resetQueue();
    const outcome = this.cancelAlgorithm?.(reason);
    this.clearAlgorithms();
    return outcome;
  }

  /** @param {ReadRequest} request of a default reader */
  pullSteps(request) {
    if (this.#totalSize > 0) {
      this.#fillReadRequest(request);
      return;
    }
    const size = this.autoAllocateChunkSize;
    if (size !== undefined) {
      let buffer;
      try {
        buffer = new ArrayBuffer(size);
      } catch (error) {
        request.error(error);
        return;
      }
      this.#pendingPullIntos.push(new PullInto(buffer, 0, size, 1, { make: Uint8Array, elementSize: 1 }, "default"));
    }
    /** @type {any} */ (this.stream.reader).requests.push(request);
    this.callPullIfNeeded();
  }

  releaseSteps() {
    if (this.#pendingPullIntos.length === 0) return;
    const first = this.#pendingPullIntos.peek();
    first.readerType = "none";
    this.#pendingPullIntos.clear();
    this.#pendingPullIntos.push(first);
  }
}

/**
 * @see https://streams.spec.whatwg.org/#set-up-readable-byte-stream-controller
 * @param {Readable} stream
 * @param {Algorithms & { autoAllocateChunkSize?: number }} algorithms
 */
export function setUpByteController(stream, algorithms) {
  const controller = new ByteController(stream);
  controller.highWaterMark = algorithms.highWaterMark ?? 0;
  controller.autoAllocateChunkSize = algorithms.autoAllocateChunkSize;
  controller.pullAlgorithm = algorithms.pull;
  controller.cancelAlgorithm = algorithms.cancel;
  return controller;
}
