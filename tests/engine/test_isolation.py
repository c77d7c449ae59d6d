"""
What an app can reach, and what it cannot: the engine's machinery, its neighbours, the host.

`globals.txt` beside this module is the list of all that an app finds in its global scope.
"""

# ruff: noqa: E501 -- the lines of scripts are their own

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nano.engine.host import IsolateHost
from tests.engine.v8_case import V8TestCase
from tests.fakes import FakeBody

GLOBALS = Path(__file__).with_name("globals.txt")

#: Everything that can be reached from the global object, the handler's arguments and what the runtime's objects
#: give out, by properties and prototypes; finds bytes in shared memory and functions that should not be there.
WALK = """
const report = (value) => new Response(JSON.stringify(value));
const { getOwnPropertyDescriptors, getPrototypeOf } = Object;
function walk(roots) {
  const seen = new Map();
  const queue = [];
  const push = (value, path) => {
    if ((typeof value === "object" && value !== null || typeof value === "function") && !seen.has(value)) {
      seen.set(value, path);
      queue.push(value);
    }
  };
  for (const [name, root] of Object.entries(roots)) push(root, name);
  while (queue.length > 0) {
    const object = queue.shift();
    const path = seen.get(object);
    push(getPrototypeOf(object), path + ".__proto__");
    const descriptors = getOwnPropertyDescriptors(object);
    for (const key of Reflect.ownKeys(descriptors)) {
      const descriptor = descriptors[key];
      const name = `${path}.${String(key)}`;
      push(descriptor.value, name);
      push(descriptor.get, name + ":get");
      push(descriptor.set, name + ":set");
      if (descriptor.get) try { push(object[key], name) } catch {}
    }
  }
  return seen;
}
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === "/globals") {
    const names = [];
    for (let scope = globalThis; scope !== Object.prototype; scope = getPrototypeOf(scope))
      names.push(...Reflect.ownKeys(scope).map(String));
    return report(names);
  }
  if (pathname === "/walk") {
    const stream = new ReadableStream({ type: "bytes", pull(c) { c.enqueue(new Uint8Array(1)) } });
    const reader = stream.getReader({ mode: "byob" });
    const read = await reader.read(new Uint8Array(4));
    const body = request.body.getReader();
    const first = await body.read();
    const error = await fetch_error();
    const seen = walk({ globalThis, request, env, ctx, response: new Response("x"), headers: request.headers,
      stream, reader, read, body, first, error, signal: request.signal, url: new URL("http://a/?b#c"),
      timer: setTimeout(() => {}), form: await new Response(new URLSearchParams("a=b")).formData(),
      blob: new Blob(["x"]), encoder: new TextEncoder(), bytes: new TextEncoder().encode("x"),
      buffer: await new Response("x").arrayBuffer(), channel: new MessageChannel(), meta: import.meta });
    const found = [];
    for (const [value, path] of seen) {
      const tag = Object.prototype.toString.call(value);
      const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
      const name = typeof value === "function" ? value.name : "";
      // The memory that is shared with the host; nothing of the app's here is as large.
      if (/ArrayBuffer\\]$/.test(Object.prototype.toString.call(buffer)) && sizeOf(buffer) >= 65536) found.push(path);
      if (/^(drain|takeText|notify|ring|send|host[A-Z].*|handleRecord|connect)$/.test(name)) found.push(path);
      if (path.includes("nano:") || name.includes("nano:")) found.push(path);
    }
    return report({ size: seen.size, found });
  }
  if (pathname === "/names") return report({
    define: typeof globalThis["nano:define"], shared: typeof SharedArrayBuffer,
    wait: [typeof Atomics.wait, typeof Atomics.waitAsync, typeof Atomics.notify],
    process: [typeof process, typeof require, typeof Deno, typeof Bun, typeof window, typeof document, typeof location],
    arrived: typeof $m,
    evals: [() => eval("1"), () => (0, eval)("1"), () => Function("1"), () => new Function("1"),
      () => (async () => {}).constructor("1"), () => (function* () {}).constructor("1"),
      () => (async function* () {}).constructor("1"), () => Reflect.construct(Function, ["1"], Array),
      () => Reflect.construct((class extends (() => {}).constructor {}), ["1"])].map((run) => {
      try { return "works: " + run() } catch (error) { return error.name }
    }),
  });
  return new Response("ok");
} };
function sizeOf(buffer) { try { return buffer.byteLength } catch { return 0 } } // a prototype is no buffer
async function fetch_error() { try { new URL("x") } catch (error) { return error } }
"""

