// Import and export declarations: collected into the module's record and taken out of its text.

/** @import { Edits } from "./edits.js" */

/** @typedef {any} Node a node of acorn's tree */

/** The environment's slots for namespaces begin here; see index.js. */
const FIRST_SLOT = 3;

const TRIVIA = /(?:\s|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/)*/y;

/**
 * @param {Node} program
 * @param {string} source
 * @param {Edits} edits
 * @param {string} prefix
 * @param {(offset: number) => { line: number, column: number }} positionOf
 */
export function rewriteDeclarations(program, source, edits, prefix, positionOf) {
  const declarations = new Declarations(source, edits, prefix, positionOf);
  for (const node of program.body) declarations.collectRequests(node);
  for (const node of program.body) declarations.collectExports(node);
  return declarations.record();
}

class Declarations {
  /** @type {{ specifier: string, type: string | null, line: number, column: number }[]} */
  #requests = [];
  /** @type {Map<string, { request: number, name: string | null, start: number }>} */
  #bindings = new Map();
  /** @type {Map<string, string>} name of an export -> name of the local binding */
  #locals = new Map();
  /** @type {(string | number | null)[][]} */
  #reexports = [];
  /** @type {number[]} */
  #stars = [];
  #anonymous = false;

  #source;
  #edits;
  #prefix;
  #positionOf;

  /**
   * @param {string} source
   * @param {Edits} edits
   * @param {string} prefix
   * @param {(offset: number) => { line: number, column: number }} positionOf
   */
  constructor(source, edits, prefix, positionOf) {
    this.#source = source;
    this.#edits = edits;
    this.#prefix = prefix;
    this.#positionOf = positionOf;
  }

  record() {
    return {
      requests: this.#requests,
      imports: Array.from(this.#bindings, ([local, { request, name, start }]) => [
        local,
        request,
        name,
        ...this.#at(start),
      ]),
      exports: [...this.#locals],
      reexports: this.#reexports,
      stars: this.#stars,
      locals: new Map(
        Array.from(this.#bindings, ([local, { name }], index) => [local, name === null ? FIRST_SLOT + index : -1]),
      ),
      anonymous: this.#anonymous,
      getters: Array.from(this.#locals, ([name, local]) => {
        const key = JSON.stringify(name);
        return `${name === "__proto__" ? `[${key}]` : key}:()=>${local}`;
      }).join(","),
    };
  }

  /** @param {Node} node */
  collectRequests(node) {
    const request = node.source ? this.#request(node) : -1;
    if (node.type !== "ImportDeclaration") return;
    for (const { type, local, imported, start } of node.specifiers) {
      const name =
        type === "ImportNamespaceSpecifier" ? null : type === "ImportDefaultSpecifier" ? "default" : nameOf(imported);
      this.#bindings.set(local.name, { request, name, start });
    }
    this.#blank(node.start, node.end);
  }

  /** @param {Node} node */
  collectExports(node) {
    if (node.type === "ExportAllDeclaration") this.#exportAll(node);
    else if (node.type === "ExportDefaultDeclaration") this.#exportDefault(node);
    else if (node.type === "ExportNamedDeclaration") this.#exportNamed(node);
  }

