// ECMAScript modules without an engine's module loader: linking and evaluation of an app's module graph.
//
// Standard: https://tc39.es/ecma262/#sec-modules, algorithms under their names. The scripts come from
// compiler/index.js, whose head says what form they have and what the environment `$m` holds; the host half,
// which finds the files and resolves what their imports name, is nano/apps/modules.py.

import { contextFunctions } from "./async_context.js";
import {
  ArrayPrototypeJoin,
  ArrayPrototypePop,
  ArrayPrototypePush,
  ArrayPrototypeSort,
  Error,
  JSONParse,
  Map,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPreventExtensions,
  ObjectSetPrototypeOf,
  Promise,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  PromiseWithResolvers,
  Proxy,
  ReferenceError,
  ReflectApply,
  ReflectDefineProperty,
  ReflectGet,
  ReflectGetOwnPropertyDescriptor,
  ReflectHas,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  SymbolToStringTag,
  SyntaxError,
  TypeError,
  Uint8Array,
  WebAssembly_,
  decodeURIComponent,
  encodeURIComponent,
  globalThis_,
  uncurryThis,
} from "./primordials.js";

const GeneratorPrototypeNext = uncurryThis(ObjectGetPrototypeOf(function* () {}.prototype).next);
const AsyncGeneratorPrototypeNext = uncurryThis(ObjectGetPrototypeOf(async function* () {}.prototype).next);
const Uint8ArrayFromBase64 = /** @type {any} */ (Uint8Array).fromBase64.bind(Uint8Array);
const WebAssemblyModule = WebAssembly_.Module;

/** @typedef {() => unknown} Getter */

/**
 * What the host says of one module: a compiled one has the fields of the compiler's `CompiledModule`.
 *
 * @typedef {object} ModuleSource
 * @property {string} name the file, relative to the app's folder
 * @property {"module" | "json" | "text" | "bytes" | "wasm" | "error"} kind
 * @property {any} value what the module's script evaluates to: the compiled function, or a string: the text, the
 *   bytes in base64, or why the module cannot be loaded
 * @property {{ specifier: string, line: number, column: number }[]} [requests]
 * @property {string[]} [targets] the module that each request names: a file or a built-in module
 * @property {[string, number, string | null, number, number][]} [imports]
 * @property {[string, string][]} [exports]
 * @property {[string, number, string | null, number, number][]} [reexports]
 * @property {number[]} [stars]
 * @property {{ [specifier: string]: string }} [dynamic] literal specifiers of import() that name a file
 * @property {boolean} [async]
 * @property {boolean} [meta]
 * @property {boolean} [args]
 * @property {boolean} [anonymous]
 * @property {boolean} [typescript]
 * @property {boolean} [context] whether it takes part in asynchronous contexts
 */

// --- Built-in modules ---

/** @type {Map<string, () => object>} */
const builtins = new Map();

/**
 * Provide a module that apps import by name, such as "cloudflare:workers".
 *
 * @param {string} name
 * @param {() => object} factory called once per isolate, when the first module imports it; the own enumerable
 *   properties of its result are the exports, read each time they are used
 */
export function registerBuiltin(name, factory) {
  MapPrototypeSet(builtins, name, factory);
}

// --- Module records ---

const UNLINKED = 0;
const LINKED = 1;
const EVALUATING = 2;
const EVALUATING_ASYNC = 3;
const EVALUATED = 4;

/** Where the environment's slots for namespaces begin. */
const FIRST_SLOT = 3;

const NOT_ASYNC = 0;
const DONE = -1;

/** Cyclic and synthetic module records in one: a synthetic module requests nothing and runs nothing. */
class ModuleRecord {
  status = UNLINKED;
  /** @type {{ value: unknown } | null} */
  evaluationError = null;
  dfsIndex = 0;
  dfsAncestorIndex = 0;
  /** @type {ModuleRecord | null} */
  cycleRoot = null;
  /** A positive integer, NOT_ASYNC or DONE. */
  asyncEvaluationOrder = NOT_ASYNC;
  /** @type {PromiseWithResolvers<undefined> | null} */
  topLevelCapability = null;
  /** @type {ModuleRecord[]} */
  asyncParentModules = list();
  pendingAsyncDependencies = 0;
  /** @type {ModuleRecord[]} */
  requestedModules = list();
  /** @type {{ [name: string]: string }} exported name -> local name */
  localExports = /** @type {any} */ ({ __proto__: null });
  /** @type {{ [name: string]: [string, number, string | null, number, number] }} */
  indirectExports = /** @type {any} */ ({ __proto__: null });
  /** @type {{ [name: string]: Getter }} */
  getters = /** @type {any} */ ({ __proto__: null });
  /** @type {any} */
  environment = null;
  /** @type {any} */
  generator = null;
  /** @type {Promise<unknown> | null} until an asynchronous body has stopped where the link phase ends */
  starting = null;
  /** @type {object | null} */
  namespace = null;
  /** @type {object | null} */
  namespaceView = null;

