// MessageChannel, MessagePort, MessageEvent and BroadcastChannel, all within one isolate.
//
// Standard: https://html.spec.whatwg.org/multipage/web-messaging.html,
// MessageEvent https://html.spec.whatwg.org/multipage/comms.html#the-messageevent-interface
//
// Lifetimes. The two ports of a channel hold each other until one is closed; a channel that nobody can reach
// is garbage. Broadcast channels are known by weak references, and held by their name's list only while they
// have a listener.

import { dataCloneError } from "./clone_kinds.js";
import { registerTransferable } from "./clone_registry.js";
import { DOMException } from "./dom_exception.js";
import { Event, initializeEvent } from "./event.js";
import { EventTarget, defineEventHandler, fireEvent, hasListeners, observeListeners } from "./event_target.js";
import {
  ArrayPrototypeIncludes,
  ArrayPrototypePush,
  ArrayPrototypeShift,
  Map,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectFreeze,
  Set,
  SetPrototypeAdd,
  SetPrototypeDelete,
  SymbolIterator,
  globalThis_,
} from "./primordials.js";
import {
  structuredDeserialize,
  structuredSerialize,
  structuredSerializeWithTransfer,
  toStructuredSerializeOptions,
} from "./structured_clone.js";
import { queueTask } from "./timers.js";
import { WeakList } from "./weak_list.js";
import {
  converters,
  dictionary,
  exposeInterface,
  illegalConstructor,
  interfaceType,
  isObject,
  nullable,
  requiredArguments,
  sequence,
  sequenceFrom,
} from "./webidl.js";

const INTERNAL = {};

/** @type {(value: any) => value is MessagePort} */
let isMessagePort;
/** @type {(port: MessagePort) => void} */
let startPort;
/** @type {(one: MessagePort, other: MessagePort) => void} */
let entangle;

/** @type {import("./webidl.js").Converter<MessagePort>} */
const toMessagePort = interfaceType("MessagePort", (value) => isMessagePort(value));

const toMessageEventInit = dictionary("MessageEventInit", [
  { name: "data", converter: converters.any },
  { name: "lastEventId", converter: converters.DOMString },
  { name: "origin", converter: converters.USVString },
  { name: "ports", converter: sequence(toMessagePort) },
  { name: "source", converter: nullable(toMessagePort) },
]);

export class MessageEvent extends Event {
  /** @type {any} */
  #data;
  /** @type {string} */
  #origin;
  /** @type {string} */
  #lastEventId;
  /** @type {MessagePort | null} */
  #source;
  /** @type {readonly MessagePort[]} */
  #ports;

  /** @param {string} type @param {any} [eventInitDict] */
  constructor(type, eventInitDict = undefined) {
    const prefix = "Failed to construct 'MessageEvent'";
    requiredArguments(arguments.length, 1, prefix);
    super(type, eventInitDict);
    const init = toMessageEventInit(eventInitDict, { prefix, name: "Argument 2" });
    const { data = null, origin = "", lastEventId = "", source = null, ports = [] } = init;
    this.#data = data;
    this.#origin = origin;
    this.#lastEventId = lastEventId;
    this.#source = source;
    this.#ports = ObjectFreeze(ports);
  }

  /** @returns {any} */
  get data() {
    return this.#data;
  }

  get origin() {
    return this.#origin;
  }

  get lastEventId() {
    return this.#lastEventId;
  }

  get source() {
    return this.#source;
  }

  get ports() {
    return this.#ports;
  }

  /**
   * @param {string} type
   * @param {boolean} [bubbles]
   * @param {boolean} [cancelable]
   * @param {any} [data]
   * @param {string} [origin]
   * @param {string} [lastEventId]
   * @param {MessagePort | null} [source]
   * @param {MessagePort[]} [ports]
   */
  initMessageEvent(
    type,
    bubbles = false,
    cancelable = false,
    data = null,
    origin = "",
    lastEventId = "",
    source = null,
    ports = [],
  ) {
    const context = { prefix: "Failed to execute 'initMessageEvent' on 'MessageEvent'" };
    requiredArguments(arguments.length, 1, context.prefix);
    type = converters.DOMString(type, context);
    const init = toMessageEventInit({ __proto__: null, origin, lastEventId, source, ports }, context);
    if (!initializeEvent(this, type, bubbles, cancelable)) return;
    this.#data = data;
    this.#origin = init.origin;
    this.#lastEventId = init.lastEventId;
    this.#source = init.source;
    this.#ports = ObjectFreeze(init.ports);
  }
}

