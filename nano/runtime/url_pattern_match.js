// What URLPattern does: making the patterns of the components, and matching them.
//
// Standard: https://urlpattern.spec.whatwg.org/
// The interface is in url_pattern.js, the pattern syntax in url_pattern_parts.js, dictionaries and constructor strings
// in url_pattern_init.js.

import { parseURL } from "./parse_url.js";
import { ArrayPrototypePush, ObjectDefineProperty, RegExpPrototypeExec, TypeError } from "./primordials.js";
import {
  COMPONENTS,
  DEFAULT_OPTIONS,
  canonicalizeCredential,
  canonicalizeHash,
  canonicalizeHostname,
  canonicalizeIPv6Hostname,
  canonicalizeOpaquePathname,
  canonicalizePathname,
  canonicalizePort,
  canonicalizeProtocol,
  canonicalizeSearch,
  matchesSpecialScheme,
  parseConstructorString,
  processInit,
} from "./url_pattern_init.js";
import { compileComponent } from "./url_pattern_parts.js";
import { specialPort } from "./url_record.js";
import { converters, dictionary, isObject } from "./webidl.js";

/** @typedef {import("./url_pattern_init.js").Init} Init */
/** @typedef {import("./url_pattern_init.js").ComponentName} ComponentName */
/** @typedef {import("./url_pattern_parts.js").Component} Component */
/** @typedef {{ [name in ComponentName]: Component }} Components */

const initMembers = dictionary("URLPatternInit", [
  { name: "baseURL", converter: converters.USVString },
  { name: "hash", converter: converters.USVString },
  { name: "hostname", converter: converters.USVString },
  { name: "password", converter: converters.USVString },
  { name: "pathname", converter: converters.USVString },
  { name: "port", converter: converters.USVString },
  { name: "protocol", converter: converters.USVString },
  { name: "search", converter: converters.USVString },
  { name: "username", converter: converters.USVString },
]);

const patternOptions = dictionary("URLPatternOptions", [
  { name: "ignoreCase", converter: converters.boolean, default: () => false },
]);

/** @param {any} value @param {string} prefix @returns {string | Init} */
function patternInput(value, prefix) {
  const context = { prefix, name: "Argument 1" };
  if (value === undefined || value === null || isObject(value)) return initMembers(value, context);
  return converters.USVString(value, context);
}

/**
 * @see https://urlpattern.spec.whatwg.org/#url-pattern-create
 * @param {string | Init} input
 * @param {string | null} baseURL
 * @param {boolean} ignoreCase
 * @returns {Components}
 */
function create(input, baseURL, ignoreCase) {
  const init = typeof input === "string" ? parseConstructorString(input) : input;
  if (typeof input !== "string") {
    if (baseURL !== null) throw new TypeError("A base URL goes with a pattern string only");
  } else if (baseURL !== null) init.baseURL = baseURL;
  else if (init.protocol === undefined) throw new TypeError(`The pattern '${input}' is relative and has no base URL`);
  const processed = processInit(init, true);
  for (let i = 0; i < COMPONENTS.length; i++) processed[COMPONENTS[i]] ??= "*";
  const { username, password, hostname, port, pathname, search, hash } = /** @type {Required<Init>} */ (processed);
  const protocol = compileComponent(/** @type {string} */ (processed.protocol), canonicalizeProtocol, DEFAULT_OPTIONS);
  const defaultPort = specialPort(/** @type {string} */ (processed.protocol));
  const hostnameOptions = { delimiter: ".", prefix: "", ignoreCase: false };
  const options = { delimiter: "", prefix: "", ignoreCase };
  const pathOptions = { delimiter: "/", prefix: "/", ignoreCase };
  return {
    protocol,
    username: compileComponent(username, canonicalizeCredential, DEFAULT_OPTIONS),
    password: compileComponent(password, canonicalizeCredential, DEFAULT_OPTIONS),
    hostname: compileComponent(hostname, isIPv6Pattern(hostname) ? canonicalizeIPv6Hostname : canonicalizeHostname, hostnameOptions),
    port: compileComponent(defaultPort > 0 && port === `${defaultPort}` ? "" : port, canonicalizePort, DEFAULT_OPTIONS),
    pathname: matchesSpecialScheme(protocol)
      ? compileComponent(pathname, canonicalizePathname, pathOptions)
      : compileComponent(pathname, canonicalizeOpaquePathname, options),
    search: compileComponent(search, canonicalizeSearch, options),
    hash: compileComponent(hash, canonicalizeHash, options),
  };
}

