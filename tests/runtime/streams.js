// Streams, by https://streams.spec.whatwg.org/; see nano/runtime/streams/. The web platform tests cover the
// standard; here are the places where they are thin, hostile scripts, and what Workers add.
import { assert, assertEquals, assertRejects, assertThrows, test } from "./harness.js";

/** A stream of the given chunks. */
const streamOf = (...chunks) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

/** A sink that keeps what it is given. */
function recorder(events = []) {
  const stream = new WritableStream({
    write: (chunk) => void events.push(chunk),
    close: () => void events.push("closed"),
    abort: (reason) => void events.push(["aborted", reason]),
  });
  return { stream, events };
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const ticks = async (count) => {
  for (let i = 0; i < count; i++) await undefined;
};

test("a pull runs only after the one before has settled", async () => {
  let running = 0;
  let most = 0;
  const stream = new ReadableStream({
    async pull(controller) {
      most = Math.max(most, ++running);
      await ticks(3);
      controller.enqueue(running--);
    },
  }, { highWaterMark: 4 });
  const reader = stream.getReader();
  await Promise.all([reader.read(), reader.read(), reader.read()]);
  await reader.cancel();
  assertEquals(most, 1);
});

test("desiredSize follows the size function, and a bad size errors the stream", async () => {
  let controller;
  const stream = new ReadableStream({ start: (c) => void (controller = c) }, { highWaterMark: 10, size: (chunk) => chunk });
  controller.enqueue(4);
  assertEquals(controller.desiredSize, 6);
  assertThrows(() => controller.enqueue(-1), RangeError);
  assertEquals(controller.desiredSize, null);
  await assertRejects(() => stream.getReader().read(), RangeError);
});

test("releasing a reader rejects its reads and leaves the chunks to the next one", async () => {
  let controller;
  const stream = new ReadableStream({ start: (c) => void (controller = c) });
  const first = stream.getReader();
  const pending = first.read();
  first.releaseLock();
  await assertRejects(() => pending, TypeError);
  await assertRejects(() => first.closed, TypeError);
  controller.enqueue("kept");
  assertEquals(await stream.getReader().read(), { value: "kept", done: false });
});

test("the branches of a tee are independent, and cancelling both cancels the source with both reasons", async () => {
  let reasons;
  const [one, two] = new ReadableStream({
    start(controller) {
      controller.enqueue(1);
      controller.enqueue(2);
    },
    cancel: (reason) => void (reasons = reason),
  }).tee();
  const reader = one.getReader();
  assertEquals((await reader.read()).value, 1);
  assertEquals((await reader.read()).value, 2);
  const cancelled = reader.cancel("a");
  const other = two.getReader();
  assertEquals((await other.read()).value, 1);
  assertEquals(reasons, undefined);
  await Promise.all([cancelled, other.cancel("b")]);
  assertEquals(reasons, ["a", "b"]);
});

test("a tee of a byte stream gives each branch its own bytes", async () => {
  const [one, two] = new ReadableStream({
    type: "bytes",
    start(controller) {
      controller.enqueue(new Uint8Array([1, 2, 3]));
      controller.close();
    },
  }).tee();
  const { value } = await one.getReader({ mode: "byob" }).read(new Uint8Array(8));
  value[0] = 99;
  assertEquals([...(await two.getReader().read()).value], [1, 2, 3]);
});

test("a BYOB read fills the reader's buffer and leaves the rest for later", async () => {
  const stream = new ReadableStream({
    type: "bytes",
    start(controller) {
      controller.enqueue(new Uint8Array([1, 2, 3, 4, 5, 6]));
      controller.close();
    },
  });
  const reader = stream.getReader({ mode: "byob" });
  const view = new Uint16Array(2);
  const { value } = await reader.read(view);
  assertEquals(view.byteLength, 0);
  assertEquals(new Uint8Array(value.buffer).join(), "1,2,3,4");
  const last = await reader.read(new Uint8Array(4), { min: 2 });
  assertEquals(last.value.join(), "5,6");
  assertEquals((await reader.read(new Uint8Array(4))).done, true);
});

test("a BYOB request is answered in place, and only once", async () => {
  let request;
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller) {
      request = controller.byobRequest;
      request.view[0] = 7;
      request.respond(1);
    },
  });
  const { value } = await stream.getReader({ mode: "byob" }).read(new Uint8Array(3));
  assertEquals(value.join(), "7");
  assertEquals(request.view, null);
  assertThrows(() => request.respond(1), TypeError);
});

