// What is typed into the REPL, made into a script for the global scope of a live isolate.
//
//     var a,b;globalThis["nano:repl"].run(7,true,async function(){void(a=await f());return(a)
//     })
//
// - What is declared becomes global, so that later inputs see it; `const` and `let` may be declared again.
// - `await` may stand anywhere, since the input is the body of an async function if it does.
// - The value of the last statement, if it is an expression, is the value of the input.
// - `import` declares what it names, and `import()` asks the hook: a script has neither of its own.
//
// The runtime's half, which runs it, is ../repl.js.

import { getLineInfo, parse } from "acorn";
import { Edits } from "./edits.js";

/** @typedef {any} Node a node of acorn's tree */

const OPTIONS = /** @type {const} */ ({
  ecmaVersion: "latest",
  sourceType: "script",
  allowAwaitOutsideFunction: true,
  allowImportExportEverywhere: true,
});
const HOOK = 'globalThis["nano:repl"]';
const UNFINISHED = /^Unterminated (template|comment)/;

/**
 * @param {string} source
 * @param {number} id of the input, for the answer
 * @returns {{ code: string, shift: number } | { incomplete: true }} shift: by how many columns the first line is moved
 * @throws {SyntaxError} of acorn
 */
export function compileInput(source, id) {
  let program;
  let text = source;
  try {
    [program, text] = parseInput(source);
  } catch (error) {
    if (isIncomplete(error, source) || isUnfinishedObject(source)) return { incomplete: true };
    throw error;
  }
  const input = new Input(text);
  input.statements(program.body);
  const names = [...input.globals];
  const hoisted = names.length ? `var ${names.join()};` : "";
  const functions = input.functions.map((name) => `globalThis.${name}=${name};`).join("");
  const head = `${hoisted}${HOOK}.run(${id},${input.awaits},${input.awaits ? "async " : ""}function(){${functions}`;
  return { code: `${head}${input.edits.apply()}\n})`, shift: head.length };
}

/**
 * `{ a: 1 }` is an object to those who type it, and a block to the grammar.
 *
 * @param {string} source
 * @returns {[Node, string]}
 */
