// Response.
//
// Standard: https://fetch.spec.whatwg.org/#response-class
// Host half: nano/engine/events.py, which sends what responseParts() gives.
// From Workers come `webSocket`, `encodeBody` and `cf` in the init, and 101 as a status beside a webSocket.

import { extractBody, mixinBody, takeBody } from "./body.js";
import { HeaderList } from "./header_list.js";
import { createHeaders, fillHeaders, guardOf, headerListOf } from "./headers.js";
import { parseURL } from "./parse_url.js";
import { JSONStringify, StringPrototypeCharCodeAt, RangeError, TypeError } from "./primordials.js";
import { serializeURL } from "./url_record.js";
import { converters, enumeration, exposeInterface, isObject, requiredArguments, typeError } from "./webidl.js";

/** @typedef {import("./body.js").Body} Body */
/** @typedef {import("./headers.js").Headers} Headers */
/** @typedef {"basic" | "cors" | "default" | "error" | "opaque" | "opaqueredirect"} ResponseType */

const toEncodeBody = enumeration("EncodeBody", ["automatic", "manual"]);

/** A converted ResponseInit. */
class ResponseInit {
  /**
   * Read an init, member by member: webidl.dictionary() would cost as much as all the rest of a response.
   *
   * @param {any} given
   * @param {import("./webidl.js").Context} context
   */
  constructor(given, context) {
    const { prefix } = context;
    const none = given === undefined || given === null;
    if (!none && !isObject(given)) throw typeError(context, "cannot be converted to the dictionary ResponseInit.");
    /** @type {any} */
    const init = none ? NOTHING : given;
    const { cf, encodeBody } = init;
    this.cf = cf;
    this.encodeBody = encodeBody === undefined ? "automatic" : toEncodeBody(encodeBody, { prefix, name: "'encodeBody'" });
    this.headers = init.headers;
    const { status } = init;
    this.status = status === undefined ? 200 : converters["unsigned short"](status, { prefix, name: "'status'" });
    const { statusText } = init;
    this.statusText = statusText === undefined ? "" : converters.ByteString(statusText, { prefix, name: "'statusText'" });
    this.webSocket = init.webSocket ?? null;
  }
}

/** @type {any} */
const NOTHING = { __proto__: null };

/** @see https://fetch.spec.whatwg.org/#null-body-status @param {number} status */
const isNullBodyStatus = (status) => status === 101 || status === 103 || status === 204 || status === 205 || status === 304;

/** @param {string} text @see https://httpwg.org/specs/rfc9112.html#status.line (reason-phrase) */
function isReasonPhrase(text) {
  for (let i = 0; i < text.length; i++) {
    const c = StringPrototypeCharCodeAt(text, i);
    if ((c < 0x20 && c !== 0x09) || c === 0x7f || c > 0xff) return false;
  }
  return true;
}

/** Lets the runtime make a Response without arguments to convert. */
const INTERNAL = {};

/** @type {(value: any) => value is Response} */
export let isResponse;
/** @type {(response: Response) => Body | null} */
let bodyOf;
/** @type {(response: Response) => string | null} */
let contentTypeOf;
/** @type {(status: number, statusText: string, headers: Headers | null, body: Body | null, extra: ResponseExtra) => Response} */
let make;
/** @type {(response: Response, body: { body: Body, type: string | null } | null, init: any, context: any) => void} */
let initialize;
/**
 * What the host sends. The body is used up; one that was used before is a TypeError, as is Response.error().
 *
 * @type {(response: Response) => {
 *   status: number,
 *   statusText: string,
 *   headersList: readonly string[],
 *   body: import("./body.js").Outgoing,
 *   webSocket: any,
 *   encodeBody: "automatic" | "manual",
 * }}
 */
export let responseParts;

/** @typedef {{ __proto__?: null, type?: ResponseType, url?: string, redirected?: boolean }} ResponseExtra */

const NO_HEADERS = /** @type {readonly string[]} */ ([]);

export class Response {
  /** @type {ResponseType} */
  #type = "default";
  #url = "";
  #redirected = false;
  #status = 200;
  #statusText = "";
  /** Made when first asked for; until then #contentType is all there is. @type {Headers | null} */
  #headers = null;
  /** @type {string | null} */
  #contentType = null;
  /** @type {Body | null} */
  #body = null;
  /** @type {"automatic" | "manual"} */
  #encodeBody = "automatic";
  /** @type {any} */
  #webSocket = null;
  /** @type {any} */
  #cf = undefined;

  /** @param {any} [body] @param {any} [init] */
  constructor(body = null, init = undefined) {
    if (body === INTERNAL) return;
    const context = { prefix: "Failed to construct 'Response'", name: "Argument 1" };
    const extracted = body === null ? null : extractBody(body, context);
    if (init === undefined) {
      if (extracted !== null) {
        this.#body = extracted.body;
        this.#contentType = extracted.type;
      }
      return;
    }
    initialize(this, extracted, init, { prefix: context.prefix, name: "Argument 2" });
  }

  static error() {
    return make(0, "", createHeaders([], "immutable"), null, { __proto__: null, type: "error" });
  }

  /** @param {any} data @param {any} [init] */
  static json(data, init = undefined) {
    const prefix = "Failed to execute 'json' on 'Response'";
    requiredArguments(arguments.length, 1, prefix);
    const text = JSONStringify(data);
    if (text === undefined) throw typeError({ prefix, name: "Argument 1" }, "has no form in JSON.");
    const { body } = extractBody(text, { prefix });
    const response = make(200, "", null, null, NOTHING);
    initialize(response, { body, type: "application/json" }, init, { prefix, name: "Argument 2" });
    return response;
  }

