# -*- test-case-name: tests.cli -*-
"""
Commands on a terminal, as a person has one: keys go in, and what is shown comes out.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.system.daemon import PATIENCE, environment

__all__ = ["NANO", "Terminal"]

#: The command `nano`, with the interpreter of the tests.
NANO = (sys.executable, "-m", "nano.cli")


class Terminal:
    """
    A command on a terminal of 24 lines.

    Args:
        command: what is run.
        environ: variables besides those of the tests.
        folder: where it is run.
        width: columns of the terminal.

    Attributes:
        seen: what has come since what was last expected.
        all: what has come since the beginning.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], folder: Path | None = None, width: int = 80
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        variables = {"NO_COLOR": "", **environ}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(variables),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # Ctrl-C is for whom the terminal controls.
        )
        os.close(slave)
        self.seen = self.all = ""

    def expect(self, pattern: str, patience: float = PATIENCE) -> str:
        """Read on to *pattern*, and return all that came up to its end."""
        deadline = time.monotonic() + patience
        while not (match := re.search(pattern, self.seen)):
            readable, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise AssertionError(f"waited in vain for {pattern!r}: {self.seen!r}")
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""  # What Linux says when nobody has the terminal open any more.
            if not data:
                raise AssertionError(f"ended before {pattern!r}: {self.seen!r}")
            # A character may come in pieces; none of those that are looked for does.
            self.all += data.decode("utf-8", "replace")
            self.seen += data.decode("utf-8", "replace")
        found, self.seen = self.seen[: match.end()], self.seen[match.end() :]
        return found

    def interrupt(self, pattern: str) -> None:
        """
        Press Ctrl-C, and again if it was overheard, until *pattern* is seen.

        Python overhears a signal that comes between its last look and its waiting for a key.
        """
        for _ in range(int(PATIENCE)):
            self.type("\x03")
            try:
                self.expect(pattern, 1.0)
            except AssertionError:
                continue
            return
        raise AssertionError(f"Ctrl-C does not lead to {pattern!r}: {self.seen!r}")

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def hang_up(self) -> None:
        """Close the terminal's window: the system tells the command with SIGHUP."""
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.master >= 0:
            os.close(self.master)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
