// The clock, marks, measures and observers; see nano/runtime/performance.js and performance_timeline.js.
import { assert, assertEquals, assertThrows, test } from "./harness.js";

/** The name of what a function throws. */
function nameOfThrown(run) {
  try {
    run();
  } catch (error) {
    return error.name;
  }
  return "nothing";
}

test("now() and timeOrigin make the time of day", () => {
  const difference = performance.timeOrigin + performance.now() - Date.now();
  assert(difference > -1000 && difference < 1000);
  assertEquals(performance.toJSON(), { timeOrigin: performance.timeOrigin });
  assertThrows(() => performance.now.call({}), TypeError);
});

test("a measure spans two marks", () => {
  performance.mark("from", { startTime: 10, detail: { a: [1] } });
  performance.mark("to", { startTime: 25 });
  const measure = performance.measure("span", "from", "to");
  assertEquals([measure.startTime, measure.duration, measure.entryType, measure.detail], [10, 15, "measure", null]);
  assertEquals(performance.measure("d", { start: 5, duration: 3, detail: 0 }).duration, 3);
  assertEquals(performance.measure("e", { end: "to", duration: 5 }).startTime, 20);
  assertEquals(performance.getEntriesByName("from", "mark")[0].detail, { a: [1] });
  performance.clearMarks("from");
  assertEquals(performance.getEntriesByName("from").length, 0);
  performance.clearMarks();
  performance.clearMeasures();
  assertEquals(performance.getEntries().length, 0);
});

test("entries come in the order of their start", () => {
  performance.mark("late", { startTime: 9 });
  performance.mark("early", { startTime: 3 });
  assertEquals(performance.getEntriesByType("mark").map((entry) => entry.name), ["early", "late"]);
  performance.clearMarks();
});

test("what makes no sense is refused", () => {
  assertEquals(nameOfThrown(() => performance.measure("m", "no such mark")), "SyntaxError");
  assertThrows(() => performance.mark("m", { startTime: -1 }), TypeError);
  assertThrows(() => performance.measure("m", { start: 1 }, "to"), TypeError);
  assertThrows(() => performance.measure("m", { duration: 1 }), TypeError);
  assertThrows(() => performance.measure("m", { start: 1, end: 2, duration: 1 }), TypeError);
  assertThrows(() => new PerformanceMeasure(), TypeError);
  assertEquals(nameOfThrown(() => performance.mark("m", { detail() {} })), "DataCloneError");
});

test("an observer is told in a task, once for many entries", async () => {
  const calls = [];
  const observer = new PerformanceObserver((list, self) => {
    assert(self === observer);
    calls.push(list.getEntries().map((entry) => entry.name));
  });
  observer.observe({ entryTypes: ["mark", "nonsense"] });
  performance.mark("one");
  performance.mark("two");
  performance.measure("not observed");
  assertEquals(calls, []);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(calls, [["one", "two"]]);
  performance.mark("three");
  assertEquals(observer.takeRecords().map((entry) => entry.name), ["three"]);
  assertEquals(nameOfThrown(() => observer.observe({ type: "mark" })), "InvalidModificationError");
  observer.disconnect();
  performance.mark("four");
  assertEquals(observer.takeRecords(), []);
  performance.clearMarks();
  performance.clearMeasures();
});

test("a buffered observer sees what was before", async () => {
  performance.mark("before");
  const names = await new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => {
      observer.disconnect();
      resolve(list.getEntries().map((entry) => entry.name));
    });
    observer.observe({ type: "mark", buffered: true });
  });
  assertEquals(names, ["before"]);
  performance.clearMarks();
  assertEquals(PerformanceObserver.supportedEntryTypes, ["mark", "measure"]);
  assert(Object.isFrozen(PerformanceObserver.supportedEntryTypes));
});
