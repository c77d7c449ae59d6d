// Bytes on their way to the host, as far as the host has granted credit: response bodies and uploads.
// Host half: nano/engine/events.py and nano/engine/channels.py.

import { Promise, PromisePrototypeThen, StringPrototypeCharCodeAt, StringPrototypeSlice } from "./primordials.js";
import { viewBytes } from "./bytes.js";
import { countDeadBytes } from "./dead_buffers.js";
import { send } from "./host.js";
import { Outward, writeU32 } from "./records.js";
import { utf8Encode } from "./utf8.js";

/** @typedef {import("./host_body.js").HostBody} HostBody */

/** Bytes of a body under way in one direction; the same number stands in nano/engine/events.py. */
export const WINDOW = 262144;

/** How many code units of a string are encoded at a time. */
const PIECE = 65536;

/**
 * What the bytes go through: the id of its records, how many bytes may still be sent, whether the host wants no more,
 * and what is called when there is credit again.
 *
 * @typedef {{ id: number, credit: number, aborted: boolean, whenCredit: (() => void) | null }} Outflow
 */

/**
 * Send bytes of the body as credit allows.
 *
 * @param {Outflow} flow
 * @param {Uint8Array} bytes
 * @returns {Promise<void> | undefined} a promise when there is no credit left, resolved when there is
 */
export function sendBytes(flow, bytes) {
  for (let at = 0; at < bytes.length; ) {
    if (flow.credit <= 0 || flow.aborted) return sendLater(flow, viewBytes(bytes, at, bytes.length));
    const size = bytes.length - at < flow.credit ? bytes.length - at : flow.credit;
    const piece = size === bytes.length ? bytes : viewBytes(bytes, at, at + size);
    send(Outward.CHUNK, 0, 0, flow.id, null, piece);
    flow.credit -= size;
    countDeadBytes(size);
    at += size;
  }
  return flow.credit > 0 ? undefined : sendLater(flow, null);
}

/**
 * Send a string as UTF-8, a piece at a time, so that it never stands in memory twice.
 *
 * @param {Outflow} flow
 * @param {string} text without lone surrogates
 * @returns {Promise<void>} resolved when all has been sent, or nothing is wanted any more
 */
export function sendText(flow, text) {
  return new Promise((resolve) => {
    let at = 0;
    const go = () => {
      while (at < text.length && !flow.aborted) {
        const start = at;
        at += PIECE;
        // Not between the halves of a pair.
        if (at < text.length && (StringPrototypeCharCodeAt(text, at - 1) & 0xfc00) === 0xd800) at++;
        const waiting = sendBytes(flow, utf8Encode(StringPrototypeSlice(text, start, at)));
        if (waiting !== undefined) {
          PromisePrototypeThen(waiting, go);
          return;
        }
      }
      resolve(undefined);
    };
    go();
  });
}

/**
 * Have the host send a body that it has itself, without its bytes coming here.
 *
 * @param {Outflow} flow
 * @param {HostBody} body untouched
 */
export function passBody(flow, body) {
  const source = new Uint8Array(4);
  writeU32(source, 0, body.pass());
  send(Outward.PASS, 0, 0, flow.id, null, source);
}

/** @param {Outflow} flow @param {Uint8Array | null} rest */
function sendLater(flow, rest) {
  if (flow.aborted) return undefined;
  return new Promise((resolve) => {
    flow.whenCredit = () => resolve(rest === null ? undefined : sendBytes(flow, rest));
  });
}

/**
 * The host has granted more.
 *
 * @param {Outflow} flow
 * @param {number} granted
 */
export function addCredit(flow, granted) {
  flow.credit += granted;
  const { whenCredit } = flow;
  flow.whenCredit = null;
  if (whenCredit !== null) whenCredit();
}
