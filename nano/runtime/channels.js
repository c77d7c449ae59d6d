// Channels: the bytes that an op sends and receives beyond its arguments and its answer.
// Host half: nano/engine/channels.py.
//
// A script opens a channel and names it to an op.  Uploads go out in CHUNK records within the credit that the host
// grants, and end with END or FAIL; downloads come in BODY_CHUNK records within the credit that the reader grants, and
// end with BODY_END or BODY_ERROR: the same records and windows as those of an exchange, told apart by their ids.  A
// channel is over for both sides when its download has ended, when the op's answer said that there is none, or when
// the script cancels it; an upload that is still under way is stopped then.

import {
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  PromisePrototypeThen,
  PromiseResolve,
  TypeError,
  Uint8Array,
} from "./primordials.js";
import { copyBytes } from "./bytes.js";
import { send } from "./host.js";
import { HostBody } from "./host_body.js";
import { WINDOW, addCredit, passBody, sendBytes, sendText } from "./outflow.js";
import { Inward, Outward, readU32, writeU32 } from "./records.js";
import { pumpToSink } from "./streams/index.js";
import { utf8Decode, utf8Encode } from "./utf8.js";

/** @typedef {import("./streams/readable_stream.js").ReadableStream} ReadableStream */

/** Ids from here on are channels, those below are exchanges; the same number stands in nano/engine/channels.py. */
export const FIRST_CHANNEL = 0x80000000;
const LAST_CHANNEL = 0xffffffff;

/** @type {Map<number, Channel>} */
const channels = new Map();
let lastId = FIRST_CHANNEL - 1;

/** The script's end of a channel. */
export class Channel {
  id;
  credit = WINDOW;
  aborted = false;
  /** @type {(() => void) | null} */
  whenCredit = null;
  /** Why the upload broke off, in a box. @type {{ error: any } | null} */
  uploadFailure = null;
  /** @type {((reason: any) => void) | null} */
  #stopUpload = null;
  /** @type {HostBody | null} */
  #body = null;
  /** Makes an error of the text with which the host says why a download breaks off. @type {(text: string) => any} */
  #toError;

  /** @param {number} id @param {(text: string) => any} toError */
  constructor(id, toError) {
    this.id = id;
    this.#toError = toError;
  }

  /** Upload a stream that is not locked. @param {ReadableStream} stream */
  sendStream(stream) {
    this.#stopUpload = pumpToSink(stream, {
      write: (/** @type {any} */ chunk) => sendBytes(this, chunk),
      close: () => this.#sendEnd(),
      abort: (/** @type {any} */ error) => this.#failUpload(error),
    });
  }

  /** Upload what the host has itself. @param {HostBody} body untouched */
  pass(body) {
    passBody(this, body);
  }

  /** Upload bytes. @param {Uint8Array} bytes nobody changes */
  sendWhole(bytes) {
    PromisePrototypeThen(
      PromiseResolve(sendBytes(this, bytes)),
      () => this.#sendEnd(),
      () => {},
    );
  }

  /** Upload a string. @param {string} text */
  sendText(text) {
    PromisePrototypeThen(sendText(this, text), () => this.#sendEnd());
  }

  #sendEnd() {
    this.#stopUpload = null;
    if (!this.aborted) send(Outward.END, 0, 0, this.id, null, null);
  }

  /** @param {any} error */
  #failUpload(error) {
    this.#stopUpload = null;
    if (this.aborted) return;
    this.uploadFailure = /** @type {any} */ ({ __proto__: null, error });
    send(Outward.FAIL, 0, 0, this.id, null, utf8Encode("the stream of the request body has failed"));
  }

  /**
   * The download, which comes as it is read.
   *
   * @param {number | null} length
   * @param {() => void} over called once when nothing is left to read
   * @returns {HostBody}
   */
  receive(length, over) {
    this.#body = new HostBody({
      id: this.id,
      length,
      over,
      requestCredit: (/** @type {number} */ size) => {
        const credit = new Uint8Array(4);
        writeU32(credit, 0, size);
        send(Outward.CREDIT, 0, 0, this.id, null, credit);
      },
      cancel: (/** @type {any} */ reason) => this.cancel(reason),
    });
    return this.#body;
  }

  /** The host has nothing more to say. @param {any} reason what a stream that is still uploaded is cancelled with */
  close(reason) {
    if (!MapPrototypeDelete(channels, this.id)) return;
    const { whenCredit } = this;
    const stop = this.#stopUpload;
    this.aborted = true;
    this.whenCredit = this.#stopUpload = null;
    if (stop !== null) stop(reason);
    if (whenCredit !== null) whenCredit();
  }

  /** Nobody wants the answer, or the rest of it, any more. @param {any} reason */
  cancel(reason) {
    if (MapPrototypeGet(channels, this.id) === undefined) return;
    send(Outward.BODY_CANCEL, 0, 0, this.id, null, null);
    this.close(reason);
  }

  /**
   * @param {number} type
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  onRecord(type, bytes, start, end) {
    if (type === Inward.BODY_CHUNK) this.#body?.onChunk(copyBytes(bytes, start, end));
    else if (type === Inward.CREDIT) addCredit(this, readU32(bytes, start));
    else if (type === Inward.BODY_END) {
      this.close(uploadOver());
      this.#body?.onEnd();
    } else if (type === Inward.BODY_ERROR) {
      this.close(uploadOver());
      this.#body?.onError(this.#toError(utf8Decode(copyBytes(bytes, start, end))));
    }
  }
}

/** Why a stream whose request has been answered is read no further. */
export const uploadOver = () => new TypeError("The request has ended before its body was sent.");

/**
 * @param {(text: string) => any} toError
 * @returns {Channel}
 */
export function openChannel(toError) {
  lastId = lastId === LAST_CHANNEL ? FIRST_CHANNEL : lastId + 1;
  const channel = new Channel(lastId, toError);
  MapPrototypeSet(channels, channel.id, channel);
  return channel;
}

/**
 * A record of a channel has come.
 *
 * @param {number} type
 * @param {number} id
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
export function onChannelRecord(type, id, bytes, start, end) {
  MapPrototypeGet(channels, id)?.onRecord(type, bytes, start, end);
}
