// Loading an app into a spare isolate.
// Host half: nano/engine/host.py (`IsolateHost.load`) and nano/apps/app.py, which makes the program.
//
// The host first evaluates one script for each module, `globalThis["nano:define"][name]=function`, which runs no code
// of the app; then comes the LOAD record, the global object goes away, and the graph is linked and evaluated.

import {
  ObjectDefineProperty,
  ObjectKeys,
  PromisePrototypeThen,
  ReflectDeleteProperty,
  String,
  globalThis_,
} from "./primordials.js";
import { bindToFrame } from "./async_context.js";
import { setBufferLimit } from "./buffer_limit.js";
import { findHandler, setEnvironment, setHandler } from "./handler.js";
import { packValue, send } from "./host.js";
import { inspect } from "./inspect.js";
import { createModuleGraph, registerBuiltin } from "./modules.js";
import { registerNodeModules } from "./builtin_modules.js";
import { setUserAgent } from "./navigator.js";
import { Outward } from "./records.js";
import { installRepl } from "./repl.js";

const DEFINE = "nano:define";

/** The functions of modules by name. @type {Record<string, any> | null} */
let defined = null;

/** Let the host's scripts hand over the functions of modules. */
export function openDefine() {
  defined = { __proto__: /** @type {any} */ (null) };
  ObjectDefineProperty(globalThis_, DEFINE, /** @type {any} */ ({ __proto__: null, value: defined, configurable: true }));
}

/**
 * What the host tells of an app.
 *
 * @typedef {object} Program
 * @property {import("./modules.js").ModuleSource[]} modules
 * @property {string | null} entry the module whose default export is the handler; null: a bare global scope
 * @property {Record<string, any>} env
 * @property {boolean} globals whether the members of env are globals too, as for apps in service-worker style
 * @property {string} userAgent
 * @property {number} [maxBuffer] see buffer_limit.js
 * @property {string[]} [builtins] the modules of Node that it imports, and those that they need
 * @property {string[] | null} [script] the arguments of a script, which needs no handler
 * @property {boolean} [repl] whether people will type into its global scope (repl.js)
 */

/**
 * The LOAD record: evaluate the app and say how it went.
 *
 * @param {{ value: Program, buffers: Uint8Array[] }} message
 */
export function onLoad({ value: program }) {
  const functions = /** @type {Record<string, any>} */ (defined);
  defined = null;
  ReflectDeleteProperty(globalThis_, DEFINE);
  setUserAgent(program.userAgent);
  if (program.maxBuffer !== undefined) setBufferLimit(program.maxBuffer);
  setEnvironment(program.env);
  if (program.globals) defineGlobals(program.env);
  if (program.entry === null) {
    if (program.repl) openRepl(program, functions);
    loaded([]);
    return;
  }
  const { modules, entry } = program;
  for (let i = 0; i < modules.length; i++) {
    if (modules[i].kind === "module") modules[i].value = functions[modules[i].name];
  }
  const { script } = program;
  registerNodeModules(program.builtins ?? [], functions);
  if (script) registerBuiltin("nano:script", () => ({ args: script }));
  const graph = createModuleGraph({ modules, entry });
  PromisePrototypeThen(graph.evaluate(), script ? () => loaded([]) : evaluated, failed);
}

/**
 * @param {Program} program
 * @param {Record<string, any>} functions
 */
function openRepl(program, functions) {
  registerNodeModules(program.builtins ?? [], functions);
  const graph = createModuleGraph({ modules: [], entry: "" });
  installRepl((specifier, options) => graph.dynamicImport("REPL", specifier, options));
}

/** @param {Record<string, any>} env */
function defineGlobals(env) {
  const names = ObjectKeys(env);
  for (let i = 0; i < names.length; i++) {
    ObjectDefineProperty(globalThis_, names[i], /** @type {any} */ ({
      __proto__: null,
      value: env[names[i]],
      writable: true,
      enumerable: true,
      configurable: true,
    }));
  }
}

/** @param {any} namespace */
function evaluated(namespace) {
  try {
    // Bound to no asynchronous context: what one event enters, no other sees.
    setHandler(bindToFrame(findHandler(namespace.default)));
    loaded(["fetch"]);
  } catch (error) {
    failed(error);
  }
}

/** @param {string[]} handlers */
function loaded(handlers) {
  send(Outward.LOADED, 0, 0, 0, null, packValue({ handlers }, []));
}

/** @param {any} error */
function failed(error) {
  let message;
  try {
    message = String(error?.message ?? error);
  } catch {
    message = "the error cannot be shown";
  }
  send(Outward.LOAD_FAILED, 0, 0, 0, null, packValue({ message, stack: inspect(error) }, []));
}
