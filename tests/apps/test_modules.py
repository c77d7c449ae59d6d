"""
Tests for `nano.apps.modules`, with the compiler and the linker of nano/runtime on real V8.

The semantics of modules stand as data in `tests.apps.module_corpus`.
"""

from __future__ import annotations

import atexit
import json
import os
import pickle
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from py_mini_racer import MiniRacer
from twisted.internet.defer import Deferred, execute, fail, succeed
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from nano.apps.compile_cache import CompileCache
from nano.apps.modules import AppBundle, AppModule, GraphError, ModuleLoader
from nano.engine.v8 import context_count
from nano.errors import AppLoadError
from tests.apps.module_corpus import CASES

Files = Mapping[str, str | bytes]

# A wheel holds the bundle alone; the runtime's modules lie in the checkout that has these tests.
SOURCES = Path(__file__).parents[2] / "nano" / "runtime"

BUILTINS = ("cloudflare:workers", "node:assert")

# The linker is made of modules itself: two scripts of the compiler, joined by hand.
LINKER = """
var nano = (() => {
  const run = (module, imports) => {
    let exports;
    const environment = { 0: (getters) => { exports = getters } };
    for (const [name, get] of imports)
      Object.defineProperty(environment, name, { get });
    const body = module.call(undefined, environment);
    body.next(), body.next();
    return exports;
  };
  const primordials = run(%(primordials)s, []);
  const imports = %(imports)s.map(([local, , name]) => [local, primordials[name]]);
  const linker = run(%(linker)s, imports);
  return {
    createModuleGraph: linker.createModuleGraph(),
    registerBuiltin: linker.registerBuiltin(),
  };
})();
var printed = "", define = {};
var print = (...values) => { printed += values.map(String).join(" ") + "\\0" };
nano.registerBuiltin("cloudflare:workers", () => {
  print("made");
  return { env: { A: 1 }, default: "d" };
});
nano.registerBuiltin("node:assert", () => ({ ok: "ok" }));
"""

RUN = """
var sources = %s;
for (const source of sources) source.value ??= define[source.name];
var graph = nano.createModuleGraph({ modules: sources, entry: %s });
var namespace;
graph.evaluate().then((value) => { namespace = value }, (error) => print(error?.stack ?? error));
print("--- evaluate returned");
"""


class Compiler:
    """The compiler's isolate; counts what it is asked."""

    def __init__(self) -> None:
        context_count()  # opens V8 with the flags of the engine
        self.calls: list[str] = []
        self._v8 = MiniRacer()
        runtime = resources.files("nano") / "runtime"
        bundle = (runtime / "dist" / "compiler.js").read_text()
        self._compile: Any = self._v8.eval(bundle)
        self.linker = self._prepare(SOURCES)

    def _prepare(self, runtime: Any) -> str:
        linker, primordials = (
            self.compile_now((runtime / name).read_text(), name) for name in ("modules.js", "primordials.js")
        )
        return LINKER % {
            "primordials": primordials["code"],
            "imports": json.dumps([(local, at, name) for local, at, name, *_ in linker["imports"]]),
            "linker": linker["code"],
        }

    def compile_now(self, source: str, filename: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self._compile(source, filename))
        return result

    def __call__(self, source: str, filename: str) -> Deferred[dict[str, Any]]:
        self.calls.append(filename)
        return succeed(self.compile_now(source, filename))

    def close(self) -> None:
        self._v8.close()


@cache
def shared_compiler() -> Compiler:
    """One isolate for all tests: it takes a moment to start, and nothing they do stays in it."""
    compiler = Compiler()
    atexit.register(compiler.close)
    return compiler


class App:
    """An app's isolate, without the runtime."""

    def __init__(self, compiler: Compiler, bundle: AppBundle) -> None:
        self._v8 = MiniRacer()
        self._v8.eval(compiler.linker)
        for module in bundle.modules:
            if module.kind == "module":
                self._v8.eval(f"define[{json.dumps(module.name)}] = {module.code}; 0")
        sources = json.dumps([module.source() for module in bundle.modules])
        self._v8.eval(RUN % (sources, json.dumps(bundle.entry)))

    def eval(self, code: str) -> Any:
        return self._v8.eval(code)

    def printed(self) -> list[str]:
        return str(self._v8.eval("printed")).split("\0")[:-1]

    def close(self) -> None:
        self._v8.close()


