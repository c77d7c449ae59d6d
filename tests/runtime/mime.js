// MIME types as they show in Blob and Response; implementation: nano/runtime/mime.js.

import { test, assertEquals } from "./harness.js";

/** The type that the body of a response with this header has. @param {string | string[]} contentType */
async function typeOf(contentType) {
  const headers = new Headers();
  for (const value of [contentType].flat()) headers.append("content-type", value);
  return (await new Response("", { headers }).blob()).type;
}

test("type and subtype are in lower case, parameter values as they stand", async () => {
  assertEquals(await typeOf(" TEXT/HTML ; Charset=GBK "), "text/html;charset=GBK");
});

test("values that are no tokens are quoted", async () => {
  assertEquals(await typeOf('text/html;charset="a\\"b c"'), 'text/html;charset="a\\"b c"');
  assertEquals(await typeOf("text/html;charset=a b"), 'text/html;charset="a b"');
  assertEquals(await typeOf('text/html;charset=""'), 'text/html;charset=""');
  assertEquals(await typeOf('text/html;charset="gbk'), "text/html;charset=gbk");
});

test("malformed parameters are passed over, of equal ones the first counts", async () => {
  assertEquals(await typeOf("text/html;;;x;=y;a b=c;charset=1;charset=2"), "text/html;charset=1");
});

test("what is no MIME type is none", async () => {
  for (const bad of ["", "text", "/html", "text/", "te xt/html", "text/h(ml"]) assertEquals(await typeOf(bad), "");
});

test("of several headers the last valid one counts and inherits the charset of its like", async () => {
  assertEquals(await typeOf(["text/plain", "bad", "text/html"]), "text/html");
  assertEquals(await typeOf(["text/plain", "*/*"]), "text/plain");
  assertEquals(await typeOf(["text/html;charset=gbk", "text/html;x=y"]), "text/html;x=y;charset=gbk");
  assertEquals(await typeOf(["text/html;charset=gbk", "text/plain", "text/html"]), "text/html");
  assertEquals(await typeOf('text/html;x=",text/plain"'), 'text/html;x=",text/plain"');
});
