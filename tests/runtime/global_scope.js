// The global object as an EventTarget; see nano/runtime/global_scope.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

test("the global object is a worker's", () => {
  assert(self === globalThis);
  assert(self instanceof WorkerGlobalScope && self instanceof EventTarget);
  assertEquals(`${self}`, "[object ServiceWorkerGlobalScope]");
  assertThrows(() => new WorkerGlobalScope(), TypeError);
});

test("neither a page's nor a process's objects are there", () => {
  for (const name of ["window", "document", "process", "SharedArrayBuffer", "ServiceWorkerGlobalScope"]) {
    assert(!(name in globalThis), name);
  }
});

test("performance and navigator can be replaced, and only by assignment", () => {
  const original = performance;
  globalThis.performance = 5;
  assertEquals(performance, 5);
  delete globalThis.performance;
  assert(performance === original);
});
