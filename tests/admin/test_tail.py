"""
The tail of the log over several processes, and those who follow it.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import parse_qs
from twisted.web.test.requesthelper import DummyRequest
from zope.interface.verify import verifyObject

from nano.admin.problems import ProblemDetails
from nano.admin.tail import INTERVAL, LARGEST_LIMIT, SIGN_OF_LIFE, Follower, Query, error_groups, tail


def query(text: str = "") -> Query:
    """Of the part of a URL behind its question mark."""
    return Query.parse(parse_qs(text.encode("ascii"), keep_blank_values=True))


def line(second: int, text: str, **fields: Any) -> dict[str, Any]:
    """A line of the log."""
    return {"ts": f"2026-01-01T00:00:{second:02d}.000Z", "msg": text, **fields}


def answer(process: int, last: int, *lines: Any, lost: int = 0, more: bool = False) -> dict[str, Any]:
    """What one process tells."""
    return {"process": str(process), "last": last, "more": more, "lost": lost, "lines": list(lines)}


class QueryTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """Without parameters: the last lines of everything."""
        self.assertEqual(query(), Query(None, "debug", 100, None, False))
        self.assertIsNone(query().question(None)["after"])

    def test_all(self) -> None:
        """Everything that can be said."""
        found = query("app=shop&level=warn&limit=5&after=12.7,13.9&follow=true")
        self.assertEqual(found, Query("shop", "warn", 5, {"12": 7, "13": 9}, True))
        asked = {"about": "lines", "app": "shop", "level": "warn", "limit": 5, "after": None}
        self.assertEqual(found.question(None), asked)
        self.assertEqual(found.question({"12": 7}), {**asked, "limit": LARGEST_LIMIT, "after": {"12": 7}})
        self.assertEqual(query("after=").cursor, {}, "the cursor of a server that told nothing")
        self.assertTrue(query("follow=").follow)
        self.assertFalse(query("follow=false").follow)

    def test_wrong(self) -> None:
        """All that is wrong is listed."""
        error = self.assertRaises(ProblemDetails, query, "level=loud&limit=1001&after=1.2.3&follow=maybe&ap=x")
        self.assertEqual((error.status, error.code), (400, "invalid-request"))
        self.assertEqual([part["path"] for part in error.errors], ["after", "ap", "follow", "level", "limit"])
        for limit in ("-1", "", "1e3", "%C2%B2", "99999"):
            self.assertRaises(ProblemDetails, query, f"limit={limit}")


class TailTests(SynchronousTestCase):
    def test_order(self) -> None:
        """Lines of several processes come in the order of their time."""
        found = tail(
            query(), None, [answer(1, 5, line(1, "a"), line(3, "c")), answer(2, 9, line(2, "b"), lost=2, more=True)]
        )
        self.assertEqual([each["msg"] for each in found.lines], ["a", "b", "c"])
        described = found.described()
        self.assertEqual((described["next"], described["lost"], described["more"]), ("1.5,2.9", 2, True))
        self.assertEqual(query(f"after={described['next']}").cursor, {"1": 5, "2": 9})

    def test_limit(self) -> None:
        """Of the last lines only so many; of the next ones all, as what is left out would never come."""
        answers = [answer(1, 2, line(1, "a"), line(3, "c")), answer(2, 1, line(2, "b"))]
        self.assertEqual([each["msg"] for each in tail(query("limit=2"), None, answers).lines], ["b", "c"])
        self.assertEqual(len(tail(query("limit=2"), {}, answers).lines), 3)
        self.assertEqual(tail(query("limit=0"), None, answers).lines, [])

    def test_silent(self) -> None:
        """A process that does not answer this time is asked on from where it was; the oldest are forgotten."""
        found = tail(query(), {"1": 5, "2": 3}, [answer(1, 6)])
        self.assertEqual(found.cursor, {"1": 6, "2": 3})
        gone = {str(number): 1 for number in range(1000, 2000)}
        self.assertLess(len(tail(query(), gone, [answer(1, 6)]).cursor), 300)

    def test_strange(self) -> None:
        """What is no line is left out, whatever a worker says."""
        found = tail(query(), None, [answer(1, 1, None, 5, {"ts": 7}, {}, line(1, "good"))])
        self.assertEqual([each["msg"] for each in found.lines], ["good"])


class ErrorsTests(SynchronousTestCase):
    def test_groups(self) -> None:
        """What is the same in several processes is one; the latest comes first."""
        one = line(5, "no", app="shop", event="exchange-failed", count=2, first="2026-01-01T00:00:01.000Z", worker="1")
        two = line(7, "no", app="shop", event="exchange-failed", count=3, first="2026-01-01T00:00:02.000Z", worker="2")
        three = line(6, "no", app="blog", event="exchange-failed", count=1, first="2026-01-01T00:00:06.000Z")
        for answers in ([one, three], [two]), ([two], [three, one]):
            found = error_groups([{"errors": errors} for errors in answers])
            self.assertEqual([error["app"] for error in found], ["shop", "blog"])
            self.assertEqual((found[0]["count"], found[0]["first"], found[0]["worker"]), (5, one["first"], "2"))

    def test_strange(self) -> None:
        """What is no error is left out."""
        strange = [None, {}, line(1, "x"), line(1, "x", count="many", first=""), line(1, "x", count=1, first=2)]
        self.assertEqual(error_groups([{"errors": strange}, {}]), [])


class Client(DummyRequest):
    """
    A request that tells who produces.

    Attributes:
        producers: each with whether it streams; None where one was taken away.
    """

    def __init__(self) -> None:
        super().__init__([b"admin"])
        self.producers: list[Any] = []

    def registerProducer(self, prod: Any, s: bool) -> None:
        """Kept (IConsumer)."""
        self.producers.append((prod, s))

    def unregisterProducer(self) -> None:
        """Kept (IConsumer)."""
        self.producers.append(None)


class FollowerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[dict[str, Any]] = []
        self.answers: list[list[dict[str, Any]]] = []
        self.request: Any = Client()

    async def ask(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        """What the test says, and nothing after that."""
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else [answer(1, 9)]

    def follow(self, text: str = "follow=true") -> Deferred[None]:
        """Begin; fires with the end."""
        self.follower = Follower(self.request, query(text), self.ask, self.clock)
        verifyObject(IPushProducer, self.follower)
        return Deferred.fromCoroutine(self.follower.run())

    def written(self) -> list[Any]:
        """What the client got since it was last asked, line by line."""
        data, self.request.written = b"".join(self.request.written), []
        return [json.loads(each) if each else None for each in data.decode("ascii").splitlines()]

    def test_follows(self) -> None:
        """The last lines, then what is new, twice a second."""
        self.answers = [[answer(1, 2, line(1, "a"), line(2, "b\u2028"))], [answer(1, 2)], [answer(1, 3, line(3, "c"))]]
        over = self.follow()
        self.assertEqual([each["msg"] for each in self.written()], ["a", "b\u2028"])
        self.clock.advance(INTERVAL)
        self.assertEqual(self.written(), [])
        self.clock.advance(INTERVAL)
        self.assertEqual([each["msg"] for each in self.written()], ["c"])
        self.assertEqual([question["after"] for question in self.asked], [None, {"1": 2}, {"1": 2}])
        self.assertNoResult(over)
        self.follower.stop()
        self.successResultOf(over)
        self.assertEqual((self.clock.getDelayedCalls(), self.request.producers), ([], [(self.follower, True), None]))

    def test_more(self) -> None:
        """What had no room in one answer comes at once."""
        self.answers = [[answer(1, 1, line(1, "a"), more=True)], [answer(1, 2, line(2, "b"))]]
        self.follow()
        self.clock.advance(0)
        self.assertEqual([each["msg"] for each in self.written()], ["a", "b"])

    def test_lost(self) -> None:
        """Lines that no journal has any more are told of."""
        self.answers = [[answer(1, 9, line(1, "a"), lost=4)]]
        self.follow("follow=true&after=1.3")
        lost, _ = self.written()
        self.assertEqual((lost["event"], lost["lost"]), ("log-lost", 4))

    def test_slow_client(self) -> None:
        """Nothing is asked for a client that does not read; it goes on when it does."""
        self.follow()
        self.follower.pauseProducing()
        self.clock.pump([INTERVAL] * 10)
        self.assertEqual(len(self.asked), 1)
        self.follower.resumeProducing()
        self.assertEqual(len(self.asked), 2)
        self.follower.pauseProducing()
        self.follower.stopProducing()
        self.clock.pump([INTERVAL] * 10)
        self.assertEqual((len(self.asked), self.clock.getDelayedCalls()), (2, []))

    def test_sign_of_life(self) -> None:
        """Where nothing happens an empty line comes now and then."""
        self.follow()
        self.clock.pump([INTERVAL] * int(2 * SIGN_OF_LIFE / INTERVAL))
        self.assertEqual(self.written(), [None, None])

    def test_client_leaves(self) -> None:
        """That is the end, and the connection is touched no more."""
        over = self.follow()
        self.request.processingFailed(RuntimeError("gone"))
        self.successResultOf(over)
        self.assertEqual((self.clock.getDelayedCalls(), self.request.producers[1:]), ([], []))
