# -*- test-case-name: tests.system -*-
"""
The real daemon: `twistd nano` as a child process on free ports, with its log.

Everything here blocks, and nothing here knows more of nano than an operator does: the command line, the configuration
file, signals, the exit code and what the process writes.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nano

__all__ = ["PATIENCE", "TWISTD", "Apps", "Daemon", "environment", "free_port", "wait_until", "write_apps"]

#: How long anything may take before it counts as failed, in seconds.
PATIENCE = 60.0
#: How long to pause before looking again at something that another process does, in seconds.
_PAUSE = 0.02
#: What the console script `twistd` runs, with the interpreter of the tests.
TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")

#: The files of apps by the apps' names; a single text is the `index.js`.
Apps = Mapping[str, "str | Mapping[str, str | bytes]"]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    The environment of a child: that of the tests, without what nano would read of it.

    The nano that is tested is the child's as well, whether it is installed or lies in a checkout.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NANO_")}
    path = [str(Path(nano.__file__).parents[1]), kept.get("PYTHONPATH", "")]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, path)), **(variables or {})}


def write_apps(folder: Path, apps: Apps) -> None:
    """Write the files of *apps*, each in a folder of its name."""
    for name, files in apps.items():
        for file, content in ({"index.js": files} if isinstance(files, str) else files).items():
            path = folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """
    Wait for something that another process will do.

    Raises:
        AssertionError: when it does not.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(_PAUSE)


class Daemon:
    """
    A `twistd -n nano --config app.json` at work.

    Args:
        folder: its working directory, where `app.json` is written.
        config: the configuration, to which a free port is added, on the loopback interface; None: there is no file, and
            the options get a free port.
        environ: variables besides those of the tests.
        options: further options of `twistd nano`.

    Attributes:
        port: where it listens.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any] | None,
        environ: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        if config is None:
            arguments = ["--port", str(self.port)]
        else:
            whole = {"interface": "127.0.0.1", "workers": 0, "port": self.port, **config}
            self.port = whole["port"]
            (folder / "app.json").write_text(json.dumps(whole, indent=2), "utf-8")
            arguments = ["--config", "app.json"]
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*TWISTD, "-n", "nano", *arguments, *options],
                cwd=folder,
                env=environment(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    # Its log.

    @property
    def log(self) -> str:
        """All it has written so far."""
        return self._log.read_text("utf-8", "replace")

    def records(self) -> Iterator[dict[str, Any]]:
        """The lines of its log; one that is no JSON object is the `msg` of a record without further fields."""
        for line in self.log.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                record = line
            yield record if isinstance(record, dict) else {"msg": line}

    def messages(self, app: str | None = None) -> str:
        """What the log says in words, line breaks as they were meant; that of one app if *app* is given."""
        texts = (str(record.get("msg", "")) for record in self.records() if app in (None, record.get("app")))
        return "\n".join(texts)

    def wait_for(self, text: str, app: str | None = None) -> str:
        """Wait until *text* is in the log, and return what the log says."""
        self.until(lambda: text in self.messages(app), f"{text!r} in the log")
        return self.messages(app)

    # Its life.

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """
        Wait for something that will happen.

        Raises:
            AssertionError: when it does not, or when the process ends before.
        """

        happened = False

        def happened_or_ended() -> bool:
            nonlocal happened
            happened = condition()
            return happened or self.process.poll() is not None

        try:
            wait_until(happened_or_ended, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from None
        if not happened:
            code = self.process.returncode
            raise AssertionError(f"the daemon ended with {code} while waiting for {what}:\n{self.log}")

    def until_draining(self) -> None:
        """Wait until it takes nothing new any more."""
        self.until(lambda: b" 503 " in self.readiness() or not self.accepts(), "the drain to begin")

    def wait_until_ready(self) -> None:
        """Wait until it listens, and every app is loaded or has failed to."""
        self.until(self._is_ready, "readiness")

    def _is_ready(self) -> bool:
        status_line = self.readiness()
        return bool(status_line) and b" 503 " not in status_line

    def readiness(self) -> bytes:
        """The status line of the answer to a readiness check; b"" when it does not listen."""
        # No app has this name; an app that claims every name answers when it is loaded, which does as well.
        question = b"GET /readyz HTTP/1.1\r\nHost: readiness.invalid\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
                connection.sendall(question)
                return connection.makefile("rb").readline()
        except ConnectionError:
            return b""

    def accepts(self) -> bool:
        """Whether it takes new connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        except ConnectionError:
            return False
        return True

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end, and return the exit code; a signal's number is below zero."""
        return self.process.wait(PATIENCE)

    def stop(self) -> int:
        """Have it stop in good order, and return the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it at once, if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
