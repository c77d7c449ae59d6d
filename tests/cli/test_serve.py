# -*- test-case-name: tests.cli.test_serve -*-
"""
`nano serve`: its options, what it tells, and its end.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.admin.terminal_format import Paint
from nano.cli.serve import Announcement
from nano.config import AdminConfig, Config, Secret
from nano.tap import Server
from tests.cli.case import Commands, ServingProcesses
from tests.cli.terminal import NANO, Terminal
from tests.system.client import fetch
from tests.system.daemon import PATIENCE, environment, free_port

FAILING = """\
interface Thing { name: string }
export default {
  fetch(request: Request): Response {
    const thing: Thing | null = request.url.endsWith("/boom") ? null : { name: "a" };
    return thing!.name ? new Response("ok") : new Response("none");
  },
};
"""


class ServeTests(Commands):
    def test_check(self) -> None:
        """`--check` looks at what would be served, the options included."""
        path = self.write("app.json", '{"workers": 1}')
        code, out, _ = self.run_nano("serve", "-c", path, "-p", "5", "-w", "0", "--check")
        self.assertEqual(code, 0)
        self.assertIn("0 workers, listening on tcp:5", out)

    def test_check_fails(self) -> None:
        """With problems it exits with 1."""
        path = self.write("app.json", "{}")
        code, _, err = self.run_nano("serve", "-c", path, "--check")
        self.assertEqual(code, 1)
        self.assertIn("nothing to listen on", err)

    def test_one_app(self) -> None:
        """A single app needs no file."""
        self.write("site/index.js", "")
        site = os.path.join(self.folder, "site")
        code, out, _ = self.run_nano("serve", "-a", site, "-p", "5", "--check")
        self.assertEqual(code, 0)
        self.assertIn("1 app, 1 host name", out)


class ServingTests(ServingProcesses):
    """`nano serve`, and by inheritance `twistd nano`."""

    async def test_graceful_stop(self) -> None:
        """A signal stops the service, and the process ends clean."""
        for number in (signal.SIGTERM, signal.SIGINT):
            code, child = await self.serve({"started": number})
            self.assertEqual((code, child.err), (0, b"started\nstopping\n"), child.out)

    async def test_early_signal(self) -> None:
        """A signal that comes before the reactor runs stops it as soon as it does."""
        code, child = await self.serve({}, "early")
        self.assertEqual(code, 0, child.out + child.err)
        self.assertTrue(child.err.endswith(b"stopping\n"), child.err)

    async def test_second_signal(self) -> None:
        """A second signal ends a stop that takes too long."""
        code, child = await self.serve({"started": signal.SIGTERM, "stopping": signal.SIGINT}, "hang")
        self.assertEqual(code, -signal.SIGINT, child.err)

    async def test_taken_port(self) -> None:
        """What hinders the start is a message, and exit code 1."""
        code, child = await self.serve({}, "taken")
        message = b"nano: Couldn't listen on any:80: in use.\n"
        self.assertEqual((code, child.err), (1, message), child.out)

    async def test_broken(self) -> None:
        """So is what hinders the service from being made."""
        code, child = await self.serve({}, "broken")
        self.assertEqual((code, child.err), (1, b"nano: no V8\n"), child.out)


class StartTests(SynchronousTestCase):
    """What hinders the start, with the real service."""

    def test_no_folder_for_a_socket(self) -> None:
        """A socket that cannot be made is a message, with workers and without, and for the admin listener."""
        for config in (
            {"listen": ["unix:gone/socket"], "workers": 0},
            {"listen": ["unix:gone/socket"], "workers": 1},
            {"port": 0, "workers": 0, "admin": {"listen": "unix:app.json/socket"}},
            {"port": 0, "workers": 1, "admin": {"listen": "unix:app.json/socket"}},
        ):
            folder = Path(self.mktemp()).absolute()
            folder.mkdir()
            (folder / "app.json").write_text(json.dumps(config))
            result = subprocess.run(
                [*NANO, "serve"], cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE
            )
            self.assertEqual(result.returncode, 1, config)
            self.assertNotIn("Traceback", result.stderr + result.stdout)
            self.assertIn("socket", result.stderr, config)


class _Control:
    """A server that becomes ready when it is told."""

    ready = False
    states: list[dict[str, Any]]

    def apps(self) -> Deferred[list[dict[str, Any]]]:
        """As given."""
        return succeed(self.states)

    def hangup(self) -> Deferred[object]:
        """Not asked here."""
        raise AssertionError


class AnnouncementTests(SynchronousTestCase):
    """What is served where."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.control = _Control()
        self.told: list[str] = []

    def start(self, states: list[dict[str, Any]], watch: bool = True, **config: Any) -> Announcement:
        """What waits for a server with apps in these states."""
        self.control.states = [{"path": os.path.abspath("site"), "state": "ready", **state} for state in states]
        server = Server(Service(), self.control, lambda: Config(**{"port": 8080, "workers": 0, **config}))
        announcement = Announcement(self.clock, Paint(False), server, watch, self.told.append)
        announcement.startService()
        self.addCleanup(announcement.stopService)
        return announcement

    def test_ready(self) -> None:
        """It speaks once, when all is loaded."""
        self.start([{"name": "shop", "hostnames": ["*"]}])
        self.clock.pump([0.05] * 4)
        self.assertEqual(self.told, [])
        self.control.ready = True
        self.clock.pump([0.05] * 4)
        last = "1 app loaded in 250 ms, reloads when files change; Ctrl-C stops"
        self.assertEqual(self.told, [f"\n  shop  http://localhost:8080/  site\n\n{last}\n"])

    def test_several(self) -> None:
        """Every host name has its address, and what failed is marked."""
        self.control.ready = True
        states = [
            {"name": "shop", "hostnames": ["shop.example", "www.shop.example"]},
            {"name": "blog", "hostnames": ["*.blog.example"], "path": os.path.abspath("b/index.ts"), "state": "failed"},
        ]
        admin = AdminConfig("unix:/run/nano.sock")
        self.start(states, watch=False, workers=2, admin=admin, listen=("ssl:443:privateKey=k", "unix:/s"), port=None)
        self.clock.advance(0.05)
        self.assertEqual(
            self.told[0].splitlines()[1:],
            [
                "  shop  https://shop.example/      site",
                "        unix:/s",
                "        https://www.shop.example/",
                "        unix:/s",
                "  blog  https://*.blog.example/    b/index.ts  failed",
                "        unix:/s",
                "",
                "1 of 2 apps failed to load, 2 workers, reloads on SIGHUP; Ctrl-C stops",
                "nano top, nano logs and nano reload find it at unix:/run/nano.sock",
            ],
        )

    def test_admin_address(self) -> None:
        """The admin listener is shown as short as it can be."""
        self.control.ready = True
        for listen, shown in (
            (
                f"unix:{os.getcwd()}/.nano/a.sock:mode=600",
                "nano top, nano logs and nano reload find it at unix:.nano/a.sock",
            ),
            ("tcp:9090:interface=127.0.0.1", "status page on http://localhost:9090/admin/"),
            ("systemd:domain=INET:index=0", "admin API on systemd:domain=INET:index=0"),
        ):
            self.start([], admin=AdminConfig(listen, Secret("token")))
            self.clock.advance(0.05)
            self.assertEqual(self.told.pop().splitlines()[-1], shown)

    def test_no_apps(self) -> None:
        """A server without apps says so."""
        self.control.ready = True
        self.start([], listen=("systemd:domain=INET:index=0",), port=None)
        self.clock.advance(0.05)
        self.assertIn("there are no apps yet", self.told[0])

    def test_unknown_address(self) -> None:
        """An endpoint that does not say where it is, is shown as it is."""
        self.control.ready = True
        self.start([{"name": "a", "hostnames": ["a.example"]}], listen=("systemd:domain=INET:index=0",), port=None)
        self.clock.advance(0.05)
        self.assertIn("systemd:domain=INET:index=0 (a.example)", self.told[0])

    def test_stopped(self) -> None:
        """A server that stops before it was ready is not announced."""
        self.start([]).stopService()
        self.control.ready = True
        self.clock.advance(1)
        self.assertEqual(self.told, [])


