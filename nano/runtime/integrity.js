// Subresource integrity.
//
// Standard: https://w3c.github.io/webappsec-subresource-integrity/
// Host half: nano/ops/fetch.py, which hashes.

import { hostOp } from "./host.js";
import {
  ArrayPrototypePush,
  PromisePrototypeThen,
  PromiseResolve,
  RegExpPrototypeExec,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
} from "./primordials.js";

const HASH = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/i;

/**
 * Parse metadata, and get the strongest of it.
 *
 * @see https://w3c.github.io/webappsec-subresource-integrity/#parse-metadata-section
 * @param {string} metadata
 * @returns {{ algorithm: string, digests: string[] } | null} null for metadata that demands nothing
 */
function strongest(metadata) {
  let algorithm = "";
  /** @type {string[]} */
  let digests = [];
  const items = StringPrototypeSplit(metadata, /** @type {any} */ (" "));
  for (let i = 0; i < items.length; i++) {
    const match = RegExpPrototypeExec(HASH, items[i]);
    if (match === null) continue;
    const name = StringPrototypeToLowerCase(match[1]);
    // The names happen to be in the order of their strength.
    if (name < algorithm) continue;
    if (name > algorithm) digests = [];
    algorithm = name;
    ArrayPrototypePush(digests, canonical(match[2]));
  }
  return algorithm === "" ? null : { algorithm, digests };
}

/** In the ordinary alphabet of base64. @param {string} digest */
function canonical(digest) {
  let text = "";
  for (let i = 0; i < digest.length; i++) text += digest[i] === "-" ? "+" : digest[i] === "_" ? "/" : digest[i];
  return text;
}

/**
 * Do bytes match metadataList?
 *
 * @see https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist
 * @param {Uint8Array} bytes
 * @param {string} metadata
 * @returns {Promise<boolean>}
 */
export function checkIntegrity(bytes, metadata) {
  const wanted = strongest(metadata);
  if (wanted === null) return PromiseResolve(true);
  const hashed = hostOp("fetch.digest", { __proto__: null, algorithm: wanted.algorithm }, bytes);
  const compared = PromisePrototypeThen(hashed, ({ value }) => {
    for (let i = 0; i < wanted.digests.length; i++) if (wanted.digests[i] === value) return true;
    return false;
  });
  return /** @type {Promise<boolean>} */ (compared);
}
