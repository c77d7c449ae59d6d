// fetch.
//
// Standard: https://fetch.spec.whatwg.org/#fetch-method and #main-fetch
// Host half: nano/ops/fetch.py, which does one request at a time; what it is asked and answers stands at #send.
//
// As on other servers there is no page: URLs are absolute, nothing is stored (neither cookies nor responses), no
// origin is more ours than another, so that the modes, credentials and referrers of a request change nothing, and
// its response is "basic". The redirect mode "manual" shows the redirect as it came. A body that was sent compressed
// is decoded, and loses the Content-Encoding and Content-Length that spoke of the compressed one: so a response can
// be returned to a client as it is.
//
// Theory of operation. A FetchCall lives from the call to the end of the response's body. It may end at any time,
// by the request's signal; whatever comes later from the host finds a channel that is closed. #over says whether
// the promise is settled, #body is what remains to be aborted after that.

import { abortReason, addAbortAlgorithm, isAborted, removeAbortAlgorithm } from "./abort.js";
import { streamParts } from "./blob.js";
import { Body, discardOutgoing } from "./body.js";
import { copyBytes } from "./bytes.js";
import { openChannel } from "./channels.js";
import { fetchBlobURL, fetchDataURL } from "./fetch_local.js";
import {
  MOST_REDIRECTS,
  deleteBodyHeaders,
  deleteCredentials,
  dropsBody,
  isRedirectStatus,
  locationURL,
} from "./fetch_redirect.js";
import { HeaderList } from "./header_list.js";
import { createHeaders, headerListOf } from "./headers.js";
import { HostBody } from "./host_body.js";
import { HOPS, currentHops } from "./hops.js";
import { hostOp } from "./host.js";
import { checkIntegrity } from "./integrity.js";
import { parseURL } from "./parse_url.js";
import {
  ArrayPrototypeSlice,
  Error,
  ObjectDefineProperty,
  Promise,
  PromisePrototypeThen,
  String,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  TypeError,
} from "./primordials.js";
import { Request, requestParts } from "./request.js";
import { createResponse } from "./response.js";
import { serializeURL } from "./url_record.js";
import { utf8ByteLength, utf8Encode } from "./utf8.js";
import { requiredArguments } from "./webidl.js";

/** @typedef {import("./blob.js").Bytes} Bytes */
/** @typedef {import("./host_body.js").Box} Box */
/** @typedef {import("./body.js").Outgoing} Outgoing */
/** @typedef {import("./channels.js").Channel} Channel */
/** @typedef {import("./url_record.js").URLRecord} URLRecord */
/** @typedef {ReturnType<typeof requestParts>} RequestParts */

/** Bytes of a request body up to this number go along with the op. */
const INLINE = 65536;

/**
 * Fetch a resource.
 *
 * @param {any} input a URL or a Request
 * @param {any} [init]
 * @returns {Promise<import("./response.js").Response>} rejects with the reason of an abort, or with a TypeError
 *   whose `cause` says what went wrong and has a `code`
 */
export function fetch(input, init = undefined) {
  const given = arguments.length;
  return new Promise((resolve, reject) => {
    requiredArguments(given, 1, "Failed to execute 'fetch'");
    const call = new FetchCall(requestParts(new Request(input, init)), resolve, reject);
    call.start();
  });
}

/**
 * What went wrong, as the `cause` of a TypeError.
 *
 * @param {string} code as Node.js names it where it has a name for it
 * @param {string} message
 */
function failure(code, message) {
  const error = new Error(message);
  ObjectDefineProperty(
    error,
    "code",
    /** @type {any} */ ({ __proto__: null, value: code, enumerable: true, writable: true, configurable: true }),
  );
  return error;
}

/** @param {any} cause @param {string} message */
const networkError = (cause, message) =>
  new TypeError(`Failed to execute 'fetch': ${message}`, /** @type {any} */ ({ __proto__: null, cause }));

/** @param {string} text "CODE: message", as the host says why a body breaks off */
function bodyError(text) {
  const colon = StringPrototypeIndexOf(text, ": ");
  const message = StringPrototypeSlice(text, colon + 2);
  return networkError(failure(StringPrototypeSlice(text, 0, colon), message), message);
}

