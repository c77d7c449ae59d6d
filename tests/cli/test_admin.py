# -*- test-case-name: tests.cli.test_admin -*-
"""
`nano apps`, `nano reload` and `nano remove`, with a real daemon.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from pathlib import Path

from tests.cli.case import RunningDaemon
from tests.system.client import fetch

HELLO = "export default { fetch() { return new Response('hello') } };"
BROKEN = "let x = ;"
SLOW = """
    export default { async fetch() { console.log("begun"); await new Promise((go) => setTimeout(go, 60000)); } };"""


class AppsTests(RunningDaemon):
    def test_table(self) -> None:
        """A line for each app, and below them what is wrong."""
        self.start({"good": HELLO, "bad": BROKEN})
        fetch(self.daemon.port, "good", "/")
        code, out, err = self.run_nano("apps", *self.where)
        self.assertEqual((code, err), (0, ""))
        head, good, bad, *more = out.splitlines()
        self.assertEqual(head.split(), ["app", "state", "isolates", "in", "flight", "cpu", "memory", "hosts"])
        self.assertEqual(
            [good.split()[:4], bad.split()[:4]], [["good", "ready", "1", "0"], ["bad", "failed", "0", "0"]]
        )
        self.assertEqual(more[:3], ["", "bad: load-failed", "  index.js:1:9: SyntaxError: Unexpected token"])
        self.assertEqual([line.index("M") for line in (good, bad)], [good.index("MB")] * 2)

    def test_json(self) -> None:
        """A program gets what the API answers."""
        self.start({"good": HELLO})
        code, out, _ = self.run_nano("apps", "--json", *self.where)
        self.assertEqual((code, [app["name"] for app in json.loads(out)["apps"]]), (0, ["good"]))

    def test_none(self) -> None:
        """A daemon without apps has nothing to show."""
        self.start({})
        self.assertEqual(self.run_nano("apps", *self.where), (0, "there are no apps\n", ""))

    def test_url_and_token(self) -> None:
        """By its address and a token, from options or the environment."""
        self.start({"good": HELLO}, tcp=True)
        url = self.admin_url
        self.assertEqual(self.run_nano("apps", "--url", url, "--token", "sesame")[0], 0)
        code, _, err = self.run_nano("apps", "--url", url)
        self.assertEqual(code, 1)
        self.assertIn("it wants a token; use --token", err)
        with self.environment(NANO_ADMIN_URL=url, NANO_ADMIN_TOKEN="sesame"):
            self.assertEqual(self.run_nano("apps")[0], 0)
        with self.environment(NANO_ADMIN_TOKEN="wrong"):
            self.assertIn("the token that was given is wrong", self.run_nano("apps", *self.where)[2])

    def test_stopped(self) -> None:
        """A daemon that is not there is a message, and exit code 1."""
        self.start({})
        self.daemon.stop()
        code, out, err = self.run_nano("apps", *self.where)
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(
            err, r"nano: cannot reach the daemon at unix:.* \(admin.listen of .*app.json\): .* running\?\n"
        )


class ReloadTests(RunningDaemon):
    def test_reload(self) -> None:
        """What has changed is told; an app that does not load is exit code 1."""
        self.start({"one": HELLO, "two": HELLO})
        self.assertEqual(self.run_nano("reload", *self.where), (0, "reloaded: nothing to do\n", ""))
        Path(self.folder, "one", "index.js").write_text(HELLO.replace("hello", "again"))
        self.assertEqual(self.run_nano("reload", *self.where), (0, "reloaded: one replaced\n", ""))
        Path(self.folder, "two", "index.js").write_text(BROKEN)
        code, out, _ = self.run_nano("reload", *self.where)
        self.assertEqual(code, 1)
        self.assertTrue(out.startswith("reloaded: two failed to load\n\ntwo: index.js:1:9: SyntaxError: "), out)
        code, out, _ = self.run_nano("reload", "--json", *self.where)
        self.assertEqual((code, list(json.loads(out)["failed"])), (1, ["two"]))

    def test_bad_configuration(self) -> None:
        """A configuration with mistakes changes nothing, and all of them are told."""
        self.start({"one": HELLO})
        path = Path(self.folder, "app.json")
        path.write_text(path.read_text().replace('"path"', '"paht"').replace('"workers": 0', '"workers": -1'))
        code, _, err = self.run_nano("reload", *self.where)
        self.assertEqual(code, 1)
        self.assertIn("nano: the configuration has 2 problems\n", err)
        self.assertIn('did you mean "path"?', err)
        self.assertIn("must be at least 0", err)

    def test_restart_needed(self) -> None:
        """What needs a restart is told."""
        self.start({"one": HELLO})
        path = Path(self.folder, "app.json")
        path.write_text(path.read_text().replace('"workers": 0', '"workers": 1'))
        code, out, _ = self.run_nano("reload", *self.where)
        self.assertEqual((code, out.splitlines()[1]), (0, "a changed workers takes effect with the next start"))


class RemoveTests(RunningDaemon):
    def test_drained(self) -> None:
        """The app is gone, and has ended what it was at."""
        self.start({"one": HELLO, "two": HELLO})
        expected = "one is removed: all its requests have ended\n"
        self.assertEqual(self.run_nano("remove", "one", *self.where), (0, expected, ""))
        self.assertEqual(fetch(self.daemon.port, "one", "/").status, 404)

    def test_cut(self) -> None:
        """Requests that take too long are cut, and the exit code is 1."""
        self.start({"slow": SLOW}, drain_timeout_ms=10)

        def ask() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                fetch(self.daemon.port, "slow", "/")

        request = threading.Thread(target=ask)
        request.start()
        self.addCleanup(request.join)
        self.daemon.wait_for("begun", "slow")
        code, out, _ = self.run_nano("remove", "--json", "slow", *self.where)
        self.assertEqual((code, json.loads(out)["result"]), (1, "timed-out"))

    def test_unknown(self) -> None:
        """A name that nobody has is told with the nearest."""
        self.start({"shop": HELLO, "blog": HELLO})
        for name, hint in (("shpo", "did you mean shop?"), ("qqq", "there are: shop, blog")):
            code, out, err = self.run_nano("remove", name, *self.where)
            self.assertEqual((code, out, err), (1, "", f"nano: there is no app '{name}'; {hint}\n"))
