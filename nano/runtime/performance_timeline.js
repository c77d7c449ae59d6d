// Performance entries and those who observe them.
//
// Standards: https://w3c.github.io/performance-timeline/, PerformanceMark and PerformanceMeasure
// https://w3c.github.io/user-timing/, PerformanceResourceTiming https://w3c.github.io/resource-timing/
// (the interface alone: what is fetched is measured by the host and found in its metrics).

import { DOMException } from "./dom_exception.js";
import { reportException } from "./event_target.js";
import { hostNow } from "./host.js";
import {
  ArrayPrototypeIncludes,
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  ArrayPrototypeSort,
  ArrayPrototypeSplice,
  ObjectFreeze,
  TypeError,
  uncurriedApply,
} from "./primordials.js";
import { structuredDeserialize, structuredSerialize } from "./structured_clone.js";
import { queueTask } from "./timers.js";
import { converters, dictionary, exposeInterface, illegalConstructor, requiredArguments, sequence } from "./webidl.js";

const INTERNAL = {};

/** The entry types that occur, in alphabetical order. */
const SUPPORTED_ENTRY_TYPES = ObjectFreeze(["mark", "measure"]);

/** @typedef {"mark" | "measure" | "resource"} EntryType */

let lastId = 0;

// The attributes of an entry, read where no subclass and no patched getter can interfere.
/** @type {(entry: PerformanceEntry) => string} */
let nameOf;
/** @type {(entry: PerformanceEntry) => string} */
let typeOf;
/** @type {(entry: PerformanceEntry) => number} */
let startOf;

export class PerformanceEntry {
  #id = ++lastId;
  #name;
  #entryType;
  #startTime;
  #duration;

  /**
   * @param {object} [token]
   * @param {string} [name]
   * @param {EntryType} [entryType]
   * @param {number} [startTime]
   * @param {number} [duration]
   */
  constructor(token = undefined, name = "", entryType = "mark", startTime = 0, duration = 0) {
    if (token !== INTERNAL) throw illegalConstructor();
    this.#name = name;
    this.#entryType = entryType;
    this.#startTime = startTime;
    this.#duration = duration;
  }

  get id() {
    return this.#id;
  }

  get name() {
    return this.#name;
  }

  /** @returns {string} */
  get entryType() {
    return this.#entryType;
  }

  get startTime() {
    return this.#startTime;
  }

  get duration() {
    return this.#duration;
  }

  /** There are no navigations here. */
  get navigationId() {
    return this.#id && 0;
  }

  /** @returns {object} */
  toJSON() {
    return {
      id: this.#id,
      name: this.#name,
      entryType: this.#entryType,
      startTime: this.#startTime,
      duration: this.#duration,
      navigationId: 0,
    };
  }

  static {
    nameOf = (entry) => entry.#name;
    typeOf = (entry) => entry.#entryType;
    startOf = (entry) => entry.#startTime;
  }
}

exposeInterface(PerformanceEntry, { name: "PerformanceEntry", length: 0 });

/** @param {any} detail @returns {any} */
function cloneDetail(detail) {
  if (detail === undefined || detail === null) return null;
  return structuredDeserialize(structuredSerialize(detail), true).value;
}

const toMarkOptions = dictionary("PerformanceMarkOptions", [
  { name: "detail", converter: converters.any },
  { name: "startTime", converter: converters.double },
]);

export class PerformanceMark extends PerformanceEntry {
  /** @type {any} */
  #detail;

  /** @param {string} markName @param {{ detail?: any, startTime?: number }} [markOptions] */
  constructor(markName, markOptions = undefined) {
    const prefix = "Failed to construct 'PerformanceMark'";
    requiredArguments(arguments.length, 1, prefix);
    const name = converters.DOMString(markName, { prefix, name: "Argument 1" });
    const { detail, startTime = hostNow() } = toMarkOptions(markOptions, { prefix, name: "Argument 2" });
    if (startTime < 0) throw new TypeError(`${prefix}: The start time ${startTime} is negative.`);
    super(INTERNAL, name, "mark", startTime, 0);
    this.#detail = cloneDetail(detail);
  }

  /** @returns {any} */
  get detail() {
    return this.#detail;
  }

  /** @returns {object} */
  toJSON() {
    return { ...super.toJSON(), detail: this.#detail };
  }
}

exposeInterface(PerformanceMark, { name: "PerformanceMark", length: 1 });

export class PerformanceMeasure extends PerformanceEntry {
  /** @type {any} */
  #detail;

  /**
   * @param {object} [token]
   * @param {string} [name]
   * @param {number} [start]
   * @param {number} [end]
   * @param {any} [detail]
   */
  constructor(token = undefined, name = "", start = 0, end = 0, detail = undefined) {
    super(token, name, "measure", start, end - start);
    this.#detail = cloneDetail(detail);
  }

  /** @returns {any} */
  get detail() {
    return this.#detail;
  }