  /** @param {Node} node */
  #exportAll(node) {
    const request = this.#request(node);
    if (node.exported) this.#reexports.push([nameOf(node.exported), request, null, ...this.#at(node.exported.start)]);
    else this.#stars.push(request);
    this.#blank(node.start, node.end);
  }

  /** @param {Node} node */
  #exportNamed(node) {
    if (node.declaration) {
      for (const name of declaredNames(node.declaration)) this.#locals.set(name, name);
      this.#blank(node.start, node.start + "export".length);
      return;
    }
    const request = node.source ? this.#request(node) : -1;
    for (const { exported, local, start } of node.specifiers) {
      const name = nameOf(exported);
      const binding = this.#bindings.get(local.name);
      if (node.source) this.#reexports.push([name, request, nameOf(local), ...this.#at(start)]);
      else if (binding) this.#reexports.push([name, binding.request, binding.name, ...this.#at(binding.start)]);
      else this.#locals.set(name, local.name);
    }
    this.#blank(node.start, node.end);
  }

  /** @param {Node} node */
  #exportDefault({ start, end, declaration }) {
    const local = `${this.#prefix}_default`;
    const keyword = this.#skipTrivia(start + "export".length);
    const isDeclaration = /^(?:Function|Class)Declaration$/.test(declaration.type);
    if (isDeclaration && declaration.id) {
      this.#blank(start, keyword + "default".length);
      this.#locals.set("default", declaration.id.name);
      return;
    }
    this.#locals.set("default", local);
    if (declaration.type === "FunctionDeclaration") {
      // Stays a declaration, for it is hoisted; the linker sets its `name`.
      this.#blank(start, keyword + "default".length);
      this.#edits.insert(this.#parameters(declaration), ` ${local}`);
      this.#anonymous = true;
      return;
    }
    // As the value of a property called "default", an anonymous function or class gets the name it must have.
    this.#edits.overwrite(start, start + "export".length, `;const ${local}={`);
    this.#edits.replace(keyword, keyword + "default".length, "default:");
    const semicolon = !isDeclaration && this.#source[end - 1] === ";";
    this.#edits.insert(semicolon ? end - 1 : end, semicolon ? "}.default" : "}.default;");
  }

  /**
   * Where the parameters of an anonymous function declaration begin.
   *
   * @param {Node} node
   */
  #parameters({ start, async, generator }) {
    let position = start;
    if (async) position = this.#skipTrivia(position + "async".length);
    position = this.#skipTrivia(position + "function".length);
    return generator ? this.#skipTrivia(position + 1) : position;
  }

  /**
   * @param {Node} node a declaration with `source`
   * @returns {number} its place among the module's requests
   */
  #request({ source, attributes }) {
    const type = attributes?.find((/** @type {Node} */ { key }) => nameOf(key) === "type")?.value.value ?? null;
    const known = this.#requests.findIndex((other) => other.specifier === source.value && other.type === type);
    if (known >= 0) return known;
    return this.#requests.push({ specifier: source.value, type, ...this.#positionOf(source.start) }) - 1;
  }

  /**
   * The semicolon stands for the one that need not be there: what follows begins a new statement.
   *
   * @param {number} start
   * @param {number} end
   */
  #blank(start, end) {
    this.#edits.overwrite(start, end, ";");
  }

  /** @param {number} offset */
  #at(offset) {
    const { line, column } = this.#positionOf(offset);
    return [line, column];
  }

  /** @param {number} position */
  #skipTrivia(position) {
    TRIVIA.lastIndex = position;
    TRIVIA.test(this.#source);
    return TRIVIA.lastIndex;
  }
}

/**
 * Names of exports, imports and attributes are identifiers or strings.
 *
 * @param {Node} node
 * @returns {string}
 */
function nameOf(node) {
  return node.type === "Literal" ? node.value : node.name;
}

/**
 * @param {Node} declaration
 * @returns {string[]}
 */
function declaredNames(declaration) {
  if (declaration.type !== "VariableDeclaration") return [declaration.id.name];
  /** @type {string[]} */
  const names = [];
  for (const { id } of declaration.declarations) patternNames(id, names);
  return names;
}

/**
 * @param {Node | null} pattern
 * @param {string[]} names
 */
function patternNames(pattern, names) {
  switch (pattern?.type) {
    case "Identifier":
      names.push(pattern.name);
      break;
    case "ObjectPattern":
      for (const property of pattern.properties) patternNames(property.value ?? property, names);
      break;
    case "ArrayPattern":
      for (const element of pattern.elements) patternNames(element, names);
      break;
    case "AssignmentPattern":
      patternNames(pattern.left, names);
      break;
    case "RestElement":
      patternNames(pattern.argument, names);
      break;
  }
}
