"""
What a reader and an operator see: the built documentation, and the status page of a daemon under load, in Chromium.

`docs/checks/` says what is looked at, and says what is wrong.  What it takes is installed by `tox -e docs`, with a
Chromium of the system; whoever lacks some of it skips these tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.docs_pages import DOCS
from tests.system.daemon import PATIENCE, Daemon, environment, free_port, write_apps

CHROMIUM = os.environ.get("NANO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
NODE = shutil.which("node")
TOKEN = "correct-horse-battery"
SHOP = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    console.log("order", pathname);
    if (pathname === "/7") throw new TypeError("no such article: <b>7</b>");
    await scheduler.wait(5);
    return new Response("thanks\\n");
  },
};
"""


def lacking(*more: Path) -> str | None:
    """Why these tests cannot run here; None if they can."""
    if CHROMIUM is None or NODE is None:
        return f"there is no {'chromium' if CHROMIUM is None else 'node'} here"
    for path in (DOCS / "node_modules" / "playwright-core", *more):
        if not path.exists():
            return f"{path.relative_to(DOCS.parent)} is not there: run tox -e docs"
    return None


def check(name: str, *arguments: str) -> tuple[int, str]:
    """The exit code and the output of one of `docs/checks`."""
    environ = {**environment(), "NANO_CHROMIUM": str(CHROMIUM)}
    found = subprocess.run(
        [str(NODE), str(DOCS / "checks" / name), *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=10 * PATIENCE,
    )
    return found.returncode, found.stdout.decode("utf-8", "replace")


class SiteTests(SynchronousTestCase):
    skip = lacking(DOCS / "dist" / "index.html")

    def test_site(self) -> None:
        """
        Every page opens, in a desktop's window and in a phone's: no errors, nothing from elsewhere, accessible to all.
        The search finds what it shall.
        """
        self.assertEqual(check("site.mjs"), (0, "no problems\n"))


class Visitors:
    """Ask for pages until they are told to stop, some of which fail."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._over.wait(0.01):
            number += 1
            host = "hello" if number % 3 else "shop"
            request = urllib.request.Request(f"http://127.0.0.1:{self._port}/{number % 10}", headers={"Host": host})
            try:
                urllib.request.urlopen(request, timeout=PATIENCE).close()
            except urllib.error.URLError:
                pass  # That is what they are there for.

    def leave(self) -> None:
        """The end."""
        self._over.set()
        self._thread.join()


class StatusPageTests(SynchronousTestCase):
    skip = lacking()

    def look(self, workers: int) -> None:
        """Open the page of a daemon with so many workers, while it has visitors."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        write_apps(folder, {"hello": 'export default { fetch: () => new Response("hello") }', "shop": SHOP})
        port = free_port()
        admin = {"listen": f"tcp:{port}:interface=127.0.0.1", "token": TOKEN}
        apps = [{"name": name, "path": name} for name in ("hello", "shop")]
        daemon = Daemon(folder, {"workers": workers, "admin": admin, "apps": apps})
        self.addCleanup(daemon.kill)
        daemon.wait_until_ready()
        visitors = Visitors(daemon.port)
        try:
            pictures = os.environ.get("NANO_TEST_PICTURES", "")
            arguments = [f"http://127.0.0.1:{port}", TOKEN, *([pictures] if pictures else [])]
            self.assertEqual(check("status.mjs", *arguments), (0, "no problems\n"))
        finally:
            visitors.leave()
        self.assertEqual(daemon.stop(), 0)

    def test_workers(self) -> None:
        """What it shows of two workers is what they do, its buttons do what they say, and everybody can use it."""
        self.look(2)

    def test_one_process(self) -> None:
        """The same where there is but one process."""
        self.look(0)
