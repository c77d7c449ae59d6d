// Short links: /mdn?q=URL leads to where LINKS in app.json says.
// Types are stripped when the app is loaded and never checked; an editor or `tsc --noEmit` does that.

import { parseLinks, type Link, type LinkTable } from "./links.ts";

interface Env {
  readonly LINKS: LinkTable;
}

interface Handler<E> {
  fetch(request: Request, env: E): Response | Promise<Response>;
}

let links: ReadonlyMap<string, Link> | undefined;

function redirect(link: Link, query: string): Response {
  const target = new URL(link.url);
  if (link.keepQuery) target.search = query;
  return Response.redirect(target, link.permanent ? 308 : 307);
}

export default {
  fetch(request, env): Response {
    links ??= parseLinks(env.LINKS);
    const { pathname, search } = new URL(request.url);
    const link = links.get(pathname.slice(1));
    if (link !== undefined) return redirect(link, search);
    const names: string[] = [...links.keys()].sort();
    return new Response(`Known are: ${names.join(", ")}\n`, { status: pathname === "/" ? 200 : 404 });
  },
} satisfies Handler<Env>;
