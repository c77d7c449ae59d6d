# -*- test-case-name: tests.cli.test_top -*-
"""
`nano top`: its table, and the screen with a real daemon behind it.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.terminal_format import Paint
from nano.cli.top import screen, top_lines
from tests.cli.case import RunningDaemon
from tests.cli.terminal import NANO, Terminal
from tests.system.client import fetch
from tests.system.daemon import PATIENCE

HELLO = "export default { fetch() { return new Response('hello') } };"


def app(name: str, **figures: Any) -> dict[str, Any]:
    """What the API says of an app."""
    return {
        "name": name,
        "state": "ready",
        "isolates": 2,
        "in_flight": 1,
        "memory_bytes": 3 * 2**20,
        "requests_per_second": 0.0,
        "p50_ms": None,
        "p99_ms": None,
        "cpu_percent": 0.0,
        **figures,
    }


class TableTests(SynchronousTestCase):
    def test_table(self) -> None:
        """The busiest first, sums above, and what has no figure has a dash."""
        apps = [
            app("idle"),
            app("busy", requests_per_second=123.45, p50_ms=1.23, p99_ms=1234.5, cpu_percent=87.6),
            app("bad", state="failed", isolates=0, in_flight=0, memory_bytes=0),
        ]
        self.assertEqual(
            top_lines(apps, Paint(False), None),
            [
                "3 apps, 123.5 requests/s, cpu 88 %, 6.0 MB, 1 not served",
                "",
                "req/s     p50    p99   cpu  memory  isolates  in flight  state   app",
                "123.5  1.2 ms  1.2 s  88 %  3.0 MB         2          1  ready   busy",
                "  0.0       -      -   0 %  0.0 MB         0          0  failed  bad",
                "  0.0       -      -   0 %  3.0 MB         2          1  ready   idle",
            ],
        )

    def test_width(self) -> None:
        """A long name is cut where the terminal ends."""
        lines = top_lines([app("n" * 200)], Paint(False), 80)
        self.assertEqual({len(lines[-1]), lines[-1][-1]}, {80, "…"})

    def test_narrow(self) -> None:
        """A narrow terminal shows what matters most."""
        lines = top_lines([app("a long name of an app")], Paint(False), 50)
        self.assertEqual(lines[2], "req/s  p99  cpu  memory  state  app")
        self.assertTrue(lines[3].endswith("  a long name of an…"), lines)
        self.assertEqual(top_lines([app("a")], Paint(False), 24)[2].split(), ["req/s", "p99", "state", "app"])

    def test_control_characters(self) -> None:
        """No name moves the cursor."""
        self.assertNotIn("\x1b", "".join(top_lines([app("\x1b[2J")], Paint(False), 80)))

    def test_screen(self) -> None:
        """What does not fit is counted."""
        shown = screen(["a", "b", "c", "d"], 3)
        self.assertEqual(shown, "\x1b[Ha\x1b[K\r\nb\x1b[K\r\n... 2 more\x1b[K\x1b[J")
        self.assertIn("d", screen(["a", "b", "c", "d"], 4))


class TopTests(RunningDaemon):
    def test_once(self) -> None:
        """Where nobody looks, the table is printed once."""
        self.start({"one": HELLO})
        for options in ((), ("--once",)):
            code, out, err = self.run_nano("top", *options, *self.where)
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"\A1 app, .* requests/s, cpu .* %, .* MB\n\n req/s|req/s")
            self.assertTrue(out.endswith("  ready  one\n"), out)

    def test_json(self) -> None:
        """A program gets the figures."""
        self.start({"one": HELLO})
        _, out, _ = self.run_nano("top", "--json", *self.where)
        (figures,) = json.loads(out)["apps"]
        self.assertLessEqual({"requests_per_second", "p50_ms", "p99_ms", "cpu_percent"}, figures.keys())

    def test_live(self) -> None:
        """A screen that changes, outlives the daemon, and leaves the terminal as it was."""
        self.start({"one": HELLO})
        terminal = Terminal([*NANO, "top", "--interval", "0.1", *self.where], {"TERM": "xterm"})
        self.addCleanup(terminal.close)
        terminal.expect(r"\x1b\[\?1049h")
        terminal.expect(r"  0\.0 .*one|req/s.*\n.*one")
        fetch(self.daemon.port, "one", "/")
        terminal.expect(r"[1-9]\d*\.\d requests/s|0\.[1-9] requests/s")
        self.daemon.stop()
        terminal.expect("cannot reach the daemon at ")
        terminal.type("q")
        terminal.expect(r"\x1b\[\?1049l$")
        self.assertEqual(terminal.process.wait(PATIENCE), 0)

    def test_interrupt(self) -> None:
        """Ctrl-C leaves as well."""
        self.start({"one": HELLO})
        terminal = Terminal([*NANO, "top", *self.where], {"TERM": "xterm"})
        self.addCleanup(terminal.close)
        terminal.expect("one")
        terminal.type("\x03")
        terminal.expect(r"\x1b\[\?1049l$")
        self.assertEqual(terminal.process.wait(PATIENCE), 0)
