# -*- test-case-name: tests.cli.test_logs -*-
"""
`nano logs`, with a real daemon.
"""

from __future__ import annotations

import json
import subprocess

from tests.cli.case import RunningDaemon
from tests.cli.terminal import NANO, Terminal
from tests.system.client import fetch
from tests.system.daemon import PATIENCE, environment

TALKING = """
    export default { fetch(request) {
      console.log("saw", new URL(request.url).pathname);
      console.warn("careful");
      return new Response("");
    } };"""


class LogsTests(RunningDaemon):
    def setUp(self) -> None:
        super().setUp()
        self.start({"one": TALKING, "two": TALKING})
        for app in ("one", "two"):
            fetch(self.daemon.port, app, f"/{app}")

    def test_tail(self) -> None:
        """The last lines, as text for people."""
        code, out, err = self.run_nano("logs", *self.where)
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^\d\d:\d\d:\d\d  one  saw /one$")
        self.assertRegex(out, r"(?m)^\d\d:\d\d:\d\d  200  .* ms  GET /two  two$")

    def test_narrowed(self) -> None:
        """Of one app, of a level, a number of lines."""
        _, out, _ = self.run_nano("logs", "one", "--level", "warn", *self.where)
        self.assertEqual([line[10:] for line in out.splitlines()], ["one  careful"])
        _, out, _ = self.run_nano("logs", "-n", "2", *self.where)
        self.assertEqual(len(out.splitlines()), 2)

    def test_json(self) -> None:
        """An object on each line, for programs."""
        _, out, _ = self.run_nano("logs", "two", "--json", "--level", "warn", *self.where)
        (record,) = map(json.loads, out.splitlines())
        self.assertEqual((record["event"], record["app"], record["msg"]), ("console", "two", "careful"))

    def test_follow(self) -> None:
        """Lines come as they are written, until Ctrl-C, or until the daemon stops."""
        command = [*NANO, "logs", "-f", "-n", "0", *self.where]
        terminal = Terminal(command, {"TERM": "xterm"})
        self.addCleanup(terminal.close)
        for number in range(int(PATIENCE)):  # It has to be there first, and says nothing of that.
            fetch(self.daemon.port, "one", f"/again{number}")
            try:
                terminal.expect(r"\x1b\[36mone\x1b\[0m  saw /again", 1.0)
                break
            except AssertionError:
                continue
        terminal.interrupt("\\^C")
        self.assertEqual(terminal.process.wait(PATIENCE), 130)
        self.assertNotIn("Traceback", terminal.all)

    def test_daemon_stops(self) -> None:
        """The end of the daemon is the end of its log."""
        process = subprocess.Popen(
            [*NANO, "logs", "-f", *self.where],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.kill)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        self.daemon.stop()
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1)
        self.assertIn("nano: ", err)
        self.assertNotIn("Traceback", err)
