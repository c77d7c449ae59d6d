// Pattern strings: tokens, parts, and the regular expression and normalised string made of them.
//
// Standard: https://urlpattern.spec.whatwg.org/#pattern-strings
// What a pattern of a whole URL is lies in url_pattern.js. Positions count code units here.

import {
  ArrayPrototypePush,
  RegExp,
  RegExpPrototypeExec,
  StringFromCodePoint,
  StringPrototypeCharCodeAt,
  StringPrototypeCodePointAt,
  StringPrototypeEndsWith,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  TypeError,
} from "./primordials.js";

/**
 * @typedef {"open" | "close" | "regexp" | "name" | "char" | "escaped-char" | "other-modifier" | "asterisk" | "end" | "invalid-char"} TokenType
 */
/** @typedef {{ type: TokenType, index: number, value: string }} Token */
/** @typedef {{ delimiter: string, prefix: string, ignoreCase: boolean }} Options */
/** @typedef {(value: string) => string} EncodingCallback throws a TypeError */
/** @typedef {"fixed-text" | "regexp" | "segment-wildcard" | "full-wildcard"} PartType */
/**
 * @typedef {{ type: PartType, value: string, modifier: "" | "?" | "*" | "+", name: string, prefix: string, suffix: string }} Part
 */

/**
 * @typedef {object} Component
 * @property {string} pattern its pattern string
 * @property {RegExp} regexp
 * @property {string[]} names of its groups
 * @property {boolean} hasRegExpGroups
 */

const FULL_WILDCARD = ".*";

const identifierStart = /[$_\p{ID_Start}]/u;
const identifierPart = /[$\u200c\u200d\p{ID_Continue}]/u;

/** @param {number | undefined} point @param {boolean} first */
const isNameCodePoint = (point, first) =>
  point !== undefined && RegExpPrototypeExec(first ? identifierStart : identifierPart, StringFromCodePoint(point)) !== null;

/** @see https://urlpattern.spec.whatwg.org/#tokenizer */
class Tokenizer {
  /** @type {Token[]} */
  tokens = [];
  index = 0;

  /** @param {string} input @param {boolean} strict */
  constructor(input, strict) {
    this.input = input;
    this.strict = strict;
  }

  /** @param {TokenType} type @param {number} next @param {number} start @param {number} end */
  add(type, next, start, end) {
    ArrayPrototypePush(this.tokens, { type, index: this.index, value: StringPrototypeSlice(this.input, start, end) });
    this.index = next;
  }

  /** "Process a tokenizing error". @param {number} next @param {number} start */
  error(next, start) {
    if (this.strict) throw new TypeError(`Invalid pattern '${this.input}' at position ${this.index}`);
    this.add("invalid-char", next, start, next);
  }

  /** @param {number} at the end of the code point there */
  after(at) {
    return at + (/** @type {number} */ (StringPrototypeCodePointAt(this.input, at)) > 0xffff ? 2 : 1);
  }

  run() {
    const { input } = this;
    while (this.index < input.length) {
      const { index } = this;
      const next = this.after(index);
      switch (input[index]) {
        case "*":
          this.add("asterisk", next, index, next);
          break;
        case "+":
        case "?":
          this.add("other-modifier", next, index, next);
          break;
        case "\\":
          if (next === input.length) this.error(next, index);
          else this.add("escaped-char", this.after(next), next, this.after(next));
          break;
        case "{":
          this.add("open", next, index, next);
          break;
        case "}":
          this.add("close", next, index, next);
          break;
        case ":":
          this.name(next);
          break;
        case "(":
          this.regexp(next);
          break;
        default:
          this.add("char", next, index, next);
      }
    }
    this.add("end", this.index, this.index, this.index);
    return this.tokens;
  }

  /** @param {number} start */
  name(start) {
    const { input } = this;
    let end = start;
    while (end < input.length && isNameCodePoint(StringPrototypeCodePointAt(input, end), end === start)) end = this.after(end);
    if (end === start) this.error(start, this.index);
    else this.add("name", end, start, end);
  }

  /** @param {number} start */
  regexp(start) {
    const end = this.regexpEnd(start);
    if (end < 0 || end === start) this.error(start, this.index);
    else this.add("regexp", end + 1, start, end);
  }

  /** Where the closing parenthesis stands, or -1. @param {number} start */
  regexpEnd(start) {
    const { input } = this;
    let depth = 1;
    for (let i = start; i < input.length; i++) {
      const unit = StringPrototypeCharCodeAt(input, i);
      if (unit > 0x7f || (unit === 0x3f && i === start)) return -1;
      if (unit === 0x5c) {
        i++;
        if (i === input.length || StringPrototypeCharCodeAt(input, i) > 0x7f) return -1;
      } else if (unit === 0x29) {
        if (--depth === 0) return i;
      } else if (unit === 0x28) {
        depth++;
        if (input[i + 1] !== "?") return -1;
      }
    }
    return -1;
  }
}

/**
 * @see https://urlpattern.spec.whatwg.org/#tokenize
 * @param {string} input
 * @param {boolean} strict the policy: whether errors throw instead of becoming tokens
 */
