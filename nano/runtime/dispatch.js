// From records to handlers and back: the events of an isolate.
// Host half: nano/engine/events.py.
//
// Response bodies: WINDOW bytes may be under way; what the client has taken the host grants again. A body that is
// whole and small leaves inside the head's record. Request bodies: see body.js (`bodyFromHost`); the host sends no
// more than was granted.

import {
  Error,
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  NumberMAX_SAFE_INTEGER,
  NumberParseInt,
  PromisePrototypeThen,
  PromiseResolve,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypeError,
  Uint8Array,
} from "./primordials.js";
import { createAbortSignal, signalAbort } from "./abort.js";
import { bodyFromHost, discardOutgoing } from "./body.js";
import { copyBytes } from "./bytes.js";
import { FIRST_CHANNEL, onChannelRecord } from "./channels.js";
import { DOMException } from "./dom_exception.js";
import { createExecutionContext } from "./fetch_event.js";
import { callHandler } from "./handler.js";
import { eventBegins, eventEnds, handlerReturned } from "./hops.js";
import { hostLog, latin1, onOpResult, send, unpackValue } from "./host.js";
import { inspect } from "./inspect.js";
import { onLoad } from "./load.js";
import { WINDOW, addCredit, passBody, sendBytes, sendText } from "./outflow.js";
import {
  Inward,
  Outward,
  REQUEST_BODY_INLINE,
  REQUEST_HAS_BODY,
  RESPONSE_COMPLETE,
  RESPONSE_HAS_BODY,
  RESPONSE_SETTLED,
  readU32,
  writeU32,
} from "./records.js";
import { notifyRejection } from "./report_error.js";
import { createServerRequest } from "./request.js";
import { isResponse, responseParts } from "./response.js";
import { pumpToSink } from "./streams/index.js";
import { onTimerWake } from "./timers.js";
import { utf8ByteLength, utf8Decode, utf8Encode } from "./utf8.js";
import { requiredArguments } from "./webidl.js";

/** A whole body up to this size leaves with its head. */
const INLINE = 65536;
/** Shorter strings are encoded in one go, which is faster than a piece at a time. */
const LONG = 1048576;

/** Why an exchange failed; the same numbers stand in nano/engine/records.py. */
const Failure = { EXCEPTION: 1, NOT_A_RESPONSE: 2, BODY: 3 };

/** @type {Map<number, FetchExchange>} */
const exchanges = new Map();

/** The isolate's side of an exchange. */
class FetchExchange {
  // Declared, as an assignment would show a new exchange to an app's setters on Object.prototype.
  id;
  hops;
  credit;
  /** @type {(() => void) | null} */
  whenCredit;
  /** @type {((reason: any) => void) | null} */
  cancelResponse;
  /** @type {ReturnType<typeof bodyFromHost> | null} */
  body;
  /** @type {any} */
  signal;
  /** @type {any} */
  abortReason;
  aborted;
  answered;
  kept;

  /** @param {number} id @param {number} hops how many fetches of apps the request has come through */
  constructor(id, hops) {
    this.id = id;
    this.hops = hops;
    /** Bytes of response body that may still be sent. */
    this.credit = WINDOW;
    /** @type {(() => void) | null} called when there is credit again */
    this.whenCredit = null;
    /** @type {((reason: any) => void) | null} stops the response stream */
    this.cancelResponse = null;
    /** @type {ReturnType<typeof bodyFromHost> | null} */
    this.body = null;
    /** @type {any} the signal of the request, made when first asked for */
    this.signal = null;
    /** @type {any} why nobody waits any more */
    this.abortReason = null;
    this.aborted = false;
    this.answered = false;
    /** How many promises given to waitUntil are pending. */
    this.kept = 0;
  }

  /** The request's signal. */
  getSignal() {
    if (this.signal === null) {
      this.signal = createAbortSignal();
      if (this.aborted) signalAbort(this.signal, this.abortReason);
    }
    return this.signal;
  }

  /** @param {any} promise what must settle before the exchange has */
  waitUntil(promise) {
    this.kept++;
    const kept = PromiseResolve(promise);
    PromisePrototypeThen(
      kept,
      () => this.#released(),
      (error) => {
        if (!notifyRejection(kept, error)) hostLog("error", `waitUntil: ${inspect(error)}`);
        this.#released();
      },
    );
  }

