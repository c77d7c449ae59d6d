// MessageChannel, MessagePort, MessageEvent and BroadcastChannel, by
// https://html.spec.whatwg.org/multipage/web-messaging.html; see nano/runtime/message_channel.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));
const nextMessage = (port) => new Promise((resolve) => { port.onmessage = resolve; });

/** The name of what a function throws. */
function nameOfThrown(run) {
  try {
    run();
  } catch (error) {
    return error.name;
  }
  return "nothing";
}

test("messages wait until the port is started", async () => {
  const { port1, port2 } = new MessageChannel();
  const log = [];
  port2.addEventListener("message", (event) => log.push(event.data));
  port1.postMessage(1);
  port1.postMessage({ a: new Map([[1, 2]]) });
  await pause();
  assertEquals(log.length, 0);
  port2.start();
  await pause();
  assertEquals([log[0], log[1].a.get(1)], [1, 2]);
});

test("setting onmessage starts the port; the event is trusted and in a task of its own", async () => {
  const { port1, port2 } = new MessageChannel();
  const log = [];
  port2.onmessage = (event) => {
    log.push(event.data);
    queueMicrotask(() => log.push(`after ${event.data}`));
    assert(event.isTrusted && event instanceof MessageEvent && Object.isFrozen(event.ports));
  };
  port1.postMessage("a");
  port1.postMessage("b");
  assertEquals(log, []);
  await pause();
  assertEquals(log, ["a", "after a", "b", "after b"]);
});

test("a port can be sent, with what it has not delivered yet", async () => {
  const road = new MessageChannel();
  const parcel = new MessageChannel();
  parcel.port1.postMessage("inside");
  road.port1.postMessage("look", [parcel.port2]);
  const { ports } = await nextMessage(road.port2);
  assertEquals((await nextMessage(ports[0])).data, "inside");
  ports[0].postMessage("back");
  assertEquals((await nextMessage(parcel.port1)).data, "back");
  assertEquals(nameOfThrown(() => road.port1.postMessage(1, [parcel.port2])), "DataCloneError");
});

test("a port cannot send itself, nor be cloned", () => {
  const { port1 } = new MessageChannel();
  assertEquals(nameOfThrown(() => port1.postMessage(1, [port1])), "DataCloneError");
  assertEquals(nameOfThrown(() => port1.postMessage(1, { transfer: [port1] })), "DataCloneError");
  assertEquals(nameOfThrown(() => port1.postMessage(port1)), "DataCloneError");
  assertThrows(() => port1.postMessage(), TypeError);
});

test("close() ends both ports and tells the other", async () => {
  const { port1, port2 } = new MessageChannel();
  const log = [];
  port2.onmessage = (event) => log.push(event.data);
  port2.onclose = () => log.push("closed");
  port1.postMessage("before");
  port1.close();
  port1.postMessage("after");
  await pause();
  assertEquals(log, ["before", "closed"]);
});

test("close() within a listener lets through what was already under way", async () => {
  const { port1, port2 } = new MessageChannel();
  const log = [];
  port1.onmessage = (event) => {
    log.push(event.data);
    port1.close();
  };
  port2.postMessage(1);
  port2.postMessage(2);
  await pause();
  port2.postMessage(3);
  await pause();
  assertEquals(log, [1, 2]);
});

test("MessageEvent checks its ports", () => {
  const { port1 } = new MessageChannel();
  const event = new MessageEvent("m", { data: 1, origin: "o", lastEventId: "l", ports: [port1], source: port1 });
  assertEquals([event.data, event.origin, event.lastEventId, event.ports[0], event.source], [1, "o", "l", port1, port1]);
  assertEquals(new MessageEvent("m").data, null);
  assertThrows(() => new MessageEvent("m", { ports: [{}] }), TypeError);
  assertThrows(() => new MessageEvent("m", { source: {} }), TypeError);
});

test("a broadcast reaches the other channels of its name, each with a copy", async () => {
  const [sender, one, two, other] = ["n", "n", "n", "m"].map((name) => new BroadcastChannel(name));
  const got = [];
  for (const channel of [sender, one, two, other]) channel.onmessage = (event) => got.push(event.data);
  sender.postMessage(new Uint8Array([5]));
  await pause();
  assertEquals(got.map((bytes) => bytes[0]), [5, 5]);
  assert(got[0].buffer !== got[1].buffer);
  for (const channel of [sender, one, two, other]) channel.close();
  assertEquals(nameOfThrown(() => sender.postMessage(1)), "InvalidStateError");
});
