// performance: the clock, and marks and measures on it.
//
// Standards: https://w3c.github.io/hr-time/, https://w3c.github.io/user-timing/,
// https://w3c.github.io/performance-timeline/#extensions-to-the-performance-interface,
// https://w3c.github.io/resource-timing/#sec-extensions-performance-interface
// The clock is the host's (host.js): coarse, as untrusted code gets no finer one.

import { DOMException } from "./dom_exception.js";
import { EventTarget, defineEventHandler } from "./event_target.js";
import { hostNow, hostTimeOrigin } from "./host.js";
import {
  PerformanceMark,
  clearEntries,
  createMeasure,
  entryQueries,
  latestMark,
  queueEntry,
  timelineEntries,
} from "./performance_timeline.js";
import { TypeError } from "./primordials.js";
import { converters, dictionary, exposeInterface, illegalConstructor, isObject, requiredArguments } from "./webidl.js";

export {
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  PerformanceObserver,
  PerformanceObserverEntryList,
  PerformanceResourceTiming,
} from "./performance_timeline.js";

const INTERNAL = {};

/** A mark's name or a time. @type {import("./webidl.js").Converter<string | number>} */
const toMarkOrTime = (value, context) =>
  typeof value === "number" ? converters.double(value, context) : converters.DOMString(value, context);

const toMeasureOptions = dictionary("PerformanceMeasureOptions", [
  { name: "detail", converter: converters.any },
  { name: "duration", converter: converters.double },
  { name: "end", converter: toMarkOrTime },
  { name: "start", converter: toMarkOrTime },
]);

export class Performance extends EventTarget {
  #timeOrigin = hostTimeOrigin();

  /** @param {object} [token] */
  constructor(token = undefined) {
    if (token !== INTERNAL) throw illegalConstructor();
    super();
  }

  /** @returns {number} milliseconds since `timeOrigin` */
  now() {
    this.#timeOrigin;
    return hostNow();
  }

  /** @returns {number} */
  get timeOrigin() {
    return this.#timeOrigin;
  }

