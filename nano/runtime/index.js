// The runtime's entry: `boot` is the value of the bundle, called once by the host in every new isolate.

import { registerCloudflareWorkers } from "./cloudflare_workers.js";
import { handleRecord } from "./dispatch.js";
import { installGlobals } from "./globals.js";
import { connect } from "./host.js";
import { openDefine } from "./load.js";
import { rehearse } from "./rehearsal.js";

/**
 * Set up the isolate.
 *
 * @param {() => void} notify has the host read the outbox (see host.js)
 * @returns {any[]} what the host keeps: drain, takeText, inbox, outbox, reply
 */
export function boot(notify) {
  const ends = connect(notify, handleRecord);
  installGlobals();
  registerCloudflareWorkers();
  rehearse();
  openDefine();
  return ends;
}
