# -*- test-case-name: tests.hostile -*-
"""
Hostile programs.  Each becomes a real app: its attack runs for requests to /attack, everything else is answered "calm".

What an attack may come to stands beside it, as the words of the `nano-error` header; "ok" is an answer of the app's
own, "cut" a connection that is broken off after the head.
"""

# ruff: noqa: E501 -- the lines of scripts are their own

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ABORTING", "AT_LOAD", "LIMITS", "PROGRAMS", "Program", "app_source", "limits"]


class Program(NamedTuple):
    """An attack, and what it may come to."""

    attack: str
    outcomes: tuple[str, ...]
    scope: str = ""


_CPU = ("exceeded-cpu",)
_MEMORY = ("exceeded-memory",)
_CAUGHT = ("exception",)
_WASM = "const wasm = (...code) => new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(code))).exports;"
_WASM_LOOP = "0,97,115,109,1,0,0,0, 1,4,1,96,0,0, 3,2,1,0, 7,5,1,1,102,0,0, 10,9,1,7,0,3,64,12,0,11,11"
# (memory 1 1 shared) and i32.const 0, i32.const 0, i64.const -1, memory.atomic.wait32, drop
_WASM_WAIT = (
    "0,97,115,109,1,0,0,0, 1,4,1,96,0,0, 3,2,1,0, 5,4,1,3,1,1, 7,5,1,1,102,0,0, "
    "10,15,1,13,0,65,0,65,0,66,127,254,1,2,0,26,11"
)

