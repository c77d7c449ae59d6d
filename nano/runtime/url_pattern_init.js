// URLPatternInit: canonical parts of URLs, inheritance from a base URL, and the constructor string's parser.
//
// Standard: https://urlpattern.spec.whatwg.org/#canon and #constructor-string-parsing

import { parseURL } from "./parse_url.js";
import {
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeEndsWith,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  TypeError,
} from "./primordials.js";
import {
  overrideFragment,
  overrideHost,
  overrideOpaquePath,
  overridePath,
  overridePort,
  overrideQuery,
} from "./url_parser.js";
import { USERINFO, percentEncode } from "./url_percent.js";
import { compileComponent, escapePattern, tokenize } from "./url_pattern_parts.js";
import { URLRecord, specialPort } from "./url_record.js";

/** @typedef {import("./url_pattern_parts.js").Token} Token */
/** @typedef {import("./url_pattern_parts.js").Component} Component */

/**
 * @typedef {"protocol" | "username" | "password" | "hostname" | "port" | "pathname" | "search" | "hash"} ComponentName
 */
/** @typedef {{ [name in ComponentName]?: string } & { baseURL?: string }} Init */

/** @type {ComponentName[]} */
export const COMPONENTS = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];

export const DEFAULT_OPTIONS = { delimiter: "", prefix: "", ignoreCase: false };

/** @param {string} what @param {string} value @returns {never} */
function invalid(what, value) {
  throw new TypeError(`Invalid ${what} '${value}'`);
}

/** "Create a dummy URL". */
function dummyURL() {
  const url = new URLRecord();
  url.scheme = "https";
  url.host = "dummy.invalid";
  url.path = "/";
  return url;
}

/** @see https://urlpattern.spec.whatwg.org/#canonicalize-a-protocol @param {string} value */
export function canonicalizeProtocol(value) {
  if (value === "") return value;
  return (parseURL(`${value}://dummy.invalid/`) ?? invalid("protocol", value)).scheme;
}

/** For usernames and passwords. @param {string} value */
export const canonicalizeCredential = (value) => percentEncode(value, USERINFO);

/** @param {string} value @returns {string} */
export function canonicalizeHostname(value) {
  if (value === "") return value;
  const url = dummyURL();
  if (!overrideHost(url, value, true)) invalid("hostname", value);
  return url.host ?? "";
}

/** @param {string} value */
export function canonicalizeIPv6Hostname(value) {
  const lower = StringPrototypeToLowerCase(value);
  for (let i = 0; i < lower.length; i++) {
    const unit = StringPrototypeCharCodeAt(lower, i);
    // Hexadecimal digits with the ":" behind them, brackets.
    const allowed = (unit >= 0x30 && unit <= 0x3a) || (unit >= 0x61 && unit <= 0x66) || unit === 0x5b || unit === 0x5d;
    if (!allowed) invalid("IPv6 address", value);
  }
  return lower;
}

/** @param {string} value @param {string} [protocol] */
export function canonicalizePort(value, protocol) {
  if (value === "") return value;
  const url = dummyURL();
  if (protocol !== undefined) url.scheme = protocol;
  if (!overridePort(url, value)) invalid("port", value);
  return url.port < 0 ? "" : `${url.port}`;
}

/** @param {string} value */
export function canonicalizePathname(value) {
  if (value === "") return value;
  // Pieces of a path come here too: those must not get a slash, nor be taken for dots at the beginning.
  const slash = StringPrototypeStartsWith(value, "/");
  const url = dummyURL();
  overridePath(url, slash ? value : `/-${value}`);
  return slash ? url.path : StringPrototypeSlice(url.path, 2);
}

/** @param {string} value */
export const canonicalizeOpaquePathname = (value) => (value === "" ? value : overrideOpaquePath(value));

/** @param {string} value @returns {string} */
export function canonicalizeSearch(value) {
  if (value === "") return value;
  const url = dummyURL();
  overrideQuery(url, value);
  return /** @type {string} */ (url.query);
}

/** @param {string} value @returns {string} */
export function canonicalizeHash(value) {
  if (value === "") return value;
  const url = dummyURL();
  overrideFragment(url, value);
  return /** @type {string} */ (url.fragment);
}

/**
 * @see https://urlpattern.spec.whatwg.org/#process-a-urlpatterninit
 * @param {Init} init
 * @param {boolean} isPattern the type: "pattern" or "url"
 * @returns {Init} for a URL, with all components
 */
