// No code from strings: `eval`, `new Function` and its kin throw EvalError, as on Workers.
//
// Standard: https://tc39.es/ecma262/#sec-hostensurecancompilestrings
//
// The engine has a flag for this, but it would bind the runtime as well, which compiles its rarely used parts when
// they are first asked for (lazy.js). So the constructors of the four kinds of function are replaced wherever scripts
// can reach them: as globals, and as the `constructor` of their prototypes.

import { EvalError, Function, ObjectDefineProperty, ObjectGetPrototypeOf, ObjectSetPrototypeOf, globalThis_ } from "./primordials.js";

const REFUSAL = "Code generation from strings disallowed for this context";

/**
 * Compile a function of the runtime's own.
 *
 * @param {string} parameters
 * @param {string} body
 * @returns {(...args: any[]) => any}
 */
export const compileFunction = (parameters, body) => /** @type {any} */ (new Function(parameters, body));

/** @param {object} target @param {PropertyKey} key @param {PropertyDescriptor} descriptor */
function define(target, key, descriptor) {
  ObjectDefineProperty(target, key, /** @type {any} */ ({ __proto__: null, ...descriptor }));
}

/**
 * @param {Function} example a function whose prototype is the kind's
 * @param {string} name of the constructor
 * @param {Function | null} parent the constructor's own prototype; null: that of all functions
 * @returns {Function}
 */
function replaceConstructor(example, name, parent) {
  const prototype = ObjectGetPrototypeOf(example);
  const replacement = function () {
    throw new EvalError(REFUSAL);
  };
  define(replacement, "prototype", { value: prototype, writable: false });
  define(replacement, "name", { value: name, configurable: true });
  define(replacement, "length", { value: 1, configurable: true });
  if (parent !== null) ObjectSetPrototypeOf(replacement, parent);
  define(prototype, "constructor", { value: replacement });
  return replacement;
}

/** Take from scripts every way to compile text; called once, before the first of an app's. */
export function forbidCodeGeneration() {
  const Plain = replaceConstructor(function () {}, "Function", null);
  replaceConstructor(async function () {}, "AsyncFunction", Plain);
  replaceConstructor(function* () {}, "GeneratorFunction", Plain);
  replaceConstructor(async function* () {}, "AsyncGeneratorFunction", Plain);
  const { eval: refuse } = {
    eval(/** @type {any} */ x) {
      if (typeof x !== "string") return x;
      throw new EvalError(REFUSAL);
    },
  };
  define(globalThis_, "Function", { value: Plain });
  define(globalThis_, "eval", { value: refuse });
}