def split_case(text: str) -> dict[str, str | bytes]:
    """The files of a case; none ends with a line feed."""
    parts = re.split(r"^//// (.+)\n", text.lstrip("\n"), flags=re.M)
    return {n: c.removesuffix("\n") for n, c in zip(parts[1::2], parts[2::2], strict=True)}


class ModulesTestCase(SynchronousTestCase):
    """Apps in temporary folders."""

    def setUp(self) -> None:
        self.compiler = shared_compiler()
        self.compiler.calls.clear()

    def folder(self, files: Files) -> FilePath[str]:
        root = FilePath(self.mktemp())
        for name, content in files.items():
            path = root.preauthChild(name)
            path.parent().makedirs(ignoreExistingDirectory=True)
            path.setContent(content if isinstance(content, bytes) else content.encode())
        return root

    def loader(self, **options: Any) -> ModuleLoader:
        settings: dict[str, Any] = {"compiler_version": "1", "builtins": BUILTINS}
        settings |= {"compile": self.compiler, "in_thread": execute}
        return ModuleLoader(**settings | options)

    def load(self, files: Files, **options: Any) -> AppBundle:
        return self.successResultOf(self.loader(**options).load(self.folder(files)))

    def load_error(self, files: Files, **options: Any) -> AppLoadError:
        deferred = self.loader(**options).load(self.folder(files))
        error = self.failureResultOf(deferred, AppLoadError).value
        assert isinstance(error, AppLoadError)
        return error

    def start(self, files: Files, **options: Any) -> App:
        app = App(self.compiler, self.load(files, **options))
        self.addCleanup(app.close)
        return app

    def run_app(self, files: Files, **options: Any) -> list[str]:
        return [line for line in self.start(files, **options).printed() if not line.startswith("---")]


class SemanticsTests(ModulesTestCase):
    """
    Modules behave as ECMAScript says; one test for each case of the corpus.
    """

    def check(self, name: str) -> None:
        text, expected = CASES[name]
        lines = "\n".join(self.run_app(split_case(text)))
        self.assertEqual(lines.split("\n"), expected.rstrip("\n").split("\n"))


def _add_case(name: str) -> None:
    def test(self: SemanticsTests) -> None:
        self.check(name)

    test.__doc__ = f"{name.rstrip(' *').capitalize()}."
    test.__name__ = "test_" + re.sub(r"\W+", "_", name).strip("_").lower()
    setattr(SemanticsTests, test.__name__, test)


for _name in CASES:
    _add_case(_name)


#: Statements, where `~` may be any white space or comment and `N` is another number each time.
STATEMENTS = (
    "import~def_N~from~'./x.js'",
    "import~{~f~as~f_N~,~v~as~\n w_N }~from~'./x.js'~with~{}; f_N~(w_N)",
    "import~*~as~ns_N~from './x.js'; ns_N~.~f~(ns_N~.v)",
    "import~'./x.js'",
    "export~{~v~as~'name N'~}~from~'./x.js'",
    "export~*~as~all_N~from~'./x.js'",
    "export~const~{~a:~a_N~=~v~}~=~{}",
    "export~function~fn_N(a~=~v)~{~return~f~(a)~}",
    "export~class~K_N~{~p~=~f~(v)~}",
    "let~l_N~=~v~;~export~{~l_N~}",
    "f~(v)~;~f~(f~(v))",
    "void~import~.~meta~.~url",
    "void~typeof~arguments~;[v~]",
    "void~({~v~,~f~}~)~;`${~v~}`",
    "for~(const~x~of~[v~])~f~(x)~;",
)
GAPS = st.sampled_from([" ", "\n", " \r\n", "/* ; */", "/*\n*/", "\t", "// ) }\n", " \u2028", "\r"])
ENDS = st.sampled_from([";", "\n", ";\n", "\r\n", "\u2029", "// end\n", ";/*\n\n*/"])