export function processInit(init, isPattern) {
  /** @type {Init} */
  const result = /** @type {any} */ ({ __proto__: null });
  if (!isPattern) for (let i = 0; i < COMPONENTS.length; i++) result[COMPONENTS[i]] = "";
  /** @type {URLRecord | null} */
  let base = null;
  if (init.baseURL !== undefined) {
    base = parseURL(init.baseURL) ?? invalid("base URL", init.baseURL);
    inherit(result, init, base, isPattern);
  }
  if (init.protocol !== undefined) {
    const protocol = StringPrototypeEndsWith(init.protocol, ":") ? StringPrototypeSlice(init.protocol, 0, -1) : init.protocol;
    result.protocol = isPattern ? protocol : canonicalizeProtocol(protocol);
  }
  if (init.username !== undefined) result.username = isPattern ? init.username : canonicalizeCredential(init.username);
  if (init.password !== undefined) result.password = isPattern ? init.password : canonicalizeCredential(init.password);
  if (init.hostname !== undefined) result.hostname = isPattern ? init.hostname : canonicalizeHostname(init.hostname);
  const protocol = result.protocol ?? "";
  if (init.port !== undefined) result.port = isPattern ? init.port : canonicalizePort(init.port, protocol);
  if (init.pathname !== undefined) {
    const pathname = resolvePathname(init.pathname, base, isPattern);
    const hierarchical = protocol === "" || specialPort(protocol) >= 0;
    result.pathname = isPattern ? pathname : hierarchical ? canonicalizePathname(pathname) : canonicalizeOpaquePathname(pathname);
  }
  if (init.search !== undefined) {
    const search = withoutPrefix(init.search, "?");
    result.search = isPattern ? search : canonicalizeSearch(search);
  }
  if (init.hash !== undefined) {
    const hash = withoutPrefix(init.hash, "#");
    result.hash = isPattern ? hash : canonicalizeHash(hash);
  }
  return result;
}

/** @param {string} value @param {string} prefix */
const withoutPrefix = (value, prefix) => (StringPrototypeStartsWith(value, prefix) ? StringPrototypeSlice(value, 1) : value);

/** "Process a base URL string". @param {string} value @param {boolean} isPattern */
const fromBase = (value, isPattern) => (isPattern ? escapePattern(value) : value);

/**
 * Take over from the base URL what the dictionary says nothing about, and nothing more specific either.
 *
 * @param {Init} result
 * @param {Init} init
 * @param {URLRecord} base
 * @param {boolean} isPattern
 */
function inherit(result, init, base, isPattern) {
  if (init.protocol !== undefined) return;
  result.protocol = fromBase(base.scheme, isPattern);
  const hasHost = init.hostname !== undefined;
  const hasPort = hasHost || init.port !== undefined;
  if (!isPattern && !hasPort && init.username === undefined) {
    result.username = base.username;
    if (init.password === undefined) result.password = base.password;
  }
  if (hasHost) return;
  result.hostname = fromBase(base.host ?? "", isPattern);
  if (hasPort) return;
  result.port = base.port < 0 ? "" : `${base.port}`;
  if (init.pathname !== undefined) return;
  result.pathname = fromBase(base.path, isPattern);
  if (init.search !== undefined) return;
  result.search = fromBase(base.query ?? "", isPattern);
  if (init.hash !== undefined) return;
  result.hash = fromBase(base.fragment ?? "", isPattern);
}

/**
 * A relative pathname comes behind the folder of the base URL.
 *
 * @param {string} pathname
 * @param {URLRecord | null} base
 * @param {boolean} isPattern
 */
function resolvePathname(pathname, base, isPattern) {
  if (base === null || base.opaquePath || isAbsolutePathname(pathname, isPattern)) return pathname;
  const path = fromBase(base.path, isPattern);
  return StringPrototypeSlice(path, 0, StringPrototypeLastIndexOf(path, "/") + 1) + pathname;
}

/** @param {string} input @param {boolean} isPattern */
function isAbsolutePathname(input, isPattern) {
  if (StringPrototypeStartsWith(input, "/")) return true;
  return isPattern && (StringPrototypeStartsWith(input, "\\/") || StringPrototypeStartsWith(input, "{/"));
}

const SPECIAL_SCHEMES = ["ftp", "file", "http", "https", "ws", "wss"];

/** @see https://urlpattern.spec.whatwg.org/#protocol-component-matches-a-special-scheme @param {Component} protocol */
export function matchesSpecialScheme(protocol) {
  for (let i = 0; i < SPECIAL_SCHEMES.length; i++) {
    if (RegExpPrototypeExec(protocol.regexp, SPECIAL_SCHEMES[i]) !== null) return true;
  }
  return false;
}

/** @typedef {"init" | "authority" | "done" | ComponentName} State */

/** The states in the order in which they follow each other. @type {{ [state in State]: number }} */
const ORDER = /** @type {any} */ ({
  __proto__: null,
  init: 0, protocol: 1, authority: 2, username: 3, password: 4, hostname: 5, port: 6, pathname: 7, search: 8, hash: 9, done: 10,
});

/** @see https://urlpattern.spec.whatwg.org/#constructor-string-parser */
class ConstructorStringParser {
  /** @type {Init} */
  result = /** @type {any} */ ({ __proto__: null });
  /** @type {State} */
  state = "init";
  start = 0;
  index = 0;
  increment = 1;
  groupDepth = 0;
  bracketDepth = 0;
  special = false;

