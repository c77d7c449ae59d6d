# -*- test-case-name: tests.system.test_platform -*-
"""
What apps, and the libraries in them, rely on.

Checks are written in JavaScript, in the folder `checks`, and run in the handler of an app, whose answer is what became
of each.
"""

from __future__ import annotations

from pathlib import Path

from tests.system.case import SystemTestCase

CHECKS = Path(__file__).parent / "checks"

#: Runs all checks, and gives them a function to compare values with.
RUN = """
import { checks } from "./checks.js";

globalThis.same = (found, expected) => {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, found ${a}`);
};

export default { async fetch(request, env, ctx) {
  const results = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(request.clone(), env, ctx);
      results[name] = "ok";
    } catch (error) {
      results[name] = `${error?.stack ?? error}`;
    }
  }
  return Response.json(results);
} };"""


class CheckTests(SystemTestCase):
    """Checks that are written in JavaScript."""

    def assert_checks(self, name: str) -> None:
        """Every check of a file passes, in a handler of an app."""
        daemon = self.serve({"a": {"index.js": RUN, "checks.js": (CHECKS / f"{name}.js").read_text("utf-8")}})
        answer = self.fetch(daemon, "a", "/path?q=1", "POST", headers=[("x-sent", "yes")], body=b"the body")
        self.assertEqual(answer.status, 200, f"{answer}\n{daemon.log[-5000:]}")
        failed = {name: result for name, result in answer.json.items() if result != "ok"}
        self.assertEqual(failed, {})
        self.assertTrue(answer.json)

    def test_what_libraries_do(self) -> None:
        """Requests and responses are copied, extended, wrapped and derived from."""
        self.assert_checks("libraries")

    def test_what_is_absent(self) -> None:
        """There is no browser, no Node, no file system, and nothing of the runtime's own."""
        self.assert_checks("absent")

    def test_time_and_language(self) -> None:
        """The time zone is UTC, whatever the machine's is, and Intl knows every language."""
        self.assert_checks("language")

    def test_stack_traces(self) -> None:
        """Stacks name the app's own files and lines, in every kind of function."""
        files = {
            "index.js": (
                'import { deep } from "./lib/deep.js";\n\n'
                "export default {\n  fetch() {\n    return new Response(deep());\n  },\n};\n"
            ),
            "lib/deep.js": 'export function deep() {\n  // a comment\n  return new Error("here").stack;\n}\n',
        }
        typescript = {
            "index.ts": "interface Env {\n  A: string;\n}\n\nexport default {\n  fetch(): Response {\n"
            '    const stack: string = new Error("typed").stack!;\n    return new Response(stack);\n  },\n};\n'
        }
        daemon = self.serve({"js": files, "ts": typescript})
        stack = self.get(daemon, "js").splitlines()
        self.assertEqual(stack[0], "Error: here")
        self.assertIn("deep (lib/deep.js:3:10)", stack[1])
        self.assertIn("fetch (index.js:5:", stack[2])
        self.assertIn("fetch (index.ts:7:", self.get(daemon, "ts"))


class ShapeTests(SystemTestCase):
    """The ways in which an app may export its handlers."""

    def test_default_exports(self) -> None:
        """An object, an instance, a class, a spread, a function bound elsewhere; with `this` as it should be."""
        shapes: dict[str, str | dict[str, str | bytes]] = {
            "object": "export default { word: 'object', fetch() { return new Response(this.word); } };",
            "arrow": "const fetch = () => new Response('arrow'); export default { fetch };",
            "instance": """
                class App { #word = "instance"; fetch() { return new Response(this.#word); } }
                export default new App();""",
            "spread": {
                "index.js": "import app from './app.js'; export default { ...app, extra: true };",
                "app.js": "export default { fetch: () => new Response('spread') };",
            },
            "entrypoint": """
                import { WorkerEntrypoint } from "cloudflare:workers";
                export default class extends WorkerEntrypoint {
                  async fetch(request) {
                    this.ctx.waitUntil(Promise.resolve());
                    return new Response(`${this.env.WORD} ${request.method}`);
                  }
                }""",
            "imported-env": """
                import { env, waitUntil } from "cloudflare:workers";
                const atLoad = env.WORD;
                export default { fetch() {
                  waitUntil(Promise.resolve());
                  return new Response(`${atLoad} ${env.WORD}`);
                } };""",
            "reexport": {
                "index.js": "export { default } from './app.js';",
                "app.js": "export default { fetch: () => new Response('reexport') };",
            },
            "listener": "self.addEventListener('fetch', (event) => event.respondWith(new Response('listener')));",
        }
        daemon = self.serve(shapes, defaults={"env": {"WORD": "word"}})
        expected = {name: name for name in shapes} | {"entrypoint": "word GET", "imported-env": "word word"}
        self.assertEqual({name: self.get(daemon, name) for name in shapes}, expected)

    def test_modules(self) -> None:
        """Relative imports, cycles, dynamic import, and files that are no scripts."""
        files: dict[str, str | bytes] = {
            "index.js": """
                import { a } from "./a.js";
                import data from "./data.json";
                import page from "./page.html";
                import note from "./note.txt";
                import bytes from "./raw.bin";
                import add from "./add.wasm";
                const value = await Promise.resolve("awaited");
                export default { async fetch() {
                  const { late } = await import("./late.js");
                  const { exports } = await WebAssembly.instantiate(add);
                  const raw = [...new Uint8Array(bytes)];
                  return Response.json([a(), data.list, page, note, raw, exports.add(2, 3), value, late]);
                } };""",
            "a.js": "import { b } from './b.js'; export function a() { return `a${b()}`; } export const name = 'A';",
            "b.js": "import { name } from './a.js'; export const b = () => `b${name}`;",
            "late.js": "export const late = import.meta.url.slice(-8);",
            "data.json": '{"list": [1, 2]}',
            "page.html": "<p>ä</p>",
            "note.txt": "a note",
            "raw.bin": bytes([0, 255, 128]),
            "add.wasm": bytes.fromhex(
                "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b"
            ),
        }
        daemon = self.serve({"a": files})
        self.assertEqual(
            self.fetch(daemon, "a").json,
            ["abA", [1, 2], "<p>ä</p>", "a note", [0, 255, 128], 5, "awaited", "/late.js"],
        )

    def test_entry_files(self) -> None:
        """The first of index.js, index.mjs, index.ts and _worker.js is the entry; a path may be a file as well."""
        answer = "export default {{ fetch: () => new Response('{}') }};"
        names = ["index.js", "index.mjs", "index.ts", "_worker.js"]
        apps = {f"from{i}": {name: answer.format(name) for name in names[i:]} for i in range(len(names))}
        daemon = self.serve(
            {**apps, "file": {"src/some.js": answer.format("some.js")}}, {"file": {"path": "file/src/some.js"}}
        )
        self.assertEqual([self.get(daemon, f"from{i}") for i in range(len(names))], names)
        self.assertEqual(self.get(daemon, "file"), "some.js")

    def test_user_agent(self) -> None:
        """`navigator.userAgent` is what the configuration says."""
        daemon = self.serve(
            {"a": "export default { fetch: () => new Response(navigator.userAgent) };"}, {"a": {"user_agent": "nano/1"}}
        )
        self.assertEqual(self.get(daemon, "a"), "nano/1")