exposeInterface(MessageEvent, { name: "MessageEvent", length: 1 });

/**
 * The second argument of `postMessage()`: a transfer list, or a dictionary that has one.
 *
 * @param {any} value
 * @param {string} prefix
 * @returns {object[]}
 */
function toTransferList(value, prefix) {
  const context = { prefix, name: "Argument 2" };
  const method = isObject(value) ? /** @type {any} */ (value)[SymbolIterator] : undefined;
  if (method !== undefined && method !== null) return sequenceFrom(value, method, converters.object, context);
  return toStructuredSerializeOptions(value, context).transfer ?? [];
}

/** @typedef {import("./structured_clone.js").Serialized} Serialized */

export class MessagePort extends EventTarget {
  /** Messages that have come but no task has been queued for: the port is not started yet. @type {Serialized[]} */
  #waiting = [];
  /** Messages that a queued task will deliver. @type {Serialized[]} */
  #enabled = [];
  #started = false;
  #detached = false;
  /** @type {MessagePort | null} */
  #other = null;

  /** @param {object} [token] */
  constructor(token = undefined) {
    if (token !== INTERNAL) throw illegalConstructor();
    super();
  }

  /** @param {any} message @param {any} [options] a transfer list, or a dictionary with `transfer` */
  postMessage(message, options = undefined) {
    const prefix = "Failed to execute 'postMessage' on 'MessagePort'";
    const target = this.#other;
    requiredArguments(arguments.length, 1, prefix);
    const transfer = toTransferList(options, prefix);
    if (ArrayPrototypeIncludes(transfer, this)) {
      throw dataCloneError(`${prefix}: The transfer list contains the port itself.`);
    }
    const doomed = target !== null && ArrayPrototypeIncludes(transfer, target);
    const serialized = structuredSerializeWithTransfer(message, transfer);
    if (target !== null && !doomed) target.#receive(serialized);
  }

  start() {
    startPort(this);
  }

  /** A closed port can still be transferred, as in all browsers, where the standard calls it detached. */
  close() {
    const other = this.#other;
    this.#disentangle();
    if (other !== null) queueTask(() => hasListeners(other, "close") && fireEvent(other, new Event("close")));
  }

  #disentangle() {
    if (this.#other === null) return;
    this.#other.#other = null;
    this.#other = null;
  }