  /** @returns {object} */
  toJSON() {
    return { ...super.toJSON(), detail: this.#detail };
  }
}

exposeInterface(PerformanceMeasure, { name: "PerformanceMeasure", length: 0 });

/** @param {string} name @param {number} start @param {number} end @param {any} detail */
export const createMeasure = (name, start, end, detail) => new PerformanceMeasure(INTERNAL, name, start, end, detail);

/** Nothing makes these yet; the interface exists because code asks for it. */
export class PerformanceResourceTiming extends PerformanceEntry {}

exposeInterface(PerformanceResourceTiming, { name: "PerformanceResourceTiming", length: 0 });

// ---- The timeline ------------------------------------------------------------------------------------------

/** The performance entry buffers of all types. @type {PerformanceEntry[]} */
let timeline = [];

/**
 * @see https://w3c.github.io/performance-timeline/#queue-a-performanceentry
 * @param {PerformanceEntry} entry
 */
export function queueEntry(entry) {
  for (let i = 0; i < observers.length; i++) observe(observers[i], entry);
  ArrayPrototypePush(timeline, entry);
  queueObserverTask();
}

/**
 * Take entries out of the timeline.
 *
 * @param {EntryType} type
 * @param {string | undefined} name undefined for all names
 */
export function clearEntries(type, name) {
  /** @type {PerformanceEntry[]} */
  const kept = [];
  for (let i = 0; i < timeline.length; i++) {
    if (!matches(timeline[i], name, type)) ArrayPrototypePush(kept, timeline[i]);
  }
  timeline = kept;
}

/** @param {PerformanceEntry} entry @param {string | undefined} name @param {string | undefined} type */
const matches = (entry, name, type) =>
  (name === undefined || nameOf(entry) === name) && (type === undefined || typeOf(entry) === type);

/**
 * @see https://w3c.github.io/performance-timeline/#filter-buffer-by-name-and-type
 * @param {PerformanceEntry[]} entries
 * @param {string | undefined} name
 * @param {string | undefined} type
 * @returns {PerformanceEntry[]} in the order of their start
 */
function filterEntries(entries, name, type) {
  /** @type {PerformanceEntry[]} */
  const result = [];
  for (let i = 0; i < entries.length; i++) {
    if (matches(entries[i], name, type)) ArrayPrototypePush(result, entries[i]);
  }
  return ArrayPrototypeSort(result, (a, b) => startOf(a) - startOf(b));
}

/** @param {string | undefined} name @param {string | undefined} type */
export const timelineEntries = (name, type) => filterEntries(timeline, name, type);

/** The start of the latest mark of a name. @param {string} name @returns {number | undefined} */
export function latestMark(name) {
  for (let i = timeline.length - 1; i >= 0; i--) {
    if (matches(timeline[i], name, "mark")) return startOf(timeline[i]);
  }
  return undefined;
}

/** The three ways to read entries that Performance and PerformanceObserverEntryList share. */
export const entryQueries = {
  /** @param {string} type @param {number} given @param {string} prefix */
  type(type, given, prefix) {
    requiredArguments(given, 1, prefix);
    return converters.DOMString(type, { prefix, name: "Argument 1" });
  },
  /** @param {string} name @param {string | undefined} type @param {number} given @param {string} prefix */
  nameAndType(name, type, given, prefix) {
    requiredArguments(given, 1, prefix);
    return {
      name: converters.DOMString(name, { prefix, name: "Argument 1" }),
      type: type === undefined ? undefined : converters.DOMString(type, { prefix, name: "Argument 2" }),
    };
  },
};

export class PerformanceObserverEntryList {
  #entries;

  /** @param {object} [token] @param {PerformanceEntry[]} [entries] */
  constructor(token = undefined, entries = []) {
    if (token !== INTERNAL) throw illegalConstructor();
    this.#entries = entries;
  }

  /** @returns {PerformanceEntry[]} */
  getEntries() {
    return filterEntries(this.#entries, undefined, undefined);
  }

  /** @param {string} type @returns {PerformanceEntry[]} */
  getEntriesByType(type) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'getEntriesByType' on 'PerformanceObserverEntryList'";
    return filterEntries(entries, undefined, entryQueries.type(type, arguments.length, prefix));
  }

  /** @param {string} name @param {string} [type] @returns {PerformanceEntry[]} */
  getEntriesByName(name, type = undefined) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'getEntriesByName' on 'PerformanceObserverEntryList'";
    const wanted = entryQueries.nameAndType(name, type, arguments.length, prefix);
    return filterEntries(entries, wanted.name, wanted.type);
  }
}

exposeInterface(PerformanceObserverEntryList, { name: "PerformanceObserverEntryList", length: 0 });

/** The list of registered performance observers. @type {PerformanceObserver[]} */
let observers = [];
let taskQueued = false;

/** @type {(observer: PerformanceObserver, entry: PerformanceEntry) => void} */
let observe;
/** @type {(observer: PerformanceObserver) => void} */
let notifyObserver;

const toObserverInit = dictionary("PerformanceObserverInit", [
  { name: "buffered", converter: converters.boolean },
  { name: "entryTypes", converter: sequence(converters.DOMString) },
  { name: "type", converter: converters.DOMString },
]);

export class PerformanceObserver {
  #callback;
  /** What the first observe() used decides what later ones may use. @type {"undefined" | "multiple" | "single"} */
  #kind = "undefined";
  /** The entry types of its options list. @type {string[]} */
  #types = [];
  /** @type {PerformanceEntry[]} */
  #buffer = [];
  #requiresDropped = false;