@st.composite
def module_texts(draw: st.DrawFn) -> str:
    """Valid modules with line terminators of all sorts in all places."""
    parts = ["import { f, v } from './x.js';"]
    for number, statement in enumerate(draw(st.lists(st.sampled_from(STATEMENTS), max_size=8))):
        text = statement.replace("N", str(number))
        parts += [re.sub("~", lambda _: draw(GAPS), text), draw(ENDS)]
    return "".join(parts) + draw(st.sampled_from(["", "export default 1\n", "await 0;\n"]))


class LineTests(ModulesTestCase):
    """Lines stay where they are."""

    @settings(max_examples=80)
    @given(module_texts())
    def test_any_module(self, text: str) -> None:
        """An error at the end of a module has the line that the source has."""
        files = {
            "index.js": f"{text}\nprint(new Error().stack)",
            "x.js": "export const f = (x) => x, v = 1; export default 2",
        }
        lines = len(re.split("\r\n|[\n\r\u2028\u2029]", files["index.js"]))
        (stack,) = self.run_app(files)
        self.assertIn(f"at index.js:{lines}:7", stack)

    def test_own_sources(self) -> None:
        """The runtime's own modules keep their lines, and V8 takes what becomes of them."""
        sources = [path for path in SOURCES.iterdir() if path.name.endswith(".js")]
        v8 = MiniRacer()
        self.addCleanup(v8.close)
        for path in sources:
            source = path.read_text()
            compiled = self.compiler.compile_now(source, path.name)
            v8.eval(compiled["code"])
            self.assertEqual(compiled["code"].count("\n"), source.count("\n") + 3, path.name)