  /** @param {ModuleSource} source */
  constructor(source) {
    this.name = source.name;
    this.source = source;
    this.hasTLA = source.async === true;
    const { exports, reexports } = source;
    if (exports) for (let i = 0; i < exports.length; i++) this.localExports[exports[i][0]] = exports[i][1];
    if (reexports) for (let i = 0; i < reexports.length; i++) this.indirectExports[reexports[i][0]] = reexports[i];
  }
}

/** @typedef {{ module: ModuleRecord, name: string | null }} ResolvedBinding name null: the module's namespace */

/**
 * @see https://tc39.es/ecma262/#sec-getexportednames
 * @param {ModuleRecord} module
 * @param {{ [name: string]: boolean }} names collects them
 * @param {ModuleRecord[]} exportStarSet
 */
function getExportedNames(module, names, exportStarSet) {
  if (includes(exportStarSet, module)) return;
  ArrayPrototypePush(exportStarSet, module);
  const isRoot = exportStarSet.length === 1;
  for (const name in module.localExports) if (isRoot || name !== "default") names[name] = true;
  for (const name in module.indirectExports) if (isRoot || name !== "default") names[name] = true;
  const stars = module.source.stars ?? [];
  for (let i = 0; i < stars.length; i++) getExportedNames(module.requestedModules[stars[i]], names, exportStarSet);
}

/**
 * @see https://tc39.es/ecma262/#sec-resolveexport
 * @param {ModuleRecord} module
 * @param {string} exportName
 * @param {{ module: ModuleRecord, exportName: string }[]} [resolveSet]
 * @returns {ResolvedBinding | "ambiguous" | null}
 */
function resolveExport(module, exportName, resolveSet = list()) {
  for (let i = 0; i < resolveSet.length; i++) {
    if (resolveSet[i].module === module && resolveSet[i].exportName === exportName) return null; // a cycle of imports
  }
  ArrayPrototypePush(resolveSet, { module, exportName });
  if (exportName in module.localExports) return { module, name: exportName };
  if (exportName in module.indirectExports) {
    const entry = module.indirectExports[exportName];
    const imported = module.requestedModules[entry[1]];
    return entry[2] === null ? { module: imported, name: null } : resolveExport(imported, entry[2], resolveSet);
  }
  if (exportName === "default") return null;
  /** @type {ResolvedBinding | null} */
  let starResolution = null;
  const stars = module.source.stars ?? [];
  for (let i = 0; i < stars.length; i++) {
    const resolution = resolveExport(module.requestedModules[stars[i]], exportName, resolveSet);
    if (resolution === "ambiguous") return resolution;
    if (resolution === null) continue;
    if (starResolution === null) starResolution = resolution;
    else if (!isSameBinding(starResolution, resolution)) return "ambiguous";
  }
  return starResolution;
}

/**
 * @param {ResolvedBinding} a
 * @param {ResolvedBinding} b
 */
function isSameBinding(a, b) {
  if (a.module !== b.module || a.name === null || b.name === null) return a.module === b.module && a.name === b.name;
  return a.module.localExports[a.name] === b.module.localExports[b.name];
}

/**
 * @param {ResolvedBinding} binding
 * @returns {Getter}
 */
function getterOf({ module, name }) {
  return name === null ? () => getModuleNamespace(module) : module.getters[name];
}

// --- Namespaces ---

/**
 * The names in a module's namespace and how their values are read.
 *
 * @param {ModuleRecord} module
 * @returns {{ keys: string[], getters: Map<PropertyKey, Getter> }}
 */
