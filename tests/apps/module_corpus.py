# ruff: noqa: E501, ISC004 - the apps are meant to be hard to read
"""
What ECMAScript modules do, as data: small apps and what they print.

A case is a text with `//// name` before each file; the first is the entry.  The apps use `print`, which the
test provides.  What is expected is what the standard prescribes; every case also runs on Node
as it is, with `globalThis.print = console.log`, unless its name ends in `*`.
"""

from __future__ import annotations

__all__ = ["CASES"]

CASES: dict[str, tuple[str, str]] = {
    "live bindings": (
        """
//// index.js
import { count, increment, default as now, total as sum } from "./counter.js";
import * as all from "./counter.js";
print(count, sum, all.count);
increment();
print(count, sum, all.count, now);
const f = () => count;
increment(); print(f());
//// counter.js
export let count = 0;
export { count as total };
export function increment() { count++; }
export default count;
""",
        "0 0 0\n1 1 1 0\n2",
    ),
    "a cycle calls hoisted functions before evaluation": (
        """
//// index.js
import { even } from "./even.js";
export function odd(n) { return n === 0 ? false : even(n - 1); }
print("index", even(10));
//// even.js
import { odd } from "./index.js";
export function even(n) { return n === 0 ? true : odd(n - 1); }
print("even", even(3), typeof odd);
""",
        "even false function\nindex true",
    ),
    "a cycle meets the dead zone": (
        """
//// index.js
import { read } from "./b.js";
export let a = 1; export const k = 2; export class K {}; export var v = 3;
export default class {}
read();
//// b.js
import D, { a, k, K, v } from "./index.js";
import * as ns from "./index.js";
export function read() { print(a, k, K.name, v, D.name); }
for (const f of [() => a, () => k, () => K, () => typeof a, () => D, () => ns.a, () => Object.keys(ns)])
  try { f(); print("no error"); } catch (e) { print(e.name); }
print(v);
""",
        "ReferenceError\n" * 7 + "undefined\n1 2 K 3 default",
    ),
    "names of default exports": (
        """
//// index.js
import a from "./a.js"; import b from "./b.js"; import c from "./c.js"; import d from "./d.js";
import e from "./e.js"; import f from "./f.js"; import g from "./g.js"; import h from "./h.js";
import i from "./i.js"; import j from "./j.js"; import k from "./k.js"; import l from "./l.js";
print(a.name, b.name, c.name, d.name, e.name, f.name, g.name, h.name, i.name);
print(j, k.name(), l.name, a(), JSON.stringify(Object.getOwnPropertyDescriptor(a, "name")));
//// a.js
print("hoisted", f.name, f());
export default function () { return 1 }
import f from "./a.js";
//// b.js
export default class {}
//// c.js
export default () => 1
//// d.js
export default async function* /* odd */ () {}
//// e.js
export default function named() {}
//// f.js
export default (class {})
//// g.js
export default (0, () => 1)
//// h.js
export
  /* far */
  default
  class Named {}
//// i.js
export default async () => 1;
//// j.js
export default "text" // ; a comment
//// k.js
export default class { static name() { return "own" } }
//// l.js
export { x as default };
const x = function () {};
""",
        "hoisted default 1\n"
        "default default default default named default  Named default\n"
        'text own x 1 {"value":"default","writable":false,"enumerable":false,"configurable":true}',
    ),
    "namespaces": (
        """
//// index.js
import * as ns from "./a.js";
print(Object.keys(ns).join(), Object.prototype.toString.call(ns), Object.getPrototypeOf(ns));
print(Reflect.ownKeys(ns).map(String).join());
print(Object.isExtensible(ns), Object.isSealed(ns), "b" in ns, "zz" in ns, ns.zz, typeof ns);
print(JSON.stringify(Object.getOwnPropertyDescriptor(ns, "b")));
print(Reflect.set(ns, "b", 1), Reflect.deleteProperty(ns, "b"), Reflect.deleteProperty(ns, "zz"));
print(Reflect.defineProperty(ns, "b", { value: 2 }), Reflect.defineProperty(ns, "b", { value: 3 }));
print(Reflect.defineProperty(ns, "b", { writable: false }), Reflect.defineProperty(ns, "n", {}));
print(Reflect.setPrototypeOf(ns, null), Reflect.setPrototypeOf(ns, {}), ns[Symbol.toStringTag]);
for (const f of [() => { ns.b = 1 }, () => { delete ns.b }, () => { ns.new = 1 }, () => { ns = 1 }])
  try { f(); print("no error") } catch (e) { print(e.name) }
print(JSON.stringify({ ...ns }), ns.default, ns["string name"], ns.__proto__);
import * as again from "./a.js";
print(ns === again);
//// a.js
const b = 2, x = "X";
export { b, x as "string name", b as __proto__, b as $ };
export default "d";
""",
        "$,__proto__,b,default,string name [object Module] null\n"
        "$,__proto__,b,default,string name,Symbol(Symbol.toStringTag)\n"
        "false true true false undefined object\n"
        '{"value":2,"writable":true,"enumerable":true,"configurable":false}\n'
        "false false true\ntrue false\nfalse false\ntrue false Module\n"
        "TypeError\nTypeError\nTypeError\nTypeError\n"
        '{"$":2,"__proto__":2,"b":2,"default":"d","string name":"X"} d X 2\ntrue',
    ),
    "re-exports and stars": (
        """
//// index.js
import * as ns from "./barrel.js";
import d, { one, uno, inner, own, late } from "./barrel.js";
print(Object.keys(ns).join());
print(one, uno, inner.one, own, d, ns.two, late());
//// barrel.js
export * from "./a.js";
export * from "./b.js";
export { one as uno, default } from "./a.js";
export * as inner from "./a.js";
import { late } from "./b.js";
import * as b from "./b.js";
export { late, b };
export const own = "own", two = "my two";
//// a.js
export const one = 1, two = "a's two", same = 1;
export default "default of a";
//// b.js
export const two = "b's two", same = 2;
export { late }
function late() { return "late" }
""",
        "b,default,inner,late,one,own,two,uno\n1 1 1 own default of a my two late",
    ),
    "the same binding through two stars is not ambiguous": (
        """
//// index.js
import { x } from "./both.js";
print(x);
//// both.js
export * from "./left.js";
export * from "./right.js";
//// left.js
export * from "./base.js";
//// right.js
export { y as x } from "./base.js";
//// base.js
const x = "base";
export { x, x as y };
""",
        "base",
    ),
    "calls, tags and constructors get no receiver": (
        """
//// index.js
import { who, tag, K } from "./a.js"
import * as ns from "./a.js"
let a = 1
who("statement")
const b = a
tag`t${a}`
who?.("optional")
if (a) who("in if")
else who("never")
for (const x of [1]) who("in for")
label: who("labelled")
switch (a) { case 1: who("case")
  who("case again") }
const f = () => who("arrow")
f()
print(new K("new").v, new K, new K().v, (who)("parens"))
class Q extends K { static { who("static block") } field = who("field"); [who("key") ?? "k"] = 1 }
print(new Q("q").v, typeof who, typeof K)
print(ns.who("ns") === undefined, (0, ns.who)("comma"))
//// a.js
export function who(x) { print(x, this === undefined ? "none" : Object.prototype.toString.call(this)) }
export function tag(s, v) { print(s.raw.join("|"), v, this) }
export class K { constructor(v) { this.v = v } toString() { return "K!" } }
""",
        "statement none\nt| 1 undefined\noptional none\nin if none\nin for none\nlabelled none\n"
        "case none\ncase again none\narrow none\nparens none\nnew K! undefined undefined\n"
        "key none\nstatic block none\nfield none\nq function function\n"
        "ns [object Module]\ncomma none\ntrue undefined",
    ),
    "shadowing": (
        """
//// index.js
import { a, b, c } from "./x.js";
function hoisted() { if (false) { var a = 1 } return a }
function param(a, f = () => b) { var b = "inner"; return [a, b, f()].join() }
function defaults(x = a, { b: y = b, c } = { c: "own" }, ...[z = c]) { return [x, y, c, z].join() }
const named = function b() { return typeof b };
const K = class c { static m() { return typeof c } };
function block() { { function a() {} ; let b = 2; const c = 3; return typeof a + b + c } }
function afterBlock() { { let a = 1; var q = a } return [a, q].join() }
function caught() { try { throw "thrown" } catch (a) { return a } }
function caughtPattern() { try { throw { a: 1, x: 2 } } catch ({ a, x = b }) { return [a, x].join() } }
function loops() { const r = []; for (let a = 0; a < 1; a++) r.push(a); for (const b of [7]) r.push(b);
  for (var c in { k: 1 }) r.push(c); r.push(a); return r.join() }
const arrow = a => a, arrow2 = ({ a }) => a, arrow3 = ([a = b]) => a, arrow4 = (...a) => a.length;
function sw(x) { switch (x) { case a: let b = "sw"; return b; default: return typeof b } }
print(hoisted(), param(1), defaults(), named(), K.m(), block(), afterBlock(), caught(), caughtPattern(), loops());
print(arrow(1), arrow2({ a: 2 }), arrow3([]), arrow4(1, 2), sw("A"));
try { sw("other") } catch (e) { print(e.name) }
const o = { a, b, c: 1, a2: a, [c]: c, m() { return a }, get g() { return b }, f: ({ a }) => a, async *b2() {} };
print(JSON.stringify(o), o.m(), o.g, o.a, o?.b);
class F { a = a; static b = b; #c = c; get() { return this.#c } a2() { return a } static a() { return 1 } }
print(new F().a, F.b, new F().get(), new F().a2(), F.a());
a: for (;;) { break a }
print(`${a}${`${b}`}`, a ? b : c, [a, ...b], { ...{ a } }.a, (a, b), a?.length, !a, -b, a in { A: 1 });
const { [a]: viaKey = c, ...others } = { A: 1, z: 2 }; print(viaKey, JSON.stringify(others));
for (const x of b) print(x); for (const k in [a]) print(k);
const g = function* () { yield a; yield* b }; print([...g()].join());
(async () => { for await (const x of [a]) print("async", x, await b) })();
var fn = function () { return a; function a() {} }; print(typeof fn());
if (true) { class a {} print(typeof a) } print(a);
print(((x, a) => { { var x = a } return x })(1, 2));
//// x.js
export const a = "A", b = "B", c = "C";
""",
        "undefined 1,inner,B A,B,own,own function function function23 A,1 thrown 1,2 0,7,k,A\n"
        "1 2 B 2 sw\nReferenceError\n"
        '{"a":"A","b":"B","c":1,"a2":"A","C":"C","g":"B"} A B A B\nA B C A 1\n'
        "AB B A,B A B 1 false NaN true\n"
        '1 {"z":2}\nB\n0\nA,B\nfunction\nfunction\nA\n2\nasync A B',
    ),
    "assignments to imports": (
        """
//// index.js
import d, { a, b as c } from "./a.js";
import * as ns from "./a.js";
const tries = [() => { a = 1 }, () => { a += 1 }, () => a++, () => --c, () => { [a] = [1] }, () => { ({ a } = {}) },
  () => { ({ a = 1 } = {}) }, () => { ({ x: c } = {}) }, () => { [...a] = [] }, () => { for (a of [1]); },
  () => { for (a in { x: 1 }); }, () => { d = 1 }, () => { ns = 1 }, () => { a ??= 1 }, () => { (a) = 2 }];
for (const f of tries) try { f(); print("no error") } catch (e) { print(e.name + ": " + e.message) }
try { a ||= 1; print("not assigned") } catch (e) { print("assigned") }
print(a, c);
//// a.js
export let a, b = 0; a = true;
export default 1;
""",
        "TypeError: Assignment to constant variable.\n" * 13
        + "no error\n"
        + "TypeError: Assignment to constant variable.\n"
        + "not assigned\ntrue 0",
    ),
    "destructuring exports": (
        """
//// index.js
import { a, c, d, rest, e, f, g, h } from "./a.js";
print(a, c, d, JSON.stringify(rest), e, f, g, h);
//// a.js
export const { a, b: [c, { d = 4 }], ...rest } = { a: 1, b: [3, {}], x: 9 };
export var [e, , f = e] = [5], g = 7;
export let h
h = "ASI"
""",
        '1 3 4 {"x":9} 5 5 7 ASI',
    ),
    "statements without semicolons": (
        """
//// index.js
const one = 1
import a from "./a.js"
(function () { print("called") })()
const two = one
export { two }
[1, 2].forEach((x) => print(x))
let re = two
export * from "./a.js"
/x/.test("x") && print("regex")
const three = two
import * as ns from "./a.js"
`t${ns.default}`.length
export default class {}
[3].map((x) => print(x))
export const four = 4
;(() => print(a, four))()
let five = four
export let six = five
++six
print(six)
do a
while (false) print("after do")
var async
async
a()
//// a.js
export default () => print("a");
""",
        'called\n1\n2\nregex\n3\n() => print("a") 4\n5\nafter do\na',
    ),
    "tokens that mislead": (
        r"""
//// index.js
import { a, b } from "./a.js";
const x = 4, g = 2, i = 1;
print(x / a / g, x /a/ g, /a/g.test("a"), [/[/]a/.source, `/${a}/`].join(), a /b/ i);
print(`a${`b${a}`}` + "a" + 'b', `\${a}`, "import.meta", '// a', /* a */ a);
let n = 3;
while (n --> 1) print(n);
const html = `<!-- ${a} -->
--> still text`; print(html);
// <!-- and --> in comments
/* multi
--> */ print("after");
const $m = "mine", $m_exports = 1, \u0024m1 = "escaped"; print($m, $m_exports, $m1);
print(a ? b : a, a?.5:1, a ?.toString(), {a}.a, ({ "a": b }).a, ({ a: b }).a, ({ 'x y': a })["x y"]);
const o = { get a() { return "get" }, set a(v) { print("set", v) }, async b() {}, *c() {}, get: a, set: b };
o.a = 1; print(o.a, o.get, o.set);
var let_ = { if: a, new: b }; print(let_.if, let_.new);
print([..."a\u2028b"].length, "a b".length);
if (a) { print("block") } /a/.test("a");
print(typeof a, void a, - a, a
/ b / 1);
return_: { break return_ }
export { a as if, b as default }
/* an end without a line feed */ // }})
//// a.js
export const a = 2, b = 8;
""",
        "1 1 true [/]a,/2/ 0.25\nab2ab ${a} import.meta // a 2\n2\n1\n"
        "<!-- 2 -->\n--> still text\nafter\nmine 1 escaped\n8 0.5 2 2 8 8 2\nset 1\nget 2 8\n2 8\n"
        "3 3\nblock\nnumber undefined -2 0.25",
    ),
    "what begins a comment in a script *": (
        """
//// index.js
let n = 1, m = 3;
print(n<!--m, m); print(n
<!--m);
import a from "./a.js";
print(a<!--a.b, `<!-- ${n<!--m} -->`, "<!--", /<!--/.source);
//// a.js
export default { valueOf: () => 0, b: 1 };
""",
        "false 2\nfalse\ntrue <!-- false --> <!-- <!--",
    ),
    "the top level of a module": (
        """
//// index.js
#!/usr/bin/env node
print(this === undefined, (() => this === undefined)(), typeof arguments);
try { arguments; print("there") } catch (e) { print(e.name, e.message) }
try { (() => arguments[0])(); print("there") } catch (e) { print(e.name, e.message) }
print((function () { return arguments.length })(1, 2), { m() { return (() => arguments[0])() } }.m(7));
var v = 1; function fn() {}
print(typeof globalThis.v, typeof globalThis.fn, (function () { return this })());
try { undeclared = 1; print("sloppy") } catch (e) { print(e.name) }
let undefined_ = 1, name = 2, let$ = 3, async = 4, of = 5, get = 6, as = 7, from = 8;
print(name + async + of + get + as + from);
print(import.meta.url.split("/").pop(), import
  .meta.url === import.meta.url, typeof import.meta, Object.getPrototypeOf(import.meta));
import.meta.own = 1; print(import.meta.own);
""",
        "true true undefined\nReferenceError arguments is not defined\n"
        "ReferenceError arguments is not defined\n2 7\nundefined undefined undefined\n"
        "ReferenceError\n32\nindex.js true object null\n1",
    ),
    "order of evaluation": (
        """
//// index.js
print("index");
export * from "./c.js";
import "./a.js";
import { b } from "./b.js";
import("./e.js").then(() => print("e done"));
print("index end");
//// a.js
import "./d.js";
print("a");
//// b.js
import "./d.js"; import "./a.js";
print("b"); export const b = 1;
//// c.js
print("c");
//// d.js
import "./index.js";
print("d");
//// e.js
import "./a.js";
print("e");
""",
        "c\nd\na\nb\nindex\nindex end\ne\ne done",
    ),
    "top-level await": (
        """
//// index.js
import "./slow.js"; import "./sync.js"; import { v } from "./fast.js"; import "./parent.js";
print("index", v);
for await (const x of [Promise.resolve("for await")]) print(x);
print(await new Promise((r) => r("end")));
//// slow.js
print("slow starts");
for (let i = 0; i < 5; i++) await null;
print("slow ends");
//// sync.js
print("sync");
//// fast.js
print("fast starts");
export let v = "unset";
Promise.resolve().then(() => print("tick 1")).then(() => print("tick 2")).then(() => print("tick 3"));
await null;
print("fast ends");
v = "set";
//// parent.js
import { v } from "./fast.js";
print("parent", v);
""",
        "slow starts\nsync\nfast starts\ntick 1\nfast ends\ntick 2\nparent set\ntick 3\n"
        "slow ends\nindex set\nfor await\nend",
    ),
    "top-level await in a cycle": (
        """
//// index.js
import { b } from "./b.js";
export function hoisted() { return "hoisted" }
print("index", b);
//// b.js
import { hoisted } from "./index.js";
import "./c.js";
await 0;
export const b = hoisted();
print("b");
//// c.js
import "./b.js";
print("c");
""",
        "c\nb\nindex hoisted",
    ),
    "modules that await finish in the order of the standard": (
        """
//// index.js
import "./a.js"; import "./b.js"; import "./c.js";
print("index");
//// a.js
import "./x.js";
print("a");
//// b.js
import "./x.js";
print("b"); await 0; print("b end");
//// c.js
import "./b.js"; import "./a.js";
print("c");
//// x.js
await 0; await 0;
print("x");
""",
        "x\na\nb\nb end\nc\nindex",
    ),
    "errors are kept": (
        """
//// index.js
const load = (name) => import(name).then((ns) => print("loaded", Object.keys(ns)), (e) => print(name, e.message));
await load("./throws.js"); await load("./throws.js"); await load("./dependent.js"); await load("./rejects.js");
await load("./rejects.js"); await load("./after.js");
const error = await import("./throws.js").catch((e) => e);
print(error === await import("./dependent.js").catch((e) => e));
//// throws.js
print("throws runs");
throw new Error("once");
//// dependent.js
import "./throws.js";
print("never");
//// rejects.js
await 0; throw new Error("later");
//// after.js
import "./rejects.js"; print("never");
""",
        "throws runs\n./throws.js once\n./throws.js once\n./dependent.js once\n./rejects.js later\n"
        "./rejects.js later\n./after.js later\ntrue",
    ),
    "dynamic imports": (
        """
//// index.js
import { x } from "./sub/a.js";
const name = "b";
const ns = await import(`./sub/${name}.js`);
print(ns.default, ns === await import("./sub/b.js"), (await import("./sub/a.js")).x === x);
print((await (await import("./sub/a.js")).self()).x === x, (await import(new URL_("./sub/b.js"))).default);
function URL_(path) { this.toString = () => path }
const fails = [() => import({ toString() { throw new Error("toString") } }), () => import(Symbol()),
  () => import("./missing" + ".js"), () => import("./sub/b.js", 1), () => import("./sub/b.js", { with: 1 }),
  () => import("./sub/b.js", { with: { type: 1 } })];
for (const f of fails) { let p; try { p = f() } catch { print("threw at once"); continue }
  await p.then(() => print("no error"), (e) => print(e instanceof Error)) }
print(await import("./sub/c.js").then((ns) => ns));
let order = import("./sub/d.js"); print("before d"); await order;
//// sub/a.js
export const x = {};
export const self = () => import(import.meta.url);
export const up = () => import("../index.js");
//// sub/b.js
export default "b";
//// sub/c.js
export function then(resolve) { resolve("a thenable namespace") }
//// sub/d.js
print("d");
""",
        "b true true\ntrue b\n" + "true\n" * 6 + "a thenable namespace\nbefore d\nd",
    ),
    "missing names *": (
        """
//// index.js
for (const file of ["missing", "ambiguous", "circular", "namespace", "star", "default"])
  await import(`./${file}.js`).then((ns) => print("linked", ns.z), (e) => print(e.name + ": " + e.message));
//// missing.js
import { nope } from "./values.js";
//// ambiguous.js
import { same } from "./both.js";
//// circular.js
export { loop } from "./circular.js";
//// namespace.js
import * as ns from "./both.js";
export const z = Object.keys(ns).join();
//// star.js
export { nope as other } from "./values.js";
//// default.js
import d from "./both.js";
//// both.js
export * from "./values.js"; export * from "./others.js";
//// values.js
export const same = 1, v = 1;
export default 1;
//// others.js
export const same = 2;
""",
        "SyntaxError: The requested module './values.js' does not provide an export named 'nope'\n"
        "SyntaxError: The requested module './both.js' contains conflicting star exports for name 'same'\n"
        "SyntaxError: The requested module './circular.js' does not provide an export named 'loop'\n"
        "linked v\n"
        "SyntaxError: The requested module './values.js' does not provide an export named 'nope'\n"
        "SyntaxError: The requested module './both.js' does not provide an export named 'default'",
    ),
    "classes": (
        """
//// index.js
import Base, { mixin, key, value } from "./a.js";
export class A extends mixin(Base) {
  [key] = value
  static #p = value; static get p() { return A.#p }
  static { this.s = value }
  constructor(x = value) { super(x); this.t = new.target === A }
  async *[`${key}2`](value) { yield value }
  get value() { return value }
}
const a = new A;
print(a.k, A.p, A.s, a.t, a.x, a.value, typeof a.k2, A.name, a instanceof Base);
export default (class Base extends A {});
print(Base.name);
//// a.js
export default class Base { constructor(x) { this.x = x } }
export const mixin = (B) => class extends B {}, key = "k", value = 42;
""",
        "42 42 42 true 42 42 function A true\nBase",
    ),
    "explicit resource management *": (
        """
//// index.js
import { resource } from "./a.js";
using first = resource("first");
await using second = resource("second");
{ using resource = { [Symbol.dispose]() { print("shadowed") } }; }
print("body");
//// a.js
export const resource = (name) => ({ [Symbol.dispose]() { print("dispose", name) } });
""",
        "shadowed\nbody\ndispose second\ndispose first",
    ),
    "typescript *": (
        """
//// index.ts
import type { Shape } from "./types";
import { Side, type Area, makeSquare } from "./types";
import { Unused } from "./not-there";
import Default, * as everything from "./values";
export type { Shape } from "./types";
export { Shape as AType, makeSquare } from "./types";
enum Color { Red, Green = 5, Blue, Text = "t" }
const enum Inline { One = 1 }
abstract class Base<T> { abstract area(): T; protected constructor(protected readonly side: T, public name?: string) {} }
class Square extends Base<number> implements Shape { declare ghost: string; extra?: number;
  constructor(side: Side) { super(side as number, "square"); }
  area(): number { return this.side! ** 2 } }
function over(x: string): string; function over(x: number): number;
function over(x: any): any { return x satisfies unknown }
let u: Unused | undefined; let tuple = [1, "a"] as const; const gen = <T,>(x: T): T => x;
print(Color.Red, Color[5], Color.Blue, Color.Text, Inline.One, new Square(3).area(), new Square(1).name);
print(over("s"), gen<number>(4), tuple.length, Default, everything.v, makeSquare(2), typeof u, "extra" in new Square(1));
const assertion = (value: unknown): asserts value is string => {};
const f = async <T extends object>(this_: T, ...rest: unknown[]): Promise<void> => { print(rest.length as number) };
await f({}, 1, 2); assertion("x");
declare const nothing: string; declare global { interface Window { x: 1 } namespace Deep { const value: 1 } }
namespace Types { export type T = string }
//// types.ts
export interface Shape { area(): number }
export type Area = number; export type Side = number;
export const makeSquare = (side: Side): Area => side * side;
//// values.ts
export const v: string = "v"; export default <string>"default";
""",
        "0 Green 6 t 1 9 square\ns 4 2 default v 4 undefined true\n2",
    ),
    "other files *": (
        """
//// index.js
import config from "./config.json" with { type: "json" };
import again from "./config.json";
import text from "./a.txt"; import page from "./page.html";
import data from "./data.bin";
import { extensionless } from "./lib/extensionless"; import folder from "./lib"; import ts from "./only.js";
print(config.a[1], config === again, JSON.stringify(text), page, Object.hasOwn(config, "__proto__"));
print(data instanceof ArrayBuffer, data.byteLength, extensionless, folder, ts);
//// config.json
{"a": [1, 2], "__proto__": 1}
//// a.txt
`text` ${with} \\ "quotes"
//// page.html
<!-- html --><script>1</script>
//// data.bin
12345
//// lib/extensionless.mjs
export const extensionless = "found";
//// lib/index.ts
export default "folder" as string;
//// only.ts
export default "ts" as string;
""",
        '2 true "`text` ${with} \\\\ \\"quotes\\"" <!-- html --><script>1</script> true\ntrue 5 found folder ts',
    ),
}