/** @param {string} input */
const isIPv6Pattern = (input) => input.length >= 2 && (input[0] === "[" || ((input[0] === "{" || input[0] === "\\") && input[1] === "["));

/**
 * The components of what is to be matched; null if it is no URL.
 *
 * @param {string | Init} input
 * @param {string | undefined} baseURL
 * @returns {Init | null}
 */
function subject(input, baseURL) {
  if (typeof input !== "string") {
    if (baseURL !== undefined) throw new TypeError("A base URL goes with a URL string only");
    try {
      return processInit(input, false);
    } catch {
      return null;
    }
  }
  const base = baseURL === undefined ? null : parseURL(baseURL);
  const url = baseURL !== undefined && base === null ? null : parseURL(input, base);
  if (url === null) return null;
  return {
    protocol: url.scheme,
    username: url.username,
    password: url.password,
    hostname: url.host ?? "",
    port: url.port < 0 ? "" : `${url.port}`,
    pathname: url.path,
    search: url.query ?? "",
    hash: url.fragment ?? "",
  };
}

/**
 * Set a property of a result without running anybody's setter.
 *
 * @param {object} target
 * @param {string} name
 * @param {any} value
 */
function put(target, name, value) {
  ObjectDefineProperty(target, name, /** @type {any} */ ({
    __proto__: null, value, writable: true, enumerable: true, configurable: true,
  }));
}

/**
 * @see https://urlpattern.spec.whatwg.org/#create-a-component-match-result
 * @param {Component} component
 * @param {string} input
 * @param {RegExpExecArray} match
 */
function componentResult(component, input, match) {
  const groups = {};
  for (let i = 0; i < component.names.length; i++) put(groups, component.names[i], match[i + 1]);
  return { input, groups };
}

/**
 * @see https://urlpattern.spec.whatwg.org/#url-pattern-match
 * @param {Components} components
 * @param {string | Init} input
 * @param {string | undefined} baseURL
 * @returns {any} a URLPatternResult or null
 */
function match(components, input, baseURL) {
  const values = subject(input, baseURL);
  if (values === null) return null;
  /** @type {any} */
  const result = {};
  /** @type {any[]} */
  const inputs = [typeof input === "string" ? input : plainObject(input)];
  if (baseURL !== undefined) ArrayPrototypePush(inputs, baseURL);
  put(result, "inputs", inputs);
  for (let i = 0; i < COMPONENTS.length; i++) {
    const name = COMPONENTS[i];
    const value = /** @type {string} */ (values[name]);
    const found = RegExpPrototypeExec(components[name].regexp, value);
    if (found === null) return null;
    put(result, name, componentResult(components[name], value, found));
  }
  return result;
}

/** The dictionary as scripts get to see it. @param {Init} init */
function plainObject(init) {
  const object = {};
  for (const name in init) put(object, name, init[/** @type {ComponentName} */ (name)]);
  return object;
}

/**
 * What `new URLPattern()` makes of its arguments.
 *
 * @param {any} input
 * @param {any} baseURL or the options
 * @param {any} options
 * @param {number} given how many arguments there are
 * @returns {Components}
 * @throws {TypeError} for what is no pattern
 */
export function createPattern(input, baseURL, options, given) {
  const prefix = "Failed to construct 'URLPattern'";
  const init = patternInput(input, prefix);
  const hasBase = given > 2 || (baseURL !== undefined && baseURL !== null && !isObject(baseURL));
  const base = hasBase ? converters.USVString(baseURL, { prefix, name: "Argument 2" }) : null;
  const { ignoreCase } = patternOptions(hasBase ? options : baseURL, { prefix, name: "The options" });
  return create(init, base, ignoreCase);
}

/** @param {Components} components */
export function hasRegExpGroups(components) {
  for (let i = 0; i < COMPONENTS.length; i++) if (components[COMPONENTS[i]].hasRegExpGroups) return true;
  return false;
}

/**
 * What `test()` and `exec()` find.
 *
 * @param {Components} components
 * @param {any} input
 * @param {any} baseURL
 * @param {string} method
 * @returns {any} a URLPatternResult or null
 */
export function matchPattern(components, input, baseURL, method) {
  const prefix = `Failed to execute '${method}' on 'URLPattern'`;
  const given = patternInput(input, prefix);
  const base = baseURL === undefined ? undefined : converters.USVString(baseURL, { prefix, name: "Argument 2" });
  return match(components, given, base);
}
