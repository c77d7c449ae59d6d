// The text of console.table().
//
// Standard: https://console.spec.whatwg.org/#table

import { inspect } from "./inspect.js";
import {
  ArrayPrototypeIndexOf,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  Map,
  MapIteratorPrototypeNext,
  MapPrototypeEntries,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathMax,
  ObjectKeys,
  SetIteratorPrototypeNext,
  SetPrototypeGetSize,
  SetPrototypeValues,
  StringPrototypePadEnd,
  StringPrototypeRepeat,
} from "./primordials.js";
import { isObject } from "./webidl.js";

const INDEX = "(index)";
const ITERATION_INDEX = "(iteration index)";
const VALUES = "Values";
const MOST_ROWS = 1000;

/** @typedef {{ key: string, value: any, pair?: any }} Row */

/** @param {any} value */
const cell = (value) => inspect(value, { depth: isObject(value) ? 0 : 2, maxArrayLength: 3, breakLength: Infinity });

/** @param {any} data @returns {{ head: string, rows: Row[] }} */
function rowsOf(data) {
  return mapRows(data) ?? setRows(data) ?? { head: INDEX, rows: objectRows(data) };
}

/** @param {any} data */
function mapRows(data) {
  try {
    const count = MapPrototypeGetSize(data);
    const iterator = MapPrototypeEntries(data);
    /** @type {Row[]} */
    const rows = [];
    for (let i = 0; i < count && i < MOST_ROWS; i++) {
      const pair = MapIteratorPrototypeNext(iterator).value;
      ArrayPrototypePush(rows, { key: `${i}`, pair, value: pair[1] });
    }
    return { head: ITERATION_INDEX, rows };
  } catch {
    return undefined; // no map
  }
}

/** @param {any} data */
function setRows(data) {
  try {
    const count = SetPrototypeGetSize(data);
    const iterator = SetPrototypeValues(data);
    /** @type {Row[]} */
    const rows = [];
    for (let i = 0; i < count && i < MOST_ROWS; i++) {
      ArrayPrototypePush(rows, { key: `${i}`, value: SetIteratorPrototypeNext(iterator).value });
    }
    return { head: ITERATION_INDEX, rows };
  } catch {
    return undefined; // no set
  }
}

/** @param {any} data */
function objectRows(data) {
  const keys = ObjectKeys(data);
  /** @type {Row[]} */
  const rows = [];
  for (let i = 0; i < keys.length && i < MOST_ROWS; i++) {
    ArrayPrototypePush(rows, { key: keys[i], value: data[keys[i]] });
  }
  return rows;
}

/** A table whose columns come up as rows are added. */
class Table {
  /** @type {string[]} */
  #names;
  /** @type {Map<string, number>} */
  #places = new Map();
  /** @type {string[][]} */
  #rows = [];

  /** @param {string} head */
  constructor(head) {
    this.#names = [head];
    MapPrototypeSet(this.#places, "", 0);
  }

  /** @param {string} name */
  column(name) {
    let place = MapPrototypeGet(this.#places, `:${name}`);
    if (place === undefined) {
      place = this.#names.length;
      ArrayPrototypePush(this.#names, name);
      MapPrototypeSet(this.#places, `:${name}`, place);
    }
    return place;
  }

  /** @param {string} key @returns {string[]} */
  addRow(key) {
    const row = [key];
    ArrayPrototypePush(this.#rows, row);
    return row;
  }

  toText() {
    const widths = this.#widths();
    /** @param {string} left @param {string} middle @param {string} right */
    const rule = (left, middle, right) => {
      /** @type {string[]} */
      const parts = [];
      for (let i = 0; i < widths.length; i++) ArrayPrototypePush(parts, StringPrototypeRepeat("─", widths[i] + 2));
      return left + ArrayPrototypeJoin(parts, middle) + right;
    };
    /** @param {string[]} cells */
    const line = (cells) => {
      let text = "│";
      for (let i = 0; i < widths.length; i++) text += ` ${StringPrototypePadEnd(cells[i] ?? "", widths[i])} │`;
      return text;
    };
    let text = `${rule("┌", "┬", "┐")}\n${line(this.#names)}\n${rule("├", "┼", "┤")}\n`;
    for (let i = 0; i < this.#rows.length; i++) text += `${line(this.#rows[i])}\n`;
    return text + rule("└", "┴", "┘");
  }

  #widths() {
    /** @type {number[]} */
    const widths = [];
    for (let i = 0; i < this.#names.length; i++) {
      let widest = this.#names[i].length;
      for (let j = 0; j < this.#rows.length; j++) widest = MathMax(widest, (this.#rows[j][i] ?? "").length);
      ArrayPrototypePush(widths, widest);
    }
    return widths;
  }
}

/** @param {any} value whether its parts have columns of their own */
const hasColumns = (value) =>
  typeof value === "object" && value !== null;

/** @param {any} data @param {string[] | undefined} columns */
function makeTable(data, columns) {
  const { head, rows } = rowsOf(data);
  const table = new Table(head);
  if (columns !== undefined) for (let i = 0; i < columns.length; i++) table.column(columns[i]);
  /** @type {[string[], any][]} */
  const single = [];
  for (let i = 0; i < rows.length; i++) {
    const { key, value, pair } = rows[i];
    const row = table.addRow(key);
    if (pair !== undefined) row[table.column("Key")] = cell(pair[0]);
    else if (hasColumns(value)) {
      fillRow(table, row, value, columns);
      continue;
    }
    ArrayPrototypePush(single, /** @type {[string[], any]} */ ([row, value]));
  }
  for (let i = 0; i < single.length; i++) single[i][0][table.column(VALUES)] = cell(single[i][1]);
  return table;
}

/** @param {Table} table @param {string[]} row @param {any} value @param {string[] | undefined} columns */
function fillRow(table, row, value, columns) {
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) {
    if (columns !== undefined && ArrayPrototypeIndexOf(columns, keys[i]) < 0) continue;
    row[table.column(keys[i])] = cell(value[keys[i]]);
  }
}

/**
 * @param {any} data
 * @param {string[]} [columns] only these properties
 * @returns {string | undefined} undefined where the data is not tabular
 */
export function tableText(data, columns) {
  if (typeof data !== "object" || data === null) return undefined;
  try {
    return makeTable(data, columns).toText();
  } catch {
    return undefined; // a getter or a proxy of the script's threw
  }
}
