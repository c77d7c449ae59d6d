// TypeScript to JavaScript on the same lines: types are erased, enums and parameter properties compiled,
// imports that only types use dropped. Nothing is type-checked.

import { transform } from "sucrase";

const NAMESPACE = /(?<![.\w$])(?:namespace|module)[ \t]+[\p{ID_Start}$_][\p{ID_Continue}$.]*\s*\{/gu;
const DECLARED = /(?<![.\w$])declare\s+(?:global|module|namespace)\b[^{;]*\{/g;

/**
 * @param {string} source
 * @param {string} filename
 * @returns {string}
 */
export function stripTypes(source, filename) {
  const { code } = transform(source, {
    transforms: ["typescript"],
    disableESTransforms: true,
    preserveDynamicImport: true,
    production: true,
    filePath: filename,
  });
  refuseNamespaces(source, code);
  return code;
}

/**
 * The stripper drops a `namespace` with everything in it, which is right only if it holds nothing but types.
 *
 * @param {string} source
 * @param {string} code
 */
function refuseNamespaces(source, code) {
  const declared = blocks(source, DECLARED);
  const codeLines = code.split("\n");
  for (const { start, open, end } of blocks(source, NAMESPACE)) {
    if (declared.some((block) => block.start < start && start < block.end)) continue;
    const linesBefore = source.slice(0, start).split("\n");
    const line = linesBefore.length;
    const inCommentOrString = codeLines[line - 1]?.includes(source.slice(start, open).trimEnd());
    if (inCommentOrString || !STATEMENT.test(source.slice(open + 1, end))) continue;
    const message = "A TypeScript namespace that holds code is not supported: make it a module";
    throw Object.assign(new SyntaxError(message), { loc: { line, column: linesBefore[line - 1].length + 1 } });
  }
}

const STATEMENT = /(?:^|[\s;{}])(?:const|let|var|function|class|enum)\s/;

/**
 * Where the blocks are whose heads match, judged by their braces alone.
 *
 * @param {string} source
 * @param {RegExp} head ends with the opening brace
 */
function blocks(source, head) {
  return Array.from(source.matchAll(head), ({ index, 0: text }) => {
    const open = index + text.length - 1;
    let depth = 0;
    let end = open;
    for (; end < source.length; end++) {
      if (source[end] === "{") depth++;
      else if (source[end] === "}" && --depth === 0) break;
    }
    return { start: index, open, end };
  });
}
