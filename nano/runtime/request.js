// Request.
//
// Standard: https://fetch.spec.whatwg.org/#request-class
// Host half: nano/engine/events.py, which sends the head of a request as one string (see createServerRequest).
//
// There is no page here: URLs must be absolute, "client" is the referrer of all, and no header name is
// forbidden. As on Workers a request has `cf` (an object, whose fields may be absent), a request that came
// from a client has immutable headers and the redirect mode "manual".
//
// Proxies of requests, and objects that inherit from Request.prototype, which libraries hand to their users,
// are no platform objects; the constructor takes them all the same, by their members.

import { createDependentAbortSignal, toAbortSignal } from "./abort.js";
import { Body, extractBody, mixinBody, takeBody } from "./body.js";
import { createHeaders, fillHeaders, guardOf, headerListOf } from "./headers.js";
import { isToken } from "./http_syntax.js";
import { parseURL } from "./parse_url.js";
import { ObjectPrototypeIsPrototypeOf, StringPrototypeToUpperCase, TypeError } from "./primordials.js";
import { serializeURL } from "./url_record.js";
import { converters, dictionary, enumeration, exposeInterface, isObject, nullable, requiredArguments } from "./webidl.js";

/** @typedef {import("./abort.js").AbortSignal} AbortSignal */
/** @typedef {import("./headers.js").Headers} Headers */
/** @typedef {import("./host_body.js").HostBody} HostBody */

