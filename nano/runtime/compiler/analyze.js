// Finds what of a module's body means something else in a function of a script, and edits it: references to
// imported names, import.meta, import(), top-level `arguments` and the script-only comment `<!--`.
//
// One pass over the tree, with a work list instead of recursion (bundles nest deeply). References and
// declarations are collected on the way and matched at the end, because declarations are hoisted.

/** @import { Edits } from "./edits.js" */

/** @typedef {any} Node a node of acorn's tree */

/** @typedef {"plain" | "call" | "shorthand" | "member"} Form how a name is used */

/** One environment of names: a block, a function's parameters, a function's body, a class. */
class Scope {
  /** @type {Set<string> | null} */
  names = null;
  /** @type {Scope} where a `var` in this scope goes */
  varScope = this;

  /**
   * @param {Scope | null} parent
   * @param {{ holdsVars?: boolean, isFunction?: boolean, hasArguments?: boolean }} [kind]
   */
  constructor(parent, { holdsVars = false, isFunction = false, hasArguments = false } = {}) {
    this.parent = parent;
    this.inFunction = isFunction || inherited(parent, "inFunction");
    this.hasArguments = hasArguments || inherited(parent, "hasArguments");
    if (!holdsVars && parent) this.varScope = parent.varScope;
  }

  /** @param {string} name */
  has(name) {
    for (let scope = /** @type {Scope | null} */ (this); scope; scope = scope.parent) {
      if (scope.names?.has(name)) return true;
    }
    return false;
  }
}

/**
 * @param {Scope | null} parent
 * @param {"inFunction" | "hasArguments"} flag
 * @returns {boolean}
 */
function inherited(parent, flag) {
  return parent !== null && parent[flag];
}

/**
 * @param {Node} program
 * @param {string} source
 * @param {Edits} edits
 * @param {string} prefix the environment's name in the compiled code
 * @param {ReadonlyMap<string, number>} imported names bound by import declarations -> slot of the namespace, or -1
 */
export function analyze(program, source, edits, prefix, imported) {
  const analysis = new Analysis(source, edits, prefix, imported);
  analysis.walk(program);
  return analysis;
}

class Analysis {
  async = false;
  meta = false;
  args = false;
  /** @type {{ specifier: string | null, start: number }[]} */
  dynamic = [];

  #source;
  #edits;
  #prefix;
  #imported;
  /** @type {(Node | Scope)[]} pairs */
  #work = [];
  /** @type {{ node: Node, scope: Scope, form: Form }[]} */
  #references = [];
  /** Where the expression statements begin that stand in a list of statements. */
  #statementStarts = new Set();

  /**
   * @param {string} source
   * @param {Edits} edits
   * @param {string} prefix
   * @param {ReadonlyMap<string, number>} imported
   */
  constructor(source, edits, prefix, imported) {
    this.#source = source;
    this.#edits = edits;
    this.#prefix = prefix;
    this.#imported = imported;
  }

  /** @param {Node} program */
  walk(program) {
    const work = this.#work;
    this.#statements(program.body, new Scope(null));
    while (work.length) {
      const scope = /** @type {Scope} */ (work.pop());
      const node = work.pop();
      this.#visit(node, scope);
    }
    for (const { node, scope, form } of this.#references) {
      if (!scope.has(node.name)) this.#editReference(node, form);
    }
  }

