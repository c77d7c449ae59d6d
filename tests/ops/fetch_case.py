# -*- test-case-name: tests.ops.test_fetch -*-
"""
What tests of apps that fetch share: servers of their own, and apps made of steps.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet import reactor as installed

from nano.engine.host import IsolateHost
from nano.http.outbound import OutboundSource
from tests.engine.v8_case import V8TestCase
from tests.http.hostile import Script, ScriptedServer, ServerFactory

__all__ = ["FetchTestCase", "echo", "redirect", "route"]

reactor: Any = installed

#: Runs the body of the request as a function of `base`, and answers with what it comes to.
APP = """
const describe = (e) => ({ name: e.name, message: e.message, code: e.cause?.code, cause: e.cause?.message });
export default {
  async fetch(request) {
    const { base, step } = JSON.parse(request.headers.get("x-test"));
    try {
      return Response.json(await steps[step](base, request));
    } catch (error) {
      return Response.json({ error: describe(error) });
    }
  },
};
const steps = { %s };
"""


def route(**routes: Any) -> Script:
    """A script that answers by the first part of the path: with bytes, or by calling a function with the server."""

    def script(server: ScriptedServer, number: int) -> None:
        head = server.factory.requests[number - 1][0]
        name = head.split(b" ")[1].decode().strip("/").partition("/")[0]
        answer = routes[name]
        if callable(answer):
            answer(server, head)
        else:
            server.answer(answer)

    return script


def redirect(status: int, location: str) -> Any:
    """A route that redirects."""
    return lambda server, head: server.answer(b"", f"{status} Redirect", f"Location: {location}\r\n")


def echo(server: ScriptedServer, head: bytes) -> None:
    """A route that answers with the request."""
    body = server.factory.requests[-1][1]
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    method = lines[0].split(" ")[0]
    server.answer(json.dumps({"method": method, "headers": headers, "body": body.decode("latin-1")}).encode())


class FetchTestCase(V8TestCase):
    """
    Apps that fetch from servers of the test's.
    """

    def serve(self, script: Script) -> tuple[str, ServerFactory]:
        """Start a server; its URL, and its factory."""
        factory = ServerFactory(script)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(self._closed, factory)
        self.addCleanup(port.stopListening)
        return f"http://127.0.0.1:{port.getHost().port}", factory

    async def _closed(self, factory: ServerFactory) -> None:
        # The cleanups of the isolates come later; connections end with them.
        for host in self.owners:
            if host.outbound is not None:
                host.outbound.close()
        await self.until(lambda: not factory.open)
        # Our ends of the connections have timers, which go when they learn of the other's end.
        await self.until(lambda: not any("_Connection" in str(call) for call in reactor.getDelayedCalls()))

    async def app(self, **steps: str) -> IsolateHost:
        """An app with steps; each is a JavaScript function of the server's URL and the request."""
        host = await self.start(APP % ",".join(f"{name}: {code}" for name, code in steps.items()))
        host.outbound = OutboundSource(reactor).make("app", getattr(self, "allow", ()), getattr(self, "deny", ()))
        return host

    async def step(self, host: IsolateHost, base: str, step: str = "run", **request: Any) -> Any:
        """What a step comes to."""
        test = json.dumps({"base": base, "step": step}).encode()
        sink = await self.fetch(host, headers=[(b"x-test", test)], **request)
        self.assertEqual(sink.status, 200, self.owners[host].logs)
        return json.loads(sink.body)

    async def run_step(self, base: str, code: str) -> Any:
        """What one step of an app of its own comes to."""
        return await self.step(await self.app(run=code), base)
