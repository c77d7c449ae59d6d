// Strings as literals, for inspect.js.

import {
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  NumberPrototypeToString,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypePadStart,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  StringPrototypeToUpperCase,
} from "./primordials.js";

/** What cannot stand in a literal as it is: control characters, quotes, backslashes, lone surrogates. */
const SPECIAL = /[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const SHORT = { __proto__: null, 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 92: "\\\\" };

/** Lines shorter than this are not worth breaking. */
const SHORTEST_BREAK = 16;

/** @param {string} string @returns {string} the quote that needs no escaping */
function quoteFor(string) {
  if (!StringPrototypeIncludes(string, "'")) return "'";
  if (!StringPrototypeIncludes(string, '"')) return '"';
  return !StringPrototypeIncludes(string, "`") && !StringPrototypeIncludes(string, "${") ? "`" : "'";
}

/** @param {number} code @param {string} quote */
function escapeCode(code, quote) {
  if (code === 0x27) return quote === "'" ? "\\'" : "'";
  const short = /** @type {any} */ (SHORT)[code];
  if (short !== undefined) return short;
  const digits = StringPrototypeToUpperCase(NumberPrototypeToString(code, 16));
  return code < 256 ? `\\x${StringPrototypePadStart(digits, 2, "0")}` : `\\u${digits}`;
}

/** @param {string} string */
function quoted(string) {
  const quote = quoteFor(string);
  if (RegExpPrototypeExec(SPECIAL, string) === null) return `${quote}${string}${quote}`;
  let text = quote;
  let from = 0;
  for (let i = 0; i < string.length; i++) {
    const code = StringPrototypeCharCodeAt(string, i);
    if (!needsEscape(string, code, i)) continue;
    text += StringPrototypeSlice(string, from, i) + escapeCode(code, quote);
    from = i + 1;
  }
  return text + StringPrototypeSlice(string, from) + quote;
}

/** @param {string} string @param {number} code @param {number} at */
function needsEscape(string, code, at) {
  if (code < 0x20 || code === 0x27 || code === 0x5c || (code >= 0x7f && code < 0xa0)) return true;
  if (code < 0xd800 || code > 0xdfff) return false;
  const other = StringPrototypeCharCodeAt(string, code < 0xdc00 ? at + 1 : at - 1);
  return !(code < 0xdc00 ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other <= 0xdbff);
}

/**
 * A string as a literal. What is too long is cut, and one with several lines that does not fit the width is
 * broken up after its line ends.
 *
 * @param {string} string
 * @param {number} most characters to show
 * @param {number} width
 * @param {number} indentation of the lines that follow
 */
export function stringLiteral(string, most, width, indentation) {
  let tail = "";
  if (string.length > most) {
    const rest = string.length - most;
    tail = `... ${rest} more character${rest > 1 ? "s" : ""}`;
    string = StringPrototypeSlice(string, 0, most);
  }
  if (string.length <= SHORTEST_BREAK || string.length <= width) return quoted(string) + tail;
  /** @type {string[]} */
  const lines = [];
  for (let from = 0; from < string.length; ) {
    const end = StringPrototypeIndexOf(string, "\n", from);
    const next = end < 0 ? string.length : end + 1;
    ArrayPrototypePush(lines, quoted(StringPrototypeSlice(string, from, next)));
    from = next;
  }
  return ArrayPrototypeJoin(lines, ` +\n${StringPrototypeRepeat(" ", indentation + 2)}`) + tail;
}

/** Let the lines of a text after its first begin further right. @param {string} text @param {number} indentation */
export function indentLines(text, indentation) {
  if (indentation === 0 || !StringPrototypeIncludes(text, "\n")) return text;
  const space = StringPrototypeRepeat(" ", indentation);
  let result = "";
  for (let from = 0; ; ) {
    const end = StringPrototypeIndexOf(text, "\n", from);
    if (end < 0) return result + StringPrototypeSlice(text, from);
    result += StringPrototypeSlice(text, from, end + 1) + space;
    from = end + 1;
  }
}
