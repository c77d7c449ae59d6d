// Object URLs: the blob: URLs that URL.createObjectURL gives out, and what they stand for.
//
// Standard: https://w3c.github.io/FileAPI/#url
// fetch looks blobs up here; an isolate has one store, whatever requests share it.

import { hostRandom } from "./host.js";
import {
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  NumberPrototypeToString,
  StringPrototypeSlice,
  Uint8Array,
} from "./primordials.js";
import { serializeURL } from "./url_record.js";

/** @typedef {import("./url_record.js").URLRecord} URLRecord */

/** The blob URL store: serialised URL to blob. @type {Map<string, object>} */
const store = new Map();

/**
 * "Add an entry to the blob URL store".
 *
 * @see https://w3c.github.io/FileAPI/#add-an-entry
 * @param {object} blob
 * @returns {string} the new URL
 */
export function addBlobURL(blob) {
  // The origin of code that was not loaded from anywhere is opaque: "null".
  const url = `blob:null/${randomUUID()}`;
  MapPrototypeSet(store, url, blob);
  return url;
}

/** @param {string} url without fragment */
export function removeBlobURL(url) {
  MapPrototypeDelete(store, url);
}

/**
 * "Resolve a blob URL".
 *
 * @see https://w3c.github.io/FileAPI/#blob-url-resolve
 * @param {URLRecord} url
 * @returns {object | undefined} the blob
 */
export function resolveBlobURL(url) {
  return MapPrototypeGet(store, serializeURL(url, true));
}

/** A version 4 UUID. @see https://w3c.github.io/webcrypto/#Crypto-method-randomUUID */
function randomUUID() {
  const bytes = new Uint8Array(16);
  hostRandom(bytes);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  let uuid = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) uuid += "-";
    uuid += StringPrototypeSlice(NumberPrototypeToString(bytes[i] + 256, 16), 1);
  }
  return uuid;
}
