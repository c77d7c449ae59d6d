// atob and btoa.
//
// Standard: https://html.spec.whatwg.org/multipage/webappapis.html#atob
// V8's Uint8Array.fromBase64 with its defaults ("loose" ends, the ordinary alphabet) accepts and refuses
// exactly what "forgiving-base64 decode" (https://infra.spec.whatwg.org/#forgiving-base64) does.

import { copyUnits } from "./bulk_copy.js";
import { DOMException } from "./dom_exception.js";
import {
  StringPrototypeCharCodeAt,
  Uint8Array,
  Uint8ArrayFromBase64,
  Uint8ArrayPrototypeToBase64,
} from "./primordials.js";
import { latin1Decode } from "./utf8.js";
import { converters, requiredArguments } from "./webidl.js";

/**
 * The bytes that forgiving-base64 decoding gives, or null for a failure; for data: URLs too.
 *
 * @see https://infra.spec.whatwg.org/#forgiving-base64-decode
 * @param {string} data
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
export function forgivingBase64Decode(data) {
  try {
    return Uint8ArrayFromBase64(data);
  } catch {
    return null;
  }
}

/**
 * Decode base64 to a string with one character for each byte.
 *
 * @param {string} data
 * @returns {string}
 */
export function atob(data) {
  const prefix = "Failed to execute 'atob'";
  requiredArguments(arguments.length, 1, prefix);
  const bytes = forgivingBase64Decode(converters.DOMString(data, { prefix, name: "Argument 1" }));
  if (bytes === null) {
    throw new DOMException(`${prefix}: The string to be decoded is not correctly encoded.`, "InvalidCharacterError");
  }
  return latin1Decode(bytes);
}

/**
 * Encode a string of characters below U+0100 as base64.
 *
 * @param {string} data
 * @returns {string}
 */
export function btoa(data) {
  const prefix = "Failed to execute 'btoa'";
  requiredArguments(arguments.length, 1, prefix);
  const string = converters.DOMString(data, { prefix, name: "Argument 1" });
  const { length } = string;
  const bytes = new Uint8Array(length);
  for (let i = copyUnits(string, bytes, 0x100); i < length; i++) {
    const unit = StringPrototypeCharCodeAt(string, i);
    if (unit > 0xff) {
      throw new DOMException(
        `${prefix}: The string to be encoded contains characters outside of the Latin1 range.`,
        "InvalidCharacterError",
      );
    }
    bytes[i] = unit;
  }
  return Uint8ArrayPrototypeToBase64(bytes);
}
