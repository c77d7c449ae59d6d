// The built-in module "cloudflare:workers".
//
// Standard: https://developers.cloudflare.com/workers/runtime-apis/bindings/#importing-env-as-a-global and
// https://developers.cloudflare.com/workers/runtime-apis/bindings/service-bindings/rpc/ (WorkerEntrypoint), as far as an
// app without other services needs it.

import { waitUntil } from "./dispatch.js";
import { currentEnvironment } from "./handler.js";
import { registerBuiltin } from "./modules.js";

/** The base class of handlers: an app may export a class that extends it, of which each event gets an instance. */
class WorkerEntrypoint {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** Offer the module to apps. */
export function registerCloudflareWorkers() {
  registerBuiltin("cloudflare:workers", () => ({
    WorkerEntrypoint,
    get env() {
      return currentEnvironment();
    },
    waitUntil,
  }));
}
