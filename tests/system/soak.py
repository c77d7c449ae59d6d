# -*- test-case-name: tests.system.test_endurance -*-
"""
A daemon with everything going on at once: visitors, fetches between apps, streams, slow clients, runaway apps, reloads,
and workers that crash.  What its processes hold at the start is compared with what they hold at the end.
"""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.client import Answer, Client, RawClient, fetch
from tests.system.daemon import Daemon, free_port, write_apps
from tests.system.kills import workers
from tests.system.load import Holdings, settled
from tests.system.pressure import Visitors, percentile

__all__ = ["Moment", "Site", "Totals", "soak"]

_TOKEN = "t0ken"
#: What is served beside `visited`, which changes its version: their sources.
_APPS = {
    "fetching": """export default { async fetch(request, env) {
  const response = await fetch(env.URL, { headers: { "x-from": "fetching" } });
  return new Response(`fetched ${(await response.text()).length}`);
} };""",
    "streaming": """export default { fetch(request) {
  if (request.body) return new Response(request.body);
  return new Response(ReadableStream.from(Array(32).fill(new Uint8Array(4096))));
} };""",
    "runaway": """export default { fetch(request) {
  if (request.url.endsWith("/cpu")) for (;;);
  const all = [];
  for (;;) all.push(new Array(1000).fill(1.5));
} };""",
}


class Site:
    """
    A daemon with two workers, its apps and its admin API.

    Args:
        folder: for all of it.
    """

    def __init__(self, folder: Path) -> None:
        port, self._admin_port, self._folder = free_port(), free_port(), folder
        write_apps(folder, _APPS)
        self.deploy(0)
        keys: dict[str, dict[str, Any]] = {
            "fetching": {"env": {"URL": f"http://127.0.0.1:{port}/"}},
            "streaming": {},
            "runaway": {"timeout_ms": 300, "memory_mb": 64},
            "visited": {"hostname": ["visited", "127.0.0.1"]},
        }
        config = {
            "port": port,
            "workers": 2,
            "apps": [{"name": name, "path": name, **rest} for name, rest in keys.items()],
            "admin": {"listen": f"tcp:{self._admin_port}:interface=127.0.0.1", "token": _TOKEN},
            "log": {"access": False},
        }
        self.daemon = Daemon(folder, config, options=("--no-watch",))

    def deploy(self, version: int) -> None:
        """Write a version of the visited app."""
        source = f"export default {{ fetch: () => new Response('visited {version}') }};"
        write_apps(self._folder, {"visited": source})

    def ask(self, path: str, method: str = "GET") -> Answer:
        """A request to the admin API."""
        return fetch(self._admin_port, "localhost", path, method, headers=(("Authorization", f"Bearer {_TOKEN}"),))

    def isolates(self) -> int:
        """How many isolates there are, in all states."""
        lines = self.ask("/metrics").text.splitlines()
        return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("nano_isolates{")))


@dataclass(frozen=True)
class Moment:
    """
    How the daemon is.

    Attributes:
        held: by its processes.
        isolates: how many there are.
        p50, p99: of the visitors' answers lately, in seconds.
    """

    held: Holdings
    isolates: int
    p50: float
    p99: float


@dataclass(frozen=True)
class Totals:
    """
    What has happened.

    Attributes:
        first, last: moments after the start and before the end.
        answered: requests of the visitors, the fetching and the streaming.
        cut: how many of these got no answer, as their worker was killed.
        wrong: answers that are not what they should be.
        events: how often everything else happened.
    """

    first: Moment
    last: Moment
    answered: int
    cut: int
    wrong: list[str]
    events: Counter[str]


def soak(site: Site, seconds: float, interval: float) -> Totals:
    """
    Soak a daemon.

    Args:
        site: what is soaked.
        seconds: how long; the first and the last tenth are without reloads, runaways and kills, and are compared.
        interval: seconds between two reloads, and between two runaways; a worker is killed at every sixth.
    """
    events: Counter[str] = Counter()
    port = site.daemon.port
    visits: tuple[tuple[Callable[[Client], str | None], int], ...] = ((_visit, 8), (_fetch, 2), (_stream, 2))
    with ExitStack() as stack:
        crowd = [stack.enter_context(Visitors(port, visit, count)) for visit, count in visits]
        stack.enter_context(_repeated(lambda: _drip(port, events), 0.0))
        first = _moment(site, crowd[0], seconds / 10)
        with _repeated(_disturber(site, events), interval), _repeated(lambda: _run_away(port, events), interval):
            time.sleep(seconds * 0.8)
        last = _moment(site, crowd[0], seconds / 10)
    return Totals(
        first,
        last,
        sum(each.answered for each in crowd),
        sum(len(each.broken) for each in crowd),
        [problem for each in crowd for problem in each.wrong],
        events,
    )


def _visit(client: Client) -> str | None:
    answer = client.fetch("visited")
    return None if answer.text.startswith("visited ") else repr(answer)


def _fetch(client: Client) -> str | None:
    answer = client.fetch("fetching")
    return None if answer.text.startswith("fetched ") else repr(answer)


def _stream(client: Client) -> str | None:
    body = b"x" * 100_000
    answer = client.fetch("streaming", "/", "POST", body=(body[at : at + 10_000] for at in range(0, len(body), 10_000)))
    return None if answer.body == body else f"{answer.status}: {len(answer.body)} bytes of {len(body)}"


def _drip(port: int, events: Counter[str]) -> None:
    """A client that takes its time over a request."""
    try:
        with RawClient(port) as client:
            for byte in b"POST / HTTP/1.1\r\nHost: streaming\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello":
                client.send(bytes([byte]))
                time.sleep(0.005)
            events["slow clients" if client.read_all().endswith(b"hello") else "slow clients cut"] += 1
    except OSError:
        events["slow clients cut"] += 1


def _run_away(port: int, events: Counter[str]) -> None:
    for path in ("/cpu", "/memory"):
        try:
            with Client(port) as client:
                events[f"runaway: {client.fetch('runaway', path).error or 'ok'}"] += 1
        except (OSError, http.client.HTTPException):
            events["runaway: cut"] += 1


def _disturber(site: Site, events: Counter[str]) -> Callable[[], None]:
    """What reloads each time it is called, and kills a worker at every sixth."""
    numbers = itertools.count(1)

    def disturb() -> None:
        number = next(numbers)
        site.deploy(number)
        events[f"reloads: {site.ask('/admin/reload', 'POST').status}"] += 1
        if number % 6 == 3:
            known = workers(site.daemon)
            pid, _ = known[sorted(known)[number // 6 % len(known)]]
            os.kill(pid, signal.SIGKILL)
            events["workers killed"] += 1

    return disturb


@contextmanager
def _repeated(work: Callable[[], None], pause: float) -> Iterator[None]:
    """Do *work* again and again, on a thread, while the context lasts."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(pause):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _moment(site: Site, visitors: Visitors, seconds: float) -> Moment:
    """Look at the daemon when its workers are complete."""
    before = visitors.answered
    time.sleep(seconds)
    site.daemon.until(lambda: len(site.ask("/admin/workers").json["workers"]) == 2, "both workers")
    took = visitors.took(before)
    return Moment(
        settled(site.daemon.process.pid, 10.0),
        site.isolates(),
        percentile(took, 0.5),
        percentile(took, 0.99),
    )
