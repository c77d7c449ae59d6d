// The module compiler: turns one ES module (or TypeScript) into a script that plain V8 can run.
//
// V8 without a module loader runs scripts only. A module becomes a generator function which stops once, so that
// all functions of a graph are hoisted and all exports registered before any module's body runs:
//
//     (function*($m){"use strict";yield $m[0]($m_exports());   body
//     function $m_exports(){return{"name":()=>local}}})
//     //# sourceURL=file.js
//
// (`async function*` if the body awaits.) The linker is ../modules.js; `$m` is the module's *environment*, which
// the two share:
//
//     $m[0]    takes the getters of the local exports, during the link phase only
//     $m[1]    import.meta
//     $m[2]    import()
//     $m[3+i]  the namespace that import number i binds, for `ns.name`: ordinary accessors, much faster than the
//              exotic object that `ns` alone is; functions called as `ns.name()` get it as `this`
//     $m.name  the imported binding that the body calls `name`: an accessor, so it is live and has a dead zone
//
// What keeps a module a module inside a function: `this` is undefined because the linker calls it so, the wrapper
// is strict, top-level `arguments` is rewritten, and acorn has parsed the source as a module before, so nothing
// in it can close the wrapper or return from it. `$m` is a name that the source does not contain. Every edit
// keeps the line terminators it covers, so lines are the author's; columns move only on a line where an imported
// name is used, and on the first.
//
// This bundle runs in an isolate of its own, never beside app code, hence without primordials. The host half,
// which reads files, resolves specifiers and caches the results, is nano/apps/modules.py.

import { getLineInfo, parse } from "acorn";
import { analyze } from "./analyze.js";
import { rewriteAwaits } from "./async_context.js";
import { rewriteDeclarations } from "./declarations.js";
import { Edits } from "./edits.js";
import { compileInput } from "./repl.js";
import { stripTypes } from "./typescript.js";

/** @typedef {{ message: string, line: number, column: number }} CompileError one-based, as in stack traces */

/** @typedef {{ specifier: string, type: string | null, line: number, column: number }} Request */

/**
 * @typedef {object} CompiledModule
 * @property {string} code the script
 * @property {boolean} async whether the body awaits
 * @property {Request[]} requests what is imported statically, in order of evaluation
 * @property {(string | number | null)[][]} imports `[local, request, imported, line, column]`; imported null: `* as`
 * @property {string[][]} exports `[exported, local]`
 * @property {boolean} anonymous whether the default export is a function declaration without a name
 * @property {(string | number | null)[][]} reexports `[exported, request, imported, line, column]`
 * @property {number[]} stars requests of `export * from`
 * @property {{ specifier: string | null, line: number, column: number }[]} dynamic import() calls; null: computed
 * @property {boolean} meta whether import.meta is used
 * @property {boolean} args whether `arguments` is used where it names no function's arguments
 * @property {boolean} waits whether the source may hold an `await`, which asynchronous contexts want rewritten
 * @property {boolean} context whether they were
 * @property {boolean} typescript whether types were stripped
 * @property {number} shift by how many columns the first line is moved
 */

const TYPESCRIPT = /\.[cm]?ts$/;

/**
 * Compile a module.
 *
 * @param {string} source
 * @param {string} filename relative to the app's folder; its suffix says whether types are to be stripped
 * @param {{ sourceUrl?: string, asyncContext?: boolean }} [options] asyncContext: for an app that uses
 *   AsyncLocalStorage (async_context.js)
 * @returns {CompiledModule | { error: CompileError }}
 */
export function compile(source, filename, options = {}) {
  const typescript = TYPESCRIPT.test(filename);
  try {
    const text = typescript ? stripTypes(source, filename) : source;
    return { ...compileJavaScript(text, options.sourceUrl ?? filename, options.asyncContext), typescript };
  } catch (error) {
    return { error: describe(error) };
  }
}

/**
 * `compile` for a host that exchanges text only.
 *
 * @param {string} source
 * @param {string} filename
 * @param {string} [options] JSON
 * @returns {string} JSON
 */
