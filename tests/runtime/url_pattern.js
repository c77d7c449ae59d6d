// URLPattern; implementation: nano/runtime/url_pattern.js and the files beside it.

import { test, assert, assertEquals, assertThrows } from "./harness.js";

const NAMES = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];
const parts = (pattern) => NAMES.map((name) => pattern[name]);

test("a string is taken apart as a URL would be", () => {
  assertEquals(parts(new URLPattern("https://*.example.com/books/:id\\?q=*#top")), [
    "https", "*", "*", "*.example.com", "", "/books/:id", "q=*", "top",
  ]);
  assertEquals(parts(new URLPattern("https://example.com:8080")), ["https", "*", "*", "example.com", "8080", "*", "*", "*"]);
  assertEquals(parts(new URLPattern("http{s}?://u\\:p@[\\:\\:1]:*/a")), ["http{s}?", "u", "p", "[\\:\\:1]", "*", "/a", "*", "*"]);
  assertEquals(parts(new URLPattern("data\\:foobar")).slice(0, 6), ["data", "*", "*", "", "", "foobar"]);
  assertEquals(parts(new URLPattern("https://example.com:443/"))[4], "");
});

test("a relative string needs a base", () => {
  assertEquals(parts(new URLPattern("../x/:y\\?z", "https://example.com/a/b/c?d#e")), [
    "https", "*", "*", "example.com", "", "/a/x/:y", "z", "*",
  ]);
  assertEquals(new URLPattern("?foo", "https://example.com/a+b").pathname, "/a\\+b");
  assertThrows(() => new URLPattern("/x"), TypeError);
  assertThrows(() => new URLPattern({}, "https://example.com"), TypeError);
  assertThrows(() => new URLPattern("/x", "nonsense"), TypeError);
});

test("groups are found by name and by number", () => {
  const pattern = new URLPattern({ pathname: "/:kind/(\\d+)/*", hostname: ":sub.example.com" });
  const found = pattern.exec("https://www.example.com/books/12/a/b");
  assertEquals(JSON.stringify(found.pathname), '{"input":"/books/12/a/b","groups":{"0":"12","1":"a/b","kind":"books"}}');
  assertEquals(found.hostname.groups.sub, "www");
  assertEquals(found.inputs, ["https://www.example.com/books/12/a/b"]);
  assertEquals(pattern.exec("https://www.example.com/books/x/a"), null);
  assert(pattern.hasRegExpGroups);
  assert(!new URLPattern({ pathname: "/:a/*" }).hasRegExpGroups);
});

test("modifiers", () => {
  const matches = (pathname, path) => new URLPattern({ pathname }).test({ pathname: path });
  assertEquals([matches("/a/:b?", "/a"), matches("/a/:b?", "/a/x"), matches("/a/:b?", "/a/x/y")], [true, true, false]);
  assertEquals([matches("/a/:b+", "/a"), matches("/a/:b+", "/a/x/y")], [false, true]);
  assertEquals([matches("/a/:b*", "/a"), matches("/a{/c}?", "/a/c"), matches("/a{/c}?", "/a/d")], [true, true, false]);
  assertEquals(matches("/\\:x", "/:x"), true);
  const repeated = new URLPattern({ pathname: "/a/:b+" }).exec({ pathname: "/a/x/y/z" });
  assertEquals(repeated.pathname.groups.b, "x/y/z");
  assertEquals(new URLPattern({ pathname: "/a/:b?" }).exec({ pathname: "/a" }).pathname.groups.b, undefined);
});

test("patterns are normalised", () => {
  const pathname = (text) => new URLPattern({ pathname: text }).pathname;
  assertEquals(pathname("/{a}b"), "/ab");
  assertEquals(pathname("/(.*)"), "/*");
  assertEquals(pathname("/:a([^\\/]+?)"), "/:a");
  assertEquals(pathname("{:a}b"), "{:a}b");
  assertEquals(pathname("/ü/../x y"), "/x%20y");
  assertEquals(new URLPattern({ hostname: "BÜCHER.example" }).hostname, "xn--bcher-kva.example");
  assertEquals(new URLPattern({ protocol: "https:", search: "?q", hash: "#h" }).search, "q");
});

test("what is not given is empty in a URL and a wildcard in a pattern", () => {
  const pattern = new URLPattern({ pathname: "/a" });
  assert(pattern.test({ pathname: "/a" }));
  assert(pattern.test("https://x/a?y#z"));
  assert(pattern.test("a", "https://x/"));
  assert(!pattern.test("a", "nonsense"));
  assert(!pattern.test({ pathname: "/a", protocol: "\u00fc" }));
  assert(new URLPattern().test("https://x/"));
  assertThrows(() => pattern.test({}, "https://x/"), TypeError);
});

test("ignoreCase", () => {
  assert(!new URLPattern({ pathname: "/A" }).test({ pathname: "/a" }));
  assert(new URLPattern({ pathname: "/A" }, { ignoreCase: true }).test({ pathname: "/a" }));
  assert(new URLPattern("/A", "https://x", { ignoreCase: true }).test("https://x/a"));
});

test("bad patterns throw", () => {
  for (const pathname of ["/(", "/{a", "/a}", "/:a/:a", "/(?x)", "/([z-a])", "/()", "/(ü)", "/+", "\\"]) {
    assertThrows(() => new URLPattern({ pathname }), TypeError);
  }
  assertThrows(() => new URLPattern({ hostname: "a b" }), TypeError);
  assertThrows(() => new URLPattern({ port: "x" }), TypeError);
  assertThrows(() => new URLPattern({ protocol: "ü" }), TypeError);
});

test("group names cannot reach prototypes", () => {
  const groups = new URLPattern({ pathname: "/:__proto__" }).exec({ pathname: "/x" }).pathname.groups;
  assertEquals(Object.getPrototypeOf(groups), Object.prototype);
  assertEquals(Object.keys(groups), ["__proto__"]);
});