  /** @param {string} input */
  constructor(input) {
    this.input = input;
    this.tokens = tokenize(input, false);
  }

  run() {
    for (; this.index < this.tokens.length; this.index += this.increment) {
      this.increment = 1;
      const { type } = this.tokens[this.index];
      if (type === "end") {
        if (this.atEnd()) break;
      } else if (type === "open") this.groupDepth++;
      else if (this.groupDepth > 0) {
        if (type === "close") this.groupDepth--;
      } else this.step();
    }
    if (this.result.hostname !== undefined && this.result.port === undefined) this.result.port = "";
    return this.result;
  }

  /** Whether all is done. */
  atEnd() {
    if (this.state === "init") {
      // No protocol was found: it is a relative one.
      this.rewind("init");
      if (this.is("#")) this.change("hash", 1);
      else if (this.isSearchPrefix()) this.change("search", 1);
      else this.change("pathname", 0);
      return false;
    }
    if (this.state === "authority") {
      this.rewind("hostname");
      return false;
    }
    this.change("done", 0);
    return true;
  }

  step() {
    switch (this.state) {
      case "init":
        if (this.is(":")) this.rewind("protocol");
        break;
      case "protocol":
        if (this.is(":")) this.afterProtocol();
        break;
      case "authority":
        if (this.is("@")) this.rewind("username");
        else if (this.is("/") || this.isSearchPrefix() || this.is("#")) this.rewind("hostname");
        break;
      case "username":
        if (this.is(":")) this.change("password", 1);
        else if (this.is("@")) this.change("hostname", 1);
        break;
      case "password":
        if (this.is("@")) this.change("hostname", 1);
        break;
      case "hostname":
        if (this.is("[")) this.bracketDepth++;
        else if (this.is("]")) this.bracketDepth--;
        else if (this.is(":") && this.bracketDepth === 0) this.change("port", 1);
        else this.pathOrLater();
        break;
      case "port":
        this.pathOrLater();
        break;
      case "pathname":
        if (this.isSearchPrefix()) this.change("search", 1);
        else if (this.is("#")) this.change("hash", 1);
        break;
      case "search":
        if (this.is("#")) this.change("hash", 1);
        break;
      default:
    }
  }

  afterProtocol() {
    this.special = matchesSpecialScheme(compileComponent(this.component(), canonicalizeProtocol, DEFAULT_OPTIONS));
    if (this.is("/", 1) && this.is("/", 2)) this.change("authority", 3);
    else this.change(this.special ? "authority" : "pathname", 1);
  }

  pathOrLater() {
    if (this.is("/")) this.change("pathname", 0);
    else if (this.isSearchPrefix()) this.change("search", 1);
    else if (this.is("#")) this.change("hash", 1);
  }

  /** "Change state". @param {State} next @param {number} skip */
  change(next, skip) {
    const { state, result } = this;
    if (state !== "init" && state !== "authority" && state !== "done") result[state] = this.component();
    if (state !== "init" && next !== "done") {
      // What is left out between two components is empty, not a wildcard.
      const from = ORDER[state];
      const to = ORDER[next];
      if (from < ORDER.hostname && to > ORDER.hostname) result.hostname ??= "";
      if (from < ORDER.pathname && to > ORDER.pathname) result.pathname ??= this.special ? "/" : "";
      if (from < ORDER.search && to > ORDER.search) result.search ??= "";
    }
    this.state = next;
    this.index += skip;
    this.start = this.index;
    this.increment = 0;
  }

  /** "Rewind and set state". @param {State} state */
  rewind(state) {
    this.index = this.start;
    this.increment = 0;
    this.state = state;
  }

  /** @param {number} index @returns {Token} */
  token(index) {
    return this.tokens[index < this.tokens.length ? index : this.tokens.length - 1];
  }

  /** "Is a non-special pattern char". @param {string} value @param {number} [ahead] */
  is(value, ahead = 0) {
    const token = this.token(this.index + ahead);
    return token.value === value && (token.type === "char" || token.type === "escaped-char" || token.type === "invalid-char");
  }

  isSearchPrefix() {
    if (this.is("?")) return true;
    if (this.tokens[this.index].value !== "?") return false;
    if (this.index === 0) return true;
    // Behind these a "?" is a modifier.
    const { type } = this.token(this.index - 1);
    return type !== "name" && type !== "regexp" && type !== "close" && type !== "asterisk";
  }

  /** "Make a component string". */
  component() {
    return StringPrototypeSlice(this.input, this.token(this.start).index, this.tokens[this.index].index);
  }
}

/** @see https://urlpattern.spec.whatwg.org/#parse-a-constructor-string @param {string} input @returns {Init} */
export const parseConstructorString = (input) => new ConstructorStringParser(input).run();
