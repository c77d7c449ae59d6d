// Bundles the runtime and the module compiler; run by the package build (setup.py) and by developers.
//
// Out come dist/runtime.js and dist/compiler.js, each one expression whose value is the bundle's boot
// function; dist/chunks.json, the parts of the runtime that an isolate loads when they are first used, by name;
// dist/builtins.json, the modules of Node by name, each a script of its own; and dist/ops.json, the names of the host operations: the literal first arguments of hostOp(…) and hostCallSync(…)
// are collected from the sources and replaced by their place in that list.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const CALL = /\b(hostOp|hostTell|hostCallSync|hostAskBytes)\(\s*"([a-z_]+\.[a-z_0-9]+)"/g;

/** Every source of ours below a folder, in a fixed order. */
async function sources(folder) {
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter((name) => name.endsWith(".js") && !/(^|\/)(node_modules|dist)\//.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** The op names that the sources mention, sorted: a name's place is its number. */
async function collectOps() {
  const names = new Set();
  for (const path of await sources(here)) {
    for (const [, , name] of (await readFile(path, "utf8")).matchAll(CALL)) names.add(name);
  }
  return [...names].sort();
}

/** Numbers in the place of op names. */
const numberOps = (source, names) => source.replace(CALL, (_, call, name) => `${call}(${names.indexOf(name)}`);

/** Interfaces keep their names though the bundle's identifiers are short: the class gets its name as a static field. */
function nameInterfaces(source) {
  for (const [, name] of source.matchAll(/\bexposeInterface\((\w+)[,)]/g)) {
    source = source.replace(new RegExp(`(\\bclass ${name}\\b[^{]*\\{)`), `$1 static name = "${name}";`);
  }
  return source;
}

const PRIMORDIALS = join(here, "primordials.js");
const PRIMORDIAL = /^export const (\w+) = .*;\n/gm;

/** The primordials that sources mention, and no others: reading a property is an effect that the bundler keeps. */
async function usedPrimordials(paths) {
  const mentioned = new Set();
  for (const path of paths) {
    if (path !== PRIMORDIALS) for (const [word] of (await readFile(path, "utf8")).matchAll(/\w+/g)) mentioned.add(word);
  }
  return (source) =>
    source.replace(PRIMORDIAL, (line, name) =>
      mentioned.has(name) || source.match(new RegExp(`\\b${name}\\b`, "g")).length > 1 ? line : "",
    );
}

/** An esbuild plugin that prepares our own sources. */
const prepare = (names, trim = (source) => source) => ({
  name: "prepare",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.js$/ }, async ({ path }) => {
      if (path.includes("node_modules")) return undefined;
      const source = await readFile(path, "utf8");
      if (path === PRIMORDIALS) return { contents: trim(source), loader: "js" };
      return { contents: nameInterfaces(numberOps(source, names)), loader: "js" };
    }),
});

/**
 * The chunks: what they are called, and which modules are in them. What others import of these modules must be
 * functions, or classes of which they make instances and nothing else; their top level runs after the app's has, so
 * that it may neither read a global nor be late for anything; and no module may be in two chunks.
 */
const CHUNKS = {
  base64: ["base64.js"],
  clone: ["structured_clone.js", "clone_kinds.js"],
  console: ["inspect.js", "inspect_format.js", "inspect_table.js"],
  encodings: ["encoding_labels.js", "legacy_decoders.js"],
  crypto: ["crypto_algorithms.js", "crypto_operations.js"],
  fetch: ["fetch.js", "fetch_local.js", "fetch_redirect.js", "integrity.js", "data_url.js"],
  mime: ["mime.js", "multipart.js"],
  patterns: ["url_pattern_init.js", "url_pattern_match.js", "url_pattern_parts.js"],
  repl: ["repl.js"],
  readable: [
    "streams/byte_controller.js",
    "streams/default_controller.js",
    "streams/native.js",
    "streams/queues.js",
    "streams/readable.js",
  ],
  streams: ["streams/crossing.js", "streams/iteration.js", "streams/tee.js"],
  urls: ["url_parser.js", "url_host.js"],
  writable: ["streams/byte_identity.js", "streams/pipe.js", "streams/transform_record.js", "streams/writable.js"],
};

const IMPORT = /^import \{([^}]*)\} from "([^"]+)";/gm;
const EXPORT = /^export (?:async )?(function\*?|const|let|class) (\w+)(?:\(([^)]*)\))?/gm;

/** The chunk a module is in, by absolute path. */
const chunkOf = new Map(
  Object.entries(CHUNKS).flatMap(([name, modules]) => modules.map((module) => [join(here, module), name])),
);

const key = (path) => relative(here, path);

/** What a module imports by name from others of ours: [path, name] pairs. */
async function importedNames(path) {
  const found = [];
  for (const [, names, from] of (await readFile(path, "utf8")).matchAll(IMPORT)) {
    if (!from.startsWith(".")) continue;
    for (const name of names.split(",")) {
      if (name.trim()) found.push([join(dirname(path), from), name.trim().split(" as ")[0]]);
    }
  }
  return found;
}

