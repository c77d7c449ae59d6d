# -*- test-case-name: tests.system.test_logs -*-
"""
The log of a daemon with workers: where it goes, that it is whole, and that its settings can change.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.system.case import SystemTestCase
from tests.system.client import Client
from tests.system.daemon import TWISTD, environment, free_port, wait_until, write_apps
from tests.system.test_reload import Site

#: Writes two lines for each request, one of them long.
CHATTY = """
export default { fetch(request) {
  console.log("short");
  console.log("x".repeat(100_000) + "END");
  return new Response("x");
} };
"""
#: Brings V8 down.
ABORT = 'export default { async fetch() { await 1; return new Response("a".repeat(5e8).split("").length) } }'


class TwistdLogTests(SystemTestCase):
    """Where `twistd` itself says where the log goes."""

    def run_twistd(self, *options: str, log: str) -> str:
        """Run a daemon with two workers through a request; returns what is in its log."""
        folder = self.folder()
        path = folder / log
        port = free_port()
        write_apps(folder, {"a": "console.warn('from the app'); export default { fetch: () => new Response('x') };"})
        config = {"port": port, "interface": "127.0.0.1", "workers": 2, "apps": [{"name": "a", "path": "a"}]}
        (folder / "app.json").write_text(json.dumps(config))
        subprocess.run(
            [*TWISTD, *options, "nano", "--config", "app.json"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        wait_until((folder / "twistd.pid").exists, "a daemon")
        pid = int((folder / "twistd.pid").read_text())
        self.addCleanup(self.kill, folder / "twistd.pid")
        wait_until(lambda: all(f"worker {number} is ready" in path.read_text() for number in (1, 2)), "both workers")
        with Client(port) as client:
            self.assertEqual(client.fetch("a").body, b"x")
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not (folder / "twistd.pid").exists(), "the end")
        return path.read_text()

    def kill(self, pid_file: Path) -> None:
        """End a daemon that is still there."""
        try:
            os.kill(int(pid_file.read_text()), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass

    def test_daemonized(self) -> None:
        """The lines of workers are in twistd.log, each as it was made."""
        records = [json.loads(line) for line in self.run_twistd(log="twistd.log").splitlines()]
        said = {record["worker"] for record in records if record.get("msg") == "from the app"}
        self.assertEqual(said, {"1", "2"})
        self.assertEqual(len([record for record in records if record["event"] == "access"]), 1)

    def test_log_file(self) -> None:
        """They are in a log of the user's choice as well."""
        text = self.run_twistd("--logfile", "mine.log", log="mine.log")
        self.assertEqual(text.count("from the app"), 2, text)
        self.assertIn('"event":"access"', text.replace('": "', '":"'))


class WholeLinesTests(SystemTestCase):
    """Several processes, one log."""

    def test_long_lines(self) -> None:
        """Lines of several workers, however long, are never torn by one another, and none is missing."""
        daemon = self.serve({"a": CHATTY}, workers=2)
        clients = [Client(daemon.port) for _ in range(8)]
        for _ in range(10):
            for client in clients:
                client.fetch("a")
        for client in clients:
            client.close()
        self.stop(daemon)
        records = [json.loads(line) for line in daemon.log.splitlines()]
        said = [str(record["msg"]) for record in records if record.get("event") == "console"]
        self.assertEqual(said.count("short"), 80)
        self.assertEqual(said.count("x" * 100_000 + "END"), 80)

    def test_last_words(self) -> None:
        """What a worker has written before it died is in the log, and so is what V8 says of the death."""
        daemon = self.serve({"a": ABORT.replace("await 1;", "console.log('last words'); await 1;")}, workers=2)
        with Client(daemon.port) as client:
            try:
                client.fetch("a")
            except (OSError, http.client.HTTPException):
                pass
        daemon.until(lambda: '"worker-ended"' in daemon.log, "the death")
        records = [json.loads(line) for line in daemon.log.splitlines()]
        self.assertIn("last words", [record.get("msg") for record in records])
        output = [record for record in records if record.get("event") == "worker-output"]
        self.assertTrue(any("atal" in record["msg"] for record in output), output)
        self.assertEqual({record["level"] for record in output}, {"warn"})


class SettingsTests(SystemTestCase):
    """`log`, changed by a reload."""

    def check(self, workers: int) -> None:
        """Level and access log change, and nothing asks for a restart."""
        site = Site(self, "a", workers=workers, log={"level": "warn", "access": False})
        self.get(site.daemon, "a")
        site.configure(log={"level": "info", "access": True})
        self.assertEqual(site.reload()["restart_needed"], [])
        self.assertEqual(list(self.access_lines(site)), [])

        def logs_access() -> bool:
            self.get(site.daemon, "a")
            return bool(self.access_lines(site))

        site.daemon.until(logs_access, "an access line")
        self.assertIn("reloaded", {record.get("event") for record in site.daemon.records()})
        site.configure(log={"level": "error", "access": False})
        site.reload()
        events = {record.get("event") for record in list(site.daemon.records())[-1:]}
        self.assertNotIn("reloaded", events)

    def access_lines(self, site: Any) -> list[Any]:
        """Those that there are by now."""
        return [record for record in site.daemon.records() if record.get("event") == "access"]

    def test_one_process(self) -> None:
        """In the one process."""
        self.check(0)

    def test_workers(self) -> None:
        """In the supervisor and in workers."""
        self.check(2)
