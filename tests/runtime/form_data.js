// FormData and its forms on the wire; implementation: nano/runtime/form_data.js.

import { test, assert, assertEquals, assertRejects, assertThrows } from "./harness.js";

/** @param {string | Uint8Array} body @param {string} [boundary] */
const parse = (body, boundary = "xyz") =>
  new Response(body, { headers: { "content-type": `multipart/form-data; boundary="${boundary}"` } }).formData();

const names = (form) => [...form].map(([name, value]) => [name, typeof value === "string" ? value : value.name]);

test("append, set, get and delete", () => {
  const form = new FormData();
  form.append("a", "1");
  form.append("b", 2);
  form.append("a", "\ud800");
  assertEquals(form.get("a"), "1");
  assertEquals(form.getAll("a"), ["1", "\ufffd"]);
  assertEquals([form.get("c"), form.getAll("c"), form.has("c")], [null, [], false]);
  form.set("a", "3");
  assertEquals([...form], [["a", "3"], ["b", "2"]]);
  form.delete("a");
  form.set("c", "4");
  assertEquals([...form.keys()], ["b", "c"]);
});

test("blobs become files, with a name if one is given", () => {
  const form = new FormData();
  const file = new File(["x"], "own", { lastModified: 3 });
  form.append("a", new Blob(["x"], { type: "a/b" }));
  form.append("a", file);
  form.append("a", file, "other");
  assertEquals(form.getAll("a").map((value) => value.name), ["blob", "own", "other"]);
  assert(form.getAll("a")[1] === file);
  assertEquals(form.getAll("a")[2].lastModified, 3);
  assertThrows(() => form.append("a", "text", "name"), TypeError);
  assertThrows(() => form.append("a"), TypeError);
  assertThrows(() => new FormData(null), TypeError);
});

test("what is serialised is parsed to the same", async () => {
  const form = new FormData();
  form.append("plain", "a\r\nb\nc\rd");
  form.append('na"me\n', "\u20ac");
  form.append("file", new File([new Uint8Array([0, 13, 10, 45, 45, 255])], 'f"\u00e9\r\n.bin', { type: "a/b" }));
  form.append("empty", new File([], ""));
  form.append("none", "");
  const response = new Response(form);
  assert(/^multipart\/form-data; boundary=[-\w]{1,70}$/.test(response.headers.get("content-type")));
  const parsed = await response.formData();
  assertEquals(names(parsed), [
    ["plain", "a\r\nb\r\nc\r\nd"],
    ['na"me\r\n', "\u20ac"],
    ["file", 'f"\u00e9\r\n.bin'],
    ["empty", ""],
    ["none", ""],
  ]);
  assertEquals([...(await parsed.get("file").bytes())], [0, 13, 10, 45, 45, 255]);
  assertEquals([parsed.get("file").type, parsed.get("empty").type], ["a/b", "application/octet-stream"]);
});

test("the serialisation is the one of the standard", async () => {
  const form = new FormData();
  form.append("a", "1");
  form.append("b", new File(["2"], "c", { type: "d/e" }));
  const response = new Response(form);
  const boundary = response.headers.get("content-type").split("boundary=")[1];
  assertEquals(
    await response.text(),
    `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n` +
      `--${boundary}\r\nContent-Disposition: form-data; name="b"; filename="c"\r\nContent-Type: d/e\r\n\r\n2\r\n` +
      `--${boundary}--\r\n`,
  );
});

test("two forms have different boundaries", () => {
  const type = () => new Response(new FormData()).headers.get("content-type");
  assert(type() !== type());
});

test("what clients write: other headers, case, tokens, a preamble, an epilogue", async () => {
  const form = await parse(
    "preamble\r\n--xyz\t \r\nX-Other: 1\r\ncontent-disposition: FORM-DATA;name=a; x=y\r\n\r\n1" +
      '\r\n--xyz\r\nContent-Disposition: form-data; filename=f.txt; name="b"\r\nCONTENT-TYPE: text/x\r\n\r\n\r\n--xy\r\n' +
      "\r\n--xyz--epilogue",
  );
  assertEquals(names(form), [["a", "1"], ["b", "f.txt"]]);
  assertEquals(await form.get("b").text(), "\r\n--xy\r\n");
  assertEquals(form.get("b").type, "text/x");
});

test("what is malformed is a TypeError", async () => {
  const part = 'Content-Disposition: form-data; name="a"\r\n\r\n1';
  for (const body of [
    "",
    "--xyz",
    "--xyz-",
    `--xyz\r\n${part}`,
    `--xyz\r\n${part}\r\n--xyz`,
    `--xyz\r\n${part}\r\n--xyzz--`,
    `--xyz\n${part}\r\n--xyz--`,
    "--xyz\r\n\r\n1\r\n--xyz--",
    '--xyz\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n--xyz--',
    '--xyz\r\nContent-Disposition: form-data; name="a\r\n\r\n1\r\n--xyz--',
    "--xyz\r\nno colon\r\n\r\n1\r\n--xyz--",
  ]) {
    await assertRejects(() => parse(body), TypeError);
  }
  assertEquals(names(await parse("--xyz--")), []);
  await assertRejects(() => parse("----", ""), TypeError);
  await assertRejects(() => new Response("a=1").formData(), TypeError);
  await assertRejects(() => new Response(null).formData(), TypeError);
});

test("a large file is found whole among what nearly is its boundary", async () => {
  const boundary = "----aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
  const line = "\r\n------aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac";
  const content = line.repeat(50_000);
  const form = await parse(
    `--${boundary}\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n${content}\r\n--${boundary}--`,
    boundary,
  );
  assert((await form.get("a").text()) === content);
});

test("urlencoded forms", async () => {
  const headers = { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" };
  const form = await new Response("a=1&b=%e2%82%ac+x&a=&=y&c", { headers }).formData();
  assertEquals([...form], [["a", "1"], ["b", "\u20ac x"], ["a", ""], ["", "y"], ["c", ""]]);
  const params = await new Request("http://a", { method: "POST", body: new URLSearchParams({ q: "\u20ac&" }) }).formData();
  assertEquals([...params], [["q", "\u20ac&"]]);
});
