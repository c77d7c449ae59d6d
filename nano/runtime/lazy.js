// Rarely used parts of the runtime, loaded when they are first asked for.
// Host half: nano/ops/host.py ("host.chunk").
//
// Which modules these are stands in build.mjs; the others import them as usual, and get functions that load their
// chunk when they are called. A chunk shares the modules of the boot bundle through the registry.

import { registry } from "nano:registry";
import { compileFunction } from "./code_generation.js";
import { hostCallSync } from "./host.js";

/** @type {{ [name: string]: any }} */
const chunks = { __proto__: /** @type {any} */ (null) };

/**
 * The exports of a chunk.
 *
 * @param {string} name
 * @returns {any}
 */
export const chunk = (name) => (chunks[name] ??= load(name));

/** @param {string} name */
function load(name) {
  const own = { __proto__: null };
  compileFunction("core, own", hostCallSync("host.chunk", name))(registry(), own);
  return own;
}