/** For the boot bundle: modules of chunks become functions that load them, and the registry is made. */
const bootPlugin = (registry) => ({
  name: "boot",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^nano:registry$/ }, () => ({ path: "registry", namespace: "made" }));
    onLoad({ filter: /^registry$/, namespace: "made" }, () => ({ contents: registry, resolveDir: here }));
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const target = join(resolveDir, path);
      return chunkOf.has(target) ? { path: target, namespace: "stub" } : undefined;
    });
    onLoad({ filter: /./, namespace: "stub" }, async ({ path }) => {
      return { contents: stubSource(chunkOf.get(path), await readFile(path, "utf8")), resolveDir: here };
    });
  },
});

/** How many arguments a function wants, from the list of its parameters up to the first with a default. */
const wanted = (parameters) => parameters.split(",").findIndex((each) => /^\s*$|[=.]/.test(each));

/**
 * What the boot bundle has of a module in a chunk: variables that first hold a function which loads the chunk, then
 * the chunk's own functions and classes.
 */
function stubSource(name, source) {
  const exported = [...source.matchAll(EXPORT)];
  const names = exported.map(([, , each]) => each);
  const stubs = exported.map(([, kind, each, parameters]) => {
    const count = Math.max(0, kind.startsWith("function") ? wanted(`${parameters},`) : 0);
    const list = Array.from({ length: count }, (_, i) => `_${i}`).join(", ");
    const call = kind === "class" ? `ReflectConstruct(load().${each}, arguments)` : `ReflectApply(load().${each}, undefined, arguments)`;
    return `export let ${each} = function (${list}) { return ${call}; };`;
  });
  return [
    'import { chunk } from "./lazy.js";',
    'import { ReflectApply, ReflectConstruct } from "./primordials.js";',
    `function load() { const loaded = chunk("${name}"); ${names.map((each) => `${each} = loaded.${each};`).join(" ")} return loaded; }`,
    ...stubs,
  ].join("\n");
}

/** For a chunk: what the boot bundle has comes from there, and other chunks likewise through its functions. */
const chunkPlugin = (name, places) => ({
  name: "chunk",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, resolveDir, importer }) => {
      const target = join(resolveDir, path);
      if (importer === "" || chunkOf.get(target) === name) return undefined;
      return places.has(target) ? { path: target, namespace: "core" } : undefined;
    });
    onLoad({ filter: /./, namespace: "core" }, ({ path }) => {
      const names = [...places.get(path)];
      return { contents: names.map(([each, place]) => `export const ${each} = core[${place}];`).join("\n") };
    });
  },
});

/**
 * The places in the registry of what chunks use of modules outside of them: place by name, by path.
 *
 * A chunk sees what such a variable holds at the time when it is loaded.
 */
async function registryPlaces(members, shared) {
  const places = new Map();
  let count = 0;
  for (const path of members) {
    for (const [target, name] of await importedNames(path)) {
      if (chunkOf.has(target) ? chunkOf.get(target) === chunkOf.get(path) : !shared.has(target)) continue;
      const names = places.get(target) ?? new Map();
      if (!names.has(name)) names.set(name, count++);
      places.set(target, names);
    }
  }
  return places;
}

/** The module behind "nano:registry". */
function registrySource(places) {
  const lines = [];
  const entries = [];
  for (const [path, names] of places) {
    lines.push(`import { ${[...names].map(([name, place]) => `${name} as _${place}`).join(", ")} } from "./${key(path)}";`);
    for (const place of names.values()) entries[place] = `_${place}`;
  }
  return `${lines.join("\n")}\nexport const registry = () => [${entries.join(", ")}];`;
}

const OPTIONS = {
  bundle: true,
  format: "iife",
  globalName: "bundle",
  target: "esnext",
  // Escapes keep the source one byte a character in every isolate.
  charset: "ascii",
  minify: true,
  legalComments: "none",
  write: false,
  metafile: true,
  logLevel: "warning",
};

/**
 * One chunk: the body of a function of `core`, the registry, and `own`, which gets the exports. The bundler's way to
 * export would ask the app's `Object` for help.
 */
async function chunkSource(name, modules, places, ops) {
  const contents = [];
  for (const module of modules) {
    const names = [...(await readFile(join(here, module), "utf8")).matchAll(EXPORT)].map(([, , each]) => each);
    contents.push(`import { ${names.join(", ")} } from "./${module}";`, ...names.map((each) => `own.${each} = ${each};`));
  }
  const { outputFiles } = await build({
    ...OPTIONS,
    globalName: undefined,
    stdin: { contents: contents.join("\n"), resolveDir: here },
    plugins: [chunkPlugin(name, places), prepare(ops)],
  });
  return `"use strict";${outputFiles[0].text.trimEnd()}\n//# sourceURL=nano:${name}.js\n`;
}

