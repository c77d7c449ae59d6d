"""
When an isolate is at rest, so that its app may be evicted.
"""

from __future__ import annotations

from nano.engine.host import HostState, IsolateHost
from tests.engine.v8_case import V8TestCase

APP = """
let timer, open;
const actions = {
  "/": () => {},
  "/timer": () => { timer = setInterval(() => {}, 1e6); },
  "/no-timer": () => { clearInterval(timer); },
  "/wait": (ctx) => { ctx.waitUntil(new Promise((resolve) => { timer = setTimeout(resolve, 100); })); },
  "/stream": () => new ReadableStream({ start: (controller) => (open = controller).enqueue(new Uint8Array(9)) }),
  "/end": () => { open.close(); },
};
export default {
  fetch: (request, env, ctx) => new Response(actions[new URL(request.url).pathname](ctx) ?? "ok"),
};
"""


class RestTests(V8TestCase):
    """
    `IsolateHost.at_rest` with everything that may be under way.
    """

    async def ask(self, host: IsolateHost, path: str) -> None:
        await self.fetch(host, url=f"http://app.test{path}")

    async def test_after_requests(self) -> None:
        """Between requests, and not before it is loaded."""
        spare = await self.pool.get()
        self.assertFalse(spare.at_rest)
        host = await self.start(APP)
        self.owners[spare] = self.owners[host]
        await self.until(lambda: host.at_rest)
        _, _, done = self.begin(host)
        self.assertFalse(host.at_rest)
        await done
        await self.until(lambda: host.at_rest)

    async def test_timer(self) -> None:
        """Not while a timer is set."""
        host = await self.start(APP)
        await self.ask(host, "/timer")
        await self.ask(host, "/")
        self.assertFalse(host.at_rest)
        await self.ask(host, "/no-timer")
        await self.until(lambda: host.at_rest)

    async def test_wait_until(self) -> None:
        """Not while `waitUntil` keeps something, though the client has its answer."""
        host = await self.start(APP)
        await self.ask(host, "/wait")
        self.assertFalse(host.at_rest)
        await self.until(lambda: host.at_rest)
        self.assertEqual(len(host.events), 0)

    async def test_stream(self) -> None:
        """Not while a response is being sent."""
        host = await self.start(APP)
        _, sink, done = self.begin(host, url="http://app.test/stream")
        await self.until(lambda: len(sink.body) == 9)
        await self.ask(host, "/")
        self.assertFalse(host.at_rest)
        await self.ask(host, "/end")
        await done
        await self.until(lambda: host.at_rest)

    async def test_gone(self) -> None:
        """What has retired does not rest any more."""
        host = await self.start(APP)
        await self.until(lambda: host.at_rest)
        host.retire()
        self.assertEqual((host.state, host.at_rest), (HostState.CONDEMNED, False))


class RehearsalTests(V8TestCase):
    """
    What spares have gone through before they get an app (nano/runtime/rehearsal.js).
    """

    async def test_nothing_is_left(self) -> None:
        """The app's global scope finds no event, and its host has heard of none."""
        host = await self.start(
            """import { waitUntil } from "cloudflare:workers";
            let text;
            try { waitUntil(1) } catch (error) { text = error.message }
            export default { fetch: () => new Response(text) }"""
        )
        self.assertIn(b"there is no event", (await self.fetch(host)).body)
        self.assertEqual(self.owners[host].logs, [])
