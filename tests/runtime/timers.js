// Timers and microtasks, by https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html; see
// nano/runtime/timers.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test("microtasks run between two timers that are due together", async () => {
  const log = [];
  setTimeout(() => {
    log.push("timer 1");
    Promise.resolve().then(() => log.push("job 1")).then(() => log.push("job 2"));
  });
  setTimeout(() => log.push("timer 2"));
  await pause(1);
  assertEquals(log, ["timer 1", "job 1", "job 2", "timer 2"]);
});

test("timers run in the order of their times, then of their creation", async () => {
  const log = [];
  const times = [30, 10, 20, 10, 0];
  for (let i = 0; i < times.length; i++) setTimeout((...args) => log.push(args), times[i], times[i], i);
  await pause(40);
  assertEquals(log, [[0, 4], [10, 1], [10, 3], [20, 2], [30, 0]]);
});

test("many timers, some of them cleared, keep their order", async () => {
  const log = [];
  const ids = [];
  for (let i = 0; i < 50; i++) {
    const ms = ((i * 7) % 5) * 10;
    ids.push(setTimeout(() => log.push(ms), ms));
  }
  for (let i = 0; i < 50; i += 3) clearTimeout(ids[i]);
  await pause(50);
  assertEquals(log.length, 33);
  assertEquals(log, log.toSorted());
});

test("an interval runs until it is cleared, from within as well", async () => {
  let count = 0;
  await new Promise((resolve) => {
    const id = setInterval(() => {
      if (++count < 3) return;
      clearInterval(id);
      setTimeout(resolve, 10);
    }, 1);
  });
  assertEquals(count, 3);
});

test("clearTimeout and clearInterval are the same, and take anything", () => {
  const fail = () => { throw new Error("was not cleared"); };
  clearInterval(setTimeout(fail));
  clearTimeout(setInterval(fail));
  clearTimeout();
  clearTimeout(null);
  clearTimeout({});
  clearTimeout(-1);
  assertThrows(() => clearTimeout(1n), TypeError);
});

test("a timer can clear one that is due at the same time", async () => {
  const log = [];
  setTimeout(() => clearTimeout(second));
  const second = setTimeout(() => log.push("second"));
  await pause(1);
  assertEquals(log, []);
});

test("the time is a long: too large a number wraps around", async () => {
  const log = [];
  setTimeout(() => log.push("wrapped"), 2 ** 32);
  setTimeout(() => log.push("negative"), -5);
  setTimeout(() => log.push("no number"), "soon");
  await pause(0);
  assertEquals(log, ["wrapped", "negative", "no number"]);
});

test("callbacks have the global object as receiver, and must be functions", async () => {
  const receiver = await new Promise((resolve) => setTimeout(function () { resolve(this); }));
  assertEquals(receiver, globalThis);
  assertThrows(() => setTimeout("1 + 1"), TypeError);
  assertThrows(() => setTimeout(), TypeError);
  assertThrows(() => queueMicrotask(), TypeError);
});

test("queueMicrotask keeps the order of promise jobs", async () => {
  const log = [];
  Promise.resolve().then(() => log.push(1));
  queueMicrotask(() => log.push(2));
  Promise.resolve().then(() => log.push(3));
  await pause(0);
  assertEquals(log, [1, 2, 3]);
});

test("a patched Promise or Array does not matter", async () => {
  const { then } = Promise.prototype;
  Promise.prototype.then = () => { throw new Error("patched"); };
  let ran = false;
  let seen = 0;
  Object.defineProperty(Array.prototype, "0", { set() { seen++; }, configurable: true });
  try {
    queueMicrotask(() => { ran = true; });
    clearTimeout(setTimeout(() => {}, 1));
  } finally {
    Promise.prototype.then = then;
    delete Array.prototype[0];
  }
  await pause(0);
  assertEquals([ran, seen], [true, 0]);
});

test("an exception in a callback is reported, and the next timer runs", async () => {
  const errors = [];
  const listener = (event) => {
    event.preventDefault();
    errors.push(event.error);
  };
  addEventListener("error", listener);
  setTimeout(() => { throw "from a timer"; });
  queueMicrotask(() => { throw "from a microtask"; });
  await pause(1);
  removeEventListener("error", listener);
  assertEquals(errors, ["from a microtask", "from a timer"]);
});

test("deeply nested timers are slowed down to 4 ms", async () => {
  const log = [];
  setTimeout(() => log.push("10 ms"), 10);
  let depth = 0;
  await new Promise((resolve) => {
    const next = () => (++depth === 12 ? resolve() : setTimeout(next, 0));
    next();
  });
  assertEquals(log, ["10 ms"]);
});