function namespaceBindings(module) {
  const names = /** @type {{ [name: string]: boolean }} */ (/** @type {unknown} */ ({ __proto__: null }));
  getExportedNames(module, names, list());
  const sorted = ArrayPrototypeSort(ObjectKeys(names));
  /** @type {Map<PropertyKey, Getter>} */
  const getters = new Map();
  const keys = list();
  for (let i = 0; i < sorted.length; i++) {
    const binding = resolveExport(module, sorted[i]);
    if (binding === null || binding === "ambiguous") continue;
    ArrayPrototypePush(keys, sorted[i]);
    MapPrototypeSet(getters, sorted[i], getterOf(binding));
  }
  return { keys, getters };
}

/**
 * @see https://tc39.es/ecma262/#sec-getmodulenamespace
 * @param {ModuleRecord} module
 * @returns {object}
 */
function getModuleNamespace(module) {
  if (module.namespace) return module.namespace;
  const { keys, getters } = namespaceBindings(module);
  const target = /** @type {object} */ ({ __proto__: null });
  for (let i = 0; i < keys.length; i++) define(target, keys[i], { value: undefined, writable: true, enumerable: true });
  define(target, SymbolToStringTag, { value: "Module" });
  ArrayPrototypePush(keys, SymbolToStringTag);
  ObjectPreventExtensions(target);
  module.namespace = new Proxy(target, namespaceHandler(getters, keys));
  return module.namespace;
}

/**
 * The namespace as an ordinary object, which the engine's inline caches understand.
 *
 * @param {ModuleRecord} module
 * @returns {object}
 */
function getNamespaceView(module) {
  if (module.namespaceView) return module.namespaceView;
  const { keys, getters } = namespaceBindings(module);
  const view = {};
  for (let i = 0; i < keys.length; i++) define(view, keys[i], { get: MapPrototypeGet(getters, keys[i]), enumerable: true });
  define(view, SymbolToStringTag, { value: "Module" });
  // Born with a null prototype it would be a dictionary, and slow.
  ObjectPreventExtensions(ObjectSetPrototypeOf(view, null));
  module.namespaceView = view;
  return view;
}

/**
 * Module namespace exotic objects. The target has the right keys, attributes and prototype, so only what involves
 * the values is trapped.
 *
 * @see https://tc39.es/ecma262/#sec-module-namespace-exotic-objects
 * @param {Map<PropertyKey, Getter>} getters
 * @param {PropertyKey[]} keys in the order of code units, whatever they look like
 * @returns {ProxyHandler<object>}
 */
function namespaceHandler(getters, keys) {
  return /** @type {ProxyHandler<object>} */ ({
    __proto__: null,
    get(target, key) {
      const getter = MapPrototypeGet(getters, key);
      return getter ? getter() : ReflectGet(target, key);
    },
    set: () => false,
    ownKeys: () => keys,
    getOwnPropertyDescriptor(target, key) {
      const getter = MapPrototypeGet(getters, key);
      if (!getter) return ReflectGetOwnPropertyDescriptor(target, key);
      return { __proto__: null, value: getter(), writable: true, enumerable: true, configurable: false };
    },
    defineProperty(target, key, descriptor) {
      const getter = MapPrototypeGet(getters, key);
      if (!getter) return ReflectDefineProperty(target, key, descriptor);
      const probe = { __proto__: null, value: getter(), writable: true, enumerable: true, configurable: false };
      const holder = /** @type {object} */ (ObjectPreventExtensions(define({ __proto__: null }, key, probe)));
      // Allowed is only what would change nothing.
      if (!ReflectDefineProperty(holder, key, descriptor)) return false;
      const after = /** @type {PropertyDescriptor} */ (ReflectGetOwnPropertyDescriptor(holder, key));
      return after.writable === true && isSameValue(after.value, probe.value);
    },
  });
}

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function isSameValue(a, b) {
  return a === b ? a !== 0 || 1 / /** @type {number} */ (a) === 1 / /** @type {number} */ (b) : a !== a && b !== b;
}

// --- Linking ---

/**
 * @see https://tc39.es/ecma262/#sec-moduledeclarationlinking
 * @param {ModuleGraph} graph
 * @param {ModuleRecord} root
 */
