// node:async_hooks; see nano/runtime/node/async_hooks.js, async_context.js and compiler/async_context.js. Every test
// looks into the context from two runs that take turns, so that what leaks from one into the other is seen.
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { assert, assertEquals, assertRejects, assertThrows, test } from "./harness.js";

const storage = new AsyncLocalStorage();
const get = () => storage.getStore();
const pause = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Run a body in two contexts at once; it gets a function that notes what it sees there. */
async function twice(body) {
  const seen = { a: [], b: [] };
  await Promise.all(
    ["a", "b"].map((name) =>
      storage.run(name, async () => {
        await body(() => seen[name].push(get()), name);
      }),
    ),
  );
  for (const name of ["a", "b"]) {
    assert(seen[name].length > 0, "nothing was seen");
    for (const store of seen[name]) assertEquals(store, name);
  }
  assertEquals(get(), undefined);
}

test("run, nested run, exit, getStore outside", () => {
  assertEquals(get(), undefined);
  const result = storage.run(1, (x, y) => {
    assertEquals([get(), x, y], [1, 2, 3]);
    storage.run(2, () => assertEquals(get(), 2));
    assertEquals(get(), 1);
    storage.exit(() => assertEquals(get(), undefined));
    return "result";
  }, 2, 3);
  assertEquals(result, "result");
  assertThrows(() => storage.run(1, () => { throw new RangeError("x"); }), RangeError);
  assertEquals(get(), undefined);
});

test("storages are independent, and have defaults and names", async () => {
  const other = new AsyncLocalStorage({ defaultValue: "default", name: "other" });
  assertEquals([other.getStore(), other.name], ["default", "other"]);
  await storage.run(1, () =>
    other.run(2, async () => {
      await null;
      assertEquals([get(), other.getStore()], [1, 2]);
      other.disable();
      assertEquals([get(), other.getStore()], [1, "default"]);
    }),
  );
});

test("await: values, promises, rejections, loops, expressions", () =>
  twice(async (see) => {
    await null;
    see();
    await pause();
    see();
    for (let i = 0; i < 3; i++) {
      await pause();
      see();
    }
    const sum = (await pause(), 1) + (see(), await 2) + (await (await 3));
    see();
    assertEquals(sum, 6);
    assertEquals(`${await "x"}${(see(), await pause(), see(), "y")}`, "xy");
  }));

test("try, catch and finally", () =>
  twice(async (see) => {
    try {
      await Promise.reject(new Error("x"));
    } catch {
      see();
      await pause();
      see();
    } finally {
      see();
    }
    const failing = async () => {
      try {
        await pause();
        throw new Error("x");
      } finally {
        see();
        await pause();
        see();
      }
    };
    await failing().catch(see);
    try {
      try {
        await Promise.reject(1);
      } finally {
        see();
      }
    } catch {
      see();
    }
  }));

test("calls in calls, and what a call leaves behind", () =>
  twice(async (see, name) => {
    const inner = async () => {
      see();
      await pause();
      see();
      await storage.run("inner", async () => {
        await pause();
        assertEquals(get(), "inner");
      });
      see();
    };
    const running = inner();
    see();
    await running;
    see();
    await Promise.all([inner(), inner(), (async () => (await pause(), see()))()]);
    see();
    assertEquals(await (async (x) => await x)(name), name);
    see();
  }));

test("then, catch and finally of promises", () =>
  twice(async (see) => {
    await Promise.resolve().then(see).then(pause).then(see);
    await Promise.reject().catch(see);
    await pause().finally(see);
    await new Promise((resolve) => setTimeout(resolve)).then(see, see);
  }));

test("thenables and promises of a subclass", () =>
  twice(async (see) => {
    await { then: (resolve) => (see(), resolve()) };
    see();
    class Lazy extends Promise {
      then(...args) {
        see();
        return super.then(...args);
      }
    }
    await new Lazy((resolve) => resolve());
    see();
    assertEquals(await { then: 1 }.then, 1);
    await assertRejects(async () => await { then() { throw new TypeError("t"); } }, TypeError);
    see();
  }));

test("for await, over asynchronous and other things", () =>
  twice(async (see) => {
    async function* generate() {
      for (let i = 0; i < 3; i++) {
        await pause();
        see();
        yield i;
        see();
      }
    }
    const values = [];
    for await (const value of generate()) {
      see();
      values.push(value);
      await pause();
      see();
    }
    see();
    for await (const value of [pause(), 1, Promise.resolve(2)]) see(values.push(value));
    outer: for await (const value of generate()) {
      for await (const _ of generate()) {
        if (value === 0) continue outer;
        break outer;
      }
    }
    see();
    let returned = false;
    const iterator = { next: async () => ({ value: 1, done: false }), return: async () => ((returned = true), {}) };
    for await (const _ of { [Symbol.asyncIterator]: () => iterator }) break;
    see();
    assert(returned);
    const failing = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new RangeError("x")) }) };
    try {
      for await (const _ of failing) see();
    } catch {
      see();
    }
    if (values.length > 100) for await (const _ of []) see();
    else see();
    assertEquals(values, [0, 1, 2, undefined, 1, 2]);
  }));