/** One call of fetch. */
class FetchCall {
  #method;
  /** @type {URLRecord} */
  #url;
  #headers;
  /** What is sent; taken when it has been used up. @type {Outgoing} */
  #outgoing;
  #signal;
  #settings;
  #redirects = 0;
  /** How many fetches of apps the request will have come through, this one included. */
  #hops;
  #resolve;
  #reject;
  #over = false;
  /** @type {Channel | null} */
  #channel = null;
  /** What comes. @type {HostBody | null} */
  #body = null;
  /** @param {any} reason */
  #onAbort = (reason) => this.#abort(reason);

  /** @param {RequestParts} request @param {(response: any) => void} resolve @param {(reason: any) => void} reject */
  constructor(request, resolve, reject) {
    this.#method = request.method;
    this.#url = /** @type {URLRecord} */ (parseURL(request.url));
    this.#headers = listOf(request.headersList);
    this.#outgoing = request.body;
    this.#signal = request.signal;
    this.#settings = request.settings;
    const hops = currentHops();
    this.#hops = (request.hops > hops ? request.hops : hops) + 1;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start() {
    const signal = this.#signal;
    if (signal !== null) {
      if (isAborted(signal)) return this.#abort(abortReason(signal));
      addAbortAlgorithm(signal, this.#onAbort);
    }
    this.#schemeFetch();
  }

  /** @see https://fetch.spec.whatwg.org/#scheme-fetch */
  #schemeFetch() {
    const { scheme } = this.#url;
    if (scheme === "http" || scheme === "https") {
      if (this.#settings.cache === "only-if-cached") this.#fail("ERR_NOT_CACHED", "nothing is cached here");
      else this.#httpFetch();
    } else if (scheme === "data") this.#localFetch(fetchDataURL(this.#url));
    else if (scheme === "blob") this.#localFetch(fetchBlobURL(this.#url, this.#method, this.#headers.get("range")));
    else this.#fail("ERR_SCHEME", `there is no network for URLs of the scheme '${scheme}'`);
  }

  /** @param {import("./fetch_local.js").Local | string} local */
  #localFetch(local) {
    if (typeof local === "string") return this.#fail("ERR_INVALID_URL", local);
    const { status, statusText, headers, bytes } = local;
    const body = this.#method === "HEAD" ? null : this.#wholeBody(bytes, "shared");
    this.#respond(status, statusText, createHeaders(headers, "immutable"), body);
  }