function parseInput(source) {
  if (/^\s*\{/.test(source) && !/;\s*$/.test(source)) {
    const wrapped = `(${source}\n)`;
    try {
      return [parse(wrapped, OPTIONS), wrapped];
    } catch {
      // It is a block, or nothing at all.
    }
  }
  return [parse(source, OPTIONS), source];
}

/**
 * Whether more lines could make it right: the parser has reached the end, and wanted more.
 *
 * @param {unknown} error of the parser
 * @param {string} source
 */
function isIncomplete(error, source) {
  const { message, pos } = /** @type {Error & { pos: number }} */ (error);
  if (UNFINISHED.test(message)) return true;
  if (message.startsWith("Unterminated string")) return source.endsWith("\\");
  return message.startsWith("Unexpected token") && pos >= source.trimEnd().length;
}

/** @param {string} source whose first line may open an object rather than a block */
function isUnfinishedObject(source) {
  if (!/^\s*\{/.test(source)) return false;
  const opened = `(${source}`;
  try {
    parse(opened, OPTIONS);
  } catch (error) {
    return isIncomplete(error, opened);
  }
  return false;
}

class Input {
  /** Names that are declared. @type {Set<string>} */
  globals = new Set();
  /** Those of functions, which are there before the first statement. @type {string[]} */
  functions = [];
  awaits = false;

  /** @param {string} source */
  constructor(source) {
    this.source = source;
    this.edits = new Edits(source);
  }

  /** @param {Node[]} body the statements of the input */
  statements(body) {
    for (const node of body) {
      if (node.type === "FunctionDeclaration") this.functions.push(node.id.name);
      else if (node.type === "ClassDeclaration") this.#class(node);
      else if (node.type === "ImportDeclaration") this.#import(node);
      else if (node.type === "VariableDeclaration" && /^(let|const)$/.test(node.kind)) this.#variables(node);
      this.#walk(node);
    }
    const last = body.at(-1);
    if (last?.type === "ExpressionStatement") this.#result(last);
    // Behind the result, which may begin where one of them does.
    for (const node of body) this.#moduleSyntax(node);
  }

  /** @param {Node} node */
  #result({ start, end }) {
    this.edits.insert(start, "return(");
    this.edits.insert(this.source[end - 1] === ";" ? end - 1 : end, ")");
  }

  /** @param {Node} node */
  #class({ start, end, id }) {
    this.globals.add(id.name);
    this.edits.insert(start, `void(${id.name}=`);
    this.edits.insert(end, ");");
  }

  /**
   * `import a, { b as c } from "d"` is `void({ "default": a, "b": c } = await load("d"))`, `import * as e from "d"` is
   * `void(e = await load("d"))`.
   *
   * @param {Node} node
   */
  #import({ start, end, specifiers, source }) {
    let target = "";
    const names = [];
    for (const { type, imported, local } of specifiers) {
      this.globals.add(local.name);
      if (type === "ImportNamespaceSpecifier") target = `${local.name}=`;
      else names.push(`${JSON.stringify(imported?.name ?? imported?.value ?? "default")}:${local.name}`);
    }
    const pattern = names.length ? `{${names.join()}}=` : "";
    this.awaits = true;
    this.edits.overwrite(start, end, `void(${pattern}${target}await ${HOOK}.load(${JSON.stringify(source.value)}));`);
  }

  /**
   * Find `import()`, which may stand anywhere, and what only modules may have.
   *
   * @param {Node} root a statement of the input
   */
  #moduleSyntax(root) {
    for (const node of descendants(root, () => false)) {
      if (node.type === "ImportExpression") {
        this.edits.replace(node.start, node.start + "import".length, `${HOOK}.load`);
      } else if (/^Export/.test(node.type)) {
        this.#fail(node, "'export' has no meaning here");
      } else if (node.type === "ImportDeclaration" && node !== root) {
        this.#fail(node, "'import' may appear only at the top level");
      } else if (node.type === "MetaProperty" && node.meta.name === "import") {
        this.#fail(node, "Cannot use 'import.meta' outside a module");
      }
    }
  }

  /**
   * @param {Node} node
   * @param {string} message
   */
  #fail({ start }, message) {
    const { line, column } = getLineInfo(this.source, start);
    throw Object.assign(new SyntaxError(message), { loc: { line, column: column + 1 } });
  }

  /**
   * Declarations become assignments: `const a = 1, { b } = c` is `void(a = 1, { b } = c)`.
   *
   * @param {Node} node
   * @param {boolean} [isHead] of a for-in or for-of loop, which assigns by itself
   */
  #variables({ start, kind, declarations }, isHead = false) {
    for (const { id, init } of declarations) {
      this.#bind(id);
      if (init === null && kind === "let" && !isHead) this.edits.insert(id.end, "=undefined");
    }
    this.edits.replace(start, declarations[0].start, isHead ? " " : "void(");
    if (!isHead) this.edits.insert(declarations.at(-1).end, ")");
  }

  /** @param {Node} pattern */
  #bind(pattern) {
    switch (pattern?.type) {
      case "Identifier":
        this.globals.add(pattern.name);
        break;
      case "ObjectPattern":
        for (const property of pattern.properties) this.#bind(property.value ?? property.argument);
        break;
      case "ArrayPattern":
        for (const element of pattern.elements) this.#bind(element);
        break;
      case "AssignmentPattern":
        this.#bind(pattern.left);
        break;
      case "RestElement":
        this.#bind(pattern.argument);
    }
  }

  /**
   * Look for `await` and for `var`, wherever they stand outside of functions.
   *
   * @param {Node} root
   */
  #walk(root) {
    const isClosed = (/** @type {Node} */ { type }) => /^(Function|Arrow)/.test(type) || type === "StaticBlock";
    for (const node of descendants(root, isClosed)) {
      if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) this.awaits = true;
      if (node.type === "VariableDeclaration" && node.kind === "await using") this.awaits = true;
      if (node.type === "VariableDeclaration" && node.kind === "var") this.#variables(node, this.#heads.has(node));
      if (/^For(In|Of)Statement$/.test(node.type)) this.#heads.add(node.left);
    }
  }

  /** @type {Set<Node>} */
  #heads = new Set();
}

/**
 * A node and all below it, parents first.
 *
 * @param {Node} root
 * @param {(node: Node) => boolean} isClosed whether to leave out what is below a node
 * @returns {Generator<Node>}
 */
function* descendants(root, isClosed) {
  const work = [root];
  for (let node = work.pop(); node; node = work.pop()) {
    yield node;
    if (isClosed(node)) continue;
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) work.push(...child.filter((item) => typeof item?.type === "string"));
      else if (typeof child?.type === "string") work.push(child);
    }
  }
}
