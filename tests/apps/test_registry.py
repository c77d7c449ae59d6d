"""
Tests for `nano.apps.registry`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.apps.registry import HostTable, HostTakenError
from nano.interfaces import IAppLookup
from tests.fakes import FakeEventHandler


class HostTableTests(SynchronousTestCase):
    """
    Host names and their apps.
    """

    def table(self, *patterns: str) -> HostTable[FakeEventHandler]:
        self.apps = {pattern: FakeEventHandler() for pattern in patterns}
        return HostTable(self.apps.items())

    def found(self, table: HostTable[FakeEventHandler], host: str) -> str | None:
        app = table.find(host)
        return next((pattern for pattern, value in self.apps.items() if value is app), None)

    def test_provides(self) -> None:
        """Front ends can ask it."""
        self.assertTrue(verifyObject(IAppLookup, self.table()))

    def test_order(self) -> None:
        """Exact before wildcard, longer wildcard before shorter, `*` last."""
        table = self.table("a.example.com", "*.example.com", "*.b.example.com", "*", "example.com")
        for host, pattern in (
            ("a.example.com", "a.example.com"),
            ("x.example.com", "*.example.com"),
            ("x.y.example.com", "*.example.com"),
            ("b.example.com", "*.example.com"),
            ("x.b.example.com", "*.b.example.com"),
            ("x.y.b.example.com", "*.b.example.com"),
            ("x.a.example.com", "*.example.com"),
            ("example.com", "example.com"),
            ("other.test", "*"),
            ("aexample.com", "*"),
            ("", "*"),
            ("[::1]", "*"),
        ):
            self.assertEqual(self.found(table, host), pattern, host)

    def test_nothing(self) -> None:
        """A wildcard stands for at least one label, and without `*` there may be nothing."""
        table = self.table("*.example.com")
        for host in ("example.com", ".example.com", "xexample.com", "example.com.", "com", "", "."):
            self.assertIsNone(self.found(table, host), host)

    def test_taken(self) -> None:
        """A name is claimed once; a failed claim changes nothing."""
        table = self.table("a.test", "*.test", "*")
        for pattern in ("a.test", "*.test", "*"):
            error = self.assertRaises(HostTakenError, table.add, pattern, FakeEventHandler())
            self.assertEqual(error.pattern, pattern)
            self.assertIn(repr(pattern), str(error))
        self.assertEqual(self.found(table, "a.test"), "a.test")

    def test_changes_are_seen(self) -> None:
        """What was remembered of a name is forgotten when the table changes."""
        table = self.table("*.test", "*")
        self.assertEqual(self.found(table, "a.test"), "*.test")
        self.apps["a.test"] = FakeEventHandler()
        table.add("a.test", self.apps["a.test"])
        self.assertEqual(self.found(table, "a.test"), "a.test")
        table.remove("a.test")
        table.remove("a.test")
        table.remove("*.test")
        self.assertEqual(self.found(table, "a.test"), "*")
        table.remove("*")
        self.assertIsNone(self.found(table, "a.test"))

    def test_memory_is_bounded(self) -> None:
        """Clients that make names up do not fill the memory."""
        table = self.table("*.test")
        for number in range(5000):
            table.find(f"{number}.test")
            table.find(f"{number}.other")
        self.assertLessEqual(len(table._remembered), 1024)
        self.assertEqual(self.found(table, "1.test"), "*.test")

    labels = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map(".".join)

    @given(st.sets(labels | labels.map("*.{}".format) | st.just("*"), max_size=6), labels)
    @settings(max_examples=300)
    def test_rule(self, patterns: set[str], host: str) -> None:
        """Against the rule as one would write it down."""
        table = self.table(*patterns)
        matching = [p for p in patterns if p == host or p == "*" or (p.startswith("*.") and host.endswith(p[1:]))]
        best = max(matching, key=lambda p: (p == host, len(p)), default=None)
        self.assertEqual(self.found(table, host), best)
        self.assertEqual(self.found(table, host), best)
