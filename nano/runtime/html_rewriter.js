// HTMLRewriter: a name that unmodified code looks for, with nothing behind it yet.
//
// Contract: https://developers.cloudflare.com/workers/runtime-apis/html-rewriter/

import { Error } from "./primordials.js";
import { exposeInterface } from "./webidl.js";

export class HTMLRewriter {
  constructor() {
    throw new Error("HTMLRewriter is not there yet: nano cannot rewrite HTML so far. An HTML parser from npm can, bundled with the app.");
  }
}

exposeInterface(HTMLRewriter, { name: "HTMLRewriter" });