#: What one process survives.
PROGRAMS = {
    # The processor.
    "loop": Program("for (;;);", _CPU),
    "loop_after_await": Program("await null; for (;;);", _CPU),
    "loop_in_timer": Program("setTimeout(() => { for (;;); }); await new Promise(() => {});", _CPU),
    "microtasks_await": Program("(async () => { for (;;) await 1 })(); await new Promise(() => {});", _CPU),
    "microtasks_then": Program("const spin = () => Promise.resolve().then(spin); await spin();", (*_CPU, *_MEMORY)),
    "microtasks_queue": Program("const spin = () => queueMicrotask(spin); spin(); await new Promise(() => {});", _CPU),
    "microtasks_generator": Program("async function* all() { for (;;) yield 1 } for await (const x of all());", _CPU),
    "loop_behind_the_answer": Program(
        "ctx.waitUntil((async () => { await new Promise((r) => setTimeout(r)); for (;;); })()); return new Response('x');",
        ("ok", "exceeded-cpu"),
    ),
    "timers_without_end": Program(
        "const again = () => { for (let i = 0; i < 1e5; i++); setTimeout(again) }; again(); await new Promise(() => {});",
        ("exceeded-cpu", "timeout"),
    ),
    "loop_that_resists": Program("for (;;) { try { for (;;); } catch {} finally { for (;;); } }", _CPU),
    "regular_expression": Program('/^(a+)+$/.test("a".repeat(50) + "b");', _CPU),
    "regular_expression_replace": Program('("a".repeat(60) + "b").replace(/(a*)*c/g, "");', (*_CPU, "ok")),
    "comparator": Program("[3, 2, 1].sort(() => { for (;;); });", _CPU),
    "to_json": Program("JSON.stringify({ toJSON() { for (;;); } });", _CPU),
    "big_numbers": Program("let n = 3n; for (;;) n = n * n % (2n ** 200000n - 1n);", (*_CPU, "exceeded-memory")),
    "proxy_for_a_response": Program(
        "return new Proxy({}, { get() { for (;;); }, getPrototypeOf() { for (;;); }, ownKeys() { for (;;); } });",
        (*_CPU, "exception"),
    ),
    "thenable": Program("return { then() { for (;;); } };", _CPU),
    "error_that_loops": Program("throw { get stack() { for (;;); }, get message() { for (;;); } };", _CPU + _CAUGHT),
    "stream_that_loops": Program(
        "return new Response(new ReadableStream({ pull() { for (;;); } }));", ("cut", "exceeded-cpu")
    ),
    "webassembly_loop": Program(f"wasm({_WASM_LOOP}).f();", _CPU, _WASM),
    "webassembly_wait": Program(f"wasm({_WASM_WAIT}).f();", ("timeout", "exception", "ok"), _WASM),
    "questions_without_end": Program("for (;;) crypto.getRandomValues(new Uint8Array(65536));", _CPU),
    "sorting": Program("for (;;) Array.from({ length: 1e6 }, Math.random).sort();", (*_CPU, *_MEMORY)),
    # Memory.
    "heap_of_arrays": Program("const all = []; for (;;) all.push(new Array(1000).fill(1.5));", _MEMORY),
    "heap_of_maps": Program(
        "const all = new Map(); for (let i = 0; ; i++) all.set(i, { i, s: String(i) });", (*_MEMORY, *_CPU)
    ),
    "heap_of_strings": Program(
        "const all = []; for (let i = 0; ; i++) all.push(String(i).repeat(1000).split('').join('-'));",
        (*_MEMORY, *_CPU),
    ),
    "heap_of_closures": Program("const all = []; for (;;) { const x = {}; all.push(() => x) }", (*_MEMORY, *_CPU)),
    "heap_of_promises": Program(
        "const all = []; for (;;) all.push(new Promise(() => {}).then(() => {}));", (*_MEMORY, *_CPU)
    ),
    "heap_behind_awaits": Program(
        "const all = []; for (;;) { all.push(new Array(10000).fill(1.5)); await null }", (*_MEMORY, *_CPU)
    ),
    "array_buffers": Program(
        "const all = []; for (;;) all.push(new Uint8Array(2 ** 20).fill(1));", (*_MEMORY, *_CPU, *_CAUGHT)
    ),
    "array_buffers_slowly": Program(
        "const all = []; for (;;) { all.push(new Uint8Array(2 ** 22).fill(1)); await new Promise((r) => setTimeout(r, 1)) }",
        (*_MEMORY, *_CPU, *_CAUGHT, "timeout"),
    ),
    "webassembly_memory": Program(
        "const all = []; for (;;) { const m = new WebAssembly.Memory({ initial: 64 }); "
        "new Uint8Array(m.buffer).fill(1); all.push(m) }",
        (*_MEMORY, *_CPU, *_CAUGHT),
    ),
    "blobs": Program(
        "const all = []; for (;;) all.push(new Blob([new Uint8Array(2 ** 20).fill(1)]));", (*_MEMORY, *_CPU, *_CAUGHT)
    ),
    "clones": Program("let x = [1, 2]; for (;;) x = structuredClone([x, x]);", (*_MEMORY, *_CPU, *_CAUGHT)),
    "timers": Program("for (;;) setTimeout(() => {}, 1e9);", (*_MEMORY, *_CPU)),
    "listeners": Program("const t = new EventTarget(); for (;;) t.addEventListener('x', () => {});", (*_MEMORY, *_CPU)),
    "logs_without_end": Program("for (;;) console.log('x'.repeat(10000));", (*_CPU, "exceeded-memory")),
    "logs_huge": Program("console.log('x'.repeat(2 ** 24)); return new Response('x');", ("ok", *_MEMORY)),
    "ops_without_end": Program(
        "for (;;) crypto.subtle.digest('SHA-256', new Uint8Array(1000)).catch(() => {});", (*_CPU, *_MEMORY)
    ),
    # Limits of the language.
    "recursion": Program("const f = () => f() + 1; f();", _CAUGHT),
    "recursion_in_runtime": Program(
        "const f = () => { try { f() } finally { new Headers({ a: 'b' }).get('a'); console.log(1) } }; f();",
        (*_CAUGHT, *_CPU),
    ),
    "deep_json": Program("JSON.parse('['.repeat(1e6) + ']'.repeat(1e6)); return new Response('x');", (*_CAUGHT, "ok")),
    "deep_object": Program(
        "let x = {}; for (let i = 0; i < 1e5; i++) x = { x }; console.log(x); return Response.json(x);",
        (*_CAUGHT, *_CPU, "ok"),
    ),
    "huge_string": Program("'x'.repeat(2 ** 30);", _CAUGHT),
    "huge_join": Program("new Array(2 ** 29).join('x');", (*_CAUGHT, *_MEMORY)),
    "huge_number": Program("2n ** (2n ** 31n);", _CAUGHT),
    # Promises and streams.
    "never": Program("await new Promise(() => {});", ("hung",)),
    "slow": Program("await new Promise((resolve) => setTimeout(resolve, 1e6));", ("timeout",)),
    "throws_anything": Program(
        "throw new Proxy(function () {}, { get() { throw 1 }, getPrototypeOf() { throw 2 }, ownKeys() { throw 3 }, "
        "has() { throw 4 }, getOwnPropertyDescriptor() { throw 5 } });",
        _CAUGHT,
    ),
    "throws_revoked": Program("const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;", _CAUGHT),
    "returns_anything": Program("return { status: 200, headers: new Headers(), body: null };", _CAUGHT),
    "stream_of_nonsense": Program(
        "return new Response(new ReadableStream({ start(c) { c.enqueue({}); c.enqueue(5); c.close() } }));",
        ("cut", "exception"),
    ),
    "stream_that_fails": Program(
        "let n = 0; return new Response(new ReadableStream({ pull(c) { if (n++) throw new Error('x'); "
        "c.enqueue(new Uint8Array(100000)) } }));",
        ("cut",),
    ),
    "shorter_than_announced": Program(
        "return new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array(5)); c.close() } }), "
        "{ headers: { 'content-length': '1000' } });",
        ("cut", "exception"),
    ),
    "longer_than_announced": Program(
        "return new Response('x'.repeat(1000), { headers: { 'content-length': '3' } });", ("cut", "exception")
    ),
    # The crossing.
    "header_injection": Program("return new Response('x', { headers: { 'x-a': 'b\\r\\nx-evil: 1' } });", _CAUGHT),
    "header_flood": Program(
        "const headers = new Headers(); for (let i = 0; i < 1e5; i++) headers.append('x-' + i, 'y'.repeat(100)); "
        "return new Response('x', { headers });",
        ("ok", "cut", *_CAUGHT, *_CPU, *_MEMORY),
    ),
    "framing": Program(
        "return new Response('x', { headers: { 'transfer-encoding': 'chunked', connection: 'close', upgrade: 'h2c' } });",
        ("ok",),
    ),
    "poison": Program(
        "Promise.prototype.then = Array.prototype.push = Map.prototype.get = JSON.stringify = () => { throw 1 }; "
        "Object.defineProperty(Object.prototype, 'id', { set() { throw 2 } }); return new Response('x');",
        ("ok", "exception"),
    ),
    "char_codes": Program(
        "String.prototype.charCodeAt = function () { console.log('again'); return 10 }; "
        "return new Response('x', { headers: { a: 'b' } });",
        ("ok", "exception", "engine-failure", "hung"),
    ),
    "fill": Program("new Array(2 ** 26).fill(0);", ("ok", *_CPU, *_MEMORY, *_CAUGHT)),
}

