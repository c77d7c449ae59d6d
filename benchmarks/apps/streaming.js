// What benchmarks/streaming.py asks for: streams in both directions, and how far they have come.

const CHUNK = 262144;
const state = { produced: 0, entered: 0, counted: 0, open: 0 };
const encoder = new TextEncoder();

const ways = {
  /** A response of so many bytes, made chunk by chunk. */
  make(request, bytes) {
    let left = Number(bytes);
    state.produced = 0;
    const source = {
      type: "bytes",
      pull(controller) {
        if (left <= 0) return controller.close();
        const chunk = new Uint8Array(left < CHUNK ? left : CHUNK);
        left -= chunk.length;
        state.produced += chunk.length;
        controller.enqueue(chunk);
      },
    };
    return new Response(new ReadableStream(source, { highWaterMark: 0 }));
  },
  async count(request) {
    state.counted = 0;
    state.entered++;
    for await (const chunk of request.body) state.counted += chunk.byteLength;
    return new Response(`${state.counted}`);
  },
  proxy: (request, port, path) => fetch(`http://127.0.0.1:${port}/${path}`),
  /** An event every so many milliseconds, so often. */
  events(request, pause, times) {
    let timer;
    let sent = 0;
    state.open++;
    const end = () => {
      clearInterval(timer);
      state.open--;
    };
    const body = new ReadableStream({
      start(controller) {
        timer = setInterval(() => {
          sent++;
          controller.enqueue(encoder.encode(`data: ${Date.now()}\n\n`));
          if (sent !== Number(times)) return;
          controller.close();
          end();
        }, Number(pause));
      },
      cancel: end,
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
  async text(request) {
    return new Response(`${(await request.text()).length}`);
  },
  async json(request) {
    return new Response(`${(await request.json()).length}`);
  },
  /** The same as "json", and so often once more, of a string that is there. */
  async parse(request, times) {
    const text = await request.text();
    let value = JSON.parse(text);
    for (let i = 0; i < Number(times); i++) value = JSON.parse(text);
    return new Response(`${value.length}`);
  },
  state: () => Response.json(state),
};

export default {
  fetch(request) {
    const [, way, ...rest] = new URL(request.url).pathname.split("/");
    return way in ways ? ways[way](request, ...rest) : new Response("ready");
  },
};
