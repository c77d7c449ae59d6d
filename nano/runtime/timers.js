// Timers, microtasks and the task queue.
//
// Standard: https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html
// Host half: nano/engine/host.py, which wakes us with a TIMER record.
//
// A heap of timers here, one wake-up at the host. The host is asked only when a timer becomes due earlier
// than the wake-up already asked for. A timer that is cleared leaves its wake-up behind, which finds nothing
// due and asks again; but with the last timer the wake-up is taken back, for while there is one the host takes
// the isolate for busy.
//
// One wake-up runs one callback: microtasks have to run between two callbacks, and only the end of a turn
// runs them. What else is due follows in turns that the engine gives us, a hundred times cheaper than those of
// the host (see hop()). These are invisible to the host, which takes an isolate for hung if it neither runs
// nor has asked for anything; so they are used for a few milliseconds after each wake-up and no longer.
//
// Other modules queue a task (a message, an observer's callback) as a timer that is due now: tasks and timers
// thus keep their order, and count as pending work.

import { reportException } from "./event_target.js";
import { hostNow, hostTimer } from "./host.js";
import {
  ArrayPrototypePop,
  Int32Array,
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeHas,
  MapPrototypeSet,
  ObjectSetPrototypeOf,
  PromisePrototypeThen,
  globalThis_,
  uncurriedApply,
} from "./primordials.js";
import { converters, requiredArguments } from "./webidl.js";

const GONE = -1;

/** Something to do at a time. */
export class Timer {
  /** Its place in the heap. */
  index = GONE;
  // Declared, as an assignment would show a new timer to an app's setters on Object.prototype.
  due;
  serial;
  steps;
  /** @type {any} */
  referenced;

  /** @param {number} due @param {number} serial @param {() => void} steps */
  constructor(due, serial, steps) {
    this.due = due;
    this.serial = serial;
    this.steps = steps;
  }
}

/**
 * A binary heap, the timer that is due first on top; equal times in the order of their creation. It has no
 * prototype, so that no setter on Array.prototype can see a new element.
 *
 * @type {Timer[]}
 */
const heap = ObjectSetPrototypeOf([], null);
let lastSerial = 0;

/** The time of the wake-up that is coming. */
let wakeAt = Infinity;
/** Whether a timer's steps are running. */
let waking = false;
/** Whether the wake-up that is coming is a hop(). */
let hopping = false;

/** The host is not asked for more; it wakes us too early then, and is asked again. */
const LONGEST_WAIT = 0x7fffffff;

/** How many milliseconds after a wake-up by the host we may go on without it. */
const HOP_BUDGET = 4;
let hostWokeAt = -HOP_BUDGET;

/** @param {Timer} a @param {Timer} b */
const precedes = (a, b) => a.due < b.due || (a.due === b.due && a.serial < b.serial);

/** @param {Timer} timer @param {number} index */
function place(timer, index) {
  heap[index] = timer;
  timer.index = index;
}

/** @param {Timer} timer @param {number} index */
function siftUp(timer, index) {
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!precedes(timer, heap[parent])) break;
    place(heap[parent], index);
    index = parent;
  }
  place(timer, index);
}

/** @param {Timer} timer @param {number} index */
function siftDown(timer, index) {
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && precedes(heap[child + 1], heap[child])) child++;
    if (!precedes(heap[child], timer)) break;
    place(heap[child], index);
    index = child;
  }
  place(timer, index);
}

/** @param {Timer} timer */
function insert(timer) {
  siftUp(timer, heap.length);
  if (!waking && timer.due < wakeAt) arrangeWake();
}

/** @param {Timer} timer */
function remove(timer) {
  const { index } = timer;
  timer.index = GONE;
  const last = /** @type {Timer} */ (ArrayPrototypePop(heap));
  if (last === timer) return;
  if (index > 0 && precedes(last, heap[(index - 1) >> 1])) siftUp(last, index);
  else siftDown(last, index);
}

/** Have the timer on top of the heap run when it is due. */
function arrangeWake() {
  wakeAt = heap[0].due;
  const now = hostNow();
  const wait = wakeAt - now;
  if (wait <= 0 && now - hostWokeAt < HOP_BUDGET) hop();
  else hostTimer(wait <= 0 ? 0 : wait > LONGEST_WAIT ? LONGEST_WAIT : wait);
}

// Captured here, since they are taken away from apps.
const { notify, waitAsync } = Atomics;
const { SharedArrayBuffer } = globalThis_;
/** @type {Int32Array<SharedArrayBuffer> | undefined} */
let cell;

/** Go on in a turn of its own, with all microtasks run before: the engine wakes asynchronous waiters in tasks. */
function hop() {
  hopping = true;
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  const { value } = waitAsync(cell, 0, 0);
  PromisePrototypeThen(value, runFirst);
  notify(cell, 0);
}

/** The host's TIMER record. */
export function onTimerWake() {
  hostWokeAt = hostNow();
  runFirst();
}

