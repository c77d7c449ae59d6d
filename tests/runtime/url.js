// URL and URLSearchParams; implementation: nano/runtime/url.js and the url_*.js beside it.

import { test, assert, assertEquals, assertThrows } from "./harness.js";

const parts = (url) => [url.protocol, url.username, url.password, url.host, url.pathname, url.search, url.hash];

test("an ordinary URL comes apart and together again", () => {
  const text = "https://example.com:8443/a/b.html?x=1&y=2#top";
  const url = new URL(text);
  assertEquals(parts(url), ["https:", "", "", "example.com:8443", "/a/b.html", "?x=1&y=2", "#top"]);
  assertEquals([url.hostname, url.port, url.origin], ["example.com", "8443", "https://example.com:8443"]);
  assertEquals([url.href, String(url), JSON.stringify(url)], [text, text, `"${text}"`]);
});

test("the fast way gives up wherever it would be wrong", () => {
  const cases = {
    "http://example.com": "http://example.com/",
    "http://example.com?x": "http://example.com/?x",
    "http://EXAMPLE.com/": "http://example.com/",
    "http://example.com:80/": "http://example.com/",
    "https://example.com:443": "https://example.com/",
    "http://example.com:0080/": "http://example.com/",
    "http://example.com:/": "http://example.com/",
    "http://example.com/a/../b": "http://example.com/b",
    "http://example.com/a/%2E%2e/b": "http://example.com/b",
    "http://example.com/a/./b/.": "http://example.com/a/b/",
    "http://example.com\\a\\b": "http://example.com/a/b",
    "http://example.com/a b?c d#e f": "http://example.com/a%20b?c%20d#e%20f",
    "http://example.com/?'": "http://example.com/?%27",
    "http://example.com/#`": "http://example.com/#%60",
    "http://example.com/ü": "http://example.com/%C3%BC",
    "http://example.com/\ud83d": "http://example.com/%EF%BF%BD",
    "http://exam%70le.com/": "http://example.com/",
    "http://u:p@example.com/": "http://u:p@example.com/",
    "http:example.com": "http://example.com/",
    "http://1.2/": "http://1.0.0.2/",
    "http://a.0x/": null,
    "http://example.com:65536/": null,
    "http://example.com:8a/": null,
    "http://": null,
    "http://exa mple.com/": null,
    "http://a<b/": null,
    "  http://example.com/x \n": "http://example.com/x",
    "ht\ntp://exam\tple.com/": "http://example.com/",
    "http://a..b/": "http://a..b/",
    "http://a.b./": "http://a.b./",
  };
  for (const input of Object.keys(cases)) assertEquals(URL.parse(input)?.href ?? null, cases[input], input);
});

test("what is serialised parses to itself", () => {
  for (const text of ["http://[::1]:1/", "file:///C:/x", "a:/.//b", "mailto:x@y", "data:,a b#c", "foo://%20:@h", "x:?#"]) {
    const url = URL.parse(text);
    if (url !== null) assertEquals(new URL(url.href).href, url.href);
  }
});

test("relative references resolve against a base", () => {
  const base = "http://a/b/c/d;p?q";
  const cases = {
    "g": "http://a/b/c/g", "./g": "http://a/b/c/g", "g/": "http://a/b/c/g/", "/g": "http://a/g",
    "//g": "http://g/", "?y": "http://a/b/c/d;p?y", "#s": "http://a/b/c/d;p?q#s", "": "http://a/b/c/d;p?q",
    "..": "http://a/b/", "../../../g": "http://a/g", "g;x=1/../y": "http://a/b/c/y", "http:g": "http://a/b/c/g",
    "mailto:x": "mailto:x", "\\\\h\\p": "http://h/p",
  };
  for (const input of Object.keys(cases)) assertEquals(new URL(input, base).href, cases[input], input);
  assertEquals(new URL("#f", "mailto:x").href, "mailto:x#f");
  assertThrows(() => new URL("y", "mailto:x"), TypeError);
  assertThrows(() => new URL("y"), TypeError);
});

test("addresses", () => {
  const host = (text) => URL.parse(`http://${text}/`)?.host ?? null;
  assertEquals(host("0x7f.1"), "127.0.0.1");
  assertEquals(host("0300.0250.1"), "192.168.0.1");
  assertEquals(host("4294967295"), "255.255.255.255");
  assertEquals([host("4294967296"), host("1.2.3.4.5"), host("256.1.1.1"), host("09")], [null, null, null, null]);
  assertEquals(host("[2001:DB8:0:0:1:0:0:1]"), "[2001:db8::1:0:0:1]");
  assertEquals(host("[::ffff:1.2.3.4]"), "[::ffff:102:304]");
  assertEquals(host("[1:2:3:4:5:6:7::]"), "[1:2:3:4:5:6:7:0]");
  for (const bad of ["[1", "[1::2::3]", "[:1]", "[1:]", "[12345::]", "[::1.2.3]", "[::01.2.3.4]", "[1:2:3:4:5:6:7:8:9]"]) {
    assertEquals(host(bad), null, bad);
  }
});

