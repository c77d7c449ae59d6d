// The crossing: the only module that talks to the host.
// Host half: nano/engine/host.py and nano/engine/v8.py.
//
// Three pieces of shared memory, seen by nobody else in the isolate:
//   inbox   u32 length, then a piece of the inward record stream; the host fills it and calls drain()
//   outbox  u32 length, u32 question flag, then a piece of the outward stream; notify() has the host copy it
//   reply   for synchronous questions: the question goes in, and when notify() returns the answer stands there
//
// A body that is wanted as text comes whole, as one string which the engine has decoded: takeText().
//
// Records are handed over once per turn: the first record of a turn queues a microtask which rings, behind
// the jobs that are already waiting, so that the answers of a whole batch of requests leave together.

import {
  ArrayBuffer,
  DateNow,
  Error,
  JSONParse,
  JSONStringify,
  Map,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  NumberParseInt,
  ObjectDefineProperty,
  Promise,
  PromisePrototypeThen,
  PromiseResolve,
  RangeError,
  StringPrototypeSlice,
  TypedArrayPrototypeSet,
  Float64Array,
  Uint8Array,
} from "./primordials.js";
import { copyBytes, viewBytes } from "./bytes.js";
import { OP_FAILED, OP_FORGET, Outward, RecordReader, RecordWriter, latin1, readU32, writeU32 } from "./records.js";
import { utf8Decode, utf8Encode } from "./utf8.js";

const INBOX = 262144;
const OUTBOX = 262144;
const REPLY = 65536;
const OUTBOX_START = 8;
const ASK = 1;
const ASK_MORE = 2;

/** @type {Uint8Array} */
let inbox;
/** @type {Uint8Array} */
let outbox;
/** @type {Uint8Array} */
let reply;
/** @type {() => void} */
let notify;
/** @type {RecordWriter} */
let writer;
/** @type {RecordReader} */
let reader;

/** @typedef {{ resolve: (result: { value: any, buffers: Uint8Array[] }) => void, reject: (reason: any) => void }} PendingOp */
/** @type {Map<number, PendingOp>} */
const pendingOps = new Map();
let lastOp = 0;

/**
 * Make the shared memory and the two ends of the record streams.
 *
 * @param {() => void} bell has the host look at the outbox; returns when it has
 * @param {(type: number, flags: number, small: number, id: number, bytes: Uint8Array, start: number, end: number) => void} handle
 * @returns {[() => void, () => void, ArrayBuffer, ArrayBuffer, ArrayBuffer]} drain, takeText, inbox, outbox, reply
 */
export function connect(bell, handle) {
  // Not a SharedArrayBuffer, which V8 copies to and from by the word: the two sides never look at the same time.
  const memory = [INBOX, OUTBOX, REPLY].map((size) => new ArrayBuffer(size));
  [inbox, outbox, reply] = memory.map((buffer) => new Uint8Array(buffer));
  notify = bell;
  writer = new RecordWriter(outbox, OUTBOX_START, (end) => ring(end, 0));
  reader = new RecordReader(handle);
  return [drain, takeText, memory[0], memory[1], memory[2]];
}

/** Whatever was to be sent stays here. */
export function discardOutput() {
  writer.discard();
}

function drain() {
  reader.feed(inbox, 4, 4 + readU32(inbox, 0));
}

/** Who waits for texts, by the ids of their bodies. @type {Map<number, (text: string) => void>} */
const textTakers = new Map();

/** Digits of the id in front of a text; the same number stands in nano/engine/unread.py. */
const ID_DIGITS = 10;

/** The host hands over a text, as the value of `this`. @this {string} */
function takeText() {
  const id = NumberParseInt(StringPrototypeSlice(this, 0, ID_DIGITS), 10);
  const take = MapPrototypeGet(textTakers, id);
  MapPrototypeDelete(textTakers, id);
  if (take !== undefined) take(StringPrototypeSlice(this, ID_DIGITS));
}

