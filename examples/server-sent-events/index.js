// A page that a server keeps up to date: /events never ends, and each event leaves when it is made.
// Standard: https://html.spec.whatwg.org/multipage/server-sent-events.html

import page from "./page.html";

/** Milliseconds between two events. */
const PAUSE = 1000;

/** One event on the wire. */
function format({ id, event, data }) {
  const lines = JSON.stringify(data).split("\n").map((line) => `data: ${line}\n`);
  return `id: ${id}\nevent: ${event}\n${lines.join("")}\n`;
}

/**
 * The events that follow `last`, one per pause.
 *
 * Being a generator it is asked for the next event only when the client has taken the one before, and it is left, at
 * its `yield`, when the client is gone.
 */
async function* ticks(last) {
  // What browsers wait before they connect again, in milliseconds.
  yield "retry: 2000\n\n";
  for (let id = last + 1; ; id++) {
    yield format({ id, event: "tick", data: { time: new Date().toISOString() } });
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
    if (pathname !== "/events") return new Response("Not found\n", { status: 404 });

    // A browser whose connection broke says what it has seen, so nothing is told twice.
    const last = Number(request.headers.get("last-event-id")) || 0;
    const body = ReadableStream.from(ticks(last)).pipeThrough(new TextEncoderStream());
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  },
};