class EvaluationTests(ModulesTestCase):
    """What the host sees of a graph."""

    def test_without_await_evaluation_is_synchronous(self) -> None:
        """All modules have run when `evaluate` returns, unless one of them awaits."""
        files = {"index.js": "import './a.js'; print('index')", "a.js": "print('a')"}
        self.assertEqual(self.start(files).printed(), ["a", "index", "--- evaluate returned"])

    def test_namespace(self) -> None:
        """`evaluate` fulfils with the entry's namespace."""
        app = self.start({"index.js": "export default { fetch() { return 'answer' } }"})
        self.assertEqual(app.eval("namespace.default.fetch()"), "answer")

    def test_stack_names_file_and_line(self) -> None:
        """Errors carry the author's file and line, in JavaScript and in TypeScript."""
        app = self.start(
            {
                "index.js": "import { f } from './lib/a b.ts';\n\n  export const g = () => f();",
                "lib/a b.ts": "enum E {\n  A\n}\ntype T = {\n  x: 1\n}\nexport function f(): T {\n"
                "  throw new Error(`${E.A}`)\n}",
            }
        )
        stack = app.eval("try { namespace.g() } catch (e) { e.stack }")
        self.assertIn("at f (lib/a%20b.ts:8:9)", stack)
        self.assertRegex(stack, r"at (\w+\.)?g \(index\.js:3:\d+\)")

    def test_error_at_the_top_level(self) -> None:
        """An error of a module's body rejects, and its stack points into the file."""
        (line,) = self.run_app({"index.js": "\n\nnull.x"})
        self.assertIn("TypeError: Cannot read properties of null", line)
        self.assertIn("index.js:3:6", line)

    def test_missing_export_names_importer(self) -> None:
        """A name that is not exported is a SyntaxError at the import."""
        files = {"index.js": "\nimport { a, nope } from './a.js'", "a.js": "export const a = 1"}
        (line,) = self.run_app(files)
        self.assertEqual(
            line,
            "SyntaxError: The requested module './a.js' does not provide an export named 'nope'\n    at index.js:2:13",
        )

    def test_builtins(self) -> None:
        """Built-in modules are made when first imported, once, and may lack the `node:`."""
        files = {
            "index.js": "import './a.js'; import { env } from 'cloudflare:workers'\n"
            "import { ok } from 'assert'\nimport * as ns from 'node:assert'\n"
            "print(env.A, ok, Object.keys(ns)); import('cloudflare' + ':workers')"
            ".then((w) => print(w.default))",
            "a.js": "print('a'); import d from 'cloudflare:workers'",
        }
        self.assertEqual(self.run_app(files), ["made", "a", "1 ok ok", "d"])

    def test_builtin_unknown_to_the_linker(self) -> None:
        """Without a list of built-ins the linker checks them."""
        (line,) = self.run_app({"index.js": "import 'node:nope'"}, builtins=None)
        self.assertEqual(line, 'Error: No such module "node:nope"\n    at index.js:1:8')

    def test_missing_name_of_a_builtin(self) -> None:
        """Names that a built-in module does not export are link errors."""
        (line,) = self.run_app({"index.js": "import { x } from 'node:assert'"})
        self.assertIn("does not provide an export named 'x'", line)

    def test_wasm(self) -> None:
        """A .wasm file is a WebAssembly.Module."""
        wasm = b"\0asm\x01\0\0\0"
        code = "import m from './a.wasm'; import n from './a.wasm?module'\n"
        code += "print(m instanceof WebAssembly.Module, m === n)"
        self.assertEqual(self.run_app({"index.js": code, "a.wasm": wasm}), ["true true"])

    def test_computed_imports(self) -> None:
        """A computed import may name every file of the folder; broken ones reject."""
        files = {
            "index.js": "const load = (f) => import('./' + f).then((m) => print(m.default), "
            "(e) => print(e.name, e.message))\n"
            "for (const f of ['de', 'fr.json', 'bad.js', 'none.js', '../x.js', 'imports_bad.js'])"
            " await load(f)",
            "de.ts": "export default 'Hallo' as string",
            "fr.json": '"Bonjour"',
            "bad.js": "export default =",
            "imports_bad.js": "import './bad.js'",
        }
        broken = "SyntaxError bad.js:1:16: SyntaxError: Unexpected token\n    export default =\n                   ^"
        self.assertEqual(
            self.run_app(files),
            [
                "Hallo",
                "Bonjour",
                broken,
                'Error No such module "./none.js", imported from "index.js"',
                'Error No such module "./../x.js", imported from "index.js"',
                broken,
            ],
        )

    def test_optional_dependency(self) -> None:
        """A literal `import()` of what is not there is rejected, not a load error."""
        code = "await import('sharp').catch((e) => print(e.message))"
        bundle = self.load({"index.js": code})
        self.assertEqual(len(bundle.warnings), 1)
        self.assertIn("index.js:1:7: import() will be rejected: The package", bundle.warnings[0])
        self.assertEqual(self.run_app({"index.js": code}), ['No such module "sharp", imported from "index.js"'])

    def test_import_meta(self) -> None:
        """import.meta knows the file, whether it is the entry, and resolves."""
        files = {
            "index.js": "import './a b/c.js'; print(import.meta.url, import.meta.main)",
            "a b/c.js": "const { url, main, resolve } = import.meta; print(url, main, "
            "resolve('../index.js'), resolve('./none'), resolve('node:assert'))",
        }
        self.assertEqual(
            self.run_app(files),
            [
                "file:///a%20b/c.js false file:///index.js file:///a%20b/none node:assert",
                "file:///index.js true",
            ],
        )

    def test_patched_builtins_see_no_records(self) -> None:
        """Setters on prototypes and patched methods get nothing of the linker's."""
        code = (
            "const seen = [];\n"
            "const all = [Array, Object].flatMap(({ prototype: p }) => [0, 1, 'value', 'get'].map("
            "(k) => [p, k]));\n"
            "for (const [p, k] of all)\n"
            "  Object.defineProperty(p, k, "
            "{ __proto__: null, set(v) { seen[seen.length] = v }, configurable: true });\n"
            "Array.prototype.push = Map.prototype.get = () => { throw 1 };\n"
            "const { x } = await import('./a.js');\n"
            "for (let i = 0; i < all.length; i++) { const { 0: p, 1: k } = all[i];"
            "  delete p[k] }\n"
            "print(x, seen.length)"
        )
        files = {
            "index.js": code,
            "a.js": "export * from './b.js'; await 1",
            "b.js": "export const x = 1",
        }
        self.assertEqual(self.run_app(files), ["1 0"])

    def test_wrapper_is_out_of_reach(self) -> None:
        """No source closes the wrapper or names what is in it."""
        for code in (
            "});(",
            "}",
            "return 1",
            "/*",
            "`",
            "yield 1",
            "arguments = 1",
            "(function*(){",
        ):
            error = self.load_error({"index.js": code})
            self.assertTrue(error.detail.startswith("SyntaxError: "), code)
            self.assertEqual(error.line, 1)
        code = "print(typeof $m, typeof $m1, typeof $m_exports, typeof $m1_default); export default 1"
        self.assertEqual(self.run_app({"index.js": code}), ["undefined " * 3 + "undefined"])