POISON = """
let stolen = "";
const { getOwnPropertyDescriptor } = Object, { apply } = Reflect, { Uint8Array: Bytes } = globalThis;
const note = (value) => {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Bytes && value.byteLength > 60000) stolen += " memory";
  for (const key in { resolve: 1, kept: 1, credit: 1, lazyHead: 1, buffers: 1, bytes: 1 })
    if (getOwnPropertyDescriptor(value, key)) stolen += " " + key;
};
const wrap = (object, name) => {
  const original = object[name];
  object[name] = function (...args) {
    note(this);
    for (let i = 0; i < args.length; i++) note(args[i]);
    %s
  };
};
"""

TARGETS = [
    "Array.prototype push", "Array.prototype shift", "Array.prototype map", "Array.prototype forEach",
    "Array.prototype join", "Array.prototype slice", "Array.prototype indexOf",
    "Promise.prototype then", "Promise.prototype catch", "Promise resolve", "Promise reject",
    "JSON stringify", "JSON parse", "Function.prototype call", "Function.prototype apply", "Function.prototype bind",
    "Map.prototype get", "Map.prototype set", "Map.prototype has", "Map.prototype delete", "Set.prototype add",
    "WeakMap.prototype get", "String.prototype slice", "String.prototype indexOf", "String.prototype charCodeAt",
    "String.prototype toLowerCase", "String.prototype split", "String.prototype replace", "String.prototype trim",
    "RegExp.prototype exec", "RegExp.prototype test", "Object defineProperty", "Object keys", "Object assign",
    "Object getPrototypeOf", "Object entries", "Reflect apply", "Reflect ownKeys", "Date now", "Math min", "Math max",
    "Number isInteger", "Uint8Array.prototype.__proto__ set", "Uint8Array.prototype.__proto__ subarray",
    "Uint8Array.prototype.__proto__ slice", "Uint8Array.prototype.__proto__ fill", "ArrayBuffer.prototype slice",
    "DataView.prototype getUint8", "Array from", "Array isArray", "String fromCharCode",
]  # fmt: skip

#: The language itself calls the first two for the app's own `await` and `async`; records.js says why the third.
NEEDED = ("Promise.prototype then", "Promise resolve", "String.prototype charCodeAt")

HANDLER = """
export default { async fetch(request, env, ctx) {
  const url = request.url;
  if (url.endsWith("/stolen")) return new Response(stolen);
  const method = request.method, header = request.headers.get("x-a");
  const text = await request.text();
  ctx.waitUntil(new Promise((resolve) => { setTimeout(resolve, 1) }));
  return new Response(method + " " + header + " " + text, { status: 201, headers: { "X-B": "b" } });
} }
"""


