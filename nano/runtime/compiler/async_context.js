// Rewrites `await` for apps that use AsyncLocalStorage: the engine does not tell who goes on after an `await`, so the
// code itself has to say. What the functions do is written in ../async_context.js; `$m_a` is the latest suspension.
//
//     await x                     $m_r(await($m_a=$m_s( x,$m_a)).value,$m_a)
//     yield x                     yield $m_y(( x),$m_a,$m_a=void 0)                 in async generators
//     for await (const v of x) b  {for await (const v of $m_i(x,()=>$m_a,s=>$m_a=s)) {$m_c($m_a);b}$m_c($m_a);}
//     catch (e) {…}, finally {…}  catch (e) {$m_c($m_a);…}, finally {$m_c($m_a);…}
//     async function f() {…}      async function f() {let $m_a;try{…}finally{$m_l($m_a)}}
//     async () => x               async () =>{let $m_a;try{return(x)}finally{$m_l($m_a)}}
//
// Functions that do not wait stay as they are. Not covered: the end of a block with `await using`, and what follows a
// `yield*` in an async generator.

/** @import { Edits } from "./edits.js" */

/** @typedef {any} Node a node of acorn's tree */

/** What stands between `=>` and the parameters, or `yield` and its operand, may hold comments. */
const ARROW = /\/\*[^]*?\*\/|\/\/.*|=>/g;
const STAR = /\/\*[^]*?\*\/|\/\/.*|\*/g;

/**
 * @param {Node} program
 * @param {string} source
 * @param {Edits} edits made before any other, so that these stand outside at a place that both change
 * @param {string} prefix
 * @returns {string} what the module begins with; nothing if it never waits
 */
export function rewriteAwaits(program, source, edits, prefix) {
  const waiting = findWaiting(program);
  if (waiting.size === 0) return "";
  new Rewriter(source, edits, prefix, waiting).run(program);
  const p = prefix;
  const names = `suspend:${p}_s,resume:${p}_r,recover:${p}_c,leave:${p}_l,yields:${p}_y,iterate:${p}_i`;
  return `const {${names}}=${p}["async context"];let ${p}_a;`;
}

/**
 * The functions that wait, and the program if it does.
 *
 * @param {Node} program
 * @returns {Set<Node>}
 */
function findWaiting(program) {
  const waiting = new Set();
  walk(program, (node, owner) => {
    if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) waiting.add(owner);
  });
  return waiting;
}

/**
 * Visit all nodes, outer before inner, with a work list, as bundles nest deeply.
 *
 * @param {Node} program
 * @param {(node: Node, owner: Node) => (() => void) | void} visit gets a node and the function, field, static block or
 *   program that it belongs to; what it returns is called behind the node's children
 */
function walk(program, visit) {
  /** @type {any[]} */
  const work = [program, program];
  while (work.length) {
    const owner = work.pop();
    const node = work.pop();
    if (typeof node === "function") {
      node();
      continue;
    }
    const after = visit(node, owner);
    if (after) work.push(after, owner);
    const isField = node.type === "PropertyDefinition";
    const owns = isField || FUNCTIONS.has(node.type);
    for (const key in node) {
      const child = node[key];
      const inner = owns && !(isField && key === "key") ? node : owner;
      for (const item of Array.isArray(child) ? child : [child]) {
        if (typeof item?.type === "string") work.push(item, inner);
      }
    }
  }
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression", "StaticBlock"]);

class Rewriter {
  #source;
  #edits;
  #waiting;
  /** The outermost label of a statement. @type {Map<Node, Node>} */
  #labelled = new Map();
  /** The names of the functions, and of the variable. */
  #suspend;
  #resume;
  #recover;
  #leave;
  #yields;
  #iterate;
  #latest;

  /** @param {string} source @param {Edits} edits @param {string} prefix @param {Set<Node>} waiting */
  constructor(source, edits, prefix, waiting) {
    this.#source = source;
    this.#edits = edits;
    this.#waiting = waiting;
    this.#latest = `${prefix}_a`;
    this.#suspend = `${prefix}_s`;
    this.#resume = `${prefix}_r`;
    this.#recover = `${prefix}_c(${this.#latest});`;
    this.#leave = `${prefix}_l(${this.#latest})`;
    this.#yields = `${prefix}_y`;
    this.#iterate = `${prefix}_i`;
  }

  /** @param {Node} program */
  run(program) {
    walk(program, (node, owner) => {
      if (FUNCTIONS.has(node.type)) return this.#waiting.has(node) ? this.#function(node) : undefined;
      return this.#waiting.has(owner) ? this.#inside(node) : undefined;
    });
  }

  /** @param {Node} node of a function that waits */
  #inside(node) {
    switch (node.type) {
      case "AwaitExpression":
        return this.#await(node);
      case "YieldExpression":
        return this.#yield(node);
      case "LabeledStatement":
        this.#labelled.set(node.body, this.#labelled.get(node) ?? node);
        return undefined;
      case "ForOfStatement":
        return node.await ? this.#forAwait(node) : undefined;
      case "TryStatement":
        if (node.handler) this.#edits.insert(node.handler.body.start + 1, this.#recover);
        if (node.finalizer) this.#edits.insert(node.finalizer.start + 1, this.#recover);
    }
    return undefined;
  }

  /** @param {Node} node */
  #await({ start, end }) {
    this.#edits.insert(start, `${this.#resume}(`);
    this.#edits.insert(start + "await".length, `(${this.#latest}=${this.#suspend}(`);
    return () => this.#edits.insert(end, `,${this.#latest})).value,${this.#latest})`);
  }

  /** @param {Node} node */
  #yield({ start, end, argument, delegate }) {
    const keywordEnd = start + "yield".length;
    const at = delegate ? this.#behind(STAR, keywordEnd) : keywordEnd;
    const rest = `,${this.#latest},${this.#latest}=void 0)`;
    this.#edits.insert(at, ` ${this.#yields}(${argument === null ? `void 0${rest}` : "("}`);
    return argument === null ? undefined : () => this.#edits.insert(end, `)${rest}`);
  }

  /** @param {Node} node */
  #forAwait(node) {
    const { right, body, end } = node;
    const isBlock = body.type === "BlockStatement";
    this.#edits.insert((this.#labelled.get(node) ?? node).start, "{");
    this.#edits.insert(right.start, `${this.#iterate}(`);
    this.#edits.insert(body.start + (isBlock ? 1 : 0), `${isBlock ? "" : "{"}${this.#recover}`);
    return () => {
      this.#edits.insert(right.end, `,()=>${this.#latest},_=>${this.#latest}=_)`);
      this.#edits.insert(end, `${isBlock ? "" : "}"}${this.#recover}}`);
    };
  }

  /** @param {Node} node a function that waits */
  #function({ start, end, params, body }) {
    const head = `let ${this.#latest};try{`;
    const tail = `}finally{${this.#leave}}`;
    if (body.type === "BlockStatement") {
      this.#edits.insert(body.start + 1, head);
      return () => this.#edits.insert(body.end - 1, tail);
    }
    const last = params.at(-1);
    this.#edits.insert(this.#behind(ARROW, last ? last.end : start), `{${head}return(`);
    return () => this.#edits.insert(end, `)${tail}}`);
  }

  /** Where the first match that is no comment ends. @param {RegExp} pattern @param {number} from */
  #behind(pattern, from) {
    pattern.lastIndex = from;
    for (;;) {
      const match = /** @type {RegExpExecArray} */ (pattern.exec(this.#source));
      if (match[0] === "=>" || match[0] === "*") return pattern.lastIndex;
    }
  }
}
