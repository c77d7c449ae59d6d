"""
Tests for `nano.http.egress`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from nano.http.egress import EgressPolicy


class EgressPolicyTests(SynchronousTestCase):
    """
    Which connections are permitted.
    """

    def check(self, policy: EgressPolicy, allowed: str = "", denied: str = "") -> None:
        """Hold a policy against "name=address" or addresses, port 80."""
        for expected, texts in ((True, allowed), (False, denied)):
            for text in texts.split():
                name, _, address = text.rpartition("=")
                self.assertIs(policy.permits(name or address, address, 80), expected, text)

    def test_default(self) -> None:
        """Everything but link-local addresses, in whatever form."""
        self.check(
            EgressPolicy(),
            "1.2.3.4 10.0.0.1 127.0.0.1 ::1 fc00::1 a.test=1.2.3.4",
            "169.254.169.254 fe80::1 fe80::1%eth0 a.test=169.254.0.1 ::ffff:169.254.1.1 64:ff9b::a9fe:101 "
            "2002:a9fe:a9fe::1 ::169.254.169.254",
        )

    def test_words(self) -> None:
        """Each word denies its networks, IPv4 in IPv6 included."""
        self.check(
            EgressPolicy(deny=["private"]),
            "1.2.3.4 127.0.0.1 172.32.0.1",
            "10.1.1.1 172.16.0.1 192.168.1.1 100.64.0.1 fd00::1 ::ffff:10.0.0.1 a.test=10.0.0.1",
        )
        self.check(EgressPolicy(deny=["loopback"]), "10.0.0.1", "127.0.0.1 127.9.9.9 ::1 0.0.0.0 :: ::ffff:127.0.0.1")
        self.check(EgressPolicy(allow=["link-local"]), "169.254.169.254 fe80::1")

    def test_addresses(self) -> None:
        """What is allowed is an exception from what is denied."""
        policy = EgressPolicy(allow=["10.0.0.5/32", "169.254.169.254/32"], deny=["private"])
        self.check(policy, "10.0.0.5 169.254.169.254 db.test=10.0.0.5", "10.0.0.6 169.254.169.253")

    def test_names(self) -> None:
        """Patterns match one or more labels; an exact name matches itself."""
        policy = EgressPolicy(allow=["good.bad.test"], deny=["*.bad.test", "one.test"])
        self.check(
            policy,
            "bad.test=1.1.1.1 good.bad.test=1.1.1.1 notbad.test=1.1.1.1 x.one.test=1.1.1.1",
            "a.bad.test=1.1.1.1 a.b.bad.test=1.1.1.1 one.test=1.1.1.1 one.test.=1.1.1.1",
        )

    def test_nothing_but(self) -> None:
        """With "*" denied, only what is allowed is left."""
        policy = EgressPolicy(allow=["api.test", "10.0.0.0/8"], deny=["*"])
        self.check(policy, "api.test=1.2.3.4 10.1.1.1 any.test=10.1.1.1", "1.2.3.4 other.test=1.2.3.4")

    def test_names_lift_no_denial_of_addresses(self) -> None:
        """Whoever owns a name decides what it resolves to."""
        policy = EgressPolicy(allow=["*.trusted.test"], deny=["private"])
        self.check(policy, "a.trusted.test=1.2.3.4", "a.trusted.test=10.0.0.1 a.trusted.test=169.254.169.254")

    def test_guarded_ports(self) -> None:
        """The admin listener's port is denied on this machine, and nowhere else, unless its address is allowed."""
        local = {"127.0.0.1", "10.0.0.1"}
        policy = EgressPolicy(guarded_ports=[8081], is_local=local.__contains__)
        self.assertFalse(policy.permits("a.test", "127.0.0.1", 8081))
        self.assertFalse(policy.permits("a.test", "::ffff:10.0.0.1", 8081))
        self.assertTrue(policy.permits("a.test", "127.0.0.1", 8080))
        self.assertTrue(policy.permits("a.test", "10.0.0.2", 8081))
        policy = EgressPolicy(["loopback"], guarded_ports=[8081], is_local=local.__contains__)
        self.assertTrue(policy.permits("a.test", "127.0.0.1", 8081))
