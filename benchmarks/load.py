"""
The load: `wrk` against a server, and what it saw.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.scenarios import Scenario

__all__ = ["Figures", "run"]

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_SIZES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


@dataclass(frozen=True)
class Figures:
    """
    One round.

    Attributes:
        requests: per second.
        p50, p99: latency in ms.
        bytes: received per second.
        errors: socket errors and answers that are not 2xx.
    """

    requests: float
    p50: float
    p99: float
    bytes: float
    errors: int


def run(scenario: Scenario, port: int, seconds: float) -> Figures:
    """Send requests for *seconds*."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is not there: apt-get install wrk")
    with TemporaryDirectory() as folder:
        script = Path(folder, "requests.lua")
        script.write_text(scenario.script(port))
        command = [wrk, "-t1", f"-c{scenario.connections}", f"-d{seconds:g}s", "--latency", "-s", str(script)]
        url = f"http://127.0.0.1:{port}{scenario.path}"
        output = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    return parse(output)


def parse(output: str) -> Figures:
    """What wrk printed."""

    def number(pattern: str) -> str:
        found = re.search(pattern, output)
        return found[1] if found else "0"

    errors = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", output)))
    errors += int(number(r"Non-2xx or 3xx responses: (\d+)"))
    transfer = re.search(r"Transfer/sec:\s+([\d.]+)(\w+)", output)
    return Figures(
        requests=float(number(r"Requests/sec:\s+([\d.]+)")),
        p50=_milliseconds(output, 50),
        p99=_milliseconds(output, 99),
        bytes=float(transfer[1]) * _SIZES[transfer[2]] if transfer else 0.0,
        errors=errors,
    )


def _milliseconds(output: str, percentile: int) -> float:
    found = re.search(rf"\n\s+{percentile}%\s+([\d.]+)(us|ms|s|m)", output)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0
