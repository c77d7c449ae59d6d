// TextEncoderStream and TextDecoderStream.
//
// Standard: https://encoding.spec.whatwg.org/#interface-textdecoderstream and the section after it.
// The decoding itself is in ../encoding.js, the UTF-8 in ../utf8.js.

import { TextDecoderCommon, allowSharedBufferSource, textDecoderOptions } from "../encoding.js";
import { StringPrototypeCharCodeAt, StringPrototypeSlice, Uint8Array } from "../primordials.js";
import { utf8Encode } from "../utf8.js";
import { converters, exposeInterface } from "../webidl.js";
import { createTransform } from "./generic_transform.js";

/** @typedef {import("./generic_transform.js").GenericTransform} GenericTransform */

const NOTHING = new Uint8Array(0);
const DECODER_CHUNK = { prefix: "TextDecoderStream", name: "The chunk" };
const ENCODER_CHUNK = { prefix: "TextEncoderStream", name: "The chunk" };

/** @see https://encoding.spec.whatwg.org/#interface-textdecoderstream */
export class TextDecoderStream {
  #common;
  #transform;

  /** @param {string} [label] @param {{ fatal?: boolean, ignoreBOM?: boolean }} [options] */
  constructor(label = "utf-8", options = {}) {
    const prefix = "Failed to construct 'TextDecoderStream'";
    const name = converters.DOMString(label, { prefix, name: "Argument 1" });
    const common = new TextDecoderCommon(name, textDecoderOptions(options, { prefix, name: "Argument 2" }), prefix);
    /** @type {(bytes: Uint8Array, more: boolean) => void} */
    const decodeAndEnqueue = (bytes, more) => {
      const text = common.decode(bytes, more);
      if (text !== "") transform.enqueue(text);
    };
    /** @type {GenericTransform} */
    const transform = createTransform({
      transform: (chunk) => decodeAndEnqueue(allowSharedBufferSource(chunk, DECODER_CHUNK), true),
      flush: () => decodeAndEnqueue(NOTHING, false),
    });
    this.#common = common;
    this.#transform = transform;
  }

  get encoding() {
    return this.#common.encoding;
  }

  get fatal() {
    return this.#common.fatal;
  }

  get ignoreBOM() {
    return this.#common.ignoreBOM;
  }

  get readable() {
    return this.#transform.readable;
  }

  get writable() {
    return this.#transform.writable;
  }
}

/** @see https://encoding.spec.whatwg.org/#interface-textencoderstream */
export class TextEncoderStream {
  /** A leading surrogate at the end of the last chunk, or nothing. */
  #leading = "";
  #transform;

  constructor() {
    this.#transform = createTransform({
      transform: (chunk) => this.#encodeAndEnqueue(converters.DOMString(chunk, ENCODER_CHUNK)),
      flush: () => {
        if (this.#leading !== "") this.#transform.enqueue(utf8Encode(this.#leading));
      },
    });
  }

  get encoding() {
    this.#transform;
    return "utf-8";
  }

  get readable() {
    return this.#transform.readable;
  }

  get writable() {
    return this.#transform.writable;
  }

  /** @see https://encoding.spec.whatwg.org/#encode-and-enqueue-a-chunk @param {string} chunk */
  #encodeAndEnqueue(chunk) {
    if (chunk === "") return;
    let text = this.#leading + chunk;
    this.#leading = "";
    const last = text.length - 1;
    if ((StringPrototypeCharCodeAt(text, last) & 0xfc00) === 0xd800) {
      this.#leading = StringPrototypeSlice(text, last);
      text = StringPrototypeSlice(text, 0, last);
    }
    if (text !== "") this.#transform.enqueue(utf8Encode(text));
  }
}

exposeInterface(TextDecoderStream);
exposeInterface(TextEncoderStream);
