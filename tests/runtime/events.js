// Event, EventTarget and the event classes, by https://dom.spec.whatwg.org/#events; see nano/runtime/event.js,
// event_target.js and events.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

/** Dispatch events of a type on a new target that logs what its listeners say. */
function logged(prepare) {
  const target = new EventTarget();
  const log = [];
  prepare(target, log);
  return { target, log };
}

test("capturing listeners run before the others, each group in order", () => {
  const { target, log } = logged((target, log) => {
    target.addEventListener("x", () => log.push("b1"));
    target.addEventListener("x", () => log.push("c1"), true);
    target.addEventListener("x", () => log.push("b2"));
    target.addEventListener("x", () => log.push("c2"), { capture: true });
  });
  target.dispatchEvent(new Event("x"));
  assertEquals(log, ["c1", "c2", "b1", "b2"]);
});

test("a listener added during dispatch waits for the next, a removed one is skipped", () => {
  const { target, log } = logged((target, log) => {
    const doomed = () => log.push("doomed");
    target.addEventListener("x", () => {
      log.push("first");
      target.removeEventListener("x", doomed);
      target.addEventListener("x", () => log.push("added"), { once: true });
    }, { once: true });
    target.addEventListener("x", doomed);
  });
  target.dispatchEvent(new Event("x"));
  assertEquals(log, ["first"]);
  target.dispatchEvent(new Event("x"));
  target.dispatchEvent(new Event("x"));
  assertEquals(log, ["first", "added"]);
});

test("a dispatch within a dispatch sees the current listeners", () => {
  const { target, log } = logged((target, log) => {
    target.addEventListener("x", (event) => {
      if (event.inner) return;
      target.addEventListener("x", () => log.push("added"));
      target.dispatchEvent(Object.assign(new Event("x"), { inner: true }));
      log.push("outer");
    });
  });
  target.dispatchEvent(new Event("x"));
  assertEquals(log, ["added", "outer"]);
});

test("handleEvent is looked up at each call, with the object as receiver", () => {
  const { target, log } = logged((target, log) => {
    const listener = { name: "one", handleEvent() { log.push(this.name); } };
    target.addEventListener("x", listener);
    target.dispatchEvent(new Event("x"));
    listener.handleEvent = () => log.push("two");
  });
  target.dispatchEvent(new Event("x"));
  assertEquals(log, ["one", "two"]);
});

test("a passive listener cannot cancel", () => {
  const target = new EventTarget();
  target.addEventListener("x", (event) => event.preventDefault(), { passive: true });
  assert(target.dispatchEvent(new Event("x", { cancelable: true })));
  target.addEventListener("x", (event) => { event.returnValue = false; });
  assert(!target.dispatchEvent(new Event("x", { cancelable: true })));
});

test("stopImmediatePropagation stops, and the event can be used again", () => {
  const { target, log } = logged((target, log) => {
    target.addEventListener("x", (event) => { log.push(1); event.stopImmediatePropagation(); }, { once: true });
    target.addEventListener("x", () => log.push(2));
  });
  const event = new Event("x");
  target.dispatchEvent(event);
  assert(!event.cancelBubble);
  target.dispatchEvent(event);
  assertEquals(log, [1, 2]);
});

test("a signal removes the listener, and an aborted one keeps it away", () => {
  const controller = new AbortController();
  const { target, log } = logged((target, log) => {
    target.addEventListener("x", () => log.push(1), { signal: controller.signal });
    controller.abort();
    target.addEventListener("x", () => log.push(2), { signal: controller.signal });
  });
  target.dispatchEvent(new Event("x"));
  assertEquals(log, []);
});

test("an event handler keeps its place while its value changes", () => {
  const { signal } = new AbortController();
  const log = [];
  signal.onabort = () => log.push("old");
  signal.addEventListener("abort", () => log.push("listener"));
  signal.onabort = () => log.push("new");
  signal.dispatchEvent(new Event("abort"));
  signal.onabort = null;
  signal.onabort = () => log.push("last");
  signal.dispatchEvent(new Event("abort"));
  assertEquals(log, ["new", "listener", "listener", "last"]);
});

test("an event handler that returns false cancels", () => {
  const { signal } = new AbortController();
  signal.onabort = () => false;
  assert(!signal.dispatchEvent(new Event("abort", { cancelable: true })));
});

test("an event handler takes objects, and null for all else", () => {
  const { signal } = new AbortController();
  const object = {};
  signal.onabort = object;
  assertEquals(signal.onabort, object);
  signal.dispatchEvent(new Event("abort"));
  signal.onabort = "function";
  assertEquals(signal.onabort, null);
});

test("isTrusted is an own property that cannot be changed", () => {
  const event = new Event("x");
  assertEquals(event.isTrusted, false);
  assertThrows(() => Object.defineProperty(event, "isTrusted", { value: true }), TypeError);
});

test("an event under way cannot be dispatched again", () => {
  const target = new EventTarget();
  let name;
  target.addEventListener("x", (event) => {
    try {
      target.dispatchEvent(event);
    } catch (error) {
      name = error.name;
    }
  });
  target.dispatchEvent(new Event("x"));
  assertEquals(name, "InvalidStateError");
});

test("the global object is a target, with or without a receiver", () => {
  let count = 0;
  const count1 = (event) => {
    assertEquals(event.target, globalThis);
    count++;
  };
  const { addEventListener, dispatchEvent } = EventTarget.prototype;
  addEventListener("nano-test", count1);
  dispatchEvent(new Event("nano-test"));
  globalThis.removeEventListener("nano-test", count1);
  dispatchEvent(new Event("nano-test"));
  assertEquals(count, 1);
  assert(globalThis instanceof EventTarget);
});

test("the event classes read their dictionaries", () => {
  assertEquals(new CustomEvent("x", { detail: 0 }).detail, 0);
  assertEquals(new CustomEvent("x").detail, null);
  const error = new ErrorEvent("error", { message: "m", lineno: 3.7, error: 5 });
  assertEquals([error.message, error.lineno, error.error, error.filename], ["m", 3, 5, ""]);
  const close = new CloseEvent("close", { wasClean: 1, code: 1000, reason: "bye" });
  assertEquals([close.wasClean, close.code, close.reason], [true, 1000, "bye"]);
  assertThrows(() => new PromiseRejectionEvent("x", {}), TypeError);
  const promise = Promise.resolve();
  assertEquals(new PromiseRejectionEvent("x", { promise, reason: 1 }).promise, promise);
});

test("patched built-ins do not matter", () => {
  const { push, slice, splice } = Array.prototype;
  const { target, log } = logged((target, log) => target.addEventListener("x", () => { log[log.length] = 1; }));
  const broken = () => { throw new Error("patched"); };
  Object.assign(Array.prototype, { push: broken, slice: broken, splice: broken });
  try {
    target.addEventListener("x", () => { log[log.length] = 2; }, { once: true });
    target.dispatchEvent(new Event("x"));
  } finally {
    Object.assign(Array.prototype, { push, slice, splice });
  }
  assertEquals(log, [1, 2]);
});