class ReachTests(V8TestCase):
    """
    What an app finds.
    """

    async def ask(self, host: IsolateHost, path: str, **request: Any) -> Any:
        sink = await self.fetch(host, url=f"http://a/{path}", **request)
        self.assertEqual(sink.status, 200, sink.error)
        return json.loads(sink.body)

    async def test_globals(self) -> None:
        """The set of globals is the list in globals.txt: a new one belongs there, knowingly."""
        host = await self.start(WALK, env={"SECRET": "x"})
        found = set(await self.ask(host, "globals"))
        allowed = set(GLOBALS.read_text().split("\n")) - {""}
        self.assertEqual((sorted(found - allowed), sorted(allowed - found)), ([], []))

    async def test_reach(self) -> None:
        """No shared memory and no function of the crossing can be reached from anything an app holds."""
        host = await self.start(WALK, env={"A": {"B": 1}})
        answer = await self.ask(host, "walk", method="POST", body=FakeBody([b"abc"]))
        self.assertGreater(answer["size"], 1000)
        self.assertEqual(answer["found"], [])

    async def test_names(self) -> None:
        """Neither the loader's door nor shared memory, blocking waits, or code from strings."""
        host = await self.start(WALK)
        answer = await self.ask(host, "names")
        self.assertEqual(answer["define"], "undefined")
        self.assertEqual(answer["shared"], "undefined")
        self.assertEqual(answer["wait"], ["undefined"] * 3)
        self.assertEqual(set(answer["process"]), {"undefined"})
        self.assertEqual(answer["arrived"], "undefined")
        self.assertEqual(answer["evals"], ["EvalError"] * 9)

    async def test_nothing_of_the_door_in_the_global_scope(self) -> None:
        """Also while the app is being loaded the door is closed already."""
        host = await self.start(
            """const seen = [typeof globalThis["nano:define"], Reflect.ownKeys(globalThis).filter((k) => /nano/.test(String(k)))];
            export default { fetch: () => new Response(JSON.stringify(seen)) }"""
        )
        self.assertEqual(await self.ask(host, ""), ["undefined", []])

    async def test_stacks_are_bare(self) -> None:
        """prepareStackTrace and friends hand out neither functions nor receivers of the runtime."""
        host = await self.start(
            """const found = [];
            Error.prepareStackTrace = (error, sites) => {
              for (const site of sites ?? []) {
                for (const get of ["getFunction", "getThis"]) {
                  const value = site[get]?.();
                  if (value !== undefined && value !== globalThis) found.push(get + " " + String(value?.name ?? value));
                }
              }
              return "";
            };
            export default { async fetch(request) {
              const text = { toString() { new Error().stack; return "x" } }, probe = { get a() { new Error().stack; return 1 } };
              new Headers([["a", text]]); new URL(text, "http://a"); structuredClone(probe);
              await new Response(new ReadableStream({ pull(c) { new Error().stack; c.close() } })).text();
              new Error().stack;
              return new Response(JSON.stringify(found));
            } }"""
        )
        self.assertEqual(await self.ask(host, ""), [])