test("from() takes what can be iterated, and closes it on cancel", async () => {
  assertEquals(await collect(ReadableStream.from(["a", Promise.resolve("b")])), ["a", "b"]);
  let closed = false;
  async function* numbers() {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      closed = true;
    }
  }
  for await (const number of ReadableStream.from(numbers())) if (number === 2) break;
  assert(closed);
  assertThrows(() => ReadableStream.from(5), TypeError);
});

test("leaving a loop cancels the stream unless told not to", async () => {
  let cancelled = 0;
  const make = () => new ReadableStream({
    pull: (controller) => controller.enqueue(1),
    cancel: () => void cancelled++,
  });
  for await (const _ of make()) break;
  assertEquals(cancelled, 1);
  const kept = make();
  for await (const _ of kept.values({ preventCancel: true })) break;
  assertEquals(cancelled, 1);
  assert(!kept.locked);
});

test("writes wait their turn, and an abort rejects those that wait", async () => {
  let finish;
  const log = [];
  const stream = new WritableStream({
    write(chunk) {
      log.push(chunk);
      return new Promise((resolve) => (finish = resolve));
    },
    abort: (reason) => void log.push(reason),
  });
  const writer = stream.getWriter();
  await writer.ready;
  const first = writer.write(1);
  const second = writer.write(2);
  const aborted = writer.abort("enough");
  assertEquals(await writer.ready.catch((reason) => reason), "enough");
  assertEquals(log, [1]);
  finish();
  await first;
  assertEquals(await second.catch((reason) => reason), "enough");
  await aborted;
  assertEquals(log, [1, "enough"]);
});

test("the controller's signal tells a sink of an abort at once", async () => {
  let signal;
  const stream = new WritableStream({
    start: (controller) => void (signal = controller.signal),
    write: () => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const writer = stream.getWriter();
  const written = writer.write("x").catch((error) => error);
  await ticks(2);
  await writer.abort("stop").catch(() => {});
  assertEquals(await written, "stop");
});

test("pipeTo moves everything and closes the sink", async () => {
  const { stream, events } = recorder();
  await streamOf("a", "b").pipeTo(stream);
  assertEquals(events, ["a", "b", "closed"]);
});

test("pipeTo honours preventClose, preventAbort and preventCancel", async () => {
  const open = recorder();
  await streamOf("a").pipeTo(open.stream, { preventClose: true });
  assert(!open.stream.locked);
  assertEquals(open.events, ["a"]);

  const failing = () => new ReadableStream({ start: (controller) => controller.error("broken") });
  const aborted = recorder();
  assertEquals(await failing().pipeTo(aborted.stream).catch((error) => error), "broken");
  assertEquals(aborted.events, [["aborted", "broken"]]);
  const untouched = recorder();
  await failing().pipeTo(untouched.stream, { preventAbort: true }).catch(() => {});
  assertEquals(untouched.events, []);

  let cancelled;
  const source = () => new ReadableStream({ cancel: (reason) => void (cancelled = reason) });
  const full = () => new WritableStream({ start: (controller) => controller.error("full") });
  await source().pipeTo(full(), { preventCancel: true }).catch(() => {});
  assertEquals(cancelled, undefined);
  await source().pipeTo(full()).catch(() => {});
  assertEquals(cancelled, "full");
});

test("a signal stops a pipe after the chunks that were read are written", async () => {
  const abort = new AbortController();
  let finish;
  const events = [];
  const sink = new WritableStream({
    write(chunk) {
      events.push(chunk);
      return new Promise((resolve) => (finish = resolve));
    },
    abort: (reason) => void events.push(reason),
  });
  const piped = new ReadableStream({ pull: (controller) => controller.enqueue("c") }).pipeTo(sink, { signal: abort.signal });
  await ticks(10);
  abort.abort("signal");
  await ticks(10);
  assertEquals(events, ["c"]);
  finish();
  assertEquals(await piped.catch((error) => error), "signal");
  assertEquals(events, ["c", "signal"]);
});

test("backpressure of a transform reaches its writer", async () => {
  const transform = new TransformStream();
  const writer = transform.writable.getWriter();
  let written = false;
  const write = writer.write("x").then(() => (written = true));
  await ticks(10);
  assert(!written);
  assertEquals((await transform.readable.getReader().read()).value, "x");
  await write;
});

test("what a transformer throws errors both sides", async () => {
  const transform = new TransformStream({
    transform() {
      throw new RangeError("no");
    },
  });
  const writer = transform.writable.getWriter();
  await assertRejects(() => Promise.all([writer.write("x"), transform.readable.getReader().read()]), RangeError);
  await assertRejects(() => writer.closed, RangeError);
});

test("streams survive a script that patches promises, arrays and Object.prototype, and show it nothing", async () => {
  const { then } = Promise.prototype;
  const { push, shift } = Array.prototype;
  const internal = ["0", "origin", "value", "next", "stream", "reason", "resolve", "chunk", "state", "storedError"];
  let seen = "";
  let received;
  await ticks(5); // whoever runs the test has subscribed to it before then() is patched
  for (const name of internal) {
    const get = () => void (seen += `get ${name} `);
    const set = () => void (seen += `set ${name} `);
    Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get, set });
  }
  Array.prototype.push = Array.prototype.shift = Promise.prototype.then = () => {
    throw new Error("a patched method was called");
  };
  let piped;
  try {
    const sink = new WritableStream({ write: (chunk) => void (received = chunk) });
    piped = new ReadableStream({
      start(controller) {
        controller.enqueue("x");
        controller.close();
      },
    }).pipeThrough(new TransformStream()).pipeTo(sink);
    for (let i = 0; i < 50; i++) await undefined;
  } finally {
    Promise.prototype.then = then;
    Array.prototype.push = push;
    Array.prototype.shift = shift;
    for (const name of internal) delete Object.prototype[name];
  }
  await piped;
  assertEquals([received, seen], ["x", ""]);
});