  /** @param {string} url @param {number} [status] */
  static redirect(url, status = 302) {
    const prefix = "Failed to execute 'redirect' on 'Response'";
    requiredArguments(arguments.length, 1, prefix);
    url = converters.USVString(url, { prefix, name: "Argument 1" });
    status = converters["unsigned short"](status, { prefix, name: "Argument 2" });
    const parsed = parseURL(url);
    if (parsed === null) throw new TypeError(`${prefix}: '${url}' is not an absolute URL.`);
    if (status !== 301 && status !== 302 && status !== 303 && status !== 307 && status !== 308) {
      throw new RangeError(`${prefix}: ${status} is not a redirect status.`);
    }
    const list = new HeaderList();
    list.append("location", serializeURL(parsed));
    return make(status, "", createHeaders(list, "immutable"), null, NOTHING);
  }

  get type() {
    return this.#type;
  }

  get url() {
    return this.#url;
  }

  get redirected() {
    return this.#redirected;
  }

  get status() {
    return this.#status;
  }

  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }

  get statusText() {
    return this.#statusText;
  }

  get headers() {
    if (this.#headers === null) {
      const list = new HeaderList();
      if (this.#contentType !== null) list.append("content-type", this.#contentType);
      this.#headers = createHeaders(list, "response");
    }
    return this.#headers;
  }

  /** What the init of the constructor said, as on Workers. */
  get cf() {
    return this.#cf;
  }

  /** @returns {any} */
  get webSocket() {
    return this.#webSocket;
  }

  clone() {
    if (this.#body?.unusable) {
      throw new TypeError("Failed to execute 'clone' on 'Response': the body has been used already, or is locked by a reader.");
    }
    if (this.#webSocket !== null) {
      throw new TypeError("Failed to execute 'clone' on 'Response': a response to a WebSocket handshake cannot be cloned.");
    }
    const copy = new Response(INTERNAL);
    copy.#type = this.#type;
    copy.#url = this.#url;
    copy.#redirected = this.#redirected;
    copy.#status = this.#status;
    copy.#statusText = this.#statusText;
    copy.#contentType = this.#contentType;
    copy.#headers = this.#headers === null ? null : cloneHeaders(this.#headers);
    copy.#body = this.#body === null ? null : this.#body.clone();
    copy.#encodeBody = this.#encodeBody;
    copy.#cf = this.#cf;
    return copy;
  }

  static {
    isResponse = /** @type {typeof isResponse} */ ((value) => isObject(value) && #body in value);
    bodyOf = (response) => response.#body;
    contentTypeOf = (response) =>
      response.#headers === null ? response.#contentType : headerListOf(response.#headers).get("content-type");
    make = (status, statusText, headers, body, extra) => {
      const response = new Response(INTERNAL);
      response.#status = status;
      response.#statusText = statusText;
      response.#headers = headers;
      response.#body = body;
      response.#type = extra.type ?? "default";
      response.#url = extra.url ?? "";
      response.#redirected = extra.redirected ?? false;
      return response;
    };
    // https://fetch.spec.whatwg.org/#initialize-a-response
    initialize = (response, extracted, given, context) => {
      const { prefix } = context;
      const init = new ResponseInit(given, context);
      const { status, statusText } = init;
      response.#webSocket = init.webSocket;
      if (!(status >= 200 && status <= 599) && !(status === 101 && response.#webSocket !== null)) {
        throw new RangeError(`${prefix}: the status ${status} is outside of the range from 200 to 599.`);
      }
      if (!isReasonPhrase(statusText)) throw new TypeError(`${prefix}: '${statusText}' is not a valid status text.`);
      response.#status = status;
      response.#statusText = statusText;
      response.#encodeBody = init.encodeBody;
      response.#cf = init.cf;
      if (init.headers !== undefined) {
        response.#headers = createHeaders([], "response");
        fillHeaders(response.#headers, init.headers, { prefix, name: "'headers' of 'ResponseInit'" });
      }
      if (extracted === null) return;
      if (isNullBodyStatus(status)) throw new TypeError(`${prefix}: a response with the status ${status} cannot have a body.`);
      response.#body = extracted.body;
      response.#addContentType(extracted.type);
    };
    responseParts = (response) => {
      if (response.#type === "error") throw new TypeError("A network error (Response.error()) cannot be sent.");
      return {
        status: response.#status,
        statusText: response.#statusText,
        headersList: response.#wireHeaders(),
        body: takeBody(response.#body),
        webSocket: response.#webSocket,
        encodeBody: response.#encodeBody,
      };
    };
  }

  /** @param {string | null} type what the body says of itself; the headers have the last word */
  #addContentType(type) {
    if (type === null) return;
    if (this.#headers === null) this.#contentType = type;
    else {
      const list = headerListOf(this.#headers);
      if (!list.has("content-type")) list.append("content-type", type);
    }
  }

  /** @returns {readonly string[]} */
  #wireHeaders() {
    if (this.#headers !== null) return headerListOf(this.#headers).wire();
    return this.#contentType === null ? NO_HEADERS : ["content-type", this.#contentType];
  }
}

/** @param {Headers} headers */
const cloneHeaders = (headers) => createHeaders(headerListOf(headers).clone(), guardOf(headers));

mixinBody(Response, { name: "Response", isInstance: (value) => isResponse(value), bodyOf, contentTypeOf });
exposeInterface(Response, { name: "Response" });

/**
 * A Response of the runtime's own making, such as what a fetch gives.
 *
 * @param {{ status: number, statusText: string, headers: Headers, body: Body | null } & ResponseExtra} parts
 * @returns {Response}
 */
export const createResponse = (parts) => make(parts.status, parts.statusText, parts.headers, parts.body, parts);
