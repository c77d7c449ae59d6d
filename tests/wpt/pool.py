# -*- test-case-name: tests.wpt.test_wpt -*-
"""
Runs many tests on a few worker processes; replaces a worker that dies or does not answer.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable

from tests.wpt.results import FileResult
from tests.wpt.suite import Suite, Test, parse_meta

__all__ = ["LONG", "NORMAL", "run_tests"]

NORMAL, LONG = 10.0, 60.0
"""Seconds a file may take; WPT's own figures."""
_GRACE = 10.0


class _Worker:
    """
    One worker process and the way to talk to it; used by one thread only.
    """

    def __init__(self, search_path: str) -> None:
        # The same packages as here: under tox they are not those of the checkout.
        path = os.pathsep.join(part or os.getcwd() for part in sys.path)
        self._environment = {**os.environ, "NANO_WPT": search_path, "PYTHONPATH": path}
        self._process: subprocess.Popen[str] | None = None
        # What the process says last, if it dies; closed by stop().
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115

    def run(self, test: Test, seconds: float) -> FileResult:
        """
        The result of *test*; a CRASH or TIMEOUT of its own making if the process gives none.
        """
        process = self._process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        job = {"path": test.path, "variant": test.variant, "seconds": seconds}
        overdue = threading.Timer(seconds + _GRACE, process.kill)
        overdue.start()
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            expired = not overdue.is_alive()
            overdue.cancel()
        if answer:
            return FileResult.from_json(json.loads(answer))
        return self._lost(test, process, seconds, expired)

    def _start(self) -> subprocess.Popen[str]:
        self._errors.seek(0)
        self._errors.truncate()
        return subprocess.Popen(
            [sys.executable, "-m", "tests.wpt.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=self._environment,
        )

    def _lost(self, test: Test, process: subprocess.Popen[str], seconds: float, expired: bool) -> FileResult:
        self._process = None
        process.kill()
        code = process.wait()
        if expired:
            return FileResult(test.name, "TIMEOUT", "the isolate could not be stopped", (), seconds)
        self._errors.seek(0)
        said = self._errors.read()[-400:].strip()
        return FileResult(test.name, "CRASH", f"the process ended with {code}: {said}", ())

    def stop(self) -> None:
        """
        End the process.
        """
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._errors.close()


def run_tests(
    search_path: str,
    tests: Iterable[Test],
    *,
    jobs: int = 0,
    patience: float = 1.0,
    watch: Callable[[FileResult], None] = lambda result: None,
) -> list[FileResult]:
    """
    Run *tests* in parallel and give their results, sorted by name.

    Args:
        search_path: the suite's roots, as in ``NANO_WPT``.
        jobs: how many processes; 0 means one per core.
        patience: multiplies every timeout, for slow machines.
        watch: told each result as it comes, from the thread that has it.
    """
    suite = Suite.from_search_path(search_path)
    waiting: queue.SimpleQueue[tuple[Test, float]] = queue.SimpleQueue()
    timed = [(test, _seconds(suite, test) * patience) for test in tests]
    # The longest first, so that none is left running alone at the end.
    for entry in sorted(timed, key=lambda entry: -entry[1]):
        waiting.put(entry)
    results: list[FileResult] = []

    def work() -> None:
        worker = _Worker(search_path)
        try:
            while not waiting.empty():
                try:
                    test, seconds = waiting.get_nowait()
                except queue.Empty:
                    break
                result = worker.run(test, seconds)
                results.append(result)
                watch(result)
        finally:
            worker.stop()

    count = min(jobs or os.cpu_count() or 1, len(timed))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results, key=lambda result: result.name)


def _seconds(suite: Suite, test: Test) -> float:
    source = (suite.read(test.path) or b"").decode("utf-8", "replace")
    return LONG if parse_meta(source).long else NORMAL
