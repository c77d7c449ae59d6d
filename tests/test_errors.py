# -*- test-case-name: tests.test_errors -*-
"""
The tree of errors: what each class shows, and what it keeps for the log.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from nano import errors
from nano.errors import (
    AppError,
    AppLoadError,
    ClientError,
    ConfigError,
    HandlerError,
    NanoError,
    NoAppError,
    Place,
    Problem,
    ServerError,
)

# What interface.md promises to clients: situation, status, word.
PROMISED: dict[str, tuple[type[NanoError], int]] = {
    "no-app": (errors.NoAppError, 404),
    "invalid-request": (errors.InvalidRequestError, 400),
    "headers-too-large": (errors.HeadersTooLargeError, 431),
    "headers-timeout": (errors.HeadersTimeoutError, 408),
    "body-too-large": (errors.BodyTooLargeError, 413),
    "exception": (errors.HandlerError, 500),
    "hung": (errors.HandlerHungError, 500),
    "loop": (errors.LoopDetectedError, 508),
    "load-failed": (errors.AppLoadError, 503),
    "exceeded-cpu": (errors.CpuExceededError, 503),
    "exceeded-memory": (errors.MemoryExceededError, 503),
    "timeout": (errors.HandlerTimeoutError, 504),
    "overloaded": (errors.OverloadedError, 503),
    "draining": (errors.DrainingError, 503),
    "quarantined": (errors.QuarantinedError, 503),
}


def leaves(kind: type[NanoError] = NanoError) -> Iterator[type[NanoError]]:
    """Every class that can be raised."""
    for child in kind.__subclasses__():
        if hasattr(child, "code"):
            yield child
        yield from leaves(child)


class TreeTests(SynchronousTestCase):
    def test_branches_are_not_raised(self) -> None:
        """The root and the classes by who is at fault exist to be caught."""
        for branch in (NanoError, AppError, ClientError, ServerError):
            self.assertRaises(TypeError, branch, "detail")

    def test_promised_answers(self) -> None:
        """Each row of the contract has its class, status and word."""
        for code, (kind, status) in PROMISED.items():
            self.assertEqual((kind.code, kind.status), (code, status))

    def test_codes_are_words(self) -> None:
        """Codes are stable words: they go into a header and a metric's label."""
        for leaf in leaves():
            self.assertRegex(leaf.code, r"\A[a-z]+(-[a-z]+)*\Z")

    def test_one_code_one_class(self) -> None:
        """Two unrelated errors of the tree never share a word; elsewhere a word may have a special form."""
        tree = [leaf for leaf in leaves() if leaf.__module__ == "nano.errors"]
        for one in tree:
            for other in tree:
                if one.code == other.code:
                    self.assertTrue(issubclass(one, other) or issubclass(other, one))

    def test_detail_stays_in_the_log(self) -> None:
        """What a client may read never holds the detail."""
        error = HandlerError("secret stack")
        self.assertEqual(error.message, "Internal Server Error")
        self.assertEqual(error.detail, "secret stack")
        self.assertEqual(str(error), "secret stack")

    def test_without_detail(self) -> None:
        """An error without a detail still says something."""
        self.assertEqual(str(NoAppError()), "Not Found")

    def test_client_errors_close(self) -> None:
        """After a client's mistake the connection's framing cannot be trusted."""
        self.assertTrue(all(leaf.close for leaf in leaves(ClientError)))


class PlaceTests(SynchronousTestCase):
    def test_frame(self) -> None:
        """The caret stands below the column."""
        frame = Place("a.js", 3, 5, "let x = ;").frame()
        self.assertEqual(frame, "    let x = ;\n        ^")

    def test_tab(self) -> None:
        """A tab takes one column, in the line and before the caret."""
        frame = Place("a.js", 1, 3, "\t\tx").frame()
        self.assertEqual(frame, "      x\n      ^")

    def test_long_line(self) -> None:
        """Of a minified file the part around the column is shown."""
        line = "a" * 5000 + "!" + "b" * 5000
        shown, caret = Place("a.js", 1, 5001, line).frame().split("\n")
        self.assertEqual(shown[caret.index("^")], "!")
        self.assertLess(len(shown), 120)

    def test_no_line(self) -> None:
        """Without the line there is no frame."""
        self.assertEqual(Place("a.js", 1, 1).frame(), "")

    def test_control_characters(self) -> None:
        """Nothing reaches a terminal that would act on it, and the caret stays in place."""
        shown, caret = Place("a", 1, 2, "\x1b!\ud800").frame().split("\n")
        self.assertEqual(shown, "    \\x1b!\\ud800")
        self.assertEqual(shown[caret.index("^")], "!")

    def test_position(self) -> None:
        """Only known numbers are shown."""
        self.assertEqual(str(Place("a.js", 3, 5)), "a.js:3:5")
        self.assertEqual(str(Place("a.js", 3)), "a.js:3")
        self.assertEqual(str(Place("a.js")), "a.js")


class AppLoadErrorTests(SynchronousTestCase):
    def test_place(self) -> None:
        """A load error names file, line and column, and shows the line."""
        error = AppLoadError("Unexpected token", Place("index.js", 2, 3, "  }"))
        self.assertEqual((error.file, error.line, error.column), ("index.js", 2, 3))
        self.assertEqual(str(error), "index.js:2:3: Unexpected token\n      }\n      ^")

    def test_no_place(self) -> None:
        """An error that no line of the app caused has none."""
        error = AppLoadError("timed out")
        self.assertEqual((error.file, error.line, error.column), (None, None, None))
        self.assertEqual(error.code_frame, "")
        self.assertEqual(str(error), "timed out")

    def test_pickle(self) -> None:
        """A worker can tell the supervisor."""
        error = pickle.loads(pickle.dumps(AppLoadError("x", Place("a.js", 1))))
        self.assertEqual((error.detail, error.line), ("x", 1))


class ConfigErrorTests(SynchronousTestCase):
    def test_all_problems(self) -> None:
        """The text holds every problem, each with its place and path."""
        error = ConfigError(
            [
                Problem("is wrong", "apps[0]", Place("app.json", 2, 3, "  x")),
                Problem("is missing", "port"),
            ]
        )
        self.assertEqual(str(error), "app.json:2:3: apps[0]: is wrong\n      x\n      ^\nport: is missing")

    def test_pickle(self) -> None:
        """Problems survive the way to another process."""
        error = ConfigError([Problem("is wrong", "port")])
        self.assertEqual(pickle.loads(pickle.dumps(error)).problems, error.problems)