  #released() {
    this.kept--;
    this.settleIfDone();
  }

  settleIfDone() {
    if (this.answered && this.kept === 0 && MapPrototypeDelete(exchanges, this.id)) {
      eventEnds(this.hops);
      send(Outward.SETTLED, 0, 0, this.id, null, null);
    }
  }

  /** The host has sent the response body that it has itself, or could not. */
  passed() {
    this.answered = true;
    this.settleIfDone();
  }

  /** The flag that saves a SETTLED record when there is nothing to wait for. */
  takeSettledFlag() {
    this.answered = true;
    if (this.kept > 0) return 0;
    if (MapPrototypeDelete(exchanges, this.id)) eventEnds(this.hops);
    return RESPONSE_SETTLED;
  }

  /** @param {number} why @param {any} error */
  fail(why, error) {
    this.answered = true;
    send(Outward.FAIL, 0, why, this.id, null, utf8Encode(description(error)));
    this.settleIfDone();
  }

  /** @param {string} text */
  abort(text) {
    if (this.aborted) return;
    this.aborted = true;
    this.answered = true;
    this.abortReason = new DOMException(text, "AbortError");
    if (this.signal !== null) signalAbort(this.signal, this.abortReason);
    const { cancelResponse, whenCredit } = this;
    this.cancelResponse = this.whenCredit = null;
    if (this.body !== null) this.body.onError(this.abortReason);
    if (cancelResponse !== null) cancelResponse(this.abortReason);
    if (whenCredit !== null) whenCredit();
    this.settleIfDone();
  }
}

/** The exchange that was dispatched last. @type {FetchExchange | null} */
let latest = null;

/**
 * The `waitUntil` that is imported: it belongs to the event that began last, as the engine does not tell in whose
 * name a promise job runs.
 *
 * @param {any} promise
 */
export function waitUntil(promise) {
  requiredArguments(arguments.length, 1, "Failed to execute 'waitUntil'");
  if (latest === null) throw new Error("Failed to execute 'waitUntil': there is no event");
  latest.waitUntil(promise);
}

/**
 * Every inward record ends up here.
 *
 * @param {number} type
 * @param {number} flags
 * @param {number} small
 * @param {number} id
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
export function handleRecord(type, flags, small, id, bytes, start, end) {
  if (type === Inward.REQUEST) onRequest(id, flags, small, bytes, start, end);
  else if (type === Inward.OP_RESULT) onOpResult(id, flags, bytes, start, end);
  else if (type === Inward.TIMER) onTimerWake();
  else if (type === Inward.LOAD) onLoad(unpackValue(bytes, start, end));
  else if (id >= FIRST_CHANNEL) onChannelRecord(type, id, bytes, start, end);
  else {
    const exchange = MapPrototypeGet(exchanges, id);
    if (exchange === undefined) return;
    if (type === Inward.CREDIT) addCredit(exchange, readU32(bytes, start));
    else if (type === Inward.BODY_CHUNK) exchange.body?.onChunk(copyBytes(bytes, start, end));
    else if (type === Inward.BODY_END) exchange.body?.onEnd();
    else if (type === Inward.BODY_ERROR) exchange.body?.onError(new TypeError(text(bytes, start, end)));
    else if (type === Inward.PASSED) exchange.passed();
    else if (type === Inward.ABORT) exchange.abort(text(bytes, start, end));
  }
}

/** @param {Uint8Array} bytes @param {number} start @param {number} end */
const text = (bytes, start, end) => utf8Decode(copyBytes(bytes, start, end));

/**
 * Go through a request that nobody has sent (rehearsal.js).
 *
 * @param {string} head as in a REQUEST record
 */
export function rehearseRequest(head) {
  const bytes = utf8Encode(`\0\0\0\0${head}`);
  writeU32(bytes, 0, head.length);
  handleRecord(Inward.REQUEST, 0, 0, 0, bytes, 0, bytes.length);
  latest = null;
}

/**
 * @param {number} id
 * @param {number} flags
 * @param {number} hops
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
function onRequest(id, flags, hops, bytes, start, end) {
  const bodyStart = start + 4 + readU32(bytes, start);
  const head = latin1(bytes, start + 4, bodyStart);
  const urlStart = StringPrototypeIndexOf(head, "\n") + 1;
  const urlEnd = StringPrototypeIndexOf(head, "\n", urlStart);
  const exchange = new FetchExchange(id, hops);
  MapPrototypeSet(exchanges, id, exchange);
  eventBegins(hops);
  latest = exchange;
  const request = createServerRequest({
    method: StringPrototypeSlice(head, 0, urlStart - 1),
    url: StringPrototypeSlice(head, urlStart, urlEnd < 0 ? head.length : urlEnd),
    hops,
    lazyHead: urlEnd < 0 ? "" : StringPrototypeSlice(head, urlEnd + 1),
    body: requestBody(exchange, flags, bytes, bodyStart, end, head),
    signalFactory: () => exchange.getSignal(),
  });
  let answer;
  try {
    answer = callHandler(request, createExecutionContext(exchange));
  } catch (error) {
    exchange.fail(Failure.EXCEPTION, error);
    return;
  } finally {
    handlerReturned();
  }
  if (isResponse(answer)) respond(exchange, answer);
  else {
    const promise = PromiseResolve(answer);
    PromisePrototypeThen(
      promise,
      (response) => respond(exchange, response),
      (error) => {
        notifyRejection(promise, error);
        exchange.fail(Failure.EXCEPTION, error);
      },
    );
  }
}

/**
 * @param {FetchExchange} exchange
 * @param {number} flags
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @param {string} head
 */
