// URL.
//
// Standard: https://url.spec.whatwg.org/#url-class
// Host half: nano/ops/url.py (domains outside ASCII). Parsing, serialising and what the setters do to a record
// are in url_parser.js, hosts in url_host.js, URLSearchParams in url_search_params.js, blob: in object_urls.js.

import { isBlob } from "./blob.js";
import { addBlobURL, removeBlobURL } from "./object_urls.js";
import { parseURL } from "./parse_url.js";
import { StringPrototypeCharCodeAt, StringPrototypeSlice, TypeError } from "./primordials.js";
import {
  clearPort,
  overrideFragment,
  overrideHost,
  overridePath,
  overridePort,
  overrideQuery,
  overrideScheme,
  serializeOrigin,
  setCredential,
  setQuery,
} from "./url_parser.js";
import { cannotHaveCredentialsOrPort, serializeHostAndPort, serializeURL } from "./url_record.js";
import { createSearchParams, parseUrlencoded, setSearchParamsList } from "./url_search_params.js";
import { converters, exposeInterface, isObject, requiredArguments, typeError } from "./webidl.js";

/** @typedef {import("./url_record.js").URLRecord} URLRecord */
/** @typedef {import("./url_search_params.js").URLSearchParams} URLSearchParams */

/**
 * The API URL parser, with its arguments as they came.
 *
 * @see https://url.spec.whatwg.org/#api-url-parser
 * @param {any} url
 * @param {any} base
 * @param {string} prefix of error texts
 * @returns {URLRecord | null} null for failure
 */
function parseArguments(url, base, prefix) {
  const string = converters.USVString(url, { prefix, name: "Argument 1" });
  if (base === undefined) return parseURL(string);
  const parsedBase = parseURL(converters.USVString(base, { prefix, name: "Argument 2" }));
  return parsedBase === null ? null : parseURL(string, parsedBase);
}

/** @param {string} query */
const withoutMark = (query, mark = 0x3f) =>
  StringPrototypeCharCodeAt(query, 0) === mark ? StringPrototypeSlice(query, 1) : query;

/** @param {any} value @param {string} attribute */
const assigned = (value, attribute) =>
  converters.USVString(value, { prefix: `Failed to set the '${attribute}' property on 'URL'`, name: "The provided value" });

/**
 * Whether an object is a URL.
 *
 * @type {(value: any) => value is URL}
 */
export let isURL;

/**
 * The record behind a URL, not to be changed.
 *
 * @type {(url: URL) => URLRecord}
 */
export let urlRecordOf;

/** A fresh object around a record. @type {(record: URLRecord) => URL} */
let wrap;

/** What `wrap` passes to the constructor in place of a string. @type {URLRecord | null} */
let parsed = null;

/** @see https://url.spec.whatwg.org/#url-class */
export class URL {
  /** @type {URLRecord} */
  #url;
  /** The query object, made when somebody asks for it. @type {URLSearchParams | null} */
  #query = null;

  /** @param {string} url @param {string} [base] */
  constructor(url, base = undefined) {
    if (parsed !== null) {
      this.#url = parsed;
      parsed = null;
      return;
    }
    const prefix = "Failed to construct 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    const record = parseArguments(url, base, prefix);
    if (record === null) throw new TypeError(`${prefix}: Invalid URL`);
    this.#url = record;
  }

  /** @param {string} url @param {string} [base] @returns {URL | null} */
  static parse(url, base = undefined) {
    const prefix = "Failed to execute 'parse' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    const record = parseArguments(url, base, prefix);
    return record === null ? null : wrap(record);
  }

  /** @param {string} url @param {string} [base] @returns {boolean} */
  static canParse(url, base = undefined) {
    const prefix = "Failed to execute 'canParse' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    return parseArguments(url, base, prefix) !== null;
  }

  /** @see https://w3c.github.io/FileAPI/#dfn-createObjectURL @param {any} object @returns {string} */
  static createObjectURL(object) {
    const prefix = "Failed to execute 'createObjectURL' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    if (!isBlob(object)) throw typeError({ prefix, name: "Argument 1" }, "is not of type 'Blob'.");
    return addBlobURL(object);
  }