export const tokenize = (input, strict) => new Tokenizer(input, strict).run();

/** @param {string} input @param {string} special characters to put a backslash before */
function escape(input, special) {
  let result = "";
  for (let i = 0; i < input.length; i++) result += StringPrototypeIncludes(special, input[i]) ? `\\${input[i]}` : input[i];
  return result;
}

/** @param {string} input */
const escapeRegexp = (input) => escape(input, ".+*?^${}()[]|/\\");

/** @see https://urlpattern.spec.whatwg.org/#escape-a-pattern-string @param {string} input */
export const escapePattern = (input) => escape(input, "+*?:{}()\\");

/** @param {Options} options */
const segmentWildcard = (options) => `[^${escapeRegexp(options.delimiter)}]+?`;

/** @see https://urlpattern.spec.whatwg.org/#pattern-parser */
class PatternParser {
  /** @type {Part[]} */
  parts = [];
  pending = "";
  index = 0;
  nextNumericName = 0;

  /** @param {string} input @param {Options} options @param {EncodingCallback} encode */
  constructor(input, options, encode) {
    this.tokens = tokenize(input, true);
    this.options = options;
    this.encode = encode;
    this.segmentWildcard = segmentWildcard(options);
  }

  run() {
    while (this.index < this.tokens.length) {
      if (this.group() || this.text() || this.braces()) continue;
      this.flushPending();
      this.require("end");
    }
    return this.parts;
  }

  /** A name, regexp or wildcard, perhaps with a prefix and a modifier. */
  group() {
    const char = this.take("char");
    const name = this.take("name");
    const matcher = this.takeMatcher(name);
    if (name === null && matcher === null) {
      if (char !== null) this.pending += char.value;
      return char !== null;
    }
    let prefix = char === null ? "" : char.value;
    if (prefix !== "" && prefix !== this.options.prefix) {
      this.pending += prefix;
      prefix = "";
    }
    this.flushPending();
    this.addPart(prefix, name, matcher, "", this.takeModifier());
    return true;
  }

  text() {
    const token = this.take("escaped-char");
    if (token !== null) this.pending += token.value;
    return token !== null;
  }

  braces() {
    if (this.take("open") === null) return false;
    const prefix = this.takeText();
    const name = this.take("name");
    const matcher = this.takeMatcher(name);
    const suffix = this.takeText();
    this.require("close");
    this.addPart(prefix, name, matcher, suffix, this.takeModifier());
    return true;
  }

  /** "Try to consume a token". @param {TokenType} type @returns {Token | null} */
  take(type) {
    const token = this.tokens[this.index];
    if (token.type !== type) return null;
    this.index++;
    return token;
  }

  /** @returns {Part["modifier"]} */
  takeModifier() {
    const token = this.take("other-modifier") ?? this.take("asterisk");
    return token === null ? "" : /** @type {Part["modifier"]} */ (token.value);
  }

  /** @param {Token | null} name */
  takeMatcher(name) {
    return this.take("regexp") ?? (name === null ? this.take("asterisk") : null);
  }

  takeText() {
    let text = "";
    for (;;) {
      const token = this.take("char") ?? this.take("escaped-char");
      if (token === null) return text;
      text += token.value;
    }
  }

  /** @param {TokenType} type */
  require(type) {
    if (this.take(type) === null) {
      throw new TypeError(`Invalid pattern: unexpected '${this.tokens[this.index].value}' at position ${this.tokens[this.index].index}`);
    }
  }

  /** "Maybe add a part from the pending fixed value". */
  flushPending() {
    if (this.pending === "") return;
    const value = this.encode(this.pending);
    this.pending = "";
    this.push("fixed-text", value, "", "", "", "");
  }

  /**
   * @param {PartType} type
   * @param {string} value
   * @param {Part["modifier"]} modifier
   * @param {string} name
   * @param {string} prefix
   * @param {string} suffix
   */
  push(type, value, modifier, name, prefix, suffix) {
    ArrayPrototypePush(this.parts, { type, value, modifier, name, prefix, suffix });
  }

  /**
   * @see https://urlpattern.spec.whatwg.org/#add-a-part
   * @param {string} prefix
   * @param {Token | null} nameToken
   * @param {Token | null} matcher
   * @param {string} suffix
   * @param {Part["modifier"]} modifier
   */
  addPart(prefix, nameToken, matcher, suffix, modifier) {
    if (nameToken === null && matcher === null && modifier === "") {
      this.pending += prefix;
      return;
    }
    this.flushPending();
    if (nameToken === null && matcher === null) {
      if (prefix !== "") this.push("fixed-text", this.encode(prefix), modifier, "", "", "");
      return;
    }
    const regexp = matcher === null ? this.segmentWildcard : matcher.type === "asterisk" ? FULL_WILDCARD : matcher.value;
    const type = regexp === this.segmentWildcard ? "segment-wildcard" : regexp === FULL_WILDCARD ? "full-wildcard" : "regexp";
    const name = nameToken === null ? `${this.nextNumericName++}` : nameToken.value;
    for (let i = 0; i < this.parts.length; i++) {
      if (this.parts[i].name === name) throw new TypeError(`Invalid pattern: the group name '${name}' occurs twice`);
    }
    this.push(type, type === "regexp" ? regexp : "", modifier, name, this.encode(prefix), this.encode(suffix));
  }
}

