// WebAssembly's functions of the web, by https://webassembly.github.io/spec/web-api/; see nano/runtime/wasm.js.
import { assert, assertEquals, assertRejects, test } from "./harness.js";

/** (module (import "m" "f" (func $f (result i32))) (func (export "g") (result i32) call $f)) */
const BYTES = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 2, 7, 1, 1, 109, 1, 102, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 103, 0, 1,
  10, 6, 1, 4, 0, 16, 0, 11,
]);
const respond = (type = "application/wasm", init = {}) =>
  new Response(BYTES.slice(), { headers: type === null ? {} : { "content-type": type }, ...init });

test("compileStreaming takes a response or a promise of one", async () => {
  assert((await WebAssembly.compileStreaming(respond())) instanceof WebAssembly.Module);
  assert((await WebAssembly.compileStreaming(Promise.resolve(respond()))) instanceof WebAssembly.Module);
});

test("instantiateStreaming gives the module and its instance", async () => {
  const { module, instance } = await WebAssembly.instantiateStreaming(respond(), { m: { f: () => 42 } });
  assert(module instanceof WebAssembly.Module);
  assertEquals(instance.exports.g(), 42);
  await assertRejects(WebAssembly.instantiateStreaming(respond()), TypeError);
  await assertRejects(WebAssembly.instantiateStreaming(respond(), { m: {} }), WebAssembly.LinkError);
});

test("the type has to be application/wasm, and nothing more", async () => {
  for (const type of [null, "", "text/plain", "application/wasm;x=y", "application/wasm1", "application/octet-stream"]) {
    await assertRejects(WebAssembly.compileStreaming(respond(type)), TypeError, "application/wasm");
  }
  for (const type of ["application/WASM", " application/wasm\t"]) await WebAssembly.compileStreaming(respond(type));
});

test("the response has to be ok and whole", async () => {
  await assertRejects(WebAssembly.compileStreaming(respond(undefined, { status: 404, headers: { "content-type": "application/wasm" } })), TypeError, "ok");
  const used = respond();
  await used.text();
  await assertRejects(WebAssembly.compileStreaming(used), TypeError, "used");
  const locked = respond();
  locked.body.getReader();
  await assertRejects(WebAssembly.compileStreaming(locked), TypeError);
  const broken = new Response(BYTES.slice(0, 20), { headers: { "content-type": "application/wasm" } });
  await assertRejects(WebAssembly.compileStreaming(broken), WebAssembly.CompileError);
});

test("what is no response is refused, asynchronously", async () => {
  for (const source of [undefined, null, 1, BYTES, {}]) {
    await assertRejects(WebAssembly.compileStreaming(source), TypeError, "not a Response");
  }
  await assertRejects(WebAssembly.compileStreaming(), TypeError, "1 argument required");
  const reason = new Error("no");
  assertEquals(await assertRejects(WebAssembly.compileStreaming(Promise.reject(reason))), reason);
});

test("their shape is that of the namespace's other operations", () => {
  for (const name of ["compileStreaming", "instantiateStreaming"]) {
    const { value, ...attributes } = Object.getOwnPropertyDescriptor(WebAssembly, name);
    assertEquals(attributes, { writable: true, enumerable: true, configurable: true });
    assertEquals([value.name, value.length], [name, 1]);
  }
});
