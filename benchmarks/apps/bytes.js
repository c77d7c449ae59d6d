// As many bytes as the path says; with a body, how many came.
const MEGABYTE = new Uint8Array(1 << 20).fill(97);

export default {
  async fetch(request) {
    if (request.body) {
      let count = 0;
      for await (const chunk of request.body) count += chunk.byteLength;
      return new Response(`${count}\n`);
    }
    const size = Number(new URL(request.url).pathname.slice(1));
    if (size <= MEGABYTE.length) return new Response(MEGABYTE.subarray(0, size));
    let left = size;
    return new Response(
      new ReadableStream({
        type: "bytes",
        pull(controller) {
          const chunk = new Uint8Array(left < 65536 ? left : 65536).fill(97);
          left -= chunk.length;
          controller.enqueue(chunk);
          if (left === 0) controller.close();
        },
      }),
    );
  },
};
