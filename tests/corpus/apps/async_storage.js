// node:async_hooks as request scope: https://developers.cloudflare.com/workers/runtime-apis/nodejs/asynclocalstorage/
import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter, once } from "node:events";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

const storage = new AsyncLocalStorage();
const id = () => storage.getStore()?.id;

/** Goes through one asynchronous place after the other, and notes whose turn it is there. */
async function wander() {
  const seen = [id()];
  await sleep(Math.random() * 5);
  seen.push(id());
  await new Promise((resolve) => setTimeout(() => resolve(seen.push(id())), Math.random() * 5));
  await Promise.reject(new Error()).catch(() => seen.push(id()));
  try {
    await Promise.reject(new Error());
  } catch {
    seen.push(id());
  } finally {
    seen.push(id());
  }
  for await (const _ of Readable.from(["one", "two"])) seen.push(id());
  for await (const _ of new Response("body").body) seen.push(id());
  const emitter = new EventEmitter();
  queueMicrotask(() => emitter.emit("done"));
  await once(emitter, "done");
  seen.push(id());
  const query = { then: (resolve) => resolve(id()) };
  seen.push(await query);
  await Promise.all([1, 2].map(async () => seen.push(id(), await sleep(1, id()))));
  const stream = new ReadableStream({
    async pull(controller) {
      await sleep(1);
      controller.enqueue(new TextEncoder().encode(id()));
      controller.close();
    },
  });
  seen.push(await new Response(stream).text());
  return seen;
}

export default {
  async fetch(request) {
    const outside = id();
    const seen = await storage.run({ id: new URL(request.url).searchParams.get("id") }, wander);
    return Response.json({ ids: [...new Set(seen)], places: seen.length, outside: outside ?? null, after: id() ?? null });
  },
};