test("domains outside ASCII are asked from the host", () => {
  const host = (text) => URL.parse(`http://${text}/`)?.host ?? null;
  assertEquals(host("Bücher.example"), "xn--bcher-kva.example");
  assertEquals(host("faß.de"), "xn--fa-hia.de");
  assertEquals(host("日本語。jp"), "xn--wgv71a119e.jp");
  assertEquals(host("％４１.com"), null);
  assertEquals(host("xn--bcher-kva.example"), "xn--bcher-kva.example");
  assertEquals([host("xn--"), host("xn--a"), host("\u00ad"), host("a\u200db")], [null, null, null, null]);
  assertEquals(host("ü".repeat(20000)), null);
});

test("setters change one part", () => {
  const url = new URL("https://example.com:8080/a?b#c");
  url.protocol = "http";
  url.username = "me:";
  url.password = "p w";
  url.hostname = "other.org";
  url.port = "80";
  assertEquals(url.href, "http://me%3A:p%20w@other.org/a?b#c");
  url.host = "third.net:99";
  url.pathname = "x/../y z";
  url.search = "q=ä";
  url.hash = "#h h";
  assertEquals(url.href, "http://me%3A:p%20w@third.net:99/y%20z?q=%C3%A4#h%20h");
  url.search = "";
  url.hash = "";
  url.port = "";
  url.username = url.password = "";
  assertEquals(url.href, "http://third.net/y%20z");
  url.protocol = "mailto";
  url.host = "a b";
  url.port = "x";
  assertEquals(url.href, "http://third.net/y%20z");
  assertThrows(() => { url.href = "nonsense"; }, TypeError);
});

test("the query object and the URL follow each other", () => {
  const url = new URL("http://example.com/?a=1");
  const params = url.searchParams;
  assert(params === url.searchParams);
  params.append("b", "2 3");
  assertEquals(url.href, "http://example.com/?a=1&b=2+3");
  url.search = "?c=%26";
  assertEquals([...params], [["c", "&"]]);
  params.delete("c");
  assertEquals(url.href, "http://example.com/");
  url.href = "http://example.org/?d";
  assertEquals([...params], [["d", ""]]);
  url.search = "x\ty";
  assertEquals([url.search, params.toString()], ["?xy", "x%09y="]);
});

test("URLSearchParams is a list of pairs", () => {
  const params = new URLSearchParams("?a=1&b=2&a=3&&c&=d&%zz=%C3%A4+%2b");
  assertEquals(params.size, 6);
  assertEquals(params.getAll("a"), ["1", "3"]);
  assertEquals([params.get("a"), params.get("c"), params.get("x"), params.get("%zz")], ["1", "", null, "ä +"]);
  assert(params.has("a", "3") && !params.has("a", "2"));
  params.set("a", "9");
  params.delete("b", "nope");
  params.delete("c");
  assertEquals(params.toString(), "a=9&b=2&=d&%25zz=%C3%A4+%2B");
  params.sort();
  assertEquals([...params.keys()], ["", "%zz", "a", "b"]);
});

test("URLSearchParams from pairs, records, strings and itself", () => {
  assertEquals(String(new URLSearchParams([["a", "1"], ["a", "2"]])), "a=1&a=2");
  assertEquals(String(new URLSearchParams({ a: 1, "b c": "~" })), "a=1&b+c=%7E");
  assertEquals(String(new URLSearchParams(new URLSearchParams("x=y"))), "x=y");
  assertEquals(String(new URLSearchParams(null)), "null=");
  assertEquals(String(new URLSearchParams({ "\ud800": "1", "\ufffd": "2" })), "%EF%BF%BD=2");
  assertThrows(() => new URLSearchParams([["a"]]), TypeError);
  assertThrows(() => new URLSearchParams([1]), TypeError);
});

test("object URLs name blobs until they are revoked", () => {
  const url = URL.createObjectURL(new Blob(["x"]));
  assert(/^blob:null\/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(url), url);
  assert(url !== URL.createObjectURL(new Blob(["x"])));
  assertEquals(new URL(url).origin, "null");
  URL.revokeObjectURL(url);
  assertThrows(() => URL.createObjectURL({}), TypeError);
});

test("a foreign receiver is refused", () => {
  const { get } = Object.getOwnPropertyDescriptor(URL.prototype, "href");
  assertThrows(() => get.call({}), TypeError);
  assertThrows(() => URLSearchParams.prototype.get.call({}, "a"), TypeError);
  assertEquals([URL.name, URL.length, URLSearchParams.name, URLSearchParams.length], ["URL", 1, "URLSearchParams", 0]);
});

test("patched built-ins change nothing", () => {
  const saved = [Array.prototype.push, String.prototype.charCodeAt];
  Array.prototype.push = String.prototype.charCodeAt = () => { throw new Error("patched"); };
  let text;
  try {
    text = String(new URLSearchParams(new URL("http://example.com/a b?c=d e").search));
  } finally {
    [Array.prototype.push, String.prototype.charCodeAt] = saved;
  }
  assertEquals(text, "c=d+e");
});
