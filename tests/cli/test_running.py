# -*- test-case-name: tests.cli.test_running -*-
"""
A reactor from beginning to end; servers are in tests.cli.test_serve.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from nano.cli.running import run_to_end


class FakeReactor:
    """
    Runs what it is to run, then what a test wants to happen, and stops.
    """

    def __init__(self, *happenings: Any) -> None:
        self._happenings = happenings
        self._begin: list[Any] = []
        self._triggers: list[tuple[Any, tuple[Any, ...]]] = []
        self.waited_for: list[Any] = []
        self.stopped = False

    def callWhenRunning(self, function: Any) -> None:
        """Called by the code under test."""
        self._begin.append(function)

    def addSystemEventTrigger(self, phase: str, event: str, function: Any, *args: Any) -> None:
        """Called by the code under test."""
        self._triggers.append((function, args))

    def run(self) -> None:
        """Until it is stopped, if that was not done at once."""
        for function in (*self._begin, *self._happenings):
            if not self.stopped:
                function()
        self.stop()

    def stop(self) -> None:
        """A signal does the same."""
        if not self.stopped:
            self.stopped = True
            self.waited_for = [function(*args) for function, args in self._triggers]


class RunToEndTests(SynchronousTestCase):
    def test_code(self) -> None:
        """The exit code is what the work fires with, at once or later."""
        self.assertEqual(run_to_end(FakeReactor(), lambda: succeed(3)), 3)
        work: Deferred[int] = Deferred()
        self.assertEqual(run_to_end(FakeReactor(lambda: work.callback(1)), lambda: work), 1)

    def test_interrupt(self) -> None:
        """A signal cancels the work, whatever the work makes of it, and waits for its end."""
        for ending in ("cancelled", "failed", "done"):
            work: Deferred[int] = Deferred(
                lambda d, ending=ending: {  # type: ignore[misc]
                    "cancelled": lambda: d.errback(CancelledError()),
                    "failed": lambda: d.errback(ValueError("of the work")),
                    "done": lambda: d.callback(0),
                }[ending]()
            )
            reactor = FakeReactor()
            self.assertEqual(run_to_end(reactor, lambda work=work: work), 130)  # type: ignore[misc]
            self.assertTrue(work.called)
            (waited,) = reactor.waited_for
            self.assertIs(waited, work)
            work.addErrback(lambda failure: failure.trap(ValueError))

    def test_failure(self) -> None:
        """Work that fails ends the run, and what it failed with is raised."""
        self.assertRaises(ValueError, run_to_end, FakeReactor(), lambda: fail(ValueError("of the work")))

    def test_cancelled_by_itself(self) -> None:
        """Work that is cancelled by somebody else has been interrupted as well."""
        self.assertEqual(run_to_end(FakeReactor(), lambda: fail(CancelledError())), 130)