  /** @see https://w3c.github.io/FileAPI/#dfn-revokeObjectURL @param {string} url */
  static revokeObjectURL(url) {
    const prefix = "Failed to execute 'revokeObjectURL' on 'URL'";
    requiredArguments(arguments.length, 1, prefix);
    const record = parseURL(converters.USVString(url, { prefix, name: "Argument 1" }));
    // A URL with a fragment stands for nothing in the store.
    if (record !== null && record.scheme === "blob") removeBlobURL(serializeURL(record));
  }

  get href() {
    return serializeURL(this.#url);
  }

  set href(value) {
    this.#url;
    const record = parseURL(assigned(value, "href"));
    if (record === null) throw new TypeError("Failed to set the 'href' property on 'URL': Invalid URL");
    this.#url = record;
    if (this.#query !== null) setSearchParamsList(this.#query, parseUrlencoded(record.query ?? ""));
  }

  get origin() {
    return serializeOrigin(this.#url);
  }

  get protocol() {
    return `${this.#url.scheme}:`;
  }

  set protocol(value) {
    overrideScheme(this.#url, assigned(value, "protocol"));
  }

  get username() {
    return this.#url.username;
  }

  set username(value) {
    const url = this.#url;
    const text = assigned(value, "username");
    if (!cannotHaveCredentialsOrPort(url)) setCredential(url, "username", text);
  }

  get password() {
    return this.#url.password;
  }

  set password(value) {
    const url = this.#url;
    const text = assigned(value, "password");
    if (!cannotHaveCredentialsOrPort(url)) setCredential(url, "password", text);
  }

  get host() {
    const url = this.#url;
    return url.host === null ? "" : serializeHostAndPort(url);
  }

  set host(value) {
    const url = this.#url;
    const text = assigned(value, "host");
    if (!url.opaquePath) overrideHost(url, text, false);
  }

  get hostname() {
    return this.#url.host ?? "";
  }

  set hostname(value) {
    const url = this.#url;
    const text = assigned(value, "hostname");
    if (!url.opaquePath) overrideHost(url, text, true);
  }

  get port() {
    const { port } = this.#url;
    return port < 0 ? "" : `${port}`;
  }

  set port(value) {
    const url = this.#url;
    const text = assigned(value, "port");
    if (cannotHaveCredentialsOrPort(url)) return;
    if (text === "") clearPort(url);
    else overridePort(url, text);
  }

  get pathname() {
    return this.#url.path;
  }

  set pathname(value) {
    const url = this.#url;
    const text = assigned(value, "pathname");
    if (!url.opaquePath) overridePath(url, text);
  }

  get search() {
    const { query } = this.#url;
    return query === null || query === "" ? "" : `?${query}`;
  }

  set search(value) {
    const url = this.#url;
    const text = assigned(value, "search");
    const input = withoutMark(text);
    // The list is parsed from what was given, the query has lost its tabs and newlines: only a list that is
    // made at once can tell.
    const params = this.#query ?? (hasTabOrNewline(input) ? this.searchParams : null);
    overrideQuery(url, text === "" ? null : input);
    if (params !== null) setSearchParamsList(params, parseUrlencoded(input));
  }

  get searchParams() {
    const url = this.#url;
    return (this.#query ??= createSearchParams(parseUrlencoded(url.query ?? ""), (query) => setQuery(this.#url, query)));
  }

  get hash() {
    const { fragment } = this.#url;
    return fragment === null || fragment === "" ? "" : `#${fragment}`;
  }

  set hash(value) {
    const url = this.#url;
    const text = assigned(value, "hash");
    overrideFragment(url, text === "" ? null : withoutMark(text, 0x23));
  }

  /** @returns {string} */
  toString() {
    return serializeURL(this.#url);
  }

  /** @returns {string} */
  toJSON() {
    return serializeURL(this.#url);
  }

  static {
    isURL = /** @type {typeof isURL} */ ((value) => isObject(value) && #url in value);
    urlRecordOf = (url) => url.#url;
    wrap = (record) => {
      parsed = record;
      return new URL("");
    };
  }
}

/** @param {string} text */
function hasTabOrNewline(text) {
  for (let i = 0; i < text.length; i++) {
    const unit = StringPrototypeCharCodeAt(text, i);
    if (unit === 0x09 || unit === 0x0a || unit === 0x0d) return true;
  }
  return false;
}

exposeInterface(URL, { name: "URL" });