test("an asynchronous generator runs in the context of who asks for the next value", async () => {
  async function* generate() {
    for (;;) {
      await null;
      yield get();
    }
  }
  const generator = generate();
  const values = [];
  for (const name of ["a", "b", "c"]) values.push((await storage.run(name, () => generator.next())).value);
  assertEquals(values, ["a", "b", "c"]);
  assertEquals((await generator.next()).value, undefined);
});

test("timers, microtasks, tasks", () =>
  twice(async (see) => {
    await new Promise((resolve) => setTimeout(() => resolve(see()), 1));
    await new Promise((resolve) => queueMicrotask(() => resolve(see())));
    await new Promise((resolve) => {
      let count = 0;
      const id = setInterval(() => {
        see();
        if (++count === 2) resolve(clearInterval(id));
      }, 1);
    });
    await scheduler.wait(1);
    see();
  }));

test("streams: sources, sinks, transformers", () =>
  twice(async (see) => {
    let count = 0;
    const source = new ReadableStream({
      async pull(controller) {
        see();
        await pause();
        see();
        controller.enqueue("x");
        if (++count === 3) controller.close();
      },
    });
    const transform = new TransformStream({
      transform(chunk, controller) {
        see();
        controller.enqueue(chunk);
      },
      flush: () => void see(),
    });
    await source.pipeThrough(transform).pipeTo(new WritableStream({ write: () => void see(), close: () => void see() }));
    see();
  }));

test("listeners run in the context of who dispatches, else in that of who added them", () =>
  twice(async (see) => {
    const target = new EventTarget();
    target.addEventListener("x", see);
    target.dispatchEvent(new Event("x"));
    storage.run("other", () => {
      target.addEventListener("y", () => assertEquals(get(), "dispatcher"), { once: true });
    });
    storage.run("dispatcher", () => target.dispatchEvent(new Event("y")));
    await new Promise((resolve) => {
      AbortSignal.timeout(1).addEventListener("abort", () => resolve(see()));
    });
    const { port1, port2 } = new MessageChannel();
    const heard = new Promise((resolve) => {
      port2.onmessage = () => resolve(see());
    });
    port1.postMessage(1);
    await heard;
    port1.close();
    see();
  }));

test("enterWith lasts to the end of the function's work, and no longer than its task", async () => {
  await new Promise((resolve) => {
    setTimeout(async () => {
      storage.enterWith("entered");
      assertEquals(get(), "entered");
      await pause();
      assertEquals(get(), "entered");
      resolve();
    });
  });
  assertEquals(get(), undefined);
  await pause();
  assertEquals(get(), undefined);
});

test("bind, snapshot and AsyncResource keep a context", () => {
  const bound = storage.run(1, () => AsyncLocalStorage.bind((x) => [get(), x]));
  assertEquals(bound(2), [1, 2]);
  const inside = storage.run(1, () => AsyncLocalStorage.snapshot());
  assertEquals(storage.run(2, () => inside((x) => [get(), x], 3)), [1, 3]);
  const resource = storage.run(1, () => new AsyncResource("test"));
  assertEquals(resource.runInAsyncScope(function (x) { return [get(), this, x]; }, 5, 6), [1, 5, 6]);
  assertEquals(resource.bind(get)(), 1);
  assertEquals(resource.bind(function (a, b) { return [this.x, a, b]; }).call({ x: 1 }, 2, 3), [1, 2, 3]);
  assertEquals(storage.run(4, () => AsyncResource.bind(get))(), 4);
  assert(resource.asyncId() > 0);
  assertThrows(() => new AsyncResource(1), TypeError, "type");
  assertThrows(() => storage.run(1, 2), TypeError, "callback");
});

test("class members, methods, default exports and arrows are rewritten like other functions", () =>
  twice(async (see) => {
    class Thing {
      #value = 1;
      field = async () => (await pause(), see(), this.#value);
      async [`${await "name"}`]() {
        await pause();
        see();
        return arguments.length;
      }
      static async make() {
        await pause();
        return new this();
      }
    }
    const thing = await Thing.make();
    see();
    assertEquals([await thing.field(), await thing.name(1, 2)], [1, 2]);
    const object = { async method() { await null; see(); return this === object; } };
    assert(await object.method());
    assertEquals(await (async () => /* => */ ({ a: await 1 }))(), { a: 1 });
    see();
  }));

test("what an app does to promises, it does to itself", async () => {
  const { then } = Promise.prototype;
  assertEquals([then.name, then.length], ["then", 2]);
  assertThrows(() => then.call({}), TypeError);
  assertEquals(await Array.fromAsync([1, Promise.resolve(2)], (x) => x * 2), [2, 4]);
});