class TerminalTests(SynchronousTestCase):
    """`nano serve` on a terminal, from beginning to end."""

    def serve(self, *options: str, environ: dict[str, str]) -> Terminal:
        """A server of an app that can fail, announced."""
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / "src").mkdir(parents=True)
        (self.folder / "src" / "index.ts").write_text(FAILING)
        self.port = free_port()
        app = {"name": "shop", "hostname": "*", "path": "src"}
        (self.folder / "app.json").write_text(json.dumps({"port": self.port, "workers": 0, "apps": [app]}))
        terminal = Terminal([*NANO, "serve", *options], environ, self.folder)
        self.addCleanup(terminal.close)
        terminal.expect("Ctrl-C stops")
        return terminal

    def test_conversation(self) -> None:
        """What is served where, a request, an error with its source, a reload, a broken one, and the end."""
        for options in ((), ("-w", "1")):
            terminal = self.serve(*options, environ={"TERM": "xterm", "NO_COLOR": ""})
            fetch(self.port, "localhost", "/")
            terminal.expect(r"\x1b\[32m200\x1b\[0m .* GET /  .*shop")
            fetch(self.port, "localhost", "/boom")
            terminal.expect(r"GET /boom .*exception")
            terminal.expect(r"shop.*TypeError: ")
            terminal.expect(r"index\.ts:5:1\d")
            terminal.expect(r"> 5 \|     return thing!\.name")
            terminal.expect(r"\n +\| +\x1b\[31;1m\^")
            (self.folder / "src" / "index.ts").write_text(FAILING.replace("thing!", "thing"))
            terminal.expect("reloaded: shop replaced")
            (self.folder / "src" / "index.ts").write_text("let x = ;")
            # The one is told by a worker, the other by the supervisor, and neither waits for the other.
            for _ in range(2):
                terminal.expect(r"app shop failed to load: index\.ts:1:9: SyntaxError|reloaded: shop failed to load")
            terminal.type("\x03")
            terminal.expect("draining")
            self.assertEqual(terminal.process.wait(PATIENCE), 0)

    def test_hangup(self) -> None:
        """SIGHUP asks for a reload; when the terminal is closed, it is the end."""
        terminal = self.serve(environ={"TERM": "dumb"})
        terminal.process.send_signal(signal.SIGHUP)
        terminal.expect("reloaded: nothing to do")
        terminal.hang_up()
        self.assertEqual(terminal.process.wait(PATIENCE), 0)

    def test_new_app(self) -> None:
        """What `nano init` writes is served as it says, and takes commands."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        subprocess.run([*NANO, "init", "shop"], cwd=folder, env=environment(), check=True, capture_output=True)
        port = str(free_port())
        terminal = Terminal([*NANO, "serve", "-p", port, "-w", "0"], {"TERM": "dumb"}, folder / "shop")
        self.addCleanup(terminal.close)
        terminal.expect(rf"shop  http://localhost:{port}/  src\r\n")
        terminal.expect(r"find it at unix:\.nano/admin\.sock\r\n")
        listed = subprocess.run([*NANO, "apps"], cwd=folder / "shop", env=environment(), capture_output=True, text=True)
        self.assertIn("ready", listed.stdout)

    def test_plain(self) -> None:
        """Without colours where they are not wanted."""
        for environ in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}):
            terminal = self.serve(environ=environ)
            fetch(self.port, "localhost", "/boom")
            terminal.expect(r"\n +at ")
            self.assertNotIn("\x1b", terminal.all)