  /** A message has come to this port. @param {Serialized} serialized */
  #receive(serialized) {
    if (!this.#started) {
      ArrayPrototypePush(this.#waiting, serialized);
      return;
    }
    ArrayPrototypePush(this.#enabled, serialized);
    queueTask(() => this.#deliver());
  }

  /** @see https://html.spec.whatwg.org/multipage/web-messaging.html#message-port-post-message-steps step 7 */
  #deliver() {
    // The port may have been transferred since, and its messages with it.
    const serialized = ArrayPrototypeShift(this.#enabled);
    if (serialized !== undefined) deliver(this, serialized, true, "");
  }

  static {
    isMessagePort = /** @type {any} */ ((/** @type {any} */ value) => isObject(value) && #waiting in value);

    startPort = (port) => {
      if (port.#started) return;
      port.#started = true;
      const waiting = port.#waiting;
      port.#waiting = [];
      for (let i = 0; i < waiting.length; i++) port.#receive(waiting[i]);
    };

    entangle = (one, other) => {
      one.#other = other;
      other.#other = one;
    };

    // https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports:transfer-steps
    registerTransferable(MessagePort, {
      is: isMessagePort,
      isDetached: (port) => port.#detached,
      transfer(port) {
        const other = port.#other;
        port.#disentangle();
        port.#detached = true;
        /** @type {Serialized[]} */
        const messages = [];
        for (let i = 0; i < port.#enabled.length; i++) ArrayPrototypePush(messages, port.#enabled[i]);
        for (let i = 0; i < port.#waiting.length; i++) ArrayPrototypePush(messages, port.#waiting[i]);
        port.#enabled = [];
        port.#waiting = [];
        const successor = new MessagePort(INTERNAL);
        successor.#waiting = messages;
        if (other !== null) entangle(successor, other);
        return successor;
      },
      receive: (successor) => successor,
    });
  }
}

/**
 * Make the message of its serialised form, and fire `message`, or `messageerror` if that fails.
 *
 * @param {EventTarget} target
 * @param {Serialized} serialized
 * @param {boolean} consume
 * @param {string} origin
 */
function deliver(target, serialized, consume, origin) {
  let message;
  try {
    message = structuredDeserialize(serialized, consume);
  } catch {
    fireEvent(target, new MessageEvent("messageerror", { __proto__: null, origin }));
    return;
  }
  /** @type {MessagePort[]} */
  const ports = [];
  for (let i = 0; i < message.transferred.length; i++) {
    if (isMessagePort(message.transferred[i])) ArrayPrototypePush(ports, message.transferred[i]);
  }
  fireEvent(target, new MessageEvent("message", { __proto__: null, data: message.value, origin, ports }));
}

defineEventHandler(MessagePort, "message", startPort);
defineEventHandler(MessagePort, "messageerror");
defineEventHandler(MessagePort, "close");
exposeInterface(MessagePort, { name: "MessagePort", length: 0 });

export class MessageChannel {
  #port1 = new MessagePort(INTERNAL);
  #port2 = new MessagePort(INTERNAL);

  constructor() {
    entangle(this.#port1, this.#port2);
  }

  get port1() {
    return this.#port1;
  }

  get port2() {
    return this.#port2;
  }
}

exposeInterface(MessageChannel, { name: "MessageChannel" });

/** The channels of one name. */
class Broadcast {
  /** @type {WeakList<BroadcastChannel>} */
  channels = new WeakList();
  /** Those that have listeners. @type {Set<BroadcastChannel>} */
  held = new Set();
}

/** @type {Map<string, Broadcast>} */
const broadcasts = new Map();

export class BroadcastChannel extends EventTarget {
  #name;
  #broadcast;
  #closed = false;

  /** @param {string} name */
  constructor(name) {
    const prefix = "Failed to construct 'BroadcastChannel'";
    requiredArguments(arguments.length, 1, prefix);
    super();
    this.#name = converters.DOMString(name, { prefix, name: "Argument 1" });
    let broadcast = MapPrototypeGet(broadcasts, this.#name);
    if (broadcast === undefined) MapPrototypeSet(broadcasts, this.#name, (broadcast = new Broadcast()));
    this.#broadcast = broadcast;
    broadcast.channels.add(this);
    observeListeners(this, () => this.#hold());
  }

  get name() {
    return this.#name;
  }

  /** @param {any} message */
  postMessage(message) {
    const prefix = "Failed to execute 'postMessage' on 'BroadcastChannel'";
    const broadcast = this.#broadcast;
    requiredArguments(arguments.length, 1, prefix);
    if (this.#closed) throw new DOMException(`${prefix}: The channel is closed.`, "InvalidStateError");
    const serialized = structuredSerialize(message);
    const origin = originOfIsolate();
    broadcast.channels.forEach((/** @type {BroadcastChannel} */ channel) => {
      if (channel === this) return;
      queueTask(() => channel.#closed || deliver(channel, serialized, false, origin));
    });
  }

  close() {
    this.#closed = true;
    this.#broadcast.channels.delete(this);
    SetPrototypeDelete(this.#broadcast.held, this);
  }

  #hold() {
    const heard = !this.#closed && (hasListeners(this, "message") || hasListeners(this, "messageerror"));
    if (heard) SetPrototypeAdd(this.#broadcast.held, this);
    else SetPrototypeDelete(this.#broadcast.held, this);
  }
}

/** An isolate has no address, hence an opaque origin, unless somebody gave it a `location`. */
function originOfIsolate() {
  const origin = /** @type {any} */ (globalThis_).location?.origin;
  return typeof origin === "string" ? origin : "null";
}

defineEventHandler(BroadcastChannel, "message");
defineEventHandler(BroadcastChannel, "messageerror");
exposeInterface(BroadcastChannel, { name: "BroadcastChannel" });
