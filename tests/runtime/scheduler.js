// scheduler.wait(), an addition of Workers; see nano/runtime/scheduler.js.
import { assertEquals, assertRejects, assertThrows, test } from "./harness.js";

test("wait() resolves to nothing, in the order of timers", async () => {
  const log = [];
  setTimeout(() => log.push("timer"), 1);
  assertEquals(await scheduler.wait(1), undefined);
  assertEquals(log, ["timer"]);
});

test("wait() rejects with the reason of its signal", async () => {
  const controller = new AbortController();
  const waiting = scheduler.wait(100_000, { signal: controller.signal });
  controller.abort(new RangeError("enough"));
  await assertRejects(() => waiting, RangeError);
  await assertRejects(() => scheduler.wait(1, { signal: AbortSignal.abort(new RangeError("no")) }), RangeError);
});

test("wait() checks its arguments by rejecting", async () => {
  await assertRejects(() => scheduler.wait(), TypeError);
  await assertRejects(() => scheduler.wait(1, { signal: {} }), TypeError);
  assertThrows(() => new Scheduler(), TypeError);
});
