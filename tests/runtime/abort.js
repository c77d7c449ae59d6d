// AbortController and AbortSignal, by https://dom.spec.whatwg.org/#aborting-ongoing-activities; see
// nano/runtime/abort.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

test("abort() sets the reason once and fires one trusted event", () => {
  const controller = new AbortController();
  const events = [];
  controller.signal.onabort = (event) => events.push(event.isTrusted);
  controller.abort("first");
  controller.abort("second");
  assertEquals(controller.signal.reason, "first");
  assertEquals(events, [true]);
});

test("without a reason it is an AbortError", () => {
  const controller = new AbortController();
  controller.abort();
  assertEquals(controller.signal.reason.name, "AbortError");
  assertThrows(() => controller.signal.throwIfAborted(), DOMException);
  assertEquals(AbortSignal.abort().reason.code, 20);
});

test("any() follows the first of its signals, through other dependents as well", () => {
  const one = new AbortController();
  const two = new AbortController();
  const inner = AbortSignal.any([one.signal, two.signal]);
  const outer = AbortSignal.any([inner]);
  const log = [];
  inner.onabort = () => log.push(["inner", outer.aborted]);
  outer.onabort = () => log.push(["outer", inner.aborted]);
  two.signal.onabort = () => log.push(["source", outer.aborted]);
  two.abort("why");
  one.abort("late");
  assertEquals(outer.reason, "why");
  assertEquals(log, [["source", true], ["inner", true], ["outer", true]]);
});

test("any() of an aborted signal is aborted, of none never", () => {
  assertEquals(AbortSignal.any([new AbortController().signal, AbortSignal.abort(1)]).reason, 1);
  assert(!AbortSignal.any([]).aborted);
  assertThrows(() => AbortSignal.any([{}]), TypeError);
  assertThrows(() => AbortSignal.any(), TypeError);
});

test("timeout() aborts with a TimeoutError", async () => {
  const signal = AbortSignal.timeout(1);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  assertEquals(signal.reason.name, "TimeoutError");
});

test("timeout() reaches what depends on it", async () => {
  const signal = AbortSignal.any([AbortSignal.timeout(1), new AbortController().signal]);
  await new Promise((resolve) => { signal.onabort = resolve; });
  assertEquals(signal.reason.name, "TimeoutError");
});

test("timeout() aborts though nobody listens, and so does what depends on it", async () => {
  const signal = AbortSignal.timeout(1);
  const dependent = AbortSignal.any([signal]);
  assertEquals([signal.aborted, dependent.aborted], [false, false]);
  await scheduler.wait(5);
  assertEquals(dependent.reason.name, "TimeoutError");
  assertEquals(signal.reason, dependent.reason);
});

test("timeout() can be listened to again after a while", async () => {
  const signal = AbortSignal.timeout(10);
  const listener = () => {};
  signal.addEventListener("abort", listener);
  signal.removeEventListener("abort", listener);
  await scheduler.wait(20);
  signal.addEventListener("abort", listener);
  assert(!AbortSignal.timeout(1000).aborted);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  assertEquals(signal.reason.name, "TimeoutError");
});

test("timeout() takes no negative time", () => {
  assertThrows(() => AbortSignal.timeout(-1), TypeError);
  assertThrows(() => AbortSignal.timeout(), TypeError);
});

test("a listener that was removed leaves nothing on the signal", () => {
  const controller = new AbortController();
  const target = new EventTarget();
  const listener = () => {};
  for (let i = 0; i < 1000; i++) {
    target.addEventListener("x", listener, { signal: controller.signal });
    target.removeEventListener("x", listener);
  }
  controller.abort();
  assert(controller.signal.aborted);
});

test("signals cannot be constructed, and their members check their receiver", () => {
  assertThrows(() => new AbortSignal(), TypeError);
  const { get } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted");
  assertThrows(() => get.call({}), TypeError);
});
