# -*- test-case-name: tests.system.test_load -*-
"""
Many requests to many apps: every byte of every answer is checked, and nothing is left behind.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import DeferredList
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from nano.config import load_config
from nano.service import NanoService
from tests.system.case import SystemTestCase
from tests.system.client import Client
from tests.system.daemon import free_port, write_apps

APPS = tuple(f"app{number}" for number in range(10))
CONNECTIONS = 64

#: Answers with its name, the request's body and a text whose length the request chooses; some answers take a timer, or
#: leave as a stream.
SOURCE = """
export default { async fetch(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  const size = Number(searchParams.get("size"));
  const body = request.method === "POST" ? await request.text() : "";
  if (size % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const text = `${env.NAME} ${pathname} ${body} ` + pathname.slice(1).repeat(size);
  const headers = { "x-app": env.NAME, "x-path": pathname };
  if (size % 5) return new Response(text, { headers });
  const pieces = ReadableStream.from([text.slice(0, 7), text.slice(7)]);
  return new Response(pieces.pipeThrough(new TextEncoderStream()), { headers });
} };"""

#: All apps are served from the folder of the first.
FILES: dict[str, str | dict[str, str | bytes]] = {APPS[0]: SOURCE, **{name: {} for name in APPS[1:]}}
KEYS = {name: {"path": APPS[0], "env": {"NAME": name}} for name in APPS}


class Visit:
    """
    One request, made of its number, and the one right answer to it.
    """

    def __init__(self, number: int) -> None:
        self.host = APPS[number % len(APPS)]
        self.size = number * 31 % 211
        self.path = f"/r{number}"
        self.body = b"<%d>" % number * (number % 3) if number % 4 == 0 else None

    def wrong(self, client: Client) -> str | None:
        """Make the request; what is wrong with the answer, if anything."""
        target = f"{self.path}?size={self.size}"
        answer = client.fetch(self.host, target, "GET" if self.body is None else "POST", body=self.body)
        body = f"{self.host} {self.path} ".encode() + (self.body or b"") + b" " + self.path[1:].encode() * self.size
        expected = (200, self.host, self.path, body)
        found = (answer.status, answer.header("x-app"), answer.header("x-path"), answer.body)
        return None if found == expected else f"{self.path}: expected {expected}, found {found}"


def visit(port: int, numbers: Callable[[], int | None], wrong: list[str]) -> None:
    """Make requests on one connection, as many as there are numbers; collects what is wrong."""
    with Client(port) as client:
        while (number := numbers()) is not None:
            problem = Visit(number).wrong(client)
            if problem is not None:
                wrong.append(problem)


def dispenser(count: int) -> Callable[[], int | None]:
    """A function that gives out the numbers up to *count*, to any thread, and then None."""
    numbers: Iterator[int] = iter(range(count))
    lock = threading.Lock()

    def take() -> int | None:
        with lock:
            return next(numbers, None)

    return take


class LoadTests(SystemTestCase):
    """The daemon, from outside."""

    def test_sequential(self) -> None:
        """2,000 requests one after the other, over ten apps."""
        daemon = self.serve(FILES, KEYS)
        wrong: list[str] = []
        visit(daemon.port, dispenser(2000), wrong)
        self.assertEqual(wrong, [])

    def test_concurrent(self) -> None:
        """20,000 requests over 64 connections and ten apps: not one wrong byte."""
        daemon = self.serve(FILES, KEYS)
        wrong: list[str] = []
        errors: list[BaseException] = []
        numbers = dispenser(20_000)

        def work() -> None:
            try:
                visit(daemon.port, numbers, wrong)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((wrong[:3], errors[:3]), ([], []))


class LeakTests(TestCase):
    """The service, from inside, where V8's handles can be counted."""

    timeout = 120

    async def start(self) -> tuple[NanoService, int]:
        """A service that is ready, and its port; it stops when the test is over."""
        folder = Path(self.mktemp()).absolute()
        write_apps(folder, {APPS[0]: SOURCE})
        port = free_port()
        apps = [{"name": name, **KEYS[name]} for name in APPS]
        config = {"port": port, "interface": "127.0.0.1", "workers": 0, "apps": apps}
        (folder / "app.json").write_text(json.dumps(config))
        service = NanoService(load_config(str(folder / "app.json")), reactor=reactor)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(service.stopService)
        await service.when_ready()
        return service, port

    async def load(self, port: int, requests: int, connections: int) -> None:
        """Make requests from threads."""
        numbers = dispenser(requests)
        wrong: list[str] = []
        visits = [deferToThread(visit, port, numbers, wrong) for _ in range(connections)]
        await DeferredList(visits, fireOnOneErrback=True)
        self.assertEqual(wrong, [])

    async def test_handles(self) -> None:
        """However many requests were served, C++ holds no more values for us than before, and nothing is in flight."""
        service, port = await self.start()
        await self.load(port, 100, 4)
        before = value_counts(service)
        await self.load(port, 2000, 8)
        self.assertEqual(value_counts(service), before)
        self.assertEqual([service.apps[name].in_flight for name in APPS], [0] * len(APPS))


def value_counts(service: NanoService) -> list[int]:
    """How many values C++ holds for the isolate of each app."""
    hosts: list[Any] = [service.apps[name]._host for name in APPS]
    return [host.isolate.value_count() for host in hosts]