const CACHE = enumeration("RequestCache", ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"]);
const CREDENTIALS = enumeration("RequestCredentials", ["omit", "same-origin", "include"]);
const MODE = enumeration("RequestMode", ["navigate", "same-origin", "no-cors", "cors"]);
const REDIRECT = enumeration("RequestRedirect", ["follow", "error", "manual"]);
const REFERRER_POLICY = enumeration("ReferrerPolicy", [
  "",
  "no-referrer",
  "no-referrer-when-downgrade",
  "same-origin",
  "origin",
  "strict-origin",
  "origin-when-cross-origin",
  "strict-origin-when-cross-origin",
  "unsafe-url",
]);

const toRequestInit = dictionary("RequestInit", [
  { name: "body", converter: converters.any },
  { name: "cache", converter: CACHE },
  { name: "cf", converter: converters.any },
  { name: "credentials", converter: CREDENTIALS },
  { name: "duplex", converter: enumeration("RequestDuplex", ["half"]) },
  { name: "headers", converter: converters.any },
  { name: "integrity", converter: converters.DOMString },
  { name: "keepalive", converter: converters.boolean },
  { name: "method", converter: converters.ByteString },
  { name: "mode", converter: MODE },
  { name: "priority", converter: enumeration("RequestPriority", ["high", "low", "auto"]) },
  { name: "redirect", converter: REDIRECT },
  { name: "referrer", converter: converters.USVString },
  { name: "referrerPolicy", converter: REFERRER_POLICY },
  { name: "signal", converter: nullable(toAbortSignal) },
  { name: "window", converter: converters.any },
]);

/**
 * Check and normalise a method.
 *
 * @see https://fetch.spec.whatwg.org/#concept-method-normalize
 * @param {string} method
 * @param {string} prefix
 * @returns {string}
 */
function normalizeMethod(method, prefix) {
  const upper = StringPrototypeToUpperCase(method);
  switch (upper) {
    case "DELETE":
    case "GET":
    case "HEAD":
    case "OPTIONS":
    case "POST":
    case "PUT":
      return upper;
    case "CONNECT":
    case "TRACE":
    case "TRACK":
      throw new TypeError(`${prefix}: '${method}' is a forbidden method.`);
    default:
      if (!isToken(method)) throw new TypeError(`${prefix}: '${method}' is not a valid HTTP method.`);
      return method;
  }
}

/**
 * The absolute URL of a string.
 *
 * @param {string} input
 * @param {string} prefix
 * @returns {string}
 */
function absoluteURL(input, prefix) {
  const url = parseURL(input);
  if (url === null) throw new TypeError(`${prefix}: '${input}' is not an absolute URL.`);
  if (url.username !== "" || url.password !== "") throw new TypeError(`${prefix}: the URL '${input}' contains credentials.`);
  return serializeURL(url);
}

/**
 * The referrer of an init. Every referrer but "no-referrer" is of another origin than ours, which is none.
 *
 * @param {string} referrer
 * @param {string} prefix
 * @returns {string} as the `referrer` attribute gives it
 */
function parseReferrer(referrer, prefix) {
  if (referrer === "") return "";
  if (parseURL(referrer) === null) throw new TypeError(`${prefix}: the referrer '${referrer}' is not an absolute URL.`);
  return CLIENT;
}

const CLIENT = "about:client";

/** The members that libraries seldom look at; most requests share one record. */
class Settings {
  cache = "default";
  credentials = "same-origin";
  integrity = "";
  keepalive = false;
  mode = "cors";
  redirect = "follow";
  referrer = CLIENT;
  referrerPolicy = "";
  /** For fetch alone; scripts cannot read it. */
  priority = "auto";
}

const DEFAULTS = new Settings();
const FROM_CLIENT = new Settings();
FROM_CLIENT.redirect = "manual";

/**
 * The settings of a new request.
 *
 * @param {Settings} base
 * @param {any} init converted
 * @param {string} prefix
 * @returns {Settings}
 */
function settingsOf(base, init, prefix) {
  const settings = new Settings();
  settings.cache = init.cache ?? base.cache;
  settings.credentials = init.credentials ?? base.credentials;
  settings.integrity = init.integrity ?? base.integrity;
  settings.keepalive = init.keepalive ?? base.keepalive;
  settings.mode = init.mode ?? base.mode;
  settings.redirect = init.redirect ?? base.redirect;
  settings.referrer = init.referrer === undefined ? base.referrer : parseReferrer(init.referrer, prefix);
  settings.referrerPolicy = init.referrerPolicy ?? base.referrerPolicy;
  settings.priority = init.priority ?? base.priority;
  if (settings.mode === "navigate") throw new TypeError(`${prefix}: the mode cannot be 'navigate'.`);
  if (settings.cache === "only-if-cached" && settings.mode !== "same-origin") {
    throw new TypeError(`${prefix}: the cache mode 'only-if-cached' needs the mode 'same-origin'.`);
  }
  return settings;
}

/** Lets the runtime make a Request without arguments to convert. */
const INTERNAL = {};

/**
 * What the host says of a request that has come in.
 *
 * @typedef {{
 *   method: string,
 *   url: string,
 *   lazyHead: string,
 *   body: import("./blob.js").Bytes | HostBody | null,
 *   signalFactory: () => AbortSignal,
 *   hops: number,
 * }} Incoming `url` is absolute, `lazyHead` is "name\nvalue\nname\nvalue…" with names in lower case
 */

/** @type {(value: any) => value is Request} */
export let isRequest;
/** @type {(incoming: Incoming) => Request} */
export let createServerRequest;
/** @type {(request: Request) => Body | null} */
let bodyOf;
/** @type {(request: Request) => string | null} */
let contentTypeOf;
/**
 * What fetch sends. The body is used up; one that was used before is a TypeError. There is no signal where nobody
 * could abort it.
 *
 * @type {(request: Request) => {
 *   method: string,
 *   url: string,
 *   headersList: readonly string[],
 *   body: import("./body.js").Outgoing,
 *   signal: AbortSignal | null,
 *   settings: Readonly<Settings>,
 *   hops: number,
 * }}
 */
export let requestParts;
/** @type {(request: Request, input: any, init: any, prefix: string) => void} */
let construct;

export class Request {
  #method = "GET";
  #url = "";
  /** Whether #url is as the host sent it, and has yet to be parsed. */
  #rawURL = false;
  /** Made when first asked for, from #head. @type {Headers | null} */
  #headers = null;
  #head = "";
  /** @type {Body | null} */
  #body = null;
  #settings = DEFAULTS;
  /** Made when first asked for. @type {AbortSignal | null} */
  #signal = null;
  /** What the signal depends on: a signal, or that of a request. @type {AbortSignal | Request | null} */
  #parent = null;
  /** @type {(() => AbortSignal) | null} */
  #signalFactory = null;
  /** @type {any} */
  #cf = undefined;
  /** See hops.js. */
  #hops = 0;

  /** @param {any} input @param {any} [init] */
  constructor(input, init = undefined) {
    if (input === INTERNAL) return;
    const prefix = "Failed to construct 'Request'";
    requiredArguments(arguments.length, 1, prefix);
    construct(this, input, init, prefix);
  }

  get method() {
    return this.#method;
  }

  get url() {
    return this.#getURL();
  }

  get headers() {
    return this.#getHeaders();
  }

  get destination() {
    this.#settings;
    return "";
  }

  get referrer() {
    return this.#settings.referrer;
  }

  get referrerPolicy() {
    return this.#settings.referrerPolicy;
  }

  get mode() {
    return this.#settings.mode;
  }

  get credentials() {
    return this.#settings.credentials;
  }

  get cache() {
    return this.#settings.cache;
  }

  get redirect() {
    return this.#settings.redirect;
  }

  get integrity() {
    return this.#settings.integrity;
  }

  get keepalive() {
    return this.#settings.keepalive;
  }

  get isReloadNavigation() {
    this.#settings;
    return false;
  }

  get isHistoryNavigation() {
    this.#settings;
    return false;
  }

  get signal() {
    return this.#getSignal();
  }

  get duplex() {
    this.#settings;
    return "half";
  }

  /** What is known about where the request came from, as on Workers. @returns {any} */
  get cf() {
    return (this.#cf ??= {});
  }

  clone() {
    if (this.#body?.unusable) {
      throw new TypeError("Failed to execute 'clone' on 'Request': the body has been used already, or is locked by a reader.");
    }
    const copy = new Request(INTERNAL);
    copy.#method = this.#method;
    copy.#url = this.#url;
    copy.#rawURL = this.#rawURL;
    copy.#head = this.#head;
    copy.#headers = this.#headers === null ? null : createHeaders(headerListOf(this.#headers).clone(), guardOf(this.#headers));
    copy.#body = this.#body === null ? null : this.#body.clone();
    copy.#settings = this.#settings;
    copy.#parent = this.#signalSource();
    copy.#cf = this.#cf;
    copy.#hops = this.#hops;
    return copy;
  }

  // What the getters give, even where a derived class has getters of its own.

  #getURL() {
    if (this.#rawURL) {
      this.#rawURL = false;
      const parsed = parseURL(this.#url);
      if (parsed !== null) this.#url = serializeURL(parsed);
    }
    return this.#url;
  }

  #getHeaders() {
    return (this.#headers ??= createHeaders(this.#head, "immutable"));
  }

  /** @returns {AbortSignal} */
  #getSignal() {
    if (this.#signal !== null) return this.#signal;
    if (this.#signalFactory !== null) return (this.#signal = this.#signalFactory());
    const parent = isRequest(this.#parent) ? this.#parent.#getSignal() : this.#parent;
    this.#parent = null;
    return (this.#signal = createDependentAbortSignal(parent === null ? [] : [parent]));
  }

  /** What the signal of a request made from this one depends on: not always this one, lest chains grow. */
  #signalSource() {
    return this.#signal ?? (this.#signalFactory === null ? this.#parent : this);
  }

  static {
    isRequest = /** @type {typeof isRequest} */ ((value) => isObject(value) && #rawURL in value);
    bodyOf = (request) => request.#body;
    contentTypeOf = (request) => headerListOf(request.#getHeaders()).get("content-type");
    requestParts = (request) => ({
      method: request.#method,
      url: request.#getURL(),
      headersList: headerListOf(request.#getHeaders()).wire(),
      body: takeBody(request.#body),
      signal: request.#signalSource() === null ? null : request.#getSignal(),
      settings: request.#settings,
      hops: request.#hops,
    });
    createServerRequest = ({ method, url, lazyHead, body, signalFactory, hops }) => {
      const request = new Request(INTERNAL);
      request.#method = method;
      request.#url = url;
      request.#rawURL = true;
      request.#head = lazyHead;
      request.#settings = FROM_CLIENT;
      request.#signalFactory = signalFactory;
      request.#hops = hops;
      if (body !== null) request.#body = new Body(body);
      return request;
    };

    // https://fetch.spec.whatwg.org/#dom-request
    construct = (request, input, given, prefix) => {
      /** @type {Request | null} */
      let from = null;
      if (isRequest(input)) from = input;
      else if (looksLikeRequest(input)) {
        given = overlay(input, given);
        request.#url = absoluteURL(converters.USVString(input.url, { prefix, name: "'url'" }), prefix);
      } else {
        request.#url = absoluteURL(converters.USVString(input, { prefix, name: "Argument 1" }), prefix);
      }
      const init = given === undefined ? NO_INIT : toRequestInit(given, { prefix, name: "Argument 2" });
      if (init.window !== undefined && init.window !== null) throw new TypeError(`${prefix}: 'window' can only be null.`);
      if (from !== null) {
        request.#url = from.#getURL();
        request.#method = from.#method;
        request.#settings = from.#settings;
        request.#cf = from.#cf;
        request.#hops = from.#hops;
      }
      if (init !== NO_INIT) {
        request.#settings = settingsOf(request.#settings, init, prefix);
        if (init.method !== undefined) request.#method = normalizeMethod(init.method, prefix);
        if (init.cf !== undefined) request.#cf = init.cf;
      }
      const { signal } = init;
      request.#parent = signal !== undefined ? signal : from === null ? null : from.#signalSource();
      request.#fillHeaders(from, init.headers, prefix);
      request.#setBody(from, init, prefix);
    };
  }

  /**
   * @param {Request | null} from
   * @param {any} headers
   * @param {string} prefix
   */
  #fillHeaders(from, headers, prefix) {
    const noCORS = this.#settings.mode === "no-cors";
    const guard = noCORS ? "request-no-cors" : "request";
    if (noCORS && this.#method !== "GET" && this.#method !== "HEAD" && this.#method !== "POST") {
      throw new TypeError(`${prefix}: the mode 'no-cors' permits GET, HEAD and POST, not '${this.#method}'.`);
    }
    if (headers === undefined && from !== null && !noCORS) {
      this.#headers = createHeaders(headerListOf(from.#getHeaders()).clone(), guard);
      return;
    }
    this.#headers = createHeaders([], guard);
    const source = headers !== undefined ? headers : from === null ? undefined : from.#getHeaders();
    if (source !== undefined) fillHeaders(this.#headers, source, { prefix, name: "'headers' of 'RequestInit'" });
  }

  /**
   * @param {Request | null} from
   * @param {any} init converted
   * @param {string} prefix
   */
  #setBody(from, init, prefix) {
    const inputBody = from === null ? null : from.#body;
    const given = init.body ?? null;
    if ((given !== null || inputBody !== null) && (this.#method === "GET" || this.#method === "HEAD")) {
      throw new TypeError(`${prefix}: a request with the method ${this.#method} cannot have a body.`);
    }
    if (given === null) {
      if (inputBody === null) return;
      if (inputBody.unusable) throw new TypeError(`${prefix}: the body of the request has been used already, or is locked by a reader.`);
      this.#body = inputBody.move();
      return;
    }
    const { body, type } = extractBody(given, { prefix, name: "'body' of 'RequestInit'" });
    if (body.isAppStream) this.#checkStream(init, prefix);
    const list = headerListOf(/** @type {Headers} */ (this.#headers));
    if (type !== null && !list.has("content-type")) list.append("content-type", type);
    if (inputBody !== null && !inputBody.unusable) inputBody.spend();
    this.#body = body;
  }

  /**
   * What a stream as body requires; one that the runtime made, such as the body of another request, passes
   * without `duplex`, since Workers code has never had to say it.
   *
   * @param {any} init converted
   * @param {string} prefix
   */
  #checkStream(init, prefix) {
    if (this.#settings.keepalive) throw new TypeError(`${prefix}: a request with keepalive cannot have a stream as body.`);
    if (init.duplex === undefined) throw new TypeError(`${prefix}: a stream as body needs 'duplex: "half"' in the init.`);
    if (this.#settings.mode !== "same-origin" && this.#settings.mode !== "cors") {
      throw new TypeError(`${prefix}: a stream as body needs the mode 'same-origin' or 'cors'.`);
    }
  }
}

const NO_INIT = /** @type {any} */ ({ __proto__: null });

/** @param {any} value */
const looksLikeRequest = (value) => isObject(value) && ObjectPrototypeIsPrototypeOf(Request.prototype, value);

const INIT_MEMBERS = [
  "body", "cache", "cf", "credentials", "duplex", "headers", "integrity", "keepalive", "method", "mode", "priority",
  "redirect", "referrer", "referrerPolicy", "signal", "window",
];

/**
 * The init for what looks like a request, which may be a proxy of one: its members, unless the init has others.
 *
 * @param {any} request
 * @param {any} init
 */
function overlay(request, init) {
  /** @type {any} */
  const members = { __proto__: null };
  for (let i = 0; i < INIT_MEMBERS.length; i++) {
    const name = INIT_MEMBERS[i];
    const own = init === undefined || init === null ? undefined : init[name];
    members[name] = own === undefined ? request[name] : own;
  }
  return members;
}

mixinBody(Request, { name: "Request", isInstance: (value) => isRequest(value), bodyOf, contentTypeOf });
exposeInterface(Request, { name: "Request" });
