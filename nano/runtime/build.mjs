// Bundles the runtime and the module compiler; run by the package build (setup.py) and by developers.
//
// Out come dist/runtime.js and dist/compiler.js, each one expression whose value is the bundle's boot
// function, and dist/ops.json, the names of the host operations: the literal first arguments of hostOp(…)
// and hostCallSync(…) are collected from the sources and replaced by their place in that list.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
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

/** An esbuild plugin that prepares our own sources. */
const prepare = (names) => ({
  name: "prepare",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.js$/ }, async ({ path }) => {
      if (path.includes("node_modules")) return undefined;
      const source = await readFile(path, "utf8");
      return { contents: nameInterfaces(numberOps(source, names)), loader: "js" };
    }),
});

async function bundle(entry, outfile, ops) {
  const result = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    format: "iife",
    globalName: "bundle",
    target: "esnext",
    // Escapes keep the source one byte a character in every isolate.
    charset: "ascii",
    minify: true,
    legalComments: "none",
    write: false,
    plugins: [prepare(ops)],
    logLevel: "warning",
  });
  const source = result.outputFiles[0].text;
  const prefix = /^(?:"use strict";)?var bundle=/;
  if (!prefix.test(source)) throw new Error(`${outfile}: unexpected shape of the bundle: ${source.slice(0, 40)}`);
  const expression = source.replace(prefix, "").trimEnd().replace(/;$/, "");
  await writeFile(join(here, "dist", outfile), `"use strict";(${expression}).boot\n//# sourceURL=nano:${outfile}\n`);
}

const ops = await collectOps();
await mkdir(join(here, "dist"), { recursive: true });
await bundle("index.js", "runtime.js", ops);
await bundle("compiler/index.js", "compiler.js", ops);
await writeFile(join(here, "dist", "ops.json"), `${JSON.stringify(ops)}\n`);