function link(graph, root) {
  /** @type {ModuleRecord[]} */
  const unlinked = list();
  collectUnlinked(graph, root, unlinked, new Map());
  // Nothing changes before all that can fail is done, so that a failed import can be tried again.
  for (let i = 0; i < unlinked.length; i++) checkBindings(unlinked[i]);
  for (let i = 0; i < unlinked.length; i++) initializeEnvironment(graph, unlinked[i]);
  for (let i = 0; i < unlinked.length; i++) bindImports(unlinked[i]);
  for (let i = 0; i < unlinked.length; i++) unlinked[i].status = LINKED;
}

/**
 * @param {ModuleGraph} graph
 * @param {ModuleRecord} module
 * @param {ModuleRecord[]} unlinked collects the modules, dependencies first
 * @param {Map<ModuleRecord, boolean>} seen
 */
function collectUnlinked(graph, module, unlinked, seen) {
  if (module.status !== UNLINKED || MapPrototypeGet(seen, module)) return;
  MapPrototypeSet(seen, module, true);
  if (module.source.kind === "error") throw new SyntaxError(module.source.value);
  const { requests = [], targets = [] } = module.source;
  module.requestedModules = list();
  for (let i = 0; i < requests.length; i++) {
    const required = graph.find(targets[i]);
    if (!required) {
      const { specifier, line, column } = requests[i];
      throw locate(new Error(`No such module "${specifier}"`), module, line, column);
    }
    ArrayPrototypePush(module.requestedModules, required);
    collectUnlinked(graph, required, unlinked, seen);
  }
  ArrayPrototypePush(unlinked, module);
}

/** @param {ModuleRecord} module */
function checkBindings(module) {
  const { source } = module;
  const { reexports = [], imports = [] } = source;
  for (let i = 0; i < reexports.length; i++) {
    if (reexports[i][2] === null || isResolved(module.requestedModules[reexports[i][1]], reexports[i])) continue;
    // Types are stripped one file at a time: whether `export { T } from` names a type shows only here.
    if (source.typescript && resolveExport(module, reexports[i][0]) === null) delete module.indirectExports[reexports[i][0]];
    else throwUnresolved(module, reexports[i]);
  }
  for (let i = 0; i < imports.length; i++) {
    if (imports[i][2] === null || isResolved(module.requestedModules[imports[i][1]], imports[i])) continue;
    throwUnresolved(module, imports[i]);
  }
}

/**
 * @param {ModuleRecord} required
 * @param {[string, number, string | null, number, number]} entry
 */
function isResolved(required, entry) {
  const binding = resolveExport(required, /** @type {string} */ (entry[2]));
  return binding !== null && binding !== "ambiguous";
}

/**
 * @param {ModuleRecord} module
 * @param {[string, number, string | null, number, number]} entry
 * @returns {never}
 */
function throwUnresolved(module, entry) {
  const name = /** @type {string} */ (entry[2]);
  const { specifier } = /** @type {any[]} */ (module.source.requests)[entry[1]];
  const ambiguous = resolveExport(module.requestedModules[entry[1]], name) === "ambiguous";
  const message = ambiguous
    ? `The requested module '${specifier}' contains conflicting star exports for name '${name}'`
    : `The requested module '${specifier}' does not provide an export named '${name}'`;
  throw locate(new SyntaxError(message), module, entry[3], entry[4]);
}

/**
 * Give an error the stack that points at an import in the app's own file.
 *
 * @template {Error} E
 * @param {E} error
 * @param {ModuleRecord} module
 * @param {number} line
 * @param {number} column
 * @returns {E}
 */
function locate(error, module, line, column) {
  const stack = `${error.name}: ${error.message}\n    at ${module.name}:${line}:${column}`;
  return define(error, "stack", { value: stack, writable: true, configurable: true });
}

/**
 * @see https://tc39.es/ecma262/#sec-source-text-module-record-initialize-environment
 * @param {ModuleGraph} graph
 * @param {ModuleRecord} module
 */
function initializeEnvironment(graph, module) {
  const { source } = module;
  if (source.kind !== "module") return initializeSynthetic(module);
  const environment = {
    0: (/** @type {{ [name: string]: Getter }} */ getters) => {
      for (const name in module.localExports) module.getters[name] = getters[name];
    },
    1: source.meta ? createImportMeta(graph, module) : undefined,
    2: (/** @type {unknown} */ specifier, /** @type {unknown} */ options) =>
      graph.dynamicImport(module.name, specifier, options),
  };
  if (source.args) define(environment, "arguments", { get: unboundArguments });
  if (source.context) define(environment, "async context", { value: contextFunctions });
  module.environment = environment;
  module.generator = ReflectApply(source.value, undefined, [environment]);
  source.value = null;
  if (module.hasTLA) module.starting = AsyncGeneratorPrototypeNext(module.generator);
  else GeneratorPrototypeNext(module.generator);
  environment[0] = /** @type {any} */ (undefined);
  if (source.anonymous) {
    define(/** @type {object} */ (module.getters.default()), "name", { value: "default", configurable: true });
  }
  return undefined;
}