class LoadErrorTests(ModulesTestCase):
    """What is wrong with an app is said with file, line and column."""

    def check(self, code: str, message: str, place: tuple[int, int], **files: str) -> None:
        error = self.load_error({"index.js": code, **files})
        self.assertIn(message, error.detail)
        self.assertEqual((error.file, error.line, error.column), ("index.js", *place))
        caret = error.code_frame.splitlines()[1]
        self.assertEqual(caret.index("^") - 4 + 1, place[1])

    def test_syntax_errors(self) -> None:
        """The parser's errors, with a caret under the place."""
        self.check("let a\nlet x = ;\n", "SyntaxError: Unexpected token", (2, 9))
        self.check("\n  await: 1", "SyntaxError", (2, 8))
        self.check("let 𝒳 = '😀' +;", "SyntaxError", (1, 14))
        self.check("export { nope }", "Export 'nope' is not defined", (1, 10))
        self.check("let a; let a", "Identifier 'a' has already been declared", (1, 12))
        self.check("with (a) {}", "SyntaxError", (1, 1))

    def test_typescript_errors(self) -> None:
        """Errors in TypeScript point into the TypeScript."""
        error = self.load_error({"index.ts": "type A = {\n}\nlet x: number = ;"})
        self.assertEqual((error.file, error.line, error.column), ("index.ts", 3, 17))
        code = "declare namespace A { const x: 1 }\nnamespace B { export const x = 1 }"
        error = self.load_error({"index.ts": code})
        self.assertEqual((error.line, error.column), (2, 1))
        self.assertIn("namespace", error.detail)

    def test_specifiers(self) -> None:
        """Imports of what is not there or not the app's."""
        self.check("import 'hono'", "bundle it (for example with esbuild)", (1, 8))
        self.check("\nexport * from\n '@a/b/c'", "package '@a/b/c' is not there", (3, 2))
        self.check("import x from 'a.js'", "did you mean './a.js'?", (1, 15), **{"a.js": ""})
        self.check("import './none.js'", "There is no file for './none.js'", (1, 8))
        self.check("import './a.js\\0'", "There is no file", (1, 8), **{"a.js": ""})
        self.check("import '../out.js'", "'../out.js' leaves the app's folder", (1, 8))
        self.check("import '/etc/passwd'", "leaves the app's folder", (1, 8))
        self.check("import 'https://esm.sh/x'", "only the app's own files can", (1, 8))
        self.check("import 'node:fs'", "built-in module 'node:fs' is not there", (1, 8))
        self.check("import 'fs/promises'", "built-in module 'node:fs/promises'", (1, 8))
        self.check(
            "import a from './a.json' with { type: 'text' }",
            "cannot be imported with type 'text'",
            (1, 15),
            **{"a.json": "1"},
        )

    def test_sibling_folder_with_the_same_beginning(self) -> None:
        """`app` does not contain `app-secret`."""
        root = self.folder({"app/index.js": "import '../app-secret/a.js'", "app-secret/a.js": ""})
        error = self.failureResultOf(self.loader().load(root.child("app")), AppLoadError).value
        self.assertIn("leaves the app's folder", str(error))

    def test_symbolic_links(self) -> None:
        """A link may lead around in the folder, where it is the same module, but not out of it."""
        root = self.folder({"app/index.js": "import './link.js'; import './a.js'", "app/a.js": "print('a')"})
        app = root.child("app")
        os.symlink("a.js", app.child("link.js").path)
        bundle = self.successResultOf(self.loader().load(app))
        self.assertEqual([m.name for m in bundle.modules], ["a.js", "index.js"])
        root.child("secret.js").setContent(b"")
        os.remove(app.child("link.js").path)
        os.symlink("../secret.js", app.child("link.js").path)
        error = self.failureResultOf(self.loader().load(app), AppLoadError).value
        self.assertIn("'./link.js' leaves the app's folder through a symbolic link", str(error))
        app.child("index.js").remove()
        os.symlink("../secret.js", app.child("index.js").path)
        self.failureResultOf(self.loader().load(app), AppLoadError)

    def test_content(self) -> None:
        """Text must be UTF-8, JSON must be JSON."""
        files: dict[str, str | bytes] = {"index.js": "import './a.txt'", "a.txt": b"1\n\xff"}
        error = self.load_error(files)
        self.assertEqual((error.file, error.line, error.detail), ("a.txt", 2, "The file is not UTF-8"))
        for text, column in (('{"a":}', 6), ("[1,]", 4), ("", 1)):
            error = self.load_error({"index.js": "import './a.json'", "a.json": text})
            self.assertEqual((error.file, error.line, error.column), ("a.json", 1, column))
        error = self.load_error({"index.js": "import './a.json'", "a.json": "[NaN]"})
        self.assertIn("NaN is no JSON value", error.detail)
        error = self.load_error({"index.js": "import './a.css'", "a.css": ""})
        self.assertIn("'.css' cannot be imported", error.detail)

    def test_all_errors_at_once(self) -> None:
        """Every mistake of the graph is reported; the first one stands for all."""
        error = self.load_error({"index.js": "import 'x'\nimport './a.js'\nimport './none.js'", "a.js": "let ="})
        assert isinstance(error, GraphError)
        places = [(e.file, e.line) for e in error.errors]
        self.assertEqual(places, [("index.js", 1), ("index.js", 3), ("a.js", 1)])
        self.assertEqual((error.file, error.line), ("index.js", 1))
        self.assertEqual(str(pickle.loads(pickle.dumps(error))), str(error))
        self.assertIn("a.js:1:1", str(error))

    def test_deep_nesting(self) -> None:
        """What the parser's stack cannot hold is an error, not a crash."""
        error = self.load_error({"index.js": "(" * 50_000 + ")" * 50_000})
        self.assertIn("Not enough stack space", error.detail)

    def test_compiler_gives_up(self) -> None:
        """What the compiler refuses by an AppLoadError is an error of that file."""
        error = self.load_error({"index.js": ""}, compile=lambda source, name: fail(AppLoadError("takes too long")))
        self.assertEqual((error.file, error.detail), ("index.js", "takes too long"))

    def test_compiler_fails(self) -> None:
        """A failure of the compiler itself is passed on."""
        deferred = self.loader(compile=lambda source, name: fail(OSError("gone"))).load(self.folder({"index.js": ""}))
        self.failureResultOf(deferred, OSError)