/** Run the one timer that is due first. */
function runFirst() {
  wakeAt = Infinity;
  hopping = false;
  waking = true;
  const timer = heap[0];
  if (timer !== undefined && timer.due <= hostNow()) {
    remove(timer);
    try {
      timer.steps();
    } catch (error) {
      reportException(error);
    }
  }
  waking = false;
  if (heap.length > 0) arrangeWake();
}

/** How many timers and tasks are waiting. */
export const pendingTimers = () => heap.length;

/**
 * Run steps after a number of milliseconds.
 *
 * @see https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#run-steps-after-a-timeout
 * @param {number} ms
 * @param {() => void} steps
 * @returns {Timer}
 */
export function runAfterTimeout(ms, steps) {
  const timer = new Timer(hostNow() + ms, ++lastSerial, steps);
  insert(timer);
  return timer;
}

/** Take a timer back, if it has not run yet. @param {Timer} timer */
export function cancelTimer(timer) {
  if (timer.index === GONE) return;
  remove(timer);
  if (heap.length > 0 || waking || hopping || wakeAt === Infinity) return;
  wakeAt = Infinity;
  hostTimer(-1);
}

/**
 * Queue a task.
 *
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#queue-a-task
 * @param {() => void} steps
 * @returns {Timer}
 */
export const queueTask = (steps) => runAfterTimeout(0, steps);

const MAX_ID = 0x7fffffff;
const CLAMP_NESTING = 5;
const CLAMP_MS = 4;

/** The map of setTimeout and setInterval IDs. @type {Map<number, Timer>} */
const active = new Map();
let lastId = 0;
/** How deep the timer whose callback runs now was set from within timers. */
let nestingLevel = 0;

function nextId() {
  do lastId = lastId === MAX_ID ? 1 : lastId + 1;
  while (MapPrototypeHas(active, lastId));
  return lastId;
}

/**
 * @see https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#timer-initialisation-steps
 * @param {number} id
 * @param {Function} handler
 * @param {number} timeout
 * @param {any[]} args
 * @param {boolean} repeat
 * @param {number} level how deep this timer is nested
 */
function initializeTimer(id, handler, timeout, args, repeat, level) {
  if (timeout < 0) timeout = 0;
  if (level > CLAMP_NESTING && timeout < CLAMP_MS) timeout = CLAMP_MS;
  const task = () => {
    nestingLevel = level + 1;
    try {
      uncurriedApply(handler, globalThis_, args);
    } catch (error) {
      reportException(error);
    }
    nestingLevel = 0;
    if (MapPrototypeGet(active, id) !== timer) return;
    if (repeat) initializeTimer(id, handler, timeout, args, true, level + 1);
    else MapPrototypeDelete(active, id);
  };
  const timer = runAfterTimeout(timeout, task);
  MapPrototypeSet(active, id, timer);
}

/** @param {any} id */
function clear(id) {
  id = converters.long(id);
  const timer = MapPrototypeGet(active, id);
  if (timer === undefined) return;
  MapPrototypeDelete(active, id);
  cancelTimer(timer);
}

/**
 * The part that setTimeout() and setInterval() share. A string as handler is refused at once: code from
 * strings is disabled.
 *
 * @param {string} name
 * @param {number} given
 * @param {any} handler
 * @param {any} timeout
 * @param {any[]} args
 * @param {boolean} repeat
 */
function startTimer(name, given, handler, timeout, args, repeat) {
  const prefix = `Failed to execute '${name}'`;
  requiredArguments(given, 1, prefix);
  handler = converters.callback(handler, { prefix, name: "Argument 1" });
  timeout = converters.long(timeout, { prefix, name: "Argument 2" });
  const id = nextId();
  initializeTimer(id, handler, timeout, args, repeat, nestingLevel);
  return id;
}

/**
 * @param {Function} handler
 * @param {number} [timeout] milliseconds
 * @param {...any} args
 * @returns {number} its ID
 */
export function setTimeout(handler, timeout = 0, ...args) {
  return startTimer("setTimeout", arguments.length, handler, timeout, args, false);
}

/**
 * @param {Function} handler
 * @param {number} [timeout] milliseconds
 * @param {...any} args
 * @returns {number} its ID
 */
export function setInterval(handler, timeout = 0, ...args) {
  return startTimer("setInterval", arguments.length, handler, timeout, args, true);
}

/** @param {number} [id] */
export function clearTimeout(id = 0) {
  clear(id);
}

/** @param {number} [id] */
export function clearInterval(id = 0) {
  clear(id);
}

/** @param {Function} callback */
export function queueMicrotask(callback) {
  const prefix = "Failed to execute 'queueMicrotask'";
  requiredArguments(arguments.length, 1, prefix);
  runMicrotask(converters.callback(callback, { prefix, name: "Argument 1" }));
}

/**
 * `await` reaches the microtask queue without looking up anything that an app could have replaced.
 *
 * @param {Function} callback
 */
async function runMicrotask(callback) {
  await undefined;
  try {
    uncurriedApply(callback, undefined, []);
  } catch (error) {
    reportException(error);
  }
}
