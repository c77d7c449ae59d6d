// What every app and every request takes, done once before there is any: V8 compiles a function when it is first
// called, and a spare isolate has the time for it that the first request of an app has not.
//
// Nothing of it reaches the host, and nothing of it is left when it is over.

import { bindToFrame } from "./async_context.js";
import { rehearseRequest } from "./dispatch.js";
import { findHandler, setEnvironment, setHandler } from "./handler.js";
import { discardOutput, packValue, unpackValue } from "./host.js";
import { createModuleGraph } from "./modules.js";
import { PromisePrototypeThen } from "./primordials.js";
import { Response } from "./response.js";
import { URL } from "./url.js";

const HEAD = "GET\nhttp://rehearsal.invalid/path?name=value\naccept\n*/*\nuser-agent\nnone";

/** An app as small as one can be. */
const APP = {
  fetch(/** @type {any} */ request) {
    const { pathname } = new URL(request.url);
    return new Response(pathname + request.headers.get("accept"), { headers: { "content-type": "text/plain" } });
  },
};

/** Its module, as the compiler makes it. @param {any} $m */
function* module($m) {
  yield $m[0]({ default: () => APP });
}

/** Go through the start of an app, and through a request. */
export function rehearse() {
  const source = { name: "index.js", requests: [], imports: [], exports: [["default", "APP"]], reexports: [], stars: [] };
  const payload = packValue({ entry: "index.js", modules: [{ ...source, kind: "module", dynamic: {}, targets: [] }] }, []);
  const { modules, entry } = unpackValue(payload, 0, payload.length).value;
  modules[0].value = module;
  PromisePrototypeThen(createModuleGraph({ modules, entry }).evaluate(), () => {});
  setHandler(bindToFrame(findHandler(APP)));
  setEnvironment({ __proto__: /** @type {any} */ (null) });
  rehearseRequest(HEAD);
  setHandler(/** @type {any} */ (undefined));
  discardOutput();
}
