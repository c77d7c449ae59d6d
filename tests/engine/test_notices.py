"""
Tests for `nano.engine.notices`.
"""

from __future__ import annotations

import threading

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano.engine.notices import Notices
from tests.fakes import FakeReactor


class CountingReactor(FakeReactor):
    """Tells how often it was woken."""

    woken = 0

    def callFromThread(self, callable, *args, **kwargs):  # type: ignore[no-untyped-def]  # noqa: A002
        self.woken += 1
        super().callFromThread(callable, *args, **kwargs)


class NoticesTests(SynchronousTestCase):
    """
    One thread after the other.
    """

    def setUp(self) -> None:
        self.reactor = CountingReactor()
        self.notices = Notices(self.reactor)
        self.made: list[int] = []

    def test_one_wake(self) -> None:
        """What comes together wakes the reactor once, and is made in its order."""
        for number in range(100):
            self.notices.put(self.made.append, number)
        self.assertEqual((self.made, self.reactor.woken), ([], 1))
        self.reactor.turn()
        self.assertEqual(self.made, list(range(100)))
        self.notices.put(self.made.append, 100)
        self.assertEqual(self.reactor.woken, 2)
        self.reactor.turn()
        self.assertEqual(self.made[-1], 100)

    def test_meanwhile(self) -> None:
        """What is told while the others are heard has a turn of its own."""
        self.notices.put(self.notices.put, self.made.append, 1)
        self.reactor.turn()
        self.reactor.turn()
        self.assertEqual((self.made, self.reactor.woken), ([1], 2))

    def test_failure(self) -> None:
        """One that fails is logged, and keeps the others from nothing."""
        self.notices.put(lambda: 1 / 0)
        self.notices.put(self.made.append, 1)
        self.reactor.turn()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.made, [1])


class ThreadTests(TestCase):
    """
    Many threads at a time.
    """

    timeout = 60

    async def test_nothing_is_lost(self) -> None:
        """Every call of every thread is made, in the order of its thread."""
        notices = Notices(reactor)  # type: ignore[arg-type]
        seen: dict[int, list[int]] = {thread: [] for thread in range(20)}
        missing = 20 * 500
        done: Deferred[None] = Deferred()

        def told(thread: int, number: int) -> None:
            nonlocal missing
            seen[thread].append(number)
            missing -= 1
            if not missing:
                done.callback(None)

        def tell(thread: int) -> None:
            for number in range(500):
                notices.put(told, thread, number)

        threads = [threading.Thread(target=tell, args=(thread,)) for thread in seen]
        for each in threads:
            each.start()
        await done
        for each in threads:
            each.join()
        self.assertEqual(list(seen.values()), [list(range(500))] * 20)