class PoisonTests(V8TestCase):
    """
    An app that overwrites built-ins.
    """

    async def check(self, poison: str, what: str) -> None:
        host = await self.start(poison + HANDLER)
        for _ in range(2):
            sink = await self.fetch(host, method="POST", headers=[(b"x-a", b"1")], body=FakeBody([b"he", b"llo"]))
            self.assertEqual((sink.status, sink.body), (201, b"POST 1 hello"), (what, sink.error))
            self.assertEqual(sink.header(b"x-b"), b"b", what)
        await self.until(lambda: not host.events)
        sink = await self.fetch(host, url="http://a/stolen")
        self.assertEqual((sink.status, sink.body), (200, b""), (what, sink.error))

    async def test_spies(self) -> None:
        """Wrapped built-ins see nothing of the runtime's own records and memory."""
        poison = POISON % "return apply(original, this, args);"
        for target in TARGETS:
            object_, name = target.split()
            poison += f'wrap({object_}, "{name}");\n'
        await self.check(poison, "all of them, wrapped")

    async def test_saboteurs(self) -> None:
        """Built-ins that throw do not break basic requests, one at a time."""
        for target in TARGETS:
            object_, name = target.split()
            if target in NEEDED:
                continue
            poison = POISON % 'throw new Error("sabotaged");'
            await self.check(poison + f'wrap({object_}, "{name}");\n', target)

    async def test_setters_on_prototypes(self) -> None:
        """Setters and getters on Object.prototype and Array.prototype see none of the runtime's own objects."""
        # Not among them: indices, as `push` assigns, and the members of a ResponseInit, which are the app's own values.
        names = ["value", "get", "set", "resolve", "reject", "promise", "body", "url", "method", "done", "type", "id",
                 "credit", "whenCredit", "kind", "buffers", "name", "highWaterMark", "size", "signal", "cause", "start",
                 "enumerable", "writable", "configurable", "pull", "cancel", "mode", "stream", "bytes", "reason", "next",
                 "state", "error", "queue", "record", "lazyHead", "steps", "due", "aborted", "answered", "kept",
                 "callback", "listener", "fetch", "handlers", "stack"]  # fmt: skip
        poison = """
        let stolen = "";
        for (const prototype of [Object.prototype, Array.prototype]) for (const name of %s) {
          Object.defineProperty(prototype, name, { __proto__: null, configurable: true,
            get() { return undefined },
            set(value) {
              stolen += " " + name;
              Object.defineProperty(this, name, { __proto__: null, value, writable: true, configurable: true, enumerable: true });
            } });
        }
        """.replace("%s", json.dumps(names))
        await self.check(poison, "setters")

    async def test_then_on_object_prototype(self) -> None:
        """A `then` on Object.prototype gets no internal record of a promise's value."""
        await self.check(
            """
            let stolen = "";
            Object.defineProperty(Object.prototype, "then", { __proto__: null, configurable: true, get() {
              const keys = Reflect.ownKeys(this).map(String);
              if (keys.some((key) => ["bytes", "buffers", "resolve", "kind", "enqueue"].includes(key))) stolen += keys;
              if (this instanceof Uint8Array) stolen += "bytes";
              return undefined;
            } });
            """,
            "then",
        )

    async def test_iterators(self) -> None:
        """Broken iterators of arrays, maps and strings do not reach the runtime's own loops."""
        await self.check(
            """
            const stolen = "";
            for (const prototype of [Array.prototype, Map.prototype, Set.prototype, String.prototype, Uint8Array.prototype.__proto__])
              Object.defineProperty(prototype, Symbol.iterator, { __proto__: null, value() { throw new Error("sabotaged") } });
            Object.getPrototypeOf([].keys()).next = () => { throw new Error("sabotaged") };
            """,
            "iterators",
        )

    async def test_globals_replaced(self) -> None:
        """An app may replace or delete every global without harm to what it still holds."""
        await self.check(
            """
            const stolen = "";
            const { Response, Promise, setTimeout, Reflect, globalThis: g } = globalThis;
            for (const name of Reflect.ownKeys(g)) {
              if (["globalThis", "undefined", "NaN", "Infinity"].includes(name)) continue;
              try { delete g[name] } catch {}
            }
            """,
            "globals",
        )

    async def test_neighbours(self) -> None:
        """What one app does to its built-ins does not show in another."""
        poisoner = await self.start(
            """Object.prototype.poisoned = 1; Array.prototype.push = () => 99; globalThis.leak = 1;
            JSON.stringify = () => "no"; Promise.prototype.then = () => {};
            export default { fetch: () => new Response("x") }"""
        )
        neighbour = await self.start(
            """export default { fetch: () => new Response(JSON.stringify([{}.poisoned ?? null, [].push(1), typeof leak])) }"""
        )
        self.assertEqual((await self.fetch(poisoner)).body, b"x")
        self.assertEqual((await self.fetch(neighbour)).body, b'[null,1,"undefined"]')


class SeparationTests(V8TestCase):
    """
    Apps share nothing.
    """

    async def test_state(self) -> None:
        """Module state, globals, timers and env are each app's own, of the same code too."""
        source = """let count = 0;
        export default { fetch(request, env) {
          globalThis.seen = (globalThis.seen ?? 0) + 1;
          const timer = setTimeout(() => {}, 1);
          return new Response(JSON.stringify([++count, globalThis.seen, env, Number(timer)]));
        } }"""
        first = await self.start(source, env={"WHO": "first", "KEY": "s3cret"})
        second = await self.start(source, env={"WHO": "second"})
        for _ in range(3):
            sink = await self.fetch(first)
        self.assertEqual(json.loads(sink.body)[:3], [3, 3, {"WHO": "first", "KEY": "s3cret"}])
        self.assertEqual(json.loads((await self.fetch(second)).body), [1, 1, {"WHO": "second"}, 1])
