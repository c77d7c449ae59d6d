// https://react.dev/reference/react-dom/server: strings and streams.
import { createElement as h, Suspense, use, useId, useState } from "react";
import { renderToReadableStream, renderToString } from "react-dom/server.edge";

function Counter({ start }) {
  const [count] = useState(start);
  return h("button", { className: "count", "data-id": useId() === "" ? "" : "id" }, count, " <clicks>");
}
function Name({ promise }) {
  return h("b", null, use(promise));
}
const Page = ({ promise }) =>
  h("html", null, h("body", null, h(Suspense, { fallback: h("i", null, "loading") }, h(Name, { promise }))));

export default {
  async fetch(request) {
    const headers = { "content-type": "text/html" };
    if (new URL(request.url).pathname === "/string") return new Response(renderToString(h(Counter, { start: 3 })), { headers });
    const promise = scheduler.wait(5).then(() => "Ada");
    const stream = await renderToReadableStream(h(Page, { promise }));
    if (new URL(request.url).pathname === "/whole") await stream.allReady;
    return new Response(stream, { headers });
  },
};
