# -*- test-case-name: tests.wpt.test_wpt -*-
"""
The process that runs tests: a line of JSON in names a test, a line of JSON out holds its result.

It is expendable: when V8 aborts or a script cannot be stopped, the pool (pool.py) replaces it.
"""

from __future__ import annotations

import base64
import json
import mimetypes
import os
import posixpath
import re
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from nano.errors import EngineError
from nano.interfaces import Reactor
from tests.wpt.results import FileResult
from tests.wpt.session import EngineSession, ScriptError, ScriptTimeoutError
from tests.wpt.suite import Suite, Test, parse_meta

__all__ = ["main", "run_test", "serve"]

_HARNESS = (Path(__file__).parent / "harness.js").read_text()
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02
_LAST_CHANCE = 2.0


class _Run:
    """
    One test in one isolate, from its scripts to its result.
    """

    def __init__(self, reactor: Reactor, suite: Suite, test: Test, seconds: float) -> None:
        self._reactor = reactor
        self._suite = suite
        self._test = test
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def result(self) -> FileResult:
        """
        Run to the end; whatever goes wrong is part of the result.
        """
        with EngineSession(self._reactor) as session:
            try:
                self._load(session)
                return self._wait(session) or self._give_up(session)
            except ScriptTimeoutError as error:
                return FileResult(self._test.name, "TIMEOUT", str(error), ())

    def _text(self, path: str) -> str:
        data = self._suite.read(path)
        if data is None:
            raise ScriptError(f"the suite has no file {path}")
        return data.decode("utf-8", "replace")

    def _resolve(self, script: str) -> str:
        folder = posixpath.dirname(self._test.path)
        joined = script[1:] if script.startswith("/") else posixpath.join(folder, script)
        return posixpath.normpath(joined)

    def _load(self, session: EngineSession) -> None:
        source = self._text(self._test.path)
        meta = parse_meta(source)
        scripts = [(path, self._text(path)) for path in map(self._resolve, meta.scripts)]
        scripts.append((self._test.path, source))

        def mentioned(words: str) -> bool:
            return any(re.search(rf"\b(?:{words})\b", text) for _, text in scripts)

        setup = {
            "path": self._test.path,
            "variant": self._test.variant,
            "needsBase": mentioned("Request|redirect"),
            "needsLocation": mentioned("location"),
        }
        session.evaluate(f"const wptSetup = {json.dumps(setup)};\n{_HARNESS}", "harness.js")
        testharness = "resources/testharness.js"
        title = meta.title or posixpath.basename(self._test.path).partition(".")[0]
        session.evaluate(f"globalThis.META_TITLE = {json.dumps(title)}; ''", "harness.js")
        session.evaluate(self._text(testharness), testharness)
        session.evaluate("wptHarness.attach()", "harness.js")
        self._evaluate(session, scripts)

    def _evaluate(self, session: EngineSession, scripts: list[tuple[str, str]]) -> None:
        end = "done()"
        try:
            for path, text in scripts:
                session.evaluate(text, path, self._left())
        except ScriptTimeoutError:
            raise
        except ScriptError as error:
            # As in a worker, the rest of the scripts is lost, what runs already may end.
            end = f"wptHarness.fail({json.dumps(str(error).partition(chr(10))[0])})"
        session.evaluate(end, "harness.js", self._left())

    def _left(self) -> float:
        return max(0.1, self._deadline - time.monotonic())

    def _wait(self, session: EngineSession) -> FileResult | None:
        pause = _FIRST_PAUSE
        while time.monotonic() < self._deadline:
            text = session.evaluate("wptHarness.poll()", timeout=self._left())
            if not text:
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            news = json.loads(text)
            if news["report"]:
                return self._complete(news["report"])
            for number, path in news["wanted"]:
                self._answer(session, number, path)
        return None

    def _complete(self, report: dict[str, object]) -> FileResult:
        return FileResult.from_json({"name": self._test.name, **report})

    def _answer(self, session: EngineSession, number: int, path: str) -> None:
        data = self._suite.read(path)
        answer = {
            "status": 404 if data is None else 200,
            "type": mimetypes.guess_type(path)[0] or "text/plain",
            "base64": base64.b64encode(data or b"").decode(),
        }
        session.evaluate(f"wptHarness.deliver({number}, {json.dumps(answer)})", "harness.js")

    def _give_up(self, session: EngineSession) -> FileResult:
        # testharness.js then reports what is still open as TIMEOUT or NOTRUN.
        self._deadline = time.monotonic() + _LAST_CHANCE
        session.evaluate("timeout()", "harness.js", _LAST_CHANCE)
        message = f"no result after {self._seconds:g} s"
        return self._wait(session) or FileResult(self._test.name, "TIMEOUT", message, ())


def run_test(reactor: Reactor, suite: Suite, test: Test, seconds: float) -> FileResult:
    """
    Run one test in a fresh isolate of this process; not on the reactor's thread.

    Args:
        seconds: how long the whole file may take.
    """
    started = time.monotonic()
    try:
        result = _Run(reactor, suite, test, seconds).result()
    except (ScriptError, EngineError) as error:
        result = FileResult(test.name, "ERROR", str(error), ())
    return result.lasting(time.monotonic() - started)


def serve(reactor: Reactor, requests: TextIO, answers: TextIO) -> None:
    """
    Run one test after the other until the end of *requests*; not on the reactor's thread.
    """
    suite = Suite.from_search_path(os.environ["NANO_WPT"])
    for line in requests:
        job = json.loads(line)
        test = Test(job["path"], job["variant"])
        result = run_test(reactor, suite, test, job["seconds"])
        answers.write(json.dumps(result.to_json()) + "\n")
        answers.flush()


def main() -> None:
    """
    Serve stdin and stdout, then end without waiting for isolates that cannot be stopped.
    """
    from twisted.internet import reactor as installed

    reactor: Any = installed
    # Whatever else prints to stdout must not end up between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def work() -> None:
        try:
            serve(reactor, sys.stdin, answers)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    threading.Thread(target=work, daemon=True).start()
    reactor.run(installSignalHandlers=False)


if __name__ == "__main__":
    main()
