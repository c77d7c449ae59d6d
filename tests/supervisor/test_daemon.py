"""
`nano serve` with workers, from outside: signals, exit codes, and what its sudden death leaves behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ConnectionRefusedError as RefusedError
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from nano.supervisor.process import worker_environment
from tests.supervisor.servers import SupervisorTests, alive, fetch, reactor, until


class Daemon(ProcessProtocol):
    """
    A server in a process of its own.

    Attributes:
        output: all that it has printed.
        ended: fires with its exit code, or the number of the signal below zero.
    """

    def __init__(self) -> None:
        self.output = b""
        self.ended: Deferred[int] = Deferred()
        self.over = False

    def outReceived(self, data: bytes) -> None:
        """Keep."""
        self.output += data

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        """Tell."""
        self.over = True
        code = getattr(reason.value, "exitCode", None)
        self.ended.callback(-(getattr(reason.value, "signal", None) or 0) if code is None else code)

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of an event."""
        lines = [line for line in self.output.split(b"\n")[:-1] if line.startswith(b"{")]
        return [event for event in map(json.loads, lines) if event.get("event") == name]

    @property
    def port(self) -> str:
        """The client endpoint of its first socket."""
        address = str(self.events("listening")[0]["address"])
        return f"tcp:host=127.0.0.1:port={address.rpartition(':')[2]}"

    @property
    def workers(self) -> list[int]:
        """The process ids of all its children, as the system says."""
        assert self.transport is not None
        pid = self.transport.pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []


