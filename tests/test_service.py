"""
Tests for `nano.service`: all parts together, in this process.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from nano.apps import app_set
from nano.apps.app import AppState
from nano.config import load_config
from nano.engine.v8 import context_count
from nano.interfaces import IEventHandler
from nano.service import NanoService
from tests.engine.v8_case import finished
from tests.fakes import FakeSink, make_exchange
from tests.system.daemon import free_port, write_apps

HELLO = 'export default { fetch: (r, env) => new Response("hello " + env.WHO) }'


class ServiceTests(TestCase):
    """
    Starting, serving, stopping.
    """

    timeout = 60

    def make(
        self, apps: dict[str, str], keys: dict[str, Any] | None = None, limits: dict[str, Any] | None = None
    ) -> NanoService:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        write_apps(folder, apps)

        entries = [{"name": name, "path": name, "env": {"WHO": name}, **(keys or {})} for name in apps]
        path = folder / "app.json"
        config = {"port": free_port(), "interface": "127.0.0.1", "workers": 0, "apps": entries, "limits": limits or {}}
        path.write_text(json.dumps(config))
        before = context_count()
        service = NanoService(load_config(str(path)), reactor=reactor)
        self.addCleanup(lambda: self.assertEqual(context_count(), before))
        self.addCleanup(self.stop, service)
        return service

    async def stop(self, service: NanoService) -> None:
        if service.running:
            await service.stopService()

    async def start(self, service: NanoService) -> None:
        service.privilegedStartService()
        service.startService()
        await service.when_ready()

    async def fetch(self, service: NanoService, app: str) -> FakeSink:
        exchange, sink = make_exchange()
        done = finished(exchange)
        service.app(app).handle(exchange)
        await done
        return sink

    def test_provides(self) -> None:
        """It is a service, and opens nothing when it is made."""
        service = self.make({"a": HELLO})
        self.assertTrue(verifyObject(IService, service))
        self.assertFalse(service.ready)

    async def test_serves(self) -> None:
        """Each app by its name, without a socket."""
        service = self.make({"a": HELLO, "b": HELLO})
        await self.start(service)
        self.assertTrue(service.ready)
        for name in ("a", "b"):
            self.assertTrue(verifyObject(IEventHandler, service.app(name)))
            self.assertEqual((await self.fetch(service, name)).body, f"hello {name}".encode())
        self.assertRaises(KeyError, service.app, "c")

    async def test_failed_app(self) -> None:
        """An app that fails to load counts as ready, and the others are served."""
        service = self.make({"bad": "throw new Error('no')", "good": HELLO})
        await self.start(service)
        self.assertTrue(service.ready)
        self.assertEqual([app.state for app in service.apps.apps], [AppState.FAILED, AppState.READY])
        self.assertEqual((await self.fetch(service, "bad")).header(b"nano-error"), b"load-failed")
        self.assertEqual((await self.fetch(service, "good")).body, b"hello good")

    async def test_eviction(self) -> None:
        """With room for two isolates, three apps are served; who has rested for longest begins anew."""
        count = "let count = 0; export default { fetch: () => new Response(`${++count}`) }"
        service = self.make({"a": count, "b": count, "c": count}, limits={"max_isolates": 2})
        await self.start(service)
        bodies = []
        for name in "abcbcabb":
            bodies.append((await self.fetch(service, name)).body)
            # Told of its answer, the isolate still has to say that it has read all that it was given.
            while not all(host.at_rest for host in service.apps[name].hosts):
                await deferLater(reactor, 0.001)
        self.assertEqual(bodies, [b"1", b"1", b"1", b"2", b"2", b"1", b"1", b"2"])
        self.assertEqual(sum(app.isolates for app in service.apps.apps), 2)
        figures = service.snapshot()
        self.assertEqual([labels for labels, _ in figures["nano_evictions_total"]], [["limit"]])
        self.assertEqual([app.state for app in service.apps.apps], [AppState.READY] * 3)

    async def test_beyond_the_warm(self) -> None:
        """Apps that nobody has asked for have no isolate; what is wrong with their code is known all the same."""
        self.patch(app_set, "WARM", 1)
        service = self.make({"a": HELLO, "b": HELLO, "bad": "let = ;", "late": "null.x"})
        await self.start(service)
        self.assertEqual([app.isolates for app in service.apps.apps], [1, 0, 0, 0])
        states = [AppState.READY, AppState.READY, AppState.FAILED, AppState.READY]
        self.assertEqual([app.state for app in service.apps.apps], states)
        self.assertEqual((await self.fetch(service, "b")).body, b"hello b")
        self.assertEqual((await self.fetch(service, "late")).header(b"nano-error"), b"load-failed")
        self.assertIs(service.apps["late"].state, AppState.FAILED)

    async def test_when_ready(self) -> None:
        """Whoever asks is told, before and after; who no longer waits is not."""
        service = self.make({"a": HELLO})
        early: Deferred[None] = service.when_ready()
        cancelled = service.when_ready()
        cancelled.addErrback(lambda failure: None).cancel()
        await self.start(service)
        await early
        self.successResultOf(service.when_ready())

    async def test_stop_waits_for_what_is_in_flight(self) -> None:
        """A stop refuses what is new, and finishes what is there, waitUntil included."""
        service = self.make(
            {
                "a": """const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
                export default { async fetch(r, env, ctx) {
                  ctx.waitUntil(sleep(150));
                  await sleep(100);
                  return new Response("done");
                } }"""
            }
        )
        await self.start(service)
        exchange, sink = make_exchange()
        service.app("a").handle(exchange)
        stopped = service.stopService()
        self.assertTrue(service.draining)
        refused, refused_sink = make_exchange()
        service.app("a").handle(refused)
        self.assertEqual(refused_sink.header(b"nano-error"), b"draining")
        await stopped
        self.assertEqual((sink.body, exchange.outcome), (b"done", "ok"))

    async def test_stop_while_loading(self) -> None:
        """A stop before the apps are there leaves nothing behind."""
        service = self.make({"a": HELLO, "slow": "await new Promise((resolve) => setTimeout(resolve, 300));" + HELLO})
        service.privilegedStartService()
        service.startService()
        await service.stopService()
