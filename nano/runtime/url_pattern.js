// URLPattern.
//
// Standard: https://urlpattern.spec.whatwg.org/
// What it does is in url_pattern_match.js.

import { createPattern, hasRegExpGroups, matchPattern } from "./url_pattern_match.js";
import { exposeInterface } from "./webidl.js";

/** @typedef {import("./url_pattern_init.js").Init} Init */
/** @typedef {import("./url_pattern_match.js").Components} Components */

/** @see https://urlpattern.spec.whatwg.org/#urlpattern-class */
export class URLPattern {
  /** @type {Components} */
  #components;

  /**
   * @param {string | Init} [input]
   * @param {string | { ignoreCase?: boolean }} [baseURL] or the options
   * @param {{ ignoreCase?: boolean }} [options]
   */
  constructor(input = undefined, baseURL = undefined, options = undefined) {
    this.#components = createPattern(input, baseURL, options, arguments.length);
  }

  get protocol() {
    return this.#components.protocol.pattern;
  }

  get username() {
    return this.#components.username.pattern;
  }

  get password() {
    return this.#components.password.pattern;
  }

  get hostname() {
    return this.#components.hostname.pattern;
  }

  get port() {
    return this.#components.port.pattern;
  }

  get pathname() {
    return this.#components.pathname.pattern;
  }

  get search() {
    return this.#components.search.pattern;
  }

  get hash() {
    return this.#components.hash.pattern;
  }

  get hasRegExpGroups() {
    return hasRegExpGroups(this.#components);
  }

  /** @param {string | Init} [input] @param {string} [baseURL] @returns {boolean} */
  test(input = undefined, baseURL = undefined) {
    return matchPattern(this.#components, input, baseURL, "test") !== null;
  }

  /** @param {string | Init} [input] @param {string} [baseURL] @returns {any} a URLPatternResult or null */
  exec(input = undefined, baseURL = undefined) {
    return matchPattern(this.#components, input, baseURL, "exec");
  }
}

exposeInterface(URLPattern);