/** Bundle to one expression, whose value is the exports. */
async function expression(options) {
  const result = await build({ ...OPTIONS, ...options });
  const source = result.outputFiles[0].text;
  const prefix = /^(?:"use strict";)?var bundle=/;
  if (!prefix.test(source)) throw new Error(`unexpected shape of a bundle: ${source.slice(0, 40)}`);
  const inputs = Object.keys(result.metafile.inputs).filter((path) => !path.includes(":"));
  return {
    source: source.replace(prefix, "").trimEnd().replace(/;$/, ""),
    inputs: new Set(inputs.map((path) => resolve(path))),
  };
}

/** What is in the boot bundle, and what is in a chunk or imported by chunks only: paths of modules. */
async function splitModules(ops) {
  const plugins = [bootPlugin("export const registry = () => [];"), prepare(ops)];
  const { inputs: shared } = await expression({ entryPoints: [join(here, "index.js")], plugins });
  const members = new Set(chunkOf.keys());
  for (const path of members) {
    for (const [target] of await importedNames(path)) if (!shared.has(target) && !chunkOf.has(target)) members.add(target);
  }
  return { shared, members };
}

/** Write the boot bundle and its chunks. */
async function buildRuntime(ops) {
  const { shared, members } = await splitModules(ops);
  const places = await registryPlaces(members, shared);
  const trim = await usedPrimordials([...shared, ...members]);
  const chunks = {};
  for (const [name, modules] of Object.entries(CHUNKS)) {
    chunks[name] = await chunkSource(name, modules, places, ops);
  }
  await writeFile(join(here, "dist/chunks.json"), `${JSON.stringify(chunks)}\n`);
  const plugins = [bootPlugin(registrySource(places)), prepare(ops, trim)];
  await writeEntry("runtime.js", await expression({ entryPoints: [join(here, "index.js")], plugins }));
}

/** Write a bundle whose value is its `boot` function. */
const writeEntry = (outfile, { source }) =>
  writeFile(join(here, "dist", outfile), `"use strict";(${source}).boot\n//# sourceURL=nano:${outfile}\n`);

/** What the npm packages of node/ import by a name that means something else here: importer, name, meaning. */
const REPLACED = [
  [/comparisons\.js$/, /^util\/$/, "./node/shims/types.js"],
  [/./, /^util\/$/, "node:util"],
  [/./, /^(buffer|safe-buffer)$/, "node:buffer"],
  [/./, /^events$/, "node:events"],
  [/./, /^string_decoder\/$/, "node:string_decoder"],
  [/./, /^abort-controller$/, "./node/shims/process.js"],
  [/./, /^punycode\/$/, "./node/shims/punycode.js"],
  [/./, /^qs$/, "./node/shims/qs.js"],
  [/./, /^call-bind\/callBound$/, "./node/shims/call_bound.cjs"],
  [/./, /^object\.assign\/polyfill$/, "./node/shims/object_assign.cjs"],
  [/./, /^(object-is\/polyfill|object-is|is-nan)$/, "./node/shims/object_is.cjs"],
];

/** An esbuild plugin that leaves the modules of Node, and the runtime's internals, to require(). */
const nodePlugin = (requires) => ({
  name: "node",
  setup: ({ onResolve }) =>
    onResolve({ filter: /./ }, ({ path, importer }) => {
      const ofPackage = importer.includes("node_modules");
      const replaced = ofPackage && REPLACED.find(([from, name]) => from.test(importer) && name.test(path));
      const target = replaced ? replaced[2] : path;
      if (target.startsWith("./node/")) return { path: join(here, target) };
      if (!/^(node|nano):/.test(target)) return undefined;
      if (target !== "nano:internals") requires.add(target);
      return { path: target, external: true };
    }),
});

/** One module of Node: its script, whose value is a function of `module` and `require`, and what that requires. */
async function bundleBuiltin(path, name, ops) {
  const requires = new Set();
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    format: "cjs",
    platform: "browser",
    target: "esnext",
    charset: "ascii",
    minify: true,
    keepNames: true,
    legalComments: "none",
    inject: [join(here, "node/shims/process.js")],
    write: false,
    plugins: [nodePlugin(requires), prepare(ops)],
    logLevel: "warning",
  });
  const script = `(function(module,require){${outputFiles[0].text.trimEnd()}\n})\n//# sourceURL=${name}\n`;
  return { requires: [...requires].sort(), script };
}

/** All modules of Node, by name: those below node/, by their paths. */
async function buildBuiltins(ops) {
  const folder = join(here, "node");
  const builtins = {};
  for (const path of await sources(folder)) {
    const stem = relative(folder, path).replaceAll("\\", "/").slice(0, -".js".length);
    if (stem.startsWith("shims/")) continue;
    builtins[`node:${stem}`] = await bundleBuiltin(path, `node:${stem}`, ops);
  }
  await writeFile(join(here, "dist/builtins.json"), `${JSON.stringify(builtins)}\n`);
}

const ops = await collectOps();
await rm(join(here, "dist"), { recursive: true, force: true });
await mkdir(join(here, "dist"));
await buildRuntime(ops);
await writeEntry("compiler.js", await expression({ entryPoints: [join(here, "compiler/index.js")], plugins: [prepare(ops)] }));
await buildBuiltins(ops);
await writeFile(join(here, "dist/ops.json"), `${JSON.stringify(ops)}\n`);