/** Top-level `arguments` is an ordinary global name in a module. */
function unboundArguments() {
  if (ReflectHas(globalThis_, "arguments")) return /** @type {any} */ (globalThis_).arguments;
  throw new ReferenceError("arguments is not defined");
}

/** @param {ModuleRecord} module */
function initializeSynthetic({ source, getters }) {
  if (source.kind === "module") return;
  const value = syntheticValue(source);
  getters.default = () => value;
}

/** @param {ModuleSource} source */
function syntheticValue({ kind, value }) {
  switch (kind) {
    case "json":
      return JSONParse(value);
    case "bytes":
      return typeof value === "string" ? Uint8ArrayFromBase64(value).buffer : value;
    case "wasm":
      return new WebAssemblyModule(typeof value === "string" ? Uint8ArrayFromBase64(value) : value);
  }
  return value;
}

/** @param {ModuleRecord} module */
function bindImports(module) {
  const { imports = [] } = module.source;
  for (let i = 0; i < imports.length; i++) {
    const required = module.requestedModules[imports[i][1]];
    const name = imports[i][2];
    if (name === null) module.environment[FIRST_SLOT + i] = getNamespaceView(required);
    const binding = name === null ? { module: required, name } : resolveExport(required, name);
    const get = getterOf(/** @type {ResolvedBinding} */ (binding));
    define(module.environment, imports[i][0], { get, set: assignToImport });
  }
}

function assignToImport() {
  throw new TypeError("Assignment to constant variable.");
}

/**
 * @param {ModuleGraph} graph
 * @param {ModuleRecord} module
 */
function createImportMeta(graph, { name }) {
  return {
    __proto__: null,
    url: fileUrl(name),
    main: name === graph.entry,
    resolve(/** @type {unknown} */ specifier) {
      const text = `${specifier}`;
      const target = graph.resolve(name, text) ?? joinPath(name, text);
      if (target === null) throw new TypeError(`Failed to resolve module specifier '${text}'`);
      return MapPrototypeGet(builtins, target) ? target : fileUrl(target);
    },
  };
}

// --- Evaluation ---

let asyncEvaluationCount = 0;

/**
 * @see https://tc39.es/ecma262/#sec-moduleevaluation
 * @param {ModuleRecord} module
 * @returns {Promise<undefined>}
 */
function evaluate(module) {
  if (module.status >= EVALUATING_ASYNC && module.cycleRoot) module = module.cycleRoot;
  if (module.topLevelCapability) return module.topLevelCapability.promise;
  /** @type {ModuleRecord[]} */
  const stack = list();
  const capability = /** @type {PromiseWithResolvers<undefined>} */ (PromiseWithResolvers());
  module.topLevelCapability = capability;
  try {
    innerModuleEvaluation(module, stack, 0);
    if (module.asyncEvaluationOrder <= NOT_ASYNC) capability.resolve(undefined);
  } catch (error) {
    for (let i = 0; i < stack.length; i++) {
      stack[i].status = EVALUATED;
      stack[i].evaluationError = { value: error };
    }
    capability.reject(error);
  }
  return capability.promise;
}

/**
 * @see https://tc39.es/ecma262/#sec-innermoduleevaluation
 * @param {ModuleRecord} module
 * @param {ModuleRecord[]} stack
 * @param {number} index
 * @returns {number}
 */
