// The REPL's end in its isolate: runs what was typed, shows what came of it, and knows how names go on.
// Host half: nano/repl.py; the compiler's: compiler/repl.js.
//
// The host evaluates scripts that call `globalThis["nano:repl"]`. Answers go back as log records of a level of their
// own, so they stay in order with what the console prints:
//
//     { id, failed, text }   what became of an input
//     { id, names }          how a chain of names may go on

import {
  ArrayPrototypePush,
  ArrayPrototypeSort,
  JSONStringify,
  Object,
  ObjectDefineProperty,
  PromisePrototypeThen,
  PromiseResolve,
  ReflectApply,
  ReflectGetOwnPropertyDescriptor,
  ReflectGetPrototypeOf,
  ReflectOwnKeys,
  RegExpPrototypeExec,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  globalThis_,
} from "./primordials.js";
import { send } from "./host.js";
import { inspect } from "./inspect.js";
import { Outward } from "./records.js";
import { utf8Encode } from "./utf8.js";

const HOOK = "nano:repl";
/** The level of an answer; the same number stands in nano/repl.py. */
const ANSWER = 4;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/**
 * Give the global object the hook. There is nobody to hide it from: who types may do anything here.
 *
 * @param {(specifier: unknown, options?: unknown) => Promise<any>} load what `import` means here
 */
export function installRepl(load) {
  define(HOOK, { __proto__: null, run, complete, load });
}

/** @param {string} name @param {any} value */
function define(name, value) {
  ObjectDefineProperty(globalThis_, name, /** @type {any} */ ({ __proto__: null, value, writable: true, configurable: true }));
}

/** @param {any} message */
function answer(message) {
  send(Outward.LOG, 0, ANSWER, 0, null, utf8Encode(JSONStringify(message)));
}

/**
 * Run an input and answer with its value, which `_` is from now on.
 *
 * @param {number} id
 * @param {boolean} awaits whether the input is asynchronous, so that its value comes later
 * @param {() => any} input
 */
function run(id, awaits, input) {
  const succeed = (/** @type {any} */ value) => {
    define("_", value);
    answer({ __proto__: null, id, failed: false, text: inspect(value) });
  };
  const fail = (/** @type {any} */ error) => {
    answer({ __proto__: null, id, failed: true, text: `Uncaught ${inspect(error)}` });
  };
  let value;
  try {
    value = ReflectApply(input, globalThis_, []);
  } catch (error) {
    fail(error);
    return;
  }
  if (awaits) PromisePrototypeThen(PromiseResolve(value), succeed, fail);
  else succeed(value);
}

/**
 * Answer with the names that begin with the last part of `text`. No getter runs for it, those of globals aside: many
 * of the runtime's are made when they are first asked for.
 *
 * @param {number} id
 * @param {string} text names joined by dots
 */
function complete(id, text) {
  const parts = /** @type {string[]} */ (StringPrototypeSplit(text, /** @type {any} */ (".")));
  let holder = globalThis_;
  for (let i = 0; i < parts.length - 1 && holder !== undefined; i++) holder = lookUp(holder, parts[i]);
  const names = holder === undefined ? [] : namesOf(holder, parts[parts.length - 1]);
  answer({ __proto__: null, id, names });
}

/**
 * The object that a name of another leads to; undefined where that cannot be told without running anything.
 *
 * @param {any} holder
 * @param {string} name
 */
function lookUp(holder, name) {
  for (let object = holder; object !== null; object = ReflectGetPrototypeOf(object)) {
    const descriptor = ReflectGetOwnPropertyDescriptor(object, name);
    if (descriptor === undefined) continue;
    const value = holder === globalThis_ ? globalValue(name) : descriptor.value;
    return value === undefined || value === null ? undefined : Object(value);
  }
  return undefined;
}

/** @param {string} name */
function globalValue(name) {
  try {
    return /** @type {any} */ (globalThis_)[name];
  } catch {
    return undefined;
  }
}

/**
 * @param {any} holder
 * @param {string} beginning
 */
function namesOf(holder, beginning) {
  /** @type {string[]} */
  const names = [];
  const seen = /** @type {any} */ ({ __proto__: null });
  for (let object = holder; object !== null; object = ReflectGetPrototypeOf(object)) {
    const keys = ReflectOwnKeys(object);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (typeof key !== "string" || key in seen || !StringPrototypeStartsWith(key, beginning)) continue;
      seen[key] = true;
      if (RegExpPrototypeExec(IDENTIFIER, key) !== null) ArrayPrototypePush(names, key);
    }
  }
  return ArrayPrototypeSort(names);
}