class EntryTests(ModulesTestCase):
    """Which file an app begins with."""

    def test_order(self) -> None:
        """index.js, index.mjs, index.ts, _worker.js."""
        names = ["index.js", "index.mjs", "index.ts", "_worker.js"]
        while names:
            self.assertEqual(self.load(dict.fromkeys(names, "")).entry, names.pop(0))

    def test_file(self) -> None:
        """A file is its own entry; its folder is the app's."""
        root = self.folder({"src/main.ts": "import './a'", "src/a.js": "", "a.js": ""})
        bundle = self.successResultOf(self.loader().load(root.descendant(["src", "main.ts"])))
        self.assertEqual([m.name for m in bundle.modules], ["a.js", "main.ts"])
        self.assertEqual(bundle.root, root.child("src").realpath())

    def test_missing(self) -> None:
        """No folder, no entry, or a file that is no module."""
        root = self.folder({"a.txt": ""})
        for path, message in (
            (root, "The folder has none of index.js"),
            (root.child("none"), "There is no such file or folder"),
            (root.child("a.txt"), "The entry must be a module"),
        ):
            error = self.failureResultOf(self.loader().load(path), AppLoadError).value
            assert isinstance(error, AppLoadError)
            self.assertIn(message, error.detail)
            self.assertEqual(error.file, path.path)

    def test_resolution(self) -> None:
        """Exact names first, then suffixes, then TypeScript for JavaScript, then folders."""
        files = {
            "a.js": "",
            "a.ts": "",
            "b.ts": "",
            "c/index.ts": "",
            "d": "",
            "d.js": "",
            "e.json": "1",
        }
        code = "import './a'; import './b.js'; import './c'; import './d.js'; import './e'; import '.'"
        names = [m.name for m in self.load({"index.js": code, **files}).modules]
        self.assertEqual(names, ["a.js", "b.ts", "c/index.ts", "d.js", "e.json", "index.js"])

    def test_byte_order_mark(self) -> None:
        """A byte order mark is not part of the source."""
        files: dict[str, str | bytes] = {"index.js": b"\xef\xbb\xbf#!x\nprint(1)"}
        self.assertEqual(self.run_app(files), ["1"])