/**
 * @see https://urlpattern.spec.whatwg.org/#generate-a-regular-expression-and-name-list
 * @param {Part[]} parts
 * @param {Options} options
 */
function generateRegexp(parts, options) {
  let result = "^";
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    const { modifier } = part;
    if (part.type === "fixed-text") {
      const value = escapeRegexp(part.value);
      result += modifier === "" ? value : `(?:${value})${modifier}`;
      continue;
    }
    const value = part.type === "segment-wildcard" ? segmentWildcard(options) : part.type === "full-wildcard" ? FULL_WILDCARD : part.value;
    const repeats = modifier === "*" || modifier === "+";
    const prefix = escapeRegexp(part.prefix);
    const suffix = escapeRegexp(part.suffix);
    if (prefix === "" && suffix === "") result += repeats ? `((?:${value})${modifier})` : `(${value})${modifier}`;
    else if (!repeats) result += `(?:${prefix}(${value})${suffix})${modifier}`;
    else {
      // Between repetitions stand suffix and prefix, which the group keeps; the outermost ones it does not.
      result += `(?:${prefix}((?:${value})(?:${suffix}${prefix}(?:${value}))*)${suffix})${modifier === "*" ? "?" : ""}`;
    }
  }
  return `${result}$`;
}

/** @param {string} name */
const isCustomName = (name) => !(name >= "0" && name < ":");

/**
 * @see https://urlpattern.spec.whatwg.org/#generate-a-pattern-string
 * @param {Part[]} parts
 * @param {Options} options
 */
function generatePattern(parts, options) {
  let result = "";
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (part.type === "fixed-text") {
      const value = escapePattern(part.value);
      result += part.modifier === "" ? value : `{${value}}${part.modifier}`;
      continue;
    }
    const previous = i > 0 ? parts[i - 1] : null;
    const grouped = needsGrouping(part, previous, i + 1 < parts.length ? parts[i + 1] : null, options);
    const body = escapePattern(part.prefix) + matcherString(part, previous, grouped, options) + escapePattern(part.suffix);
    result += (grouped ? `{${body}}` : body) + part.modifier;
  }
  return result;
}

/**
 * Whether a part would be read differently without braces around it.
 *
 * @param {Part} part
 * @param {Part | null} previous
 * @param {Part | null} next
 * @param {Options} options
 */
function needsGrouping(part, previous, next, options) {
  if (part.suffix !== "" || (part.prefix !== "" && part.prefix !== options.prefix)) return true;
  if (isCustomName(part.name) && part.type === "segment-wildcard" && part.modifier === "" && next !== null && next.prefix === "" && next.suffix === "") {
    if (next.type === "fixed-text" ? isNameCodePoint(StringPrototypeCodePointAt(next.value, 0), false) : !isCustomName(next.name)) {
      return true;
    }
  }
  return (
    part.prefix === "" && options.prefix !== "" && previous !== null && previous.type === "fixed-text" &&
    StringPrototypeEndsWith(previous.value, options.prefix)
  );
}

/** @param {Part} part @param {Part | null} previous @param {boolean} grouped @param {Options} options */
function matcherString(part, previous, grouped, options) {
  const custom = isCustomName(part.name);
  const name = custom ? `:${part.name}` : "";
  if (part.type === "regexp") return `${name}(${part.value})`;
  if (part.type === "segment-wildcard") {
    if (!custom) return `(${segmentWildcard(options)})`;
    return isNameCodePoint(StringPrototypeCodePointAt(part.suffix, 0), false) ? `${name}\\` : name;
  }
  const bare = previous === null || previous.type === "fixed-text" || previous.modifier !== "" || grouped || part.prefix !== "";
  return !custom && bare ? "*" : `${name}(${FULL_WILDCARD})`;
}

/**
 * @see https://urlpattern.spec.whatwg.org/#compile-a-component
 * @param {string} input
 * @param {EncodingCallback} encode
 * @param {Options} options
 * @returns {Component}
 */
export function compileComponent(input, encode, options) {
  const parts = new PatternParser(input, options, encode).run();
  /** @type {string[]} */
  const names = [];
  let hasRegExpGroups = false;
  for (let i = 0; i < parts.length; i++) {
    if (parts[i].type === "regexp") hasRegExpGroups = true;
    if (parts[i].type !== "fixed-text") ArrayPrototypePush(names, parts[i].name);
  }
  const source = generateRegexp(parts, options);
  let regexp;
  try {
    regexp = new RegExp(source, options.ignoreCase ? "vi" : "v");
  } catch {
    throw new TypeError(`Invalid pattern '${input}': its regular expression is not valid`);
  }
  return { pattern: generatePattern(parts, options), regexp, names, hasRegExpGroups };
}