  /**
   * A body that is all there. Where a signal may still take it away, it is one that comes from the host, as it seems.
   *
   * @param {Bytes} bytes
   * @param {"own" | "shared"} ownership
   * @returns {Body}
   */
  #wholeBody(bytes, ownership) {
    if (this.#signal === null) return new Body(bytes);
    const source = { id: null, length: bytes.length, requestCredit() {}, cancel() {}, over: () => this.#forget() };
    const body = (this.#body = new HostBody(source));
    if (bytes.length > 0) body.onChunk(ownership === "own" ? bytes : copyBytes(bytes));
    body.onEnd();
    return new Body(body);
  }

  /** @see https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch */
  #httpFetch() {
    const headers = new HeaderList(ArrayPrototypeSlice(this.#headers.wire()));
    const { cache } = this.#settings;
    addMissing(headers, "accept", "*/*");
    addMissing(headers, "accept-language", "*");
    if (cache === "no-cache") addMissing(headers, "cache-control", "max-age=0");
    if (cache === "no-store" || cache === "reload") {
      addMissing(headers, "pragma", "no-cache");
      addMissing(headers, "cache-control", "no-cache");
    }
    headers.set(HOPS, String(this.#hops));
    if (headers.has("range")) addMissing(headers, "accept-encoding", "identity");
    this.#send(headers);
  }

  /**
   * The host takes {channel, method, url, headers: [name, value, …], body: "none" | "whole" | "stream", length} and
   * the bytes of a whole body. It answers {status, statusText, headers: "name\nvalue\n…", body, length}, where a body
   * is "none", "whole" (in the buffer) or "stream" (on the channel); or {code, message} for a failure.
   *
   * @param {HeaderList} headers
   */
  #send(headers) {
    const channel = (this.#channel = openChannel(bodyError));
    const outgoing = this.#outgoing;
    const text = outgoing.kind === "string" ? outgoing.string : "";
    const long = text.length > INLINE;
    const bytes = outgoing.kind === "bytes" ? outgoing.bytes : outgoing.kind === "string" && !long ? utf8Encode(text) : null;
    const inline = bytes !== null && bytes.length <= INLINE;
    const args = {
      __proto__: null,
      channel: channel.id,
      method: this.#method,
      url: serializeURL(this.#url, true),
      headers: headers.entries,
      body: outgoing.kind === "null" ? "none" : inline ? "whole" : "stream",
      length: bytes !== null ? bytes.length : long ? utf8ByteLength(text) : /** @type {any} */ (outgoing).length ?? null,
    };
    const answer = inline ? hostOp("fetch.send", args, bytes) : hostOp("fetch.send", args);
    if (bytes !== null && !inline) channel.sendWhole(bytes);
    else if (long) channel.sendText(text);
    else if (outgoing.kind === "host") channel.pass(outgoing.host);
    else if (outgoing.kind === "stream") channel.sendStream(outgoing.stream);
    PromisePrototypeThen(
      answer,
      ({ value, buffers }) => this.#answered(channel, value, buffers),
      (error) => this.#answered(channel, { code: "ERR_INTERNAL", message: error.message }, []),
    );
  }

  /**
   * @param {Channel} channel
   * @param {any} value
   * @param {Bytes[]} buffers
   */
  #answered(channel, value, buffers) {
    if (value.code !== undefined || value.body !== "stream") channel.close(answered());
    if (this.#over) return;
    if (value.code !== undefined) {
      const { uploadFailure } = channel;
      if (uploadFailure !== null) this.#end(networkError(uploadFailure.error, "the body of the request has failed"));
      else this.#fail(value.code, value.message);
      return;
    }
    const headers = createHeaders(value.headers, "immutable");
    if (isRedirectStatus(value.status) && this.#settings.redirect !== "manual") {
      const location = locationURL(headerListOf(headers), this.#url);
      if (location !== undefined) {
        channel.cancel(answered());
        this.#redirect(value.status, location);
        return;
      }
    }
    this.#respond(value.status, value.statusText, headers, this.#receive(channel, value, buffers));
  }

  /**
   * @param {Channel} channel
   * @param {any} value
   * @param {Bytes[]} buffers
   * @returns {Body | null}
   */
  #receive(channel, value, buffers) {
    if (value.body === "none") return null;
    if (value.body === "whole") return this.#wholeBody(buffers[0], "own");
    this.#body = channel.receive(value.length, () => this.#forget());
    return new Body(this.#body);
  }

  /**
   * HTTP-redirect fetch.
   *
   * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
   * @param {number} status
   * @param {URLRecord | null} location
   */
  #redirect(status, location) {
    const from = this.#url;
    if (this.#settings.redirect === "error") return this.#fail("ERR_REDIRECT", "the response is a redirect");
    if (location === null) return this.#fail("ERR_REDIRECT", "the redirect leads to a malformed URL");
    const to = serializeURL(location);
    if (location.scheme !== "http" && location.scheme !== "https") {
      return this.#fail("ERR_REDIRECT", `the redirect leads to '${to}', which is not on the network`);
    }
    if (this.#redirects === MOST_REDIRECTS) return this.#fail("ERR_TOO_MANY_REDIRECTS", "there are too many redirects");
    this.#redirects++;
    if (location.username !== "" || location.password !== "") {
      return this.#fail("ERR_REDIRECT", "the redirect leads to a URL with credentials");
    }
    if (dropsBody(status, this.#method)) {
      this.#method = "GET";
      this.#outgoing = { kind: "null" };
      deleteBodyHeaders(this.#headers);
    } else if (!this.#rewind()) {
      return this.#fail("ERR_REDIRECT", "the redirect asks for the body again, which was a stream");
    }
    deleteCredentials(this.#headers, from, location);
    this.#url = location;
    this.#httpFetch();
  }

  /** Have the body ready to be sent again, if it can be. */
  #rewind() {
    const outgoing = this.#outgoing;
    if (outgoing.kind === "host") return false;
    if (outgoing.kind !== "stream") return true;
    if (outgoing.parts === null) return false;
    this.#outgoing = { kind: "stream", stream: streamParts(outgoing.parts), length: outgoing.length, parts: outgoing.parts };
    return true;
  }

  /**
   * @param {number} status
   * @param {string} statusText
   * @param {import("./headers.js").Headers} headers
   * @param {Body | null} body
   */
  #respond(status, statusText, headers, body) {
    const { integrity } = this.#settings;
    if (integrity !== "") {
      this.#checkIntegrity(integrity, body, (checked) => this.#deliver(status, statusText, headers, checked));
    } else this.#deliver(status, statusText, headers, body);
  }

  /**
   * @param {number} status
   * @param {string} statusText
   * @param {import("./headers.js").Headers} headers
   * @param {Body | null} body
   */
  #deliver(status, statusText, headers, body) {
    if (this.#over) return;
    this.#over = true;
    if (this.#body === null) this.#forget();
    const url = serializeURL(this.#url, true);
    const redirected = this.#redirects > 0;
    this.#resolve(createResponse({ __proto__: null, status, statusText, headers, body, type: "basic", url, redirected }));
  }

  /**
   * Read all of a body and compare it with the request's integrity metadata.
   *
   * @param {string} integrity
   * @param {Body | null} body
   * @param {(body: Body | null) => void} pass
   */
  #checkIntegrity(integrity, body, pass) {
    const check = (/** @type {Bytes} */ bytes) =>
      PromisePrototypeThen(
        checkIntegrity(bytes, integrity),
        (good) => {
          if (!good) this.#fail("ERR_INTEGRITY", "the body does not match the integrity metadata");
          else pass(body === null ? null : this.#wholeBody(bytes, "own"));
        },
        (error) => this.#end(error),
      );
    const whole = body === null ? utf8Encode("") : body.take();
    if (typeof whole === "string") check(utf8Encode(whole));
    else if (isBytes(whole)) check(whole);
    else PromisePrototypeThen(/** @type {Promise<Box>} */ (whole), ({ bytes }) => check(bytes), (error) => this.#end(error));
  }

  /** Nothing of this call can be aborted any more. */
  #forget() {
    if (this.#signal !== null) removeAbortAlgorithm(this.#signal, this.#onAbort);
  }

  /** @param {string} code @param {string} message */
  #fail(code, message) {
    this.#end(networkError(failure(code, message), message));
  }

  /** @param {any} error */
  #end(error) {
    if (this.#over) return;
    this.#over = true;
    this.#forget();
    this.#reject(error);
  }

  /**
   * Abort the fetch() call.
   *
   * @see https://fetch.spec.whatwg.org/#abort-fetch
   * @param {any} reason
   */
  #abort(reason) {
    this.#over = true;
    this.#reject(reason);
    if (this.#channel !== null) this.#channel.cancel(reason);
    else discardOutgoing(this.#outgoing, reason);
    if (this.#body !== null) this.#body.onError(reason);
  }
}

/** Why an upload is stopped when its request has been answered. */
const answered = () => networkError(undefined, "the request was answered before its body was sent");

/** @param {Bytes | Promise<any>} value @returns {value is Bytes} */
const isBytes = (value) => /** @type {any} */ (value).byteLength !== undefined;

/**
 * A list of one's own.
 *
 * @param {readonly string[]} wire flat, in any spelling
 */
function listOf(wire) {
  const list = new HeaderList();
  for (let i = 0; i < wire.length; i += 2) list.append(wire[i], wire[i + 1]);
  return list;
}

/** @param {HeaderList} headers @param {string} name @param {string} value */
function addMissing(headers, name, value) {
  if (!headers.has(name)) headers.append(name, value);
}
