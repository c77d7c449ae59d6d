"""
`python -m benchmarks flames`: where a worker's Python spends its time under load, as a flame graph.

py-spy looks at the worker a few hundred times a second.  The reactor thread is what it shows; isolates compute beside
it, on threads of their own, and appear only where they call into Python.  The widest frames are printed as well.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.load import run
from benchmarks.report import table
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import SERVERS, family

__all__ = ["main"]

GRAPH = Path(__file__).parent / "flames.svg"


def main() -> None:
    """Parse the command line, look, and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks flames", description=__doc__)
    parser.add_argument("scenario", nargs="?", default="hello", choices=SCENARIOS)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--to", type=Path, default=GRAPH)
    options = parser.parse_args()
    scenario = SCENARIOS[options.scenario]
    with SERVERS["nano-1"](scenario) as server, tempfile.TemporaryDirectory() as folder:
        load = threading.Thread(target=run, args=(scenario, server.port, 2.0 * options.seconds + 6))
        load.start()
        time.sleep(2)
        worker = max(family(server.pid), key=lambda pid: len(os.listdir(f"/proc/{pid}/task")))
        stacks = Path(folder, "stacks")
        _record(worker, options.seconds, "raw", stacks)
        _record(worker, options.seconds, "flamegraph", options.to)
        _entitle(options.to, f"A worker of nano, {scenario.title}")
        load.join()
        _print(stacks.read_text())
    print(f"\n{options.to} is drawn, {options.to.stat().st_size / 1000:.0f} kB")


def _record(pid: int, seconds: int, form: str, to: Path) -> None:
    py_spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    command = [py_spy, "record", "--pid", str(pid), "--duration", str(seconds), "--rate", "250", "--nonblocking"]
    subprocess.run([*command, "--format", form, "--output", str(to)], check=True, capture_output=True)


def _entitle(graph: Path, title: str) -> None:
    """Say what is drawn, in the place of the command that has drawn it."""
    text = re.sub(r'(<text id="title"[^>]*>)[^<]*', lambda match: match[1] + escape(title), graph.read_text(), count=1)
    graph.write_text(text)


def _print(stacks: str) -> None:
    """Which functions were at work themselves most often."""
    own: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        own[re.sub(r":\d+\)$", ")", stack.rpartition(";")[2])] += int(count)
    total = sum(own.values())
    rows = [(name, f"{100 * count / total:.1f} %") for name, count in own.most_common(20)]
    table("Functions by their own share of the time", ("function", "share"), rows)


if __name__ == "__main__":
    main()