  /**
   * @param {Node | null | undefined} node
   * @param {Scope} scope
   */
  #push(node, scope) {
    if (node) this.#work.push(node, scope);
  }

  /**
   * @param {Node[]} list
   * @param {Scope} scope
   */
  #statements(list, scope) {
    for (const statement of list) {
      if (statement.type === "ExpressionStatement") this.#statementStarts.add(statement.start);
      this.#work.push(statement, scope);
    }
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #visit(node, scope) {
    switch (node.type) {
      case "Identifier":
        return this.#reference(node, scope, "plain");
      case "Literal":
      case "TemplateElement":
      case "BreakStatement":
      case "ContinueStatement":
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        return undefined;
      case "ExportNamedDeclaration":
      case "ExportDefaultDeclaration":
        return this.#push(node.declaration, scope);
      case "LabeledStatement":
        return this.#push(node.body, scope);
      case "MemberExpression":
        return this.#member(node, scope);
      case "Property":
        return this.#property(node, scope);
      case "CallExpression":
        this.#callee(node.callee, scope);
        return this.#all(node.arguments, scope);
      case "TaggedTemplateExpression":
        this.#callee(node.tag, scope);
        return this.#push(node.quasi, scope);
      case "UnaryExpression":
        return this.#unary(node, scope);
      case "BinaryExpression":
        this.#protectComment(node);
        break;
      case "MetaProperty":
        return this.#metaProperty(node);
      case "ImportExpression":
        return this.#importCall(node, scope);
      case "AwaitExpression":
        if (!scope.inFunction) this.async = true;
        break;
      case "BlockStatement":
        return this.#statements(node.body, new Scope(scope));
      case "StaticBlock":
        return this.#statements(node.body, new Scope(scope, { holdsVars: true, isFunction: true }));
      case "SwitchStatement":
        return this.#switch(node, scope);
      case "CatchClause":
        return this.#catch(node, scope);
      case "ForOfStatement":
        if (node.await && !scope.inFunction) this.async = true;
        return this.#children(node, new Scope(scope));
      case "ForInStatement":
      case "ForStatement":
        return this.#children(node, new Scope(scope));
      case "VariableDeclaration":
        return this.#variables(node, scope);
      case "FunctionDeclaration":
        if (node.id) this.#declare(node.id.name, scope);
        return this.#function(node, scope);
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.#function(node, scope);
      case "ClassDeclaration":
        if (node.id) this.#declare(node.id.name, scope);
        return this.#class(node, scope);
      case "ClassExpression":
        return this.#class(node, scope);
      case "MethodDefinition":
        if (node.computed) this.#push(node.key, scope);
        return this.#push(node.value, scope);
      case "PropertyDefinition":
        if (node.computed) this.#push(node.key, scope);
        return this.#push(node.value, new Scope(scope, { isFunction: true }));
    }
    return this.#children(node, scope);
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #children(node, scope) {
    for (const key in node) {
      const child = node[key];
      if (child === null || typeof child !== "object") continue;
      if (Array.isArray(child)) this.#all(child, scope);
      else this.#work.push(child, scope);
    }
  }

  /**
   * @param {(Node | null)[]} nodes an array pattern or literal may have holes
   * @param {Scope} scope
   */
  #all(nodes, scope) {
    for (const node of nodes) this.#push(node, scope);
  }

  // --- Declarations ---

  /**
   * @param {string} name
   * @param {Scope} scope
   */
  #declare(name, scope) {
    if (this.#imported.has(name) && scope.parent) (scope.names ??= new Set()).add(name);
  }

  /**
   * @param {Node} pattern
   * @param {Scope} target where the names go
   * @param {Scope} scope where defaults and computed keys are evaluated
   * @returns {void}
   */
  #declarePattern(pattern, target, scope) {
    switch (pattern?.type) {
      case "Identifier":
        return this.#declare(pattern.name, target);
      case "ObjectPattern":
        for (const property of pattern.properties) {
          if (property.computed) this.#push(property.key, scope);
          this.#declarePattern(property.value ?? property, target, scope);
        }
        return undefined;
      case "ArrayPattern":
        for (const element of pattern.elements) this.#declarePattern(element, target, scope);
        return undefined;
      case "AssignmentPattern":
        this.#push(pattern.right, scope);
        return this.#declarePattern(pattern.left, target, scope);
      case "RestElement":
        return this.#declarePattern(pattern.argument, target, scope);
    }
    return undefined;
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #variables(node, scope) {
    if (node.kind === "await using" && !scope.inFunction) this.async = true;
    const target = node.kind === "var" ? scope.varScope : scope;
    for (const { id, init } of node.declarations) {
      this.#declarePattern(id, target, scope);
      this.#push(init, scope);
    }
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #function(node, scope) {
    let outer = scope;
    if (node.type === "FunctionExpression" && node.id) {
      outer = new Scope(scope);
      this.#declare(node.id.name, outer);
    }
    // Defaults of parameters do not see the variables of the body.
    const hasArguments = node.type !== "ArrowFunctionExpression";
    const parameters = new Scope(outer, { holdsVars: true, isFunction: true, hasArguments });
    for (const parameter of node.params) this.#declarePattern(parameter, parameters, parameters);
    if (node.body.type !== "BlockStatement") this.#push(node.body, parameters);
    else this.#statements(node.body.body, new Scope(parameters, { holdsVars: true }));
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #class(node, scope) {
    const inner = new Scope(scope);
    if (node.id) this.#declare(node.id.name, inner);
    this.#push(node.superClass, inner);
    this.#all(node.body.body, inner);
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #switch(node, scope) {
    this.#push(node.discriminant, scope);
    const inner = new Scope(scope);
    for (const { test, consequent } of node.cases) {
      this.#push(test, inner);
      this.#statements(consequent, inner);
    }
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #catch(node, scope) {
    const inner = new Scope(scope);
    if (node.param) this.#declarePattern(node.param, inner, inner);
    this.#push(node.body, inner);
  }

  // --- References ---

  /**
   * @param {Node} node an identifier
   * @param {Scope} scope
   * @param {Form} form
   */
  #reference(node, scope, form) {
    if (this.#imported.has(node.name)) this.#references.push({ node, scope, form });
    else if (node.name === "arguments" && !scope.hasArguments) {
      this.args = true;
      this.#editReference(node, form);
    }
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #callee(node, scope) {
    if (node.type === "Identifier") this.#reference(node, scope, "call");
    else this.#push(node, scope);
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #member({ object, property, computed }, scope) {
    const ofNamespace = property.type === "Identifier" && !computed && (this.#imported.get(object.name) ?? -1) >= 0;
    if (object.type === "Identifier" && ofNamespace) this.#reference(object, scope, "member");
    else this.#push(object, scope);
    if (computed) this.#push(property, scope);
  }

  /**
   * A property of an object literal or of a pattern that assigns.
   *
   * @param {Node} node
   * @param {Scope} scope
   */
  #property(node, scope) {
    if (node.computed) this.#push(node.key, scope);
    if (!node.shorthand) return this.#push(node.value, scope);
    if (node.value.type === "Identifier") return this.#reference(node.value, scope, "shorthand");
    this.#reference(node.value.left, scope, "shorthand");
    return this.#push(node.value.right, scope);
  }

  /**
   * @param {Node} node an identifier
   * @param {Form} form
   */
  #editReference({ start, end, name }, form) {
    const access = `${this.#prefix}.${name}`;
    if (form === "plain") this.#edits.replace(start, end, access);
    else if (form === "member") this.#edits.replace(start, end, `${this.#prefix}[${this.#imported.get(name)}]`);
    else if (form === "shorthand") this.#edits.replace(start, end, `${name}:${access}`);
    else {
      // A call must not pass the environment as `this`. At the beginning of a statement the parenthesis would
      // join the previous line if that has no semicolon.
      const guard = this.#statementStarts.has(start) ? ";" : "";
      this.#edits.replace(start, end, `${guard}(0,${access})`);
    }
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #unary(node, scope) {
    const { operator, argument } = node;
    const unbound = argument.type === "Identifier" && argument.name === "arguments" && !scope.hasArguments;
    if (operator !== "typeof" || !unbound) this.#push(argument, scope);
    else this.#edits.replace(argument.start, argument.end, "void 0");
  }

  /** @param {Node} node */
  #metaProperty({ start, end, meta }) {
    if (meta.name !== "import") return;
    this.meta = true;
    this.#edits.overwrite(start, end, `${this.#prefix}[1]`);
  }

  /**
   * @param {Node} node
   * @param {Scope} scope
   */
  #importCall(node, scope) {
    const { start, source, options } = node;
    this.dynamic.push({ specifier: literalText(source), start });
    this.#edits.overwrite(start, start + "import".length, `${this.#prefix}[2]`);
    this.#push(source, scope);
    this.#push(options, scope);
  }

  /**
   * `a<!--b` compares in a module and begins a comment in a script. (The other such comment, `-->` at the
   * beginning of a line, is a syntax error in a module.)
   *
   * @param {Node} node
   */
  #protectComment({ operator, right }) {
    if (operator === "<" && this.#source.startsWith("<!--", right.start - 1)) this.#edits.insert(right.start, " ");
  }
}

/**
 * The text of a string or of a template without substitutions.
 *
 * @param {Node} node
 * @returns {string | null}
 */
function literalText(node) {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) return node.quasis[0].value.cooked;
  return null;
}
