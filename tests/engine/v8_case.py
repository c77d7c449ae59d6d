# -*- test-case-name: tests.engine.test_host_v8 -*-
"""
What tests with real isolates share: a pool that must be empty in the end, an app's owner, requests.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Mapping
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

import nano.ops
from nano.bundle import read_bundle
from nano.engine.host import IsolateHost
from nano.engine.pool import IsolatePool
from nano.engine.v8 import context_count
from nano.errors import DrainingError, NanoError
from nano.exchange import Exchange
from nano.ops.registry import OpTable
from tests.engine.scripts import app_program
from tests.fakes import FakeSink, make_exchange

__all__ = ["Owner", "V8TestCase", "finished"]

#: Seconds after which a test gives up; nothing waits for it in a run that succeeds.
PATIENCE = 8.0


class Owner:
    """An app, as far as a host knows it."""

    name = "app"

    def __init__(self) -> None:
        self.logs: list[tuple[int, str]] = []
        self.condemned: list[NanoError] = []

    def isolate_log(self, host: IsolateHost, level: int, text: str) -> None:
        """Keep it (IsolateOwner)."""
        self.logs.append((level, text))

    def isolate_retired(self, host: IsolateHost) -> None:
        """Nothing to do (IsolateOwner)."""

    def isolate_condemned(self, host: IsolateHost, error: NanoError) -> None:
        """Keep it (IsolateOwner)."""
        self.condemned.append(error)


def finished(exchange: Exchange) -> Deferred[Exchange]:
    """Fires with the exchange when it is over."""
    done: Deferred[Exchange] = Deferred()
    exchange.when_finished(done.callback)
    return done


class V8TestCase(TestCase):
    """
    Tests with real isolates on the real reactor.

    Attributes:
        pool: makes isolates with the product's runtime.
        owners: of the hosts that `start` has made.
        contexts: how many there were before the test.
    """

    timeout = 120

    def setUp(self) -> None:
        self.contexts = context_count()
        self.owners: dict[IsolateHost, Owner] = {}
        self.pool = self.make_pool(
            OpTable(json.loads(read_bundle("ops.json")), self.op_modules()), read_bundle("runtime.js")
        )

    def op_modules(self) -> list[Any]:
        """Where the ops of the runtime are."""
        return [
            importlib.import_module(f"nano.ops.{module.name}") for module in pkgutil.iter_modules(nano.ops.__path__)
        ]

    def make_pool(self, ops: Any, runtime: str, spares: int = 0) -> IsolatePool:
        """A pool that is stopped, and found empty, when the test is over."""
        pool = IsolatePool(reactor, ops, runtime, spares)  # type: ignore[arg-type]
        self.addCleanup(self._emptied, pool)
        return pool

    async def _emptied(self, pool: IsolatePool) -> None:
        for host in self.owners:
            host.condemn(DrainingError("the test is over"))
        await pool.stop(PATIENCE)
        self.assertEqual(pool.blocked, 0)

    async def start(self, files: str | Mapping[str, str], **keys: Any) -> IsolateHost:
        """A host that serves an app; its owner is `self.owners[host]`."""
        program = app_program(files, self.mktemp(), **keys)
        host = await self.pool.get().addTimeout(PATIENCE, reactor)
        self.owners[host] = Owner()
        await host.load(program, self.owners[host], PATIENCE)
        return host

    def begin(self, host: IsolateHost, **request: Any) -> tuple[Exchange, FakeSink, Deferred[Exchange]]:
        """Dispatch a request."""
        exchange, sink = make_exchange(**request)
        done = finished(exchange).addTimeout(PATIENCE, reactor)
        host.dispatch(exchange)
        return exchange, sink, done

    async def fetch(self, host: IsolateHost, **request: Any) -> FakeSink:
        """The response to a request; what it failed of stands in its `error`."""
        exchange, sink, done = self.begin(host, **request)
        await done
        sink.error = str(exchange.error or "")
        return sink

    async def until(self, condition: Any) -> None:
        """Wait for something that will happen."""
        for _ in range(round(PATIENCE / 0.005)):
            if condition():
                return
            await deferLater(reactor, 0.005)
        self.fail("what was waited for did not happen")