class DaemonTests(SupervisorTests):
    """The real command."""

    SLOW = (
        "export default { async fetch() { await new Promise(r => setTimeout(r, 700)); return new Response('done') } }"
    )

    async def start(self, *apps: dict[str, Any], **keys: Any) -> Daemon:
        """A daemon that is ready."""
        self.raw = {
            "listen": ["tcp:0:interface=127.0.0.1"],
            "workers": 2,
            "apps": apps,
            "log": {"format": "json"},
            "state_dir": str(self.folder / "state"),
            **keys,
        }
        self.file = self.folder / "app.json"
        self.file.write_text(json.dumps(self.raw))
        daemon = Daemon()
        command = [sys.executable, "-m", "nano.cli", "serve", "-c", str(self.file)]
        environment = worker_environment()
        environment["PYTHONPATH"] = os.pathsep.join([str(self.folder), environment["PYTHONPATH"]])
        reactor.spawnProcess(daemon, command[0], command, environment, str(self.folder))
        self.addCleanup(self.end, daemon)
        await until(lambda: daemon.over or len(daemon.events("worker-ready")) >= self.raw["workers"], "it is ready")
        return daemon

    async def end(self, daemon: Daemon) -> None:
        """Leave no process behind."""
        if not daemon.over:
            self.signal(daemon, signal.SIGKILL)
            await daemon.ended

    def signal(self, daemon: Daemon, number: int) -> None:
        """Send it a signal."""
        assert daemon.transport is not None
        try:
            daemon.transport.signalProcess(number)
        except ProcessExitedAlready:
            pass

    async def until_gone(self, pids: list[int]) -> None:
        """Wait for the end of processes."""
        await until(lambda: not any(map(alive, pids)), "the workers are gone")

    async def test_graceful_stop(self) -> None:
        """SIGTERM: what is in flight is answered, nothing new is accepted, and the exit code is 0."""
        daemon = await self.start(self.write_app("app", self.SLOW))
        pids = daemon.workers
        asked = [Deferred.fromCoroutine(fetch(daemon.port)) for _ in range(4)]
        await until(lambda: daemon.over or self._connected(daemon) >= 4, "requests are in flight")
        self.signal(daemon, signal.SIGTERM)
        answers = await gatherResults(asked)
        self.assertEqual([(answer.status, answer.body) for answer in answers], [(200, b"done")] * 4)
        self.assertEqual(await daemon.ended, 0, daemon.output.decode())
        self.assertEqual([pid for pid in pids if alive(pid)], [])
        await self.assertFailure(Deferred.fromCoroutine(fetch(daemon.port)), RefusedError)

    def _connected(self, daemon: Daemon) -> int:
        """How many connections its workers have accepted and not closed."""
        port = f"{int(daemon.port.rpartition('=')[2]):04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # One that waits to be accepted has no inode yet.
        return sum(line[1].endswith(f":{port}") and line[3] == "01" and line[9] != "0" for line in lines)

    async def test_second_signal(self) -> None:
        """A second signal ends everything at once, whatever is in flight."""
        never = "export default { fetch() { return new Promise(r => setTimeout(r, 60000)) } }"
        daemon = await self.start(self.write_app("app", never), workers=1)
        pids = daemon.workers
        asked = Deferred.fromCoroutine(fetch(daemon.port))
        await until(lambda: self._connected(daemon), "the request is in flight")
        self.signal(daemon, signal.SIGTERM)
        await until(lambda: daemon.events("draining"), "it drains")
        self.signal(daemon, signal.SIGTERM)
        self.assertEqual(await daemon.ended, -signal.SIGTERM)
        await self.until_gone(pids)
        self.assertFalse((await asked).status == 200)

    async def test_no_orphans(self) -> None:
        """When the supervisor is killed, its workers and its spare go as well."""
        daemon = await self.start(self.says("app", "hello"))
        await until(lambda: len(daemon.workers) == 3, "there is a spare")
        pids = daemon.workers
        self.signal(daemon, signal.SIGKILL)
        await daemon.ended
        await self.until_gone(pids)

    async def test_orphans_finish(self) -> None:
        """A worker whose supervisor is gone finishes what it has in flight."""
        daemon = await self.start(self.write_app("app", self.SLOW), workers=1)
        pids = daemon.workers
        asked = Deferred.fromCoroutine(fetch(daemon.port))
        await until(lambda: self._connected(daemon), "the request is in flight")
        self.signal(daemon, signal.SIGKILL)
        await daemon.ended
        self.assertEqual((await asked).body, b"done")
        await self.until_gone(pids)

    async def test_hangup(self) -> None:
        """SIGHUP: apps, environment and the number of workers change; what needs a restart is named."""
        app = self.says("app", "one")
        daemon = await self.start(app)
        self.says("app", "two")
        self.raw["apps"] = [app, self.says("more", "more")]
        await self._reload(daemon, workers=1, listen=["tcp:1:interface=127.0.0.1"])
        self.assertEqual((await fetch(daemon.port)).body, b"two")
        self.assertEqual((await fetch(daemon.port, "more")).body, b"more")
        self.assertEqual(daemon.events("reloaded")[0]["restart_needed"], ["listen"])
        await until(lambda: [e["reason"] for e in daemon.events("worker-ended")] == ["drained"], "one worker leaves")
        self.signal(daemon, signal.SIGTERM)
        self.assertEqual(await daemon.ended, 0)

    async def test_bad_hangup(self) -> None:
        """A configuration that is wrong changes nothing."""
        daemon = await self.start(self.says("app", "one"), workers=1)
        self.file.write_text("{")
        self.signal(daemon, signal.SIGHUP)
        await until(lambda: daemon.events("reload-failed"), "it is in the log")
        self.assertEqual((await fetch(daemon.port)).body, b"one")

    async def _reload(self, daemon: Daemon, **keys: Any) -> None:
        self.file.write_text(json.dumps({**self.raw, **keys}))
        self.signal(daemon, signal.SIGHUP)
        await until(lambda: daemon.events("reloaded"), "it is reloaded")

    async def test_log_lines(self) -> None:
        """Every line is whole, and those of workers say whose they are."""
        daemon = await self.start(self.says("app", "hello"))
        answers = [await fetch(daemon.port) for _ in range(5)]
        self.assertEqual({answer.status for answer in answers}, {200})
        self.signal(daemon, signal.SIGTERM)
        self.assertEqual(await daemon.ended, 0)
        for line in daemon.output.decode().splitlines():
            json.loads(line)
        self.assertEqual({event["worker"] for event in daemon.events("app-ready")}, {"1", "2"})

    async def test_cannot_boot(self) -> None:
        """When no worker can ever boot, the daemon says why and leaves with 1."""
        broken = """
import nano.errors, nano.supervisor.listeners
def broken(*_, **__): raise nano.errors.EngineError("no V8")
nano.supervisor.listeners.Adopter.listenTCP = broken
"""
        (self.folder / "sitecustomize.py").write_text(broken)
        daemon = await self.start(self.says("app", "hello"))
        self.assertEqual(await daemon.ended, 1, daemon.output.decode())
        self.assertIn(b"nano: cannot boot: no V8\n", daemon.output)
        self.assertNotIn(b"Traceback", daemon.output)

    async def test_cannot_listen(self) -> None:
        """An endpoint that cannot be opened is a message and exit code 1."""
        daemon = await self.start(listen=["ssl:0:privateKey=none.pem"])
        self.assertEqual(await daemon.ended, 1, daemon.output.decode())
        self.assertIn(b"cannot listen on ssl:0", daemon.output)
        self.assertNotIn(b"Traceback", daemon.output)
