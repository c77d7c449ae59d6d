# -*- test-case-name: tests.system.test_process -*-
"""
The process: how it starts, how it does not, and how it ends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.system.case import SystemTestCase
from tests.system.client import Client, RawClient
from tests.system.daemon import PATIENCE, TWISTD, Daemon, environment, free_port, wait_until, write_apps
from tests.test_config import TEN_MESSAGES, TEN_MISTAKES

HELLO = "export default { fetch: () => new Response('hello') };"

#: A response that begins with "begun", goes on with the request's body, and ends with it.
ECHO = """
    export default { fetch(request) {
      const { readable, writable } = new TransformStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("begun\\n")),
      });
      request.body.pipeTo(writable).catch(() => {});
      return new Response(readable);
    } };"""

BEGIN = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class StartTests(SystemTestCase):
    """Starts that fail: a message, no traceback, an exit code."""

    def twistd(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run twistd to its end."""
        return subprocess.run(
            [*TWISTD, *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def test_ten_mistakes(self) -> None:
        """Ten mistakes in the configuration are ten messages."""
        folder = self.folder()
        write_apps(folder, {"site": HELLO})
        (folder / "app.json").write_text(TEN_MISTAKES)
        result = self.twistd(folder, "-n", "nano", "--config", "app.json")
        heads = [line for line in result.stderr.splitlines() if not line.startswith("    ")]
        self.assertEqual((result.returncode, heads), (1, TEN_MESSAGES), result)
        self.assertNotIn("Traceback", result.stdout + result.stderr)

    def test_check(self) -> None:
        """`--check` looks at everything and starts nothing."""
        folder = self.folder()
        write_apps(folder, {"a": HELLO})
        apps = [{"name": name, "path": name} for name in ("a", "b")]
        (folder / "app.json").write_text(json.dumps({"port": 8080, "apps": apps}))
        result = self.twistd(folder, "-n", "nano", "--config", "app.json", "--check")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("apps[1].path", result.stderr)

    def test_taken_port(self) -> None:
        """A port that is taken is named."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            folder = self.folder()
            write_apps(folder, {"a": HELLO})
            daemon = self.start(folder, {"port": port, "apps": [{"name": "a", "path": "a"}]})
            self.assertEqual(daemon.wait(), 1, daemon.log)
        self.assertIn(f"nano: Couldn't listen on 127.0.0.1:{port}", daemon.log)
        self.assert_no_faults(daemon)

    def test_usage(self) -> None:
        """Wrong usage is 2."""
        for arguments in (("--bogus",), (), ("--config", "x", "--app", "y"), ("--app", ".", "--port", "http")):
            self.assertEqual(self.twistd(self.folder(), "-n", "nano", *arguments).returncode, 2, arguments)

    def test_one_app(self) -> None:
        """For one app no configuration file is needed."""
        folder = self.folder()
        write_apps(folder, {"a": HELLO})
        daemon = self.start(folder, None, options=("--app", "a", "--workers", "0"))
        self.addCleanup(self.stop, daemon)
        daemon.wait_until_ready()
        self.assertEqual(self.get(daemon, "whatever.example"), "hello")

    def test_port_of_the_environment(self) -> None:
        """NANO_PORT wins over the file, --port over both."""
        folder = self.folder()
        write_apps(folder, {"a": HELLO})
        config = {"port": 1, "apps": [{"name": "a", "path": "a"}]}
        for port_of_the_environment, options in ((free_port(), ()), (2, ("--port", str(free_port())))):
            daemon = self.start(folder, config, {"NANO_PORT": str(port_of_the_environment)}, options)
            daemon.port = int(options[-1]) if options else port_of_the_environment
            daemon.wait_until_ready()
            self.assertEqual(self.get(daemon, "a"), "hello")
            self.stop(daemon)

    def test_daemonizes(self) -> None:
        """Without -n it goes into the background, and its pid file says where."""
        folder = self.folder()
        write_apps(folder, {"a": HELLO})
        port = free_port()
        arguments = ("--pidfile", "pid", "--logfile", "log", "nano", "-a", "a", "-p", str(port), "-w", "0")
        result = self.twistd(folder, *arguments)
        self.assertEqual(result.returncode, 0, result)
        with Client(port) as client:
            self.assertEqual(client.fetch("a").text, "hello")
        pid_file = folder / "pid"
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
        wait_until(lambda: not pid_file.exists(), "the end of the daemon")
        self.assertNotIn("Traceback", (folder / "log").read_text())


class StopTests(SystemTestCase):
    """Signals."""

    def begin(self, daemon: Daemon) -> RawClient:
        """A client in the middle of a request and of its response."""
        client = RawClient(daemon.port)
        self.addCleanup(client.close)
        client.send(BEGIN)
        self.assertIn(b"200 OK", client.read_head())
        self.assertEqual(client.read(11), b"6\r\nbegun\n\r\n")
        return client

    def test_graceful(self) -> None:
        """SIGTERM and SIGINT let a response come to its end; what is new is refused."""
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.launch({"a": ECHO})
            client = self.begin(daemon)
            daemon.signal(number)
            daemon.until_draining()
            refused = self.fetch(daemon, "a")
            self.assert_error(refused, 503, "draining")
            self.assertEqual((refused.header("connection"), bool(refused.header("retry-after"))), ("close", True))
            client.send(b"3\r\nend\r\n0\r\n\r\n")
            self.assertEqual(client.read_all(), b"3\r\nend\r\n0\r\n\r\n")
            self.ended(daemon)

    def test_idle_connections_do_not_delay(self) -> None:
        """Connections that wait for nothing are closed at once."""
        daemon = self.serve({"a": HELLO})
        with RawClient(daemon.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.read_head()
            self.assertEqual(client.read(5), b"hello")
            daemon.signal(signal.SIGTERM)
            self.assertEqual(client.read_all(), b"")
        self.assertEqual(daemon.wait(), 0, daemon.log)

    def test_drain_timeout(self) -> None:
        """What does not end in time is cut."""
        daemon = self.launch({"a": ECHO}, drain_timeout_ms=300)
        client = self.begin(daemon)
        daemon.signal(signal.SIGTERM)
        self.assertEqual(client.read_all(), b"")
        self.ended(daemon)

    def test_second_signal(self) -> None:
        """A second signal ends a stop that takes too long."""
        daemon = self.launch({"a": ECHO}, drain_timeout_ms=3_600_000)
        self.begin(daemon)
        daemon.signal(signal.SIGINT)
        daemon.until_draining()
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), -signal.SIGINT, daemon.log)

    def test_during_start(self) -> None:
        """A signal while apps are loading stops as well."""
        folder = self.folder()
        write_apps(folder, {"slow": "await new Promise((r) => setTimeout(r, 3_600_000)); export default {};"})
        app = {"name": "slow", "path": "slow", "startup_timeout_ms": 3_600_000}
        daemon = self.start(folder, {"apps": [app], "drain_timeout_ms": 300})
        daemon.until(lambda: b" 503 " in daemon.readiness(), "an answer")
        self.stop(daemon)

    def test_terminal(self) -> None:
        """Ctrl-C goes to every process at once; workers do not hear of it, not even when they have only just begun."""
        if not Path("/proc/self/task").exists():
            raise SkipTest("there is no /proc that tells which signals are blocked")
        daemon = self.launch({"a": HELLO}, workers=2)
        pid = daemon.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self.assertGreaterEqual(len(workers), 2)
        for worker in workers:
            status = Path(f"/proc/{worker}/status").read_text()
            blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
            self.assertEqual([number for number in (signal.SIGHUP, signal.SIGINT) if not blocked >> number - 1 & 1], [])
            os.kill(int(worker), signal.SIGINT)
        self.assertEqual(self.fetch(daemon, "a").body, b"hello")
        daemon.signal(signal.SIGINT)
        self.ended(daemon)
