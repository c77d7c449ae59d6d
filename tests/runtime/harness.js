// What the suites beside this file are written with.  They run in the product's own isolate, as a script would
// (tests/runtime/runner.py), and see the runtime's globals only.

/** @type {[string, () => unknown][]} */
const tests = [];
/** Where results go: one console line each, which the runner takes apart. */
const MARK = "\u0000result ";
const { info } = console;
const { stringify } = JSON;

/** @param {string} name @param {() => unknown} body may return a promise */
export function test(name, body) {
  if (tests.push([name, body]) === 1) queueMicrotask(run);
}

async function run() {
  for (const [name, body] of tests) {
    let failure = null;
    try {
      await body();
    } catch (error) {
      failure = String(error?.stack ?? error);
    }
    info(MARK + stringify({ name, failure }));
  }
  info(MARK + stringify({ count: tests.length }));
}

/** @param {unknown} value @param {string} [message] */
export function assert(value, message = "the assertion does not hold") {
  if (!value) throw new Error(message);
}

/** @param {unknown} actual @param {unknown} expected deeply */
export function assertEquals(actual, expected, message = "") {
  if (!same(actual, expected)) throw new Error(`${message}\n  expected ${show(expected)}\n  got      ${show(actual)}`);
}

/**
 * @param {() => unknown} body
 * @param {Function} [Class] anything will do if it is not given
 * @param {string | RegExp} [text] in the message
 * @returns {any} the error
 */
export function assertThrows(body, Class, text = "") {
  let error;
  try {
    body();
  } catch (thrown) {
    error = thrown;
    checkError(error, Class, text);
    return error;
  }
  throw new Error("nothing was thrown");
}

/**
 * @param {Promise<unknown> | (() => unknown)} body
 * @param {Function} [Class] anything will do if it is not given
 * @param {string | RegExp} [text] in the message
 * @returns {Promise<any>} the error
 */
export async function assertRejects(body, Class, text = "") {
  let error;
  try {
    await (typeof body === "function" ? body() : body);
  } catch (thrown) {
    error = thrown;
    checkError(error, Class, text);
    return error;
  }
  throw new Error("nothing was rejected");
}

function checkError(error, Class, text) {
  if (Class !== undefined && !(error instanceof Class)) throw new Error(`expected a ${Class.name}, got ${error?.stack ?? error}`);
  const fits = typeof text === "string" ? String(error.message).includes(text) : text.test(error.message);
  if (!fits) throw new Error(`expected an error about ${text}, got ${error.message}`);
}

/** Deep equality of plain data, typed arrays, maps and sets. */
function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return String([...a]) === String([...b]);
  if (a instanceof Map || a instanceof Set) return same([...a], b?.[Symbol.iterator] ? [...b] : b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
}

function show(value) {
  try {
    return typeof value === "object" && value !== null ? (stringify(value) ?? String(value)) : String(value);
  } catch {
    return String(value);
  }
}