  /** @param {Function} callback */
  constructor(callback) {
    const prefix = "Failed to construct 'PerformanceObserver'";
    requiredArguments(arguments.length, 1, prefix);
    this.#callback = converters.callback(callback, { prefix, name: "Argument 1" });
  }

  /** @param {{ buffered?: boolean, entryTypes?: string[], type?: string }} [options] */
  observe(options = undefined) {
    const prefix = "Failed to execute 'observe' on 'PerformanceObserver'";
    this.#callback;
    const { buffered, entryTypes, type } = toObserverInit(options, { prefix, name: "Argument 1" });
    if (entryTypes === undefined && type === undefined) {
      throw new TypeError(`${prefix}: An observe() call must include either entryTypes or type.`);
    }
    if (entryTypes !== undefined && (type !== undefined || buffered !== undefined)) {
      throw new TypeError(`${prefix}: An observe() call with entryTypes must not include other options.`);
    }
    this.#setKind(entryTypes !== undefined ? "multiple" : "single", prefix);
    this.#requiresDropped = true;
    if (entryTypes !== undefined) this.#observeMultiple(entryTypes);
    else this.#observeSingle(type, buffered === true);
  }

  /** @param {"multiple" | "single"} kind @param {string} prefix */
  #setKind(kind, prefix) {
    if (this.#kind !== "undefined" && this.#kind !== kind) {
      const what = "This PerformanceObserver has been used with the other of entryTypes and type.";
      throw new DOMException(`${prefix}: ${what}`, "InvalidModificationError");
    }
    this.#kind = kind;
  }

  /** @param {string[]} entryTypes */
  #observeMultiple(entryTypes) {
    /** @type {string[]} */
    const types = [];
    for (let i = 0; i < entryTypes.length; i++) {
      if (isSupported(entryTypes[i])) ArrayPrototypePush(types, entryTypes[i]);
    }
    if (types.length === 0) return;
    this.#types = types;
    this.#register();
  }

  /** @param {string} type @param {boolean} buffered */
  #observeSingle(type, buffered) {
    if (!isSupported(type)) return;
    if (!ArrayPrototypeIncludes(this.#types, type)) ArrayPrototypePush(this.#types, type);
    this.#register();
    if (!buffered) return;
    const entries = timelineEntries(undefined, type);
    for (let i = 0; i < entries.length; i++) ArrayPrototypePush(this.#buffer, entries[i]);
    queueObserverTask();
  }

  #register() {
    if (!ArrayPrototypeIncludes(observers, this)) ArrayPrototypePush(observers, this);
  }

  disconnect() {
    this.#types = [];
    this.#buffer = [];
    for (let i = 0; i < observers.length; i++) {
      if (observers[i] === this) ArrayPrototypeSplice(observers, i, 1);
    }
  }

  /** @returns {PerformanceEntry[]} */
  takeRecords() {
    const records = this.#buffer;
    this.#buffer = [];
    return records;
  }

  /** @returns {readonly string[]} */
  static get supportedEntryTypes() {
    return SUPPORTED_ENTRY_TYPES;
  }

  static {
    observe = (observer, entry) => {
      if (ArrayPrototypeIncludes(observer.#types, typeOf(entry))) ArrayPrototypePush(observer.#buffer, entry);
    };

    notifyObserver = (observer) => {
      if (observer.#buffer.length === 0) return;
      const entries = new PerformanceObserverEntryList(INTERNAL, observer.#buffer);
      observer.#buffer = [];
      const options = observer.#requiresDropped ? { droppedEntriesCount: 0 } : {};
      observer.#requiresDropped = false;
      try {
        uncurriedApply(observer.#callback, observer, [entries, observer, options]);
      } catch (error) {
        reportException(error);
      }
    };
  }
}

exposeInterface(PerformanceObserver, { name: "PerformanceObserver" });

/** @param {string} type */
const isSupported = (type) => ArrayPrototypeIncludes(SUPPORTED_ENTRY_TYPES, type);

/** @see https://w3c.github.io/performance-timeline/#queue-the-performanceobserver-task */
function queueObserverTask() {
  if (taskQueued || observers.length === 0) return;
  taskQueued = true;
  queueTask(() => {
    taskQueued = false;
    const notified = ArrayPrototypeSlice(observers);
    for (let i = 0; i < notified.length; i++) notifyObserver(notified[i]);
  });
}