/**
 * Ask for all of a body that the host has, as text.
 *
 * @param {number} id of the body's records
 * @param {(text: string) => void} take may never be called: if the body breaks off there is BODY_ERROR
 */
export function hostText(id, take) {
  MapPrototypeSet(textTakers, id, take);
  send(Outward.TEXT, 0, 0, id, null, null);
}

/** Nobody waits for a text any more. @param {number} id */
export function forgetText(id) {
  MapPrototypeDelete(textTakers, id);
}

/** @param {number} end @param {number} question */
function ring(end, question) {
  writeU32(outbox, 0, end - OUTBOX_START);
  writeU32(outbox, 4, question);
  notify();
}

const settled = PromiseResolve(undefined);
let flushing = false;

function flushSoon() {
  if (flushing) return;
  flushing = true;
  PromisePrototypeThen(settled, flushNow);
}

function flushNow() {
  flushing = false;
  writer.flush();
}

/**
 * Write an outward record; it leaves at the end of the turn.
 *
 * @param {number} type one of Outward
 * @param {number} flags
 * @param {number} small
 * @param {number} id
 * @param {string | null} head code units below 256
 * @param {Uint8Array | null} tail
 */
export function send(type, flags, small, id, head, tail) {
  writer.write(type, flags, small, id, head, tail);
  flushSoon();
}

/**
 * Log a line (or several) of text in the app's log.
 *
 * @param {"debug" | "info" | "log" | "warn" | "error"} level
 * @param {string} text
 */
export function hostLog(level, text) {
  send(Outward.LOG, 0, LEVELS[level], 0, null, utf8Encode(text));
}

const LEVELS = { debug: 0, log: 1, info: 1, warn: 2, error: 3 };

/**
 * Ask the host for something that takes time.
 *
 * @param {string} name the op's name; the bundler puts its number in this place
 * @param {any} args anything JSON can carry
 * @param {...Uint8Array} buffers bytes that go with it
 * @returns {Promise<{ value: any, buffers: Uint8Array[] }>} rejects with an Error whose name the host chose
 */
export function hostOp(name, args, ...buffers) {
  const id = (lastOp = (lastOp + 1) >>> 0);
  const promise = new Promise((resolve, reject) => {
    MapPrototypeSet(pendingOps, id, { resolve, reject });
  });
  sendOp(name, 0, id, args, buffers);
  return promise;
}

/**
 * Tell the host something without waiting for an answer.
 *
 * @param {string} name
 * @param {any} args
 * @param {...Uint8Array} buffers
 */
export function hostTell(name, args, ...buffers) {
  sendOp(name, OP_FORGET, 0, args, buffers);
}

/** @param {string} name @param {number} flags @param {number} id @param {any} args @param {Uint8Array[]} buffers */
function sendOp(name, flags, id, args, buffers) {
  const number = /** @type {number} */ (/** @type {unknown} */ (name));
  send(Outward.OP, flags, number, id, null, packValue(args, buffers));
}

/**
 * A value and bytes in one payload: u32 length of the JSON text, the text, then u32 length and bytes of each buffer.
 *
 * @param {any} value
 * @param {Uint8Array[]} buffers
 * @returns {Uint8Array}
 */