#: What aborts the process that holds V8, so that there must be other workers.
ABORTING = {
    "split": "'a'.repeat(5e8).split('')",
    "json_array": "JSON.parse('[' + '1,'.repeat(2e8) + '1]')",
    "match": "'a'.repeat(2e8).match(/a/g)",
    "fill_of_doubles": "new Array(3e8).fill(1.5)",
    "replace": "'x'.repeat(1e8).replace(/x/g, 'yy')",
}

#: Global scopes that never come to their end.
AT_LOAD = {
    "loop": "for (;;);",
    "microtasks": "await (async () => { for (;;) await 1 })();",
    "memory": "const all = []; for (;;) all.push(new Array(1000).fill(1.5));",
    "never": "await new Promise(() => {});",
    "slow": "await new Promise((resolve) => setTimeout(resolve, 1e6));",
    "throws": "throw new Proxy({}, { get() { throw 1 } });",
    "recursion": "const f = () => f(); f();",
    "syntax": "const const = 1;",
    "import": 'import "./nowhere.js";',
}


#: Small limits, as what happens beyond them is the same as beyond large ones.
LIMITS = {"timeout_ms": 400, "request_timeout_ms": 20_000, "memory_mb": 64, "startup_timeout_ms": 1000}


def limits(program: Program) -> dict[str, int]:
    """
    The limits for a program's app.

    Where the wall clock is to end it that is short; the others must have their CPU time first, also on a machine with
    much to do.
    """
    return {**LIMITS, "request_timeout_ms": 1500} if "timeout" in program.outcomes else LIMITS


def app_source(program: Program) -> str:
    """The app of a program."""
    return f"""{program.scope}
export default {{ async fetch(request, env, ctx) {{
  if (!new URL(request.url).pathname.endsWith("/attack")) return new Response("calm");
  {program.attack}
  return new Response("survived");
}} }};
"""