function requestBody(exchange, flags, bytes, start, end, head) {
  if ((flags & REQUEST_HAS_BODY) === 0) return null;
  if ((flags & REQUEST_BODY_INLINE) !== 0) return copyBytes(bytes, start, end);
  exchange.body = bodyFromHost({
    id: exchange.id,
    length: announcedLength(head),
    requestCredit(/** @type {number} */ size) {
      const credit = new Uint8Array(4);
      writeU32(credit, 0, size);
      send(Outward.CREDIT, 0, 0, exchange.id, null, credit);
    },
    cancel() {
      send(Outward.BODY_CANCEL, 0, 0, exchange.id, null, null);
    },
    over: undefined,
  });
  return exchange.body;
}

/** What the log says of an exception, whatever the app has made of the objects that it is told with. @param {any} error */
function description(error) {
  try {
    return inspect(error);
  } catch {
    return "an exception that cannot be shown";
  }
}

const CONTENT_LENGTH = "content-length\n";

/**
 * The length that the client has announced; null if it has not, or for more than a number can tell.
 *
 * @param {string} head METHOD, URL, and then names and values in turn: a value may look like a name
 * @returns {number | null}
 */
function announcedLength(head) {
  let at = nextPair(head, 0);
  while (at > 0 && !StringPrototypeStartsWith(head, CONTENT_LENGTH, at)) at = nextPair(head, at);
  const length = at > 0 ? NumberParseInt(StringPrototypeSlice(head, at + CONTENT_LENGTH.length), 10) : -1;
  return length >= 0 && length <= NumberMAX_SAFE_INTEGER ? length : null;
}

/** Where the pair of lines behind the one at a place begins; 0 if there is none. @param {string} head @param {number} at */
function nextPair(head, at) {
  const value = StringPrototypeIndexOf(head, "\n", at) + 1;
  return value > 0 ? StringPrototypeIndexOf(head, "\n", value) + 1 : 0;
}

/** @param {FetchExchange} exchange @param {any} response what the handler's promise gave */
function respond(exchange, response) {
  if (exchange.aborted) {
    discardResponse(response, exchange.abortReason);
    return;
  }
  if (!isResponse(response)) {
    const error = new TypeError(`The handler returned ${inspect(response)}, which is not a Response`);
    exchange.fail(Failure.NOT_A_RESPONSE, error);
    return;
  }
  let parts;
  try {
    parts = responseParts(response);
  } catch (error) {
    exchange.fail(Failure.EXCEPTION, error);
    return;
  }
  const { body } = parts;
  if (body.kind === "host") {
    sendHead(exchange, parts, RESPONSE_HAS_BODY, body.length ?? "", null);
    passBody(exchange, body.host);
    return;
  }
  if (body.kind === "stream") {
    sendHead(exchange, parts, RESPONSE_HAS_BODY, body.length ?? "", null);
    sendStream(exchange, body.stream);
    return;
  }
  if (body.kind === "string" && body.string.length > LONG) {
    sendHead(exchange, parts, RESPONSE_HAS_BODY, utf8ByteLength(body.string), null);
    PromisePrototypeThen(sendText(exchange, body.string), () => sendEnd(exchange));
    return;
  }
  const bytes = body.kind === "null" ? null : body.kind === "string" ? utf8Encode(body.string) : body.bytes;
  if (bytes === null || bytes.length <= INLINE) {
    const flags = RESPONSE_COMPLETE | (bytes === null ? 0 : RESPONSE_HAS_BODY);
    sendHead(exchange, parts, flags | exchange.takeSettledFlag(), "", bytes);
    return;
  }
  sendHead(exchange, parts, RESPONSE_HAS_BODY, bytes.length, null);
  PromisePrototypeThen(PromiseResolve(sendBytes(exchange, bytes)), () => sendEnd(exchange), () => {});
}

/** Nobody waits for this response any more. @param {any} response @param {any} reason */
function discardResponse(response, reason) {
  if (!isResponse(response)) return;
  try {
    discardOutgoing(responseParts(response).body, reason);
  } catch {
    // Its body is in use, and ends otherwise; or it has none.
  }
}

/**
 * @param {FetchExchange} exchange
 * @param {any} parts
 * @param {number} flags
 * @param {number | string} length
 * @param {Uint8Array | null} body
 */
function sendHead(exchange, parts, flags, length, body) {
  const { status, statusText, headersList } = parts;
  let head = `${length}\n${statusText}`;
  for (let i = 0; i < headersList.length; i++) head += `\n${headersList[i]}`;
  send(Outward.RESPONSE, flags, status, exchange.id, head, body);
}

/** @param {FetchExchange} exchange */
function sendEnd(exchange) {
  if (!exchange.aborted) send(Outward.END, exchange.takeSettledFlag(), 0, exchange.id, null, null);
}

/** @param {FetchExchange} exchange @param {import("./streams/index.js").ReadableStream} stream */
function sendStream(exchange, stream) {
  exchange.cancelResponse = pumpToSink(stream, {
    write: (/** @type {any} */ chunk) => sendBytes(exchange, chunk),
    close: () => sendEnd(exchange),
    abort: (/** @type {any} */ error) => {
      if (!exchange.aborted) exchange.fail(Failure.BODY, error);
    },
  });
}