export function packValue(value, buffers) {
  const json = utf8Encode(JSONStringify(value === undefined ? null : value));
  let size = 4 + json.length;
  for (let i = 0; i < buffers.length; i++) size += 4 + buffers[i].length;
  const payload = new Uint8Array(size);
  writeU32(payload, 0, json.length);
  TypedArrayPrototypeSet(payload, json, 4);
  let at = 4 + json.length;
  for (let i = 0; i < buffers.length; i++) {
    writeU32(payload, at, buffers[i].length);
    TypedArrayPrototypeSet(payload, buffers[i], at + 4);
    at += 4 + buffers[i].length;
  }
  return payload;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {{ value: any, buffers: Uint8Array[] }}
 */
export function unpackValue(bytes, start, end) {
  const jsonEnd = start + 4 + readU32(bytes, start);
  const value = JSONParse(utf8Decode(copyBytes(bytes, start + 4, jsonEnd)));
  /** @type {Uint8Array[]} */
  const buffers = [];
  for (let at = jsonEnd; at < end; ) {
    const size = readU32(bytes, at);
    buffers[buffers.length] = copyBytes(bytes, at + 4, at + 4 + size);
    at += 4 + size;
  }
  // Without a prototype, so that no `then` of an app's makes a promise of it look like a thenable.
  return /** @type {any} */ ({ __proto__: null, value, buffers });
}

/**
 * The host's answer to an op has come.
 *
 * @param {number} id
 * @param {number} flags
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
export function onOpResult(id, flags, bytes, start, end) {
  const op = MapPrototypeGet(pendingOps, id);
  if (op === undefined) return;
  MapPrototypeDelete(pendingOps, id);
  const result = unpackValue(bytes, start, end);
  if ((flags & OP_FAILED) === 0) op.resolve(result);
  else op.reject(hostError(result.value));
}

/** @param {{ name: string, message: string }} failure */
function hostError(failure) {
  const error = new Error(failure.message);
  ObjectDefineProperty(error, "name", /** @type {any} */ ({ __proto__: null, value: failure.name, writable: true, configurable: true }));
  return error;
}

/**
 * Ask the host and wait for the answer, which costs about 15 microseconds; for rare things only.
 *
 * @param {string} name the op's name; the bundler puts its number in this place
 * @param {Uint8Array} question at most 64 kB
 * @returns {Uint8Array}
 */
export function hostAskBytes(name, question) {
  if (question.length > REPLY - 8) throw new RangeError("the question is too long");
  writeU32(reply, 0, /** @type {any} */ (name));
  writeU32(reply, 4, question.length);
  TypedArrayPrototypeSet(reply, question, 8);
  askNow(ASK);
  const total = readU32(reply, 0);
  const answer = new Uint8Array(total);
  for (let have = 0; ; askNow(ASK_MORE)) {
    const piece = total - have < REPLY - 4 ? total - have : REPLY - 4;
    TypedArrayPrototypeSet(answer, viewBytes(reply, 4, 4 + piece), have);
    have += piece;
    if (have === total) return answer;
  }
}

/** @param {number} question */
function askNow(question) {
  writer.flush();
  ring(OUTBOX_START, question);
}

/**
 * Ask the host with text and wait for its text.
 *
 * @param {string} name
 * @param {string} text
 * @returns {string}
 */
export function hostCallSync(name, text) {
  return utf8Decode(hostAskBytes(name, utf8Encode(text)));
}

/**
 * Fill an array with random bytes of the operating system.
 *
 * @param {Uint8Array} array
 */
export function hostRandom(array) {
  const length = new Uint8Array(4);
  writeU32(length, 0, array.length);
  TypedArrayPrototypeSet(array, hostAskBytes("host.entropy", length));
}

const origin = DateNow();
let latest = 0;

/** Milliseconds since the isolate began; coarse (1 ms), as untrusted code gets no finer clock, and never going back. */
export function hostNow() {
  const now = DateNow() - origin;
  if (now > latest) latest = now;
  return latest;
}

/** The wall clock's time (epoch ms) at which hostNow() was zero. */
export const hostTimeOrigin = () => origin;

const delay = new Float64Array(1);
const delayBytes = new Uint8Array(delay.buffer);

/**
 * Ask for a TIMER record; a new call replaces the former, a negative time takes it back.
 *
 * @param {number} ms
 */
export function hostTimer(ms) {
  delay[0] = ms;
  send(Outward.TIMER, 0, 0, 0, null, delayBytes);
}

export { latin1 };