function innerModuleEvaluation(module, stack, index) {
  if (module.status >= EVALUATING_ASYNC) {
    if (module.evaluationError) throw module.evaluationError.value;
    return index;
  }
  if (module.status === EVALUATING) return index;
  module.status = EVALUATING;
  module.dfsIndex = index;
  module.dfsAncestorIndex = index;
  module.pendingAsyncDependencies = 0;
  index += 1;
  ArrayPrototypePush(stack, module);
  for (let i = 0; i < module.requestedModules.length; i++) {
    let required = module.requestedModules[i];
    index = innerModuleEvaluation(required, stack, index);
    if (required.status === EVALUATING) {
      if (required.dfsAncestorIndex < module.dfsAncestorIndex) module.dfsAncestorIndex = required.dfsAncestorIndex;
    } else {
      required = /** @type {ModuleRecord} */ (required.cycleRoot);
      if (required.evaluationError) throw required.evaluationError.value;
    }
    if (required.asyncEvaluationOrder > NOT_ASYNC) {
      module.pendingAsyncDependencies += 1;
      ArrayPrototypePush(required.asyncParentModules, module);
    }
  }
  if (module.pendingAsyncDependencies > 0 || module.hasTLA) {
    module.asyncEvaluationOrder = asyncEvaluationCount += 1;
    if (module.pendingAsyncDependencies === 0) executeAsyncModule(module);
  } else {
    executeModule(module);
  }
  if (module.dfsAncestorIndex === module.dfsIndex) closeCycle(module, stack);
  return index;
}

/**
 * @param {ModuleRecord} root
 * @param {ModuleRecord[]} stack
 */
function closeCycle(root, stack) {
  for (;;) {
    const module = /** @type {ModuleRecord} */ (ArrayPrototypePop(stack));
    module.status = module.asyncEvaluationOrder === NOT_ASYNC ? EVALUATED : EVALUATING_ASYNC;
    module.cycleRoot = root;
    if (module === root) return;
  }
}

/** @param {ModuleRecord} module */
function executeModule(module) {
  const { generator } = module;
  module.generator = null;
  if (generator) GeneratorPrototypeNext(generator);
}

/** @param {ModuleRecord} module */
function executeAsyncModule(module) {
  const { generator } = module;
  module.generator = null;
  PromisePrototypeThen(
    AsyncGeneratorPrototypeNext(generator),
    () => asyncModuleExecutionFulfilled(module),
    (/** @type {unknown} */ error) => asyncModuleExecutionRejected(module, error),
  );
}

/**
 * @see https://tc39.es/ecma262/#sec-async-module-execution-fulfilled
 * @param {ModuleRecord} module
 */
function asyncModuleExecutionFulfilled(module) {
  if (module.status === EVALUATED) return;
  completeAsync(module);
  /** @type {ModuleRecord[]} */
  const execList = list();
  gatherAvailableAncestors(module, execList);
  ArrayPrototypeSort(execList, (a, b) => a.asyncEvaluationOrder - b.asyncEvaluationOrder);
  for (let i = 0; i < execList.length; i++) {
    const ancestor = execList[i];
    if (ancestor.status === EVALUATED) continue;
    if (ancestor.hasTLA) {
      executeAsyncModule(ancestor);
      continue;
    }
    try {
      executeModule(ancestor);
    } catch (error) {
      asyncModuleExecutionRejected(ancestor, error);
      continue;
    }
    completeAsync(ancestor);
  }
}

/** @param {ModuleRecord} module */
function completeAsync(module) {
  module.asyncEvaluationOrder = DONE;
  module.status = EVALUATED;
  module.topLevelCapability?.resolve(undefined);
}

/**
 * @see https://tc39.es/ecma262/#sec-gather-available-ancestors
 * @param {ModuleRecord} module
 * @param {ModuleRecord[]} execList
 */
function gatherAvailableAncestors(module, execList) {
  for (let i = 0; i < module.asyncParentModules.length; i++) {
    const parent = module.asyncParentModules[i];
    if (includes(execList, parent) || parent.cycleRoot?.evaluationError) continue;
    parent.pendingAsyncDependencies -= 1;
    if (parent.pendingAsyncDependencies > 0) continue;
    ArrayPrototypePush(execList, parent);
    if (!parent.hasTLA) gatherAvailableAncestors(parent, execList);
  }
}

/**
 * @see https://tc39.es/ecma262/#sec-async-module-execution-rejected
 * @param {ModuleRecord} module
 * @param {unknown} error
 */
function asyncModuleExecutionRejected(module, error) {
  if (module.status === EVALUATED) return;
  module.evaluationError = { value: error };
  module.status = EVALUATED;
  module.asyncEvaluationOrder = DONE;
  for (let i = 0; i < module.asyncParentModules.length; i++) {
    asyncModuleExecutionRejected(module.asyncParentModules[i], error);
  }
  module.topLevelCapability?.reject(error);
}