  /** @returns {object} */
  toJSON() {
    return { timeOrigin: this.#timeOrigin };
  }

  /**
   * @param {string} markName
   * @param {{ detail?: any, startTime?: number }} [markOptions]
   * @returns {PerformanceMark}
   */
  mark(markName, markOptions = undefined) {
    this.#timeOrigin;
    requiredArguments(arguments.length, 1, "Failed to execute 'mark' on 'Performance'");
    const mark = new PerformanceMark(markName, markOptions);
    queueEntry(mark);
    return mark;
  }

  /** @param {string} [markName] */
  clearMarks(markName = undefined) {
    this.#timeOrigin;
    clearEntries("mark", markName === undefined ? undefined : converters.DOMString(markName));
  }

  /**
   * @param {string} measureName
   * @param {any} [startOrMeasureOptions] the name of a mark, or a dictionary
   * @param {string} [endMark]
   * @returns {import("./performance_timeline.js").PerformanceMeasure}
   */
  measure(measureName, startOrMeasureOptions = undefined, endMark = undefined) {
    const prefix = "Failed to execute 'measure' on 'Performance'";
    this.#timeOrigin;
    requiredArguments(arguments.length, 1, prefix);
    const name = converters.DOMString(measureName, { prefix, name: "Argument 1" });
    const options = toStartOrOptions(startOrMeasureOptions, { prefix, name: "Argument 2" });
    const end = endMark === undefined ? undefined : converters.DOMString(endMark, { prefix, name: "Argument 3" });
    const { from, to } = measuredSpan(options, end, prefix);
    const measure = createMeasure(name, from, to, options.detail);
    queueEntry(measure);
    return measure;
  }

  /** @param {string} [measureName] */
  clearMeasures(measureName = undefined) {
    this.#timeOrigin;
    clearEntries("measure", measureName === undefined ? undefined : converters.DOMString(measureName));
  }

  clearResourceTimings() {
    this.#timeOrigin;
    clearEntries("resource", undefined);
  }

  /** There are no resource entries, hence nothing to bound. @param {number} maxSize */
  setResourceTimingBufferSize(maxSize) {
    const prefix = "Failed to execute 'setResourceTimingBufferSize' on 'Performance'";
    this.#timeOrigin;
    requiredArguments(arguments.length, 1, prefix);
    converters["unsigned long"](maxSize, { prefix, name: "Argument 1" });
  }

  getEntries() {
    this.#timeOrigin;
    return timelineEntries(undefined, undefined);
  }

  /** @param {string} type */
  getEntriesByType(type) {
    this.#timeOrigin;
    const prefix = "Failed to execute 'getEntriesByType' on 'Performance'";
    return timelineEntries(undefined, entryQueries.type(type, arguments.length, prefix));
  }

  /** @param {string} name @param {string} [type] */
  getEntriesByName(name, type = undefined) {
    this.#timeOrigin;
    const prefix = "Failed to execute 'getEntriesByName' on 'Performance'";
    const wanted = entryQueries.nameAndType(name, type, arguments.length, prefix);
    return timelineEntries(wanted.name, wanted.type);
  }
}

defineEventHandler(Performance, "resourcetimingbufferfull");
exposeInterface(Performance, { name: "Performance", length: 0 });

/**
 * The union of a mark's name and PerformanceMeasureOptions, as a dictionary in both cases.
 *
 * @param {any} value
 * @param {import("./webidl.js").Context} context
 */
function toStartOrOptions(value, context) {
  if (value === undefined || value === null || isObject(value)) {
    const options = toMeasureOptions(value, context);
    const { start, end, duration, detail } = options;
    options.given = start !== undefined || end !== undefined || duration !== undefined || detail !== undefined;
    return options;
  }
  return { __proto__: null, given: false, start: converters.DOMString(value, context) };
}

/**
 * @see https://w3c.github.io/user-timing/#measure-method
 * @param {any} options
 * @param {string | undefined} endMark
 * @param {string} prefix
 */
function measuredSpan(options, endMark, prefix) {
  const { start, end, duration } = options;
  // 1. Of a dictionary only some combinations have a meaning.
  if (options.given) {
    if (endMark !== undefined) throw new TypeError(`${prefix}: An end mark cannot be given along with a dictionary.`);
    if (start === undefined && end === undefined) throw new TypeError(`${prefix}: Either start or end is needed.`);
    if (start !== undefined && duration !== undefined && end !== undefined) {
      throw new TypeError(`${prefix}: start, duration and end cannot be given all three.`);
    }
  }
  // 2. The end.
  let to;
  if (endMark !== undefined) to = toTimestamp(endMark, prefix);
  else if (end !== undefined) to = toTimestamp(end, prefix);
  else if (duration !== undefined) to = toTimestamp(start, prefix) + toTimestamp(duration, prefix);
  else to = hostNow();
  // 3. The start.
  let from = 0;
  if (start !== undefined) from = toTimestamp(start, prefix);
  else if (duration !== undefined) from = to - toTimestamp(duration, prefix);
  return { from, to };
}

/**
 * @see https://w3c.github.io/user-timing/#convert-a-mark-to-a-timestamp
 * @param {string | number} mark
 * @param {string} prefix
 * @returns {number}
 */
function toTimestamp(mark, prefix) {
  if (typeof mark === "string") {
    const time = latestMark(mark);
    if (time === undefined) throw new DOMException(`${prefix}: The mark '${mark}' does not exist.`, "SyntaxError");
    return time;
  }
  if (mark < 0) throw new TypeError(`${prefix}: The time ${mark} is negative.`);
  return mark;
}

/** @type {Performance | undefined} */
let performance;

/** The one instance, made when it is first asked for. */
export function getPerformance() {
  performance ??= new Performance(INTERNAL);
  return performance;
}
