# -*- test-case-name: tests.admin.test_terminal_format -*-
"""
The log on a terminal.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from nano.admin.terminal_format import Paint, duration, reload_summary, terminal_format, terminal_text, wants_colours
from tests.admin.test_log_format import access, event, failure

PLAIN, COLOURED = Paint(False), Paint(True)
STACK = "TypeError: no\n    at pick (lib/pick.ts:2:10)\n    at Object.fetch (index.js:1:1)"


class LineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(os, "environ", {**os.environ, "TZ": "UTC"})
        time.tzset()
        self.addCleanup(time.tzset)

    def text(self, log_event: dict[str, Any], paint: Paint = PLAIN, worker: str = "", everything: bool = False) -> str:
        """An event on a terminal, without the time of day."""
        line = terminal_format(paint, everything)(log_event, worker)
        if line and paint is PLAIN:
            self.assertRegex(line, r"\A\d\d:\d\d:\d\d  ")
            self.assertTrue(line.endswith("\n"))
        return line[10:-1] if paint is PLAIN else line

    def test_request(self) -> None:
        """Status, time, what was asked for, and the app."""
        self.assertEqual(self.text(access()), "200   1.5 ms  GET /a?b=c  shop")

    def test_failed_request(self) -> None:
        """How it ended is told where that is not well."""
        line = self.text(access(status=503, outcome="exceeded-cpu", duration_ms=5123.0, app=""))
        self.assertEqual(line, "503    5.1 s  GET /a?b=c  exceeded-cpu")

    def test_colours(self) -> None:
        """Of a status by its class, of a message by its level."""
        for status, code in ((204, 32), (302, 36), (404, 33), (500, 31)):
            self.assertIn(f"\x1b[{code}m{status}\x1b[0m", self.text(access(status=status), COLOURED))
        for level, code in ((LogLevel.warn, 33), (LogLevel.error, 31)):
            self.assertIn(f"\x1b[{code}mhello\x1b[0m", self.text(event("hello", level=level), COLOURED))

    def test_console(self) -> None:
        """What an app logs, with its name; further lines are below the first."""
        line = self.text(event("{text}", text="a\nb\n", app="shop", event="console"))
        self.assertEqual(line, "shop  a\n          b")

    def test_nano_itself(self) -> None:
        """Messages of nano name the app themselves."""
        self.assertEqual(self.text(event("app {app} is odd", app="shop", event="app-released")), "app shop is odd")

    def test_traceback(self) -> None:
        """An unexpected failure is shown with its traceback."""
        line = self.text(event("broken", level=LogLevel.critical, log_failure=failure()))
        self.assertTrue(line.startswith("broken\n          Traceback"), line)

    def test_routine(self) -> None:
        """What is routine is shown when everything is, and when it is no routine."""
        ended = event("worker 1 has ended", event="worker-ended")
        self.assertEqual(self.text(ended), "")
        self.assertEqual(self.text(ended, everything=True), "worker 1 has ended")
        self.assertEqual(self.text({**ended, "log_level": LogLevel.error}), "worker 1 has ended")
        self.assertEqual(self.text({"log_format": "Main loop terminated.", "log_time": 0.0}), "")

    def test_once(self) -> None:
        """What every worker says is shown once."""
        failed = event("no", event="app-failed", level=LogLevel.error)
        self.assertEqual([self.text(failed, worker=worker) for worker in ("", "1", "2")], ["no", "no", ""])
        self.assertEqual(self.text(event("no", event="app-not-replaced", level=LogLevel.error)), "")

    def test_reload(self) -> None:
        """A reload says which apps it has changed."""
        result: dict[str, Any] = {
            "created": ["a"],
            "replaced": ["b", "c"],
            "removed": [],
            "failed": {},
            "restart_needed": [],
        }
        line = self.text(event("reloaded", event="reloaded", **result))
        self.assertEqual(line, "reloaded: a added; b, c replaced")
        line = self.text(event("reloaded", event="reloaded", **{**result, "failed": {"d": "why"}}), COLOURED)
        self.assertIn("\x1b[33mreloaded: a added; b, c replaced; d failed to load\x1b[0m", line)

    def test_control_characters(self) -> None:
        """Nothing that an app or a client sends moves the cursor."""
        for shown in (
            self.text(event("{text}", text="a\x1b[2J", app="b\x1b[2J", event="console")),
            self.text(access(path="/\x1b[2J\n", outcome="\x1b[2J")),
        ):
            self.assertNotIn("\x1b", shown)
            self.assertNotIn("\n", shown)

    @given(st.text(), st.text(), st.sampled_from(["console", "exchange-failed", "access", "reloaded", "draining"]))
    def test_any_text(self, text: str, app: str, kind: str) -> None:
        """Whatever it says, an event has a line, and says nothing to the terminal itself."""
        fields: dict[str, Any] = {"text": text, "app": app, "event": kind, "log_app_path": "/nowhere"}
        shown = self.text(access(path=text, app=app) if kind == "access" else event("{text}", **fields))
        self.assertNotIn("\x1b", shown)


class SourceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / "lib").mkdir(parents=True)
        (self.folder / "lib" / "pick.ts").write_text("export\n\tfunction f\x1b() {}\n")

    def test_error(self) -> None:
        """An error that nothing caught is shown with the source it comes from, and its stack."""
        failed = event(
            "{error}",
            error=STACK,
            app="shop",
            level=LogLevel.error,
            event="exchange-failed",
            log_app_path=str(self.folder),
        )
        line = terminal_format(PLAIN, width=lambda: 60)(failed, "")
        self.assertEqual(
            line[10:],
            "shop  TypeError: no\n"
            "\n"
            "          lib/pick.ts:2:10\n"
            "            1 | export\n"
            "          > 2 |     function f\\x1b() {}\n"
            "              |             ^\n"
            "\n"
            "              at pick (lib/pick.ts:2:10)\n"
            "              at Object.fetch (index.js:1:1)\n",
        )

    def test_no_source(self) -> None:
        """Without it, and for what is no error, there is the text as it is."""
        for fields in ({"log_app_path": "/nowhere"}, {}, {"log_app_path": str(self.folder), "level": LogLevel.info}):
            shown = terminal_format(PLAIN)(event("{text}", text=STACK, event="console", app="shop", **fields), "")
            self.assertNotIn("export", shown)
            self.assertIn("at pick (lib/pick.ts:2:10)", shown)


class PartTests(SynchronousTestCase):
    def test_records_of_others(self) -> None:
        """A record may come from elsewhere, with anything in it."""
        self.assertEqual(terminal_text({"ts": "no time", "msg": "a"}, PLAIN), "--:--:--  a\n")
        self.assertIn("  0   0.0 ms", terminal_text({"event": "access"}, PLAIN))

    def test_durations(self) -> None:
        """In units that people can compare."""
        for milliseconds, text in (
            (0.04, "0.0 ms"),
            (9.94, "9.9 ms"),
            (9.96, "10 ms"),
            (999.4, "999 ms"),
            (999.6, "1.0 s"),
            (61000, "61.0 s"),
        ):
            self.assertEqual(duration(milliseconds), text)

    def test_nothing_to_do(self) -> None:
        """A reload that finds everything as it was says so."""
        self.assertEqual(reload_summary({"created": [], "failed": {}}), "reloaded: nothing to do")

    def test_lines_have_their_own_colours(self) -> None:
        """A colour ends with its line, and empty lines have none."""
        self.assertEqual(COLOURED("a\n\nb", "red", "bold"), "\x1b[31;1ma\x1b[0m\n\n\x1b[31;1mb\x1b[0m")

    def test_wants_colours(self) -> None:
        """Whoever says no gets none."""
        for variables, wanted in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            self.assertEqual(wants_colours(variables), wanted)