// --- Graphs ---

/** The modules of one app. */
class ModuleGraph {
  /** @type {Map<string, ModuleRecord>} */
  #modules = new Map();

  /** @param {{ modules: ModuleSource[], entry: string }} sources */
  constructor({ modules, entry }) {
    this.entry = entry;
    for (let i = 0; i < modules.length; i++) {
      const record = new ModuleRecord(modules[i]);
      const isSynthetic = modules[i].kind !== "module";
      if (isSynthetic) record.localExports.default = "default";
      MapPrototypeSet(this.#modules, modules[i].name, record);
    }
  }

  /**
   * Evaluate the entry module: its body, and those of the modules it imports, run before this returns as far as
   * none of them awaits.
   *
   * @returns {Promise<any>} the entry's namespace
   */
  evaluate() {
    return this.#load(/** @type {ModuleRecord} */ (this.find(this.entry)));
  }

  /**
   * The function behind `import()`. Never throws.
   *
   * @see https://tc39.es/ecma262/#sec-import-call-runtime-semantics-evaluation
   * @param {string} referrer name of the module that imports
   * @param {unknown} specifier
   * @param {unknown} [options]
   * @returns {Promise<any>}
   */
  dynamicImport(referrer, specifier, options) {
    try {
      const text = `${specifier}`;
      checkImportOptions(options);
      const target = this.resolve(referrer, text);
      const module = target === null ? undefined : this.find(target);
      if (!module) throw new Error(`No such module "${text}", imported from "${referrer}"`);
      // As if the module had to be fetched first: its body never runs inside the body that imports it.
      return PromisePrototypeThen(PromiseResolve(undefined), () => this.#load(module));
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /**
   * @param {ModuleRecord} module
   * @returns {Promise<any>}
   */
  #load(module) {
    try {
      link(this, module);
    } catch (error) {
      return PromiseReject(error);
    }
    /** @type {Promise<unknown>[]} */
    const starting = list();
    collectStarting(module, starting, new Map());
    const namespace = () => getModuleNamespace(module);
    /** @type {(index: number) => Promise<any>} */
    const start = (index) => {
      if (index === starting.length) return PromisePrototypeThen(evaluate(module), namespace);
      return PromisePrototypeThen(starting[index], () => start(index + 1));
    };
    return start(0);
  }

  /**
   * @param {string} name a file of the app or a built-in module
   * @returns {ModuleRecord | undefined}
   */
  find(name) {
    const known = MapPrototypeGet(this.#modules, name);
    if (known) return known;
    const factory = MapPrototypeGet(builtins, name);
    if (!factory) return undefined;
    const record = createBuiltin(name, factory());
    MapPrototypeSet(this.#modules, name, record);
    return record;
  }

  /**
   * What a specifier names that is known only now; the host has the same rules for the others.
   *
   * @param {string} referrer
   * @param {string} specifier
   * @returns {string | null}
   */
  resolve(referrer, specifier) {
    const known = MapPrototypeGet(this.#modules, referrer)?.source.dynamic;
    if (known && ReflectGetOwnPropertyDescriptor(known, specifier)) return known[specifier];
    if (MapPrototypeGet(builtins, specifier)) return specifier;
    // Node's modules may be named without the scheme.
    if (MapPrototypeGet(builtins, `node:${specifier}`)) return `node:${specifier}`;
    const path = joinPath(referrer, specifier);
    if (path === null) return null;
    const candidates = candidateNames(path);
    for (let i = 0; i < candidates.length; i++) {
      if (MapPrototypeGet(this.#modules, candidates[i])) return candidates[i];
    }
    return null;
  }
}

/**
 * The asynchronous generators below a module that may not have reached the end of the link phase.
 *
 * @param {ModuleRecord} module
 * @param {Promise<unknown>[]} starting collects them
 * @param {Map<ModuleRecord, boolean>} seen
 */
function collectStarting(module, starting, seen) {
  if (module.status !== LINKED || MapPrototypeGet(seen, module)) return;
  MapPrototypeSet(seen, module, true);
  if (module.starting) ArrayPrototypePush(starting, module.starting);
  for (let i = 0; i < module.requestedModules.length; i++) collectStarting(module.requestedModules[i], starting, seen);
}

/**
 * @param {string} name
 * @param {any} exports
 */
function createBuiltin(name, exports) {
  const record = new ModuleRecord({ name, kind: "text", value: undefined });
  const names = ObjectKeys(exports);
  for (let i = 0; i < names.length; i++) {
    record.localExports[names[i]] = names[i];
    record.getters[names[i]] = () => exports[names[i]];
  }
  record.status = LINKED;
  return record;
}

/** @param {unknown} options */
function checkImportOptions(options) {
  if (options === undefined) return;
  if (options === null || (typeof options !== "object" && typeof options !== "function")) {
    throw new TypeError("The second argument of import() must be an object");
  }
  const attributes = /** @type {any} */ (options).with;
  if (attributes === undefined) return;
  if (attributes === null || (typeof attributes !== "object" && typeof attributes !== "function")) {
    throw new TypeError("The 'with' option of import() must be an object");
  }
  const keys = ObjectKeys(attributes);
  for (let i = 0; i < keys.length; i++) {
    if (typeof attributes[keys[i]] !== "string") throw new TypeError("Import attribute value must be a string");
    if (keys[i] !== "type") throw new TypeError(`Import attribute "${keys[i]}" is not supported`);
  }
}

// --- Names of files ---

/**
 * @param {string} referrer
 * @param {string} specifier
 * @returns {string | null} null if it is no relative path or file URL, or leaves the app's folder
 */
function joinPath(referrer, specifier) {
  const parts = /** @type {string[]} */ (list());
  let path = specifier;
  if (StringPrototypeStartsWith(specifier, "file:///")) {
    path = decodeURIComponent(StringPrototypeSlice(specifier, "file:///".length));
  } else if (StringPrototypeStartsWith(specifier, "./") || StringPrototypeStartsWith(specifier, "../")) {
    const folders = split(referrer);
    for (let i = 0; i < folders.length - 1; i++) ArrayPrototypePush(parts, folders[i]);
  } else {
    return null;
  }
  const segments = split(path);
  for (let i = 0; i < segments.length; i++) {
    if (segments[i] === "" || segments[i] === ".") continue;
    if (segments[i] !== "..") ArrayPrototypePush(parts, segments[i]);
    else if (parts.length) ArrayPrototypePop(parts);
    else return null;
  }
  return ArrayPrototypeJoin(parts, "/");
}

/**
 * The files that a path may mean, as bundlers have it; `candidate_names` in nano/apps/app_folder.py is the same.
 *
 * @param {string} path
 */
function candidateNames(path) {
  const names = [path, `${path}.js`, `${path}.mjs`, `${path}.ts`, `${path}.json`];
  if (StringPrototypeEndsWith(path, ".js")) ArrayPrototypePush(names, `${StringPrototypeSlice(path, 0, -3)}.ts`);
  const folder = path === "" ? "" : `${path}/`;
  ArrayPrototypePush(names, `${folder}index.js`, `${folder}index.mjs`, `${folder}index.ts`);
  return names;
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function split(path) {
  return StringPrototypeSplit(path, /** @type {any} */ ("/"));
}

/** @param {string} name */
function fileUrl(name) {
  const segments = split(name);
  for (let i = 0; i < segments.length; i++) segments[i] = encodeURIComponent(segments[i]);
  return `file:///${ArrayPrototypeJoin(segments, "/")}`;
}

// --- Helpers ---

/**
 * @template {object} T
 * @param {T} object
 * @param {PropertyKey} key
 * @param {PropertyDescriptor} attributes
 * @returns {T}
 */
function define(object, key, attributes) {
  return ObjectDefineProperty(object, key, /** @type {any} */ ({ __proto__: null, ...attributes }));
}

/**
 * An array that appends to itself alone, whatever setters the app puts on `Array.prototype`.
 *
 * @returns {any[]}
 */
function list() {
  return ObjectSetPrototypeOf([], null);
}

/**
 * @template T
 * @param {T[]} items
 * @param {T} item
 */
function includes(items, item) {
  for (let i = 0; i < items.length; i++) if (items[i] === item) return true;
  return false;
}

/**
 * @param {{ modules: ModuleSource[], entry: string }} sources every module that may be imported, in any order
 * @returns {ModuleGraph}
 */
export function createModuleGraph(sources) {
  return new ModuleGraph(sources);
}