export function compileToJson(source, filename, options) {
  const { repl, ...rest } = options ? JSON.parse(options) : {};
  return JSON.stringify(repl === undefined ? compile(source, filename, rest) : compileRepl(source, filename, repl));
}

/**
 * Compile what was typed into the REPL.
 *
 * @param {string} source
 * @param {string} filename in stack traces
 * @param {number} id of the input (repl.js)
 * @returns {ReturnType<typeof compileInput> | { error: CompileError }}
 */
export function compileRepl(source, filename, id) {
  try {
    const result = compileInput(source, id);
    return "code" in result ? { ...result, code: `${result.code}\n//# sourceURL=${filename}` } : result;
  } catch (error) {
    return { error: describe(error) };
  }
}

/** What the bundle evaluates to. */
export { compileToJson as boot };

/**
 * @param {string} source
 * @param {string} sourceUrl
 * @param {boolean} [asyncContext]
 * @returns {Omit<CompiledModule, "typescript">}
 */
function compileJavaScript(source, sourceUrl, asyncContext = false) {
  const program = parse(source, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
  const edits = new Edits(source);
  const prefix = unusedName(source);
  const positionOf = (/** @type {number} */ offset) => {
    const { line, column } = getLineInfo(source, offset);
    return { line, column: column + 1 };
  };
  if (source.startsWith("#!")) edits.overwrite(0, 2, "//");
  const context = asyncContext ? rewriteAwaits(program, source, edits, prefix) : "";
  const declarations = rewriteDeclarations(program, source, edits, prefix, positionOf);
  const analysis = analyze(program, source, edits, prefix, declarations.locals);
  const head = `(${analysis.async ? "async " : ""}function*(${prefix}){"use strict";${context}yield ${prefix}[0](${prefix}_exports());`;
  const tail = `\nfunction ${prefix}_exports(){return{${declarations.getters}}}})`;
  const { getters, locals, ...record } = declarations;
  return {
    ...record,
    code: `${head}${edits.apply()}${tail}\n//# sourceURL=${encodeSourceUrl(sourceUrl)}\n`,
    async: analysis.async,
    dynamic: analysis.dynamic.map(({ start, ...call }) => ({ ...call, ...positionOf(start) })),
    meta: analysis.meta,
    args: analysis.args,
    waits: source.includes("await"),
    context: context !== "",
    shift: head.length,
  };
}

/**
 * A name that no identifier of the source contains, even when spelled with escapes.
 *
 * @param {string} source
 */
function unusedName(source) {
  const decoded = source.replace(/\\u(?:\{0*([0-9a-f]{1,6})\}|([0-9a-f]{4}))/gi, (text, braced, plain) => {
    const point = Number.parseInt(braced ?? plain, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : text;
  });
  for (let count = 0; ; count++) {
    const name = count ? `$m${count}` : "$m";
    if (!source.includes(name) && !decoded.includes(name)) return name;
  }
}

/**
 * V8 ignores a source URL that contains white space or quotes.
 *
 * @param {string} url
 */
function encodeSourceUrl(url) {
  return url.replace(/[\s"'`\\\p{Cc}]/gu, (character) => encodeURIComponent(character).replace("'", "%27"));
}

/**
 * Errors of acorn carry `loc` with a zero-based column, those of the type stripper a one-based one; both repeat
 * the position in their text.
 *
 * @param {unknown} error
 * @returns {CompileError}
 */
function describe(error) {
  const { message, loc, raisedAt } = /** @type {any} */ (error);
  if (error instanceof RangeError) return { message: "The module is nested too deeply", line: 1, column: 1 };
  if (!loc) return { message: String(error), line: 1, column: 1 };
  const text = message.replace(/ \(\d+:\d+\)$/, "").replace(/^Error transforming .*?: /, "");
  return { message: text, line: loc.line, column: loc.column + (raisedAt === undefined ? 0 : 1) };
}
