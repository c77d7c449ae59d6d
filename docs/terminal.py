"""
Draws what `nano serve` shows on a terminal, as it is: the command runs on a pseudo-terminal, and what it writes becomes
an SVG.

    python docs/terminal.py

writes `docs/public/terminal.svg`, for the README and the pages.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from html import escape
from pathlib import Path

__all__ = ["main", "picture"]

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "public" / "terminal.svg"
PORT = 8080
COLUMNS, ROWS = 84, 40
PATIENCE = 30.0

SHOP = """\
import { price } from "./prices.ts";

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    return Response.json({ price: price(pathname.slice(1)) });
  },
};
"""
PRICES = """\
const prices = new Map([["tea", { euros: 4 }]]);

export function price(article: string): number {
  return prices.get(article)!.euros;
}
"""
MENDED = PRICES.replace("!.euros", "?.euros ?? 0")
BLOG = 'export default { fetch: () => new Response("nothing new\\n") };\n'
CONFIG = {
    "port": PORT,
    "interface": "127.0.0.1",
    "workers": 1,
    "apps": [
        {"name": "shop", "hostname": ["shop.localhost"], "path": "shop"},
        {"name": "blog", "hostname": ["blog.localhost"], "path": "blog"},
    ],
}

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_OTHER = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]|\x1b[=>()][A-Z0-9]?|\r")
#: A terminal's colours, light on dark; each has a contrast of 4.5 and more.
_COLOURS = {
    "31": "#ff8f86",
    "32": "#8bd49c",
    "33": "#f2c55c",
    "34": "#8ab4f8",
    "35": "#d7a6ff",
    "36": "#76d3e0",
    "90": "#9aa4af",
}
_GROUND, _TEXT, _DIM = "#171b21", "#e6e9ed", "#9aa4af"
_LINE, _CHARACTER, _MARGIN = 19, 8.4, 18


# --- the run -----------------------------------------------------------------------------------


class Terminal:
    """
    `nano serve` on a terminal.

    Attributes:
        shown: all that it has written.
    """

    def __init__(self, folder: Path) -> None:
        self.shown = ""
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environ = {key: value for key, value in os.environ.items() if key != "NO_COLOR" and not key.startswith("NANO_")}
        environ |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "nano.cli", "serve"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
        )
        os.close(follower)

    def until(self, text: str, times: int = 1) -> None:
        """
        Wait until *text* was written so often.

        Raises:
            TimeoutError: when it is not.
        """
        deadline = time.monotonic() + PATIENCE
        while self.shown.count(text) < times:
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {text!r} in:\n{self.shown}")
            if select.select([self._leader], [], [], 0.1)[0]:
                self.shown += os.read(self._leader, 65536).decode("utf-8", "replace")

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        try:
            while select.select([self._leader], [], [], PATIENCE)[0] and os.read(self._leader, 65536):
                pass
        except OSError:
            pass  # That is how a terminal ends.
        self.process.wait(PATIENCE)
        os.close(self._leader)


def _ask(host: str, path: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers={"Host": host})
    try:
        urllib.request.urlopen(request, timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:
        error.close()


def _show() -> str:
    """What a terminal shows of a short working day."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in {"shop/index.js": SHOP, "shop/prices.ts": PRICES, "blog/index.js": BLOG}.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        (folder / "app.json").write_text(json.dumps(CONFIG), "utf-8")
        terminal = Terminal(folder)
        try:
            terminal.until("stops")
            for number, (host, path) in enumerate((("shop", "/tea"), ("blog", "/"), ("shop", "/coffee")), 1):
                _ask(f"{host}.localhost:{PORT}", path)
                terminal.until("GET", number)
            terminal.until("index.js:6")
            (folder / "shop" / "prices.ts").write_text(MENDED, "utf-8")
            terminal.until("reloaded")
            _ask(f"shop.localhost:{PORT}", "/coffee")
            terminal.until("GET", 4)
            return terminal.shown
        finally:
            terminal.stop()


# --- the picture -------------------------------------------------------------------------------


def _spans(line: str) -> Iterator[tuple[str, str]]:
    """The parts of a line, each with the style that its escape sequences ask for."""
    style: dict[str, str] = {}
    at = 0
    for match in _SGR.finditer(line):
        yield line[at : match.start()], _attributes(style)
        at = match.end()
        for code in (match[1] or "0").split(";"):
            if code == "0":
                style = {}
            elif code in ("1", "2"):
                style |= {"1": {"font-weight": "bold"}, "2": {"fill": _DIM}}[code]
            elif code in _COLOURS:
                style["fill"] = _COLOURS[code]
    yield line[at:], _attributes(style)


def _attributes(style: dict[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in style.items())


def picture(shown: str) -> str:
    """What a terminal shows, as SVG."""
    lines = ["$ nano serve", *_OTHER.sub("", shown).rstrip("\n").split("\n")]
    width, height = round(COLUMNS * _CHARACTER) + 2 * _MARGIN, len(lines) * _LINE + 2 * _MARGIN
    rows = []
    for number, line in enumerate(lines):
        parts = "".join(f"<tspan{style}>{escape(text)}</tspan>" for text, style in _spans(line) if text)
        if parts:
            rows.append(f'<text x="{_MARGIN}" y="{_MARGIN + 14 + number * _LINE}" xml:space="preserve">{parts}</text>')
    style = f"text{{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:{_TEXT};white-space:pre}}"
    label = "nano serve on a terminal: apps and their addresses, requests, an error with its source, a reload"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    ground = f'<rect width="{width}" height="{height}" rx="8" fill="{_GROUND}"/>'
    top = f'{head} role="img" aria-label="{label}">\n<title>{label}</title>\n<style>{style}</style>\n{ground}'
    return "\n".join([top, *rows, "</svg>\n"])


def main() -> int:
    """Draw; the exit code."""
    PICTURE.write_text(picture(_show()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
