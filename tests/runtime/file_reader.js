// FileReader and ProgressEvent; implementation: nano/runtime/file_reader.js.

import { test, assert, assertEquals, assertThrows } from "./harness.js";

/** @param {Blob} blob @param {string} method @param {...any} rest */
const read = (blob, method, ...rest) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader[method](blob, ...rest);
  });

test("all forms of a result", async () => {
  const blob = new Blob([new Uint8Array([0x68, 0xc3, 0xa9])], { type: "text/plain" });
  assertEquals(await read(blob, "readAsText"), "h\u00e9");
  assertEquals(await read(blob, "readAsText", "latin1"), "h\u00c3\u00a9");
  assertEquals(await read(blob, "readAsBinaryString"), "h\u00c3\u00a9");
  assertEquals(await read(blob, "readAsDataURL"), "data:text/plain;base64,aMOp");
  assertEquals([...new Uint8Array(await read(blob, "readAsArrayBuffer"))], [0x68, 0xc3, 0xa9]);
});

test("the charset of the type counts where no encoding is given, a byte order mark always", async () => {
  const bytes = new Uint8Array([0xe9]);
  assertEquals(await read(new Blob([bytes], { type: "text/plain;charset=latin1" }), "readAsText"), "\u00e9");
  assertEquals(await read(new Blob([bytes], { type: "text/plain;charset=latin1" }), "readAsText", "no-such"), "\u00e9");
  assertEquals(await read(new Blob([new Uint8Array([0xff, 0xfe, 0x61, 0])]), "readAsText", "utf-8"), "a");
});

test("events come in order, each in a task of its own", async () => {
  const reader = new FileReader();
  const seen = [];
  for (const type of ["loadstart", "progress", "load", "loadend", "abort", "error"]) {
    reader.addEventListener(type, (event) => {
      seen.push(`${type} ${event.loaded}/${event.total} ${reader.readyState}`);
      Promise.resolve().then(() => seen.push("microtask"));
    });
  }
  const done = new Promise((resolve) => reader.addEventListener("loadend", resolve));
  reader.readAsText(new Blob(["abc"]));
  assertEquals(reader.readyState, FileReader.LOADING);
  assertThrows(() => reader.readAsText(new Blob([])), DOMException);
  await done;
  assertEquals(seen, [
    "loadstart 0/3 1", "microtask", "progress 3/3 1", "microtask", "load 3/3 2", "microtask", "loadend 3/3 2", "microtask",
  ]);
});

test("abort fires at once and ends the read", async () => {
  const reader = new FileReader();
  const seen = [];
  for (const type of ["loadstart", "load", "abort", "loadend"]) reader.addEventListener(type, () => seen.push(type));
  reader.abort();
  assertEquals([seen, reader.readyState], [[], FileReader.EMPTY]);
  reader.readAsText(new Blob(["abc"]));
  reader.abort();
  assertEquals(seen, ["abort", "loadend"]);
  assertEquals([reader.readyState, reader.result, reader.error.name], [FileReader.DONE, null, "AbortError"]);
  assertEquals(await read(new Blob(["later"]), "readAsText"), "later");
  assertEquals(seen.length, 2);
});

test("a read begun in a load listener suppresses the loadend of the one before", async () => {
  const reader = new FileReader();
  const seen = [];
  await new Promise((resolve) => {
    reader.onload = () => {
      seen.push(reader.result);
      if (seen.length === 1) reader.readAsText(new Blob(["second"]));
    };
    reader.onloadend = () => {
      seen.push("loadend");
      resolve();
    };
    reader.readAsText(new Blob(["first"]));
  });
  assertEquals(seen, ["first", "second", "loadend"]);
});

test("ProgressEvent", () => {
  const event = new ProgressEvent("x", { lengthComputable: true, loaded: 1.5, total: 3, cancelable: true });
  assertEquals([event.lengthComputable, event.loaded, event.total, event.cancelable], [true, 1.5, 3, true]);
  assert(event instanceof Event);
  assertThrows(() => new ProgressEvent(), TypeError);
  assertThrows(() => new FileReader().readAsText("no blob"), TypeError);
});
