"""
The hosts that are measured: each serves the same app files.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from benchmarks.scenarios import Scenario

__all__ = ["SERVERS", "Server", "family"]

HERE = Path(__file__).parent
_START = 30.0
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent)}


class Server:
    """
    A server in a process of its own, as a context manager.

    Attributes:
        port: where it listens, on loopback.
        start_seconds: from its start to its first answer.
    """

    name: ClassVar[str]

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.port = _free_port()
        self.start_seconds = 0.0
        self._folder = TemporaryDirectory(prefix="nano-benchmark-")
        self._process: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []

    @property
    def app(self) -> Path:
        """The app's file."""
        return HERE / "apps" / f"{self.scenario.app}.js"

    def command(self, folder: Path) -> list[str]:
        """How the server is started; its files go into *folder*."""
        raise NotImplementedError

    def __enter__(self) -> Server:
        self._command = self.command(Path(self._folder.name))
        self.start()
        return self

    def start(self) -> None:
        """Start it, and wait for its first answer."""
        folder, command = Path(self._folder.name), self._command
        began = time.monotonic()
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, start_new_session=True, env=_ENVIRONMENT
            )
        while not _answers(self.port, f"app{self.scenario.asked}.test"):
            if self._process.poll() is not None or time.monotonic() - began > _START:
                sys.stderr.write((folder / "log").read_text("utf-8", "replace")[-4000:])
                raise SystemExit(f"{self.name} did not start")
            time.sleep(0.005)
        self.start_seconds = time.monotonic() - began

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def stop(self) -> None:
        """End it; it may be started again, with what it has left on disk."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @property
    def pid(self) -> int:
        """Its process, the parent of all others that it has."""
        assert self._process is not None
        return self._process.pid

    def memory(self) -> int:
        """Proportional set size of all its processes, in bytes."""
        assert self._process is not None
        return sum(_pss(pid) for pid in family(self._process.pid))

    def descriptors(self) -> int:
        """How many files and sockets all its processes have open."""
        assert self._process is not None
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in family(self._process.pid))

    def threads(self) -> int:
        """How many threads all its processes have."""
        assert self._process is not None
        return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in family(self._process.pid))


class Nano(Server):
    """nano in its default configuration."""

    name = "nano"
    workers: ClassVar[int | None] = None

    def command(self, folder: Path) -> list[str]:
        apps: list[dict[str, Any]] = [
            {"name": f"app{i}", "hostname": f"app{i}.test", "path": self._copy(folder, i), **self.scenario.keys}
            for i in range(self.scenario.hosts)
        ]
        if self.scenario.names > 1:
            apps[0]["hostname"] = ["app0.test", *(f"name{i}.test" for i in range(self.scenario.names))]
        config = {"listen": [f"tcp:{self.port}:interface=127.0.0.1"], "apps": apps}
        if self.workers is not None:
            config["workers"] = self.workers
        (folder / "app.json").write_text(json.dumps(config))
        twistd = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
        return [*twistd, "-n", "nano", "--config", str(folder / "app.json")]

    def _copy(self, folder: Path, number: int) -> str:
        """A folder of its own for each app, and a code of its own: no two of them are compiled together."""
        own = folder / "apps" / f"app{number}"
        own.mkdir(parents=True)
        (own / "index.js").write_text(f"{self.app.read_text()}// {number}\n")
        return str(own)


class NanoOneProcess(Nano):
    """nano without worker processes."""

    name = "nano-0"
    workers = 0


class NanoOneWorker(Nano):
    """nano with one worker."""

    name = "nano-1"
    workers = 1


class NanoKlein(Nano):
    """nano's Klein tree in a twisted.web site, in one process."""

    name = "nano-klein"
    workers = 0

    def command(self, folder: Path) -> list[str]:
        port, self.port = self.port, _free_port()
        super().command(folder)
        self.port = port
        return [sys.executable, str(HERE / "klein_site.py"), str(folder / "app.json"), str(port)]


class Workerd(Server):
    """Cloudflare's workerd, from npm (`npm install` in this folder)."""

    name = "workerd"

    def command(self, folder: Path) -> list[str]:
        binary = HERE / "node_modules" / ".bin" / "workerd"
        if not binary.exists():
            raise SystemExit(f"workerd is not there: run `npm install` in {HERE.name}/")
        shutil.copyfile(self.app, folder / "app.js")
        names = [f"app{i}" for i in range(self.scenario.hosts)]
        services = [f'(name = "{name}", worker = .app)' for name in names]
        services.append('(name = "internet", network = (allow = ["public", "private"]))')
        workers = [
            'const app :Workerd.Worker = (modules = [(name = "app", esModule = embed "app.js")], ' + _DATE + ");"
        ]
        entry = "app0"
        if len(names) > 1:
            # What routes by Host in front of several workers is a worker as well.
            (folder / "router.js").write_text(
                "export default { fetch(request, env) "
                "{ return env[new URL(request.url).hostname.split('.')[0]].fetch(request); } };"
            )
            bindings = ", ".join(f'(name = "{name}", service = "{name}")' for name in names)
            workers.append(
                'const router :Workerd.Worker = (modules = [(name = "router", esModule = embed "router.js")], '
                f"bindings = [{bindings}], {_DATE});"
            )
            services.append('(name = "router", worker = .router)')
            entry = "router"
        socket_ = f'(name = "http", address = "127.0.0.1:{self.port}", http = (), service = "{entry}")'
        (folder / "config.capnp").write_text(
            'using Workerd = import "/workerd/workerd.capnp";\n'
            f"const config :Workerd.Config = (services = [{', '.join(services)}], sockets = [{socket_}]);\n"
            + "\n".join(workers)
        )
        return [str(binary), "serve", str(folder / "config.capnp")]


_DATE = 'compatibilityDate = "2025-01-01"'

SERVERS = {server.name: server for server in (Nano, NanoOneWorker, NanoOneProcess, NanoKlein, Workerd)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, host: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(_START)
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            # An app that is not there yet is told of with one of these; what it makes of the request is its business.
            return connection.recv(12)[9:] not in (b"", b"404", b"503")
    except OSError:
        return False


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