class VersionTests(ModulesTestCase):
    """The version of a bundle is that of its content."""

    def test_same_content_same_version(self) -> None:
        """Where the folder is does not matter; any file, the entry and the compiler do."""
        files = {"index.js": "import './a.js'; import './b.json'", "a.js": "1", "b.json": "1"}
        version = self.load(files).version
        self.assertEqual(self.load(files).version, version)
        others = [
            self.load({**files, "b.json": "2"}).version,
            self.load({**files, "a.js": "2"}).version,
            self.load(files, compiler_version="2").version,
        ]
        self.assertEqual(len({version, *others}), 4)


class CacheTests(ModulesTestCase):
    """Compiled modules are kept on disk."""

    def setUp(self) -> None:
        super().setUp()
        self.store = FilePath(self.mktemp())
        self.files = {"index.js": "import './a.js'; print('index')", "a.js": "print('a')"}

    def load_cached(self, **options: Any) -> AppBundle:
        self.compiler.calls.clear()
        return self.load(self.files, cache=CompileCache(self.store), **options)

    def test_second_load_compiles_nothing(self) -> None:
        """What was compiled once is not compiled again, and means the same."""
        first = self.load_cached()
        self.assertEqual(self.compiler.calls, ["index.js", "a.js"])
        second = self.load_cached()
        self.assertEqual(self.compiler.calls, [])
        self.assertEqual(first.modules, second.modules)
        self.assertEqual(self.run_app(self.files, cache=CompileCache(self.store)), ["a", "index"])

    def test_only_changes_are_compiled(self) -> None:
        """A changed file is compiled, another compiler's work is not used."""
        self.load_cached()
        self.files["a.js"] = "print('b')"
        self.load_cached()
        self.assertEqual(self.compiler.calls, ["a.js"])
        self.load_cached(compiler_version="2")
        self.assertEqual(self.compiler.calls, ["index.js", "a.js"])

    def test_corrupt_entries(self) -> None:
        """Entries cut short or changed are compiled anew and replaced."""
        for damage in (lambda b: b[:-5], lambda b: b.replace(b"print", b"prInt"), lambda b: b""):
            self.load_cached()
            for entry in self.store.children():
                entry.setContent(damage(entry.getContent()))
            self.load_cached()
            self.assertEqual(self.compiler.calls, ["index.js", "a.js"])
            self.load_cached()
            self.assertEqual(self.compiler.calls, [])

    def test_unwritable(self) -> None:
        """Without a folder to write to, apps load all the same."""
        self.store.setContent(b"a file in the way")
        self.assertEqual(self.load_cached().entry, "index.js")

    def test_bounded(self) -> None:
        """Entries unused for longest go first."""
        cache = CompileCache(self.store, max_bytes=1000)
        for number in range(10):
            cache.put({f"k{number}": {"code": "x" * 200}})
            os.utime(self.store.child(f"k{number}").path, (number, number))
        self.assertIsNone(cache.get("k0"))
        self.assertIsNotNone(cache.get("k9"))
        self.assertLessEqual(sum(c.getsize() for c in self.store.children()), 1300)

    def test_errors_are_not_kept(self) -> None:
        """A syntax error leaves nothing behind."""
        self.files = {"index.js": "let ="}
        self.failureResultOf(self.loader(cache=CompileCache(self.store)).load(self.folder(self.files)), AppLoadError)
        self.assertFalse(self.store.exists())


class AppModuleTests(SynchronousTestCase):
    """What the linker is told."""

    def test_source(self) -> None:
        """Functions are left out, bytes are base64."""
        module = AppModule("a.js", "module", code="(x)", record={"async": False})
        self.assertEqual(module.source(), {"name": "a.js", "kind": "module", "value": None, "async": False})
        binary = AppModule("a.bin", "bytes", data=b"\xff")
        self.assertEqual(binary.source(), {"name": "a.bin", "kind": "bytes", "value": "/w=="})
