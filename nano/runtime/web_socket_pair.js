// WebSocketPair: a name that unmodified code looks for, with nothing behind it yet.
//
// Contract: https://developers.cloudflare.com/workers/runtime-apis/websockets/

import { Error } from "./primordials.js";
import { exposeInterface } from "./webidl.js";

export class WebSocketPair {
  constructor() {
    throw new Error("WebSocketPair is not there yet: nano cannot serve WebSockets so far.");
  }
}

exposeInterface(WebSocketPair, { name: "WebSocketPair" });