test("streams can be transferred, and their chunks are cloned", async () => {
  const chunk = { list: [1] };
  const source = streamOf(chunk);
  const moved = structuredClone(source, { transfer: [source] });
  assert(source.locked);
  const [received] = await collect(moved);
  assertEquals(received, chunk);
  assert(received !== chunk);
});

test("a transferred sink passes on chunks, the end and errors", async () => {
  const good = recorder();
  const writer = structuredClone(good.stream, { transfer: [good.stream] }).getWriter();
  await writer.write("w");
  await writer.close();
  assertEquals(good.events, ["w", "closed"]);

  const bad = recorder();
  const failing = structuredClone(bad.stream, { transfer: [bad.stream] }).getWriter();
  await assertRejects(() => failing.write(() => {}), DOMException);
  await ticks(30);
  assertEquals(bad.events[0][0], "aborted");
});

test("a locked stream cannot be transferred", () => {
  const stream = streamOf(1);
  stream.getReader();
  assertEquals(assertThrows(() => structuredClone(stream, { transfer: [stream] }), DOMException).name, "DataCloneError");
});

test("a transform stream is transferred with both sides", async () => {
  const original = new TransformStream({ transform: (chunk, controller) => controller.enqueue(chunk * 2) });
  const { readable, writable } = structuredClone(original, { transfer: [original] });
  const writer = writable.getWriter();
  writer.write(21);
  writer.close();
  assertEquals(await collect(readable), [42]);
});

test("IdentityTransformStream passes bytes and keeps the writer's buffer", async () => {
  const { readable, writable } = new IdentityTransformStream();
  assert(new IdentityTransformStream() instanceof TransformStream);
  const writer = writable.getWriter();
  const bytes = new Uint8Array([1, 2, 3]);
  const written = writer.write(bytes);
  const reader = readable.getReader({ mode: "byob" });
  assertEquals((await reader.read(new Uint8Array(2))).value.join(), "1,2");
  await written;
  assertEquals(bytes.join(), "1,2,3");
  assertEquals((await reader.read(new Uint8Array(2))).value.join(), "3");
  const closed = writer.close();
  assertEquals((await reader.read(new Uint8Array(2))).done, true);
  await closed;
  await assertRejects(() => new IdentityTransformStream().writable.getWriter().write("text"), TypeError);
});

test("FixedLengthStream insists on its length", async () => {
  const write = async (length, ...sizes) => {
    const { readable, writable } = new FixedLengthStream(length);
    const all = collect(readable).catch((error) => error);
    const writer = writable.getWriter();
    for (const size of sizes) await writer.write(new Uint8Array(size));
    await writer.close();
    return (await all).length;
  };
  assertEquals(await write(5, 2, 3), 2);
  await assertRejects(() => write(5, 6), TypeError);
  await assertRejects(() => write(5, 2), TypeError);
  assertThrows(() => new FixedLengthStream(-1), TypeError);
});

test("a body that is a stream is read whole, however its chunks come", async () => {
  const encode = (text) => new TextEncoder().encode(text);
  const slow = new ReadableStream({
    async start(controller) {
      for (const part of ["a", "b", "c"]) {
        await ticks(2);
        controller.enqueue(encode(part));
      }
      controller.close();
    },
  });
  assertEquals(await new Response(slow).text(), "abc");
  assertEquals(await new Response(streamOf(encode("x"), encode("yz"))).text(), "xyz");
  await assertRejects(() => new Response(streamOf("text")).text(), TypeError);
});
