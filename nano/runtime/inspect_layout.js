// How the parts of an inspected object are put on lines, for inspect.js.
//
// Few short parts share one line; many short items of an array stand in columns; else a line each.

import {
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  MathFloor,
  MathMax,
  MathMin,
  MathRound,
  MathSqrt,
  StringPrototypeIncludes,
  StringPrototypePadEnd,
  StringPrototypePadStart,
  StringPrototypeRepeat,
} from "./primordials.js";

/** A character is this much taller than wide, which makes blocks of columns look square. */
const CHARACTER_HEIGHT = 2.5;
const MOST_COLUMNS = 15;
const WIDEST_ITEM = 6;

/**
 * @param {string[]} entries
 * @param {string} base stands before the brace: "[Function: f]", an error's stack
 * @param {string} open
 * @param {string} close
 * @param {number} indentation
 * @param {boolean} single whether one line may do
 * @param {number} width of a line
 */
export function layOut(entries, base, open, close, indentation, single, width) {
  const head = base === "" ? open : `${base} ${open}`;
  if (single && fitsOneLine(entries, base, open, indentation, width)) {
    return `${head} ${ArrayPrototypeJoin(entries, ", ")} ${close}`;
  }
  const line = `\n${StringPrototypeRepeat(" ", indentation)}`;
  return `${head}${line}  ${ArrayPrototypeJoin(entries, `,${line}  `)}${line}${close}`;
}

/** @param {string[]} entries @param {string} base @param {string} open @param {number} indentation @param {number} width */
function fitsOneLine(entries, base, open, indentation, width) {
  if (StringPrototypeIncludes(base, "\n")) return false;
  let total = entries.length * 2 + indentation + open.length + base.length + 10;
  for (let i = 0; i < entries.length; i++) {
    total += entries[i].length;
    if (total > width || StringPrototypeIncludes(entries[i], "\n")) return false;
  }
  return true;
}

/**
 * Put the items of an array into rows of aligned columns.
 *
 * @param {string[]} entries
 * @param {"start" | "end"} align numbers are aligned at their end
 * @param {number} width of a line
 * @returns {string[]} the same array where columns would not help
 */
export function groupColumns(entries, align, width) {
  const last = entries[entries.length - 1];
  const count = entries.length - (StringPrototypeIncludes(last, " more item") ? 1 : 0);
  let total = 0;
  let longest = 0;
  for (let i = 0; i < count; i++) {
    total += entries[i].length + 2;
    longest = MathMax(longest, entries[i].length);
  }
  const column = longest + 2;
  const worthwhile = column * 3 < width && (total / column > 5 || longest <= WIDEST_ITEM);
  if (!worthwhile) return entries;
  const bias = MathMax(column - 3 - MathSqrt(column - total / entries.length), 1);
  const columns = MathMin(
    MathRound(MathSqrt(CHARACTER_HEIGHT * bias * count) / bias),
    MathFloor(width / column),
    12,
    MOST_COLUMNS,
  );
  if (columns <= 1) return entries;
  const rows = makeRows(entries, count, columns, align);
  if (count < entries.length) ArrayPrototypePush(rows, last);
  return rows;
}

/** @param {string[]} entries @param {number} count @param {number} columns @param {"start" | "end"} align */
function makeRows(entries, count, columns, align) {
  /** @type {number[]} */
  const widths = [];
  for (let i = 0; i < columns; i++) {
    let widest = 0;
    for (let j = i; j < count; j += columns) widest = MathMax(widest, entries[j].length);
    ArrayPrototypePush(widths, widest);
  }
  const pad = align === "end" ? StringPrototypePadStart : StringPrototypePadEnd;
  /** @type {string[]} */
  const rows = [];
  for (let i = 0; i < count; i += columns) {
    const end = MathMin(i + columns, count);
    let row = "";
    for (let j = i; j < end; j++) {
      const lastOfRow = j === end - 1;
      const item = lastOfRow ? entries[j] : `${entries[j]}, `;
      const size = widths[j - i] + (lastOfRow ? 0 : 2);
      row += lastOfRow && align === "start" ? item : pad(item, size);
    }
    ArrayPrototypePush(rows, row);
  }
  return rows;
}
