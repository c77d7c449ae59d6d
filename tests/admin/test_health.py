"""
Health checks.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.health import health_answer


class State:
    """How a server is."""

    def __init__(self, ready: bool, draining: bool) -> None:
        self.ready = ready
        self.draining = draining


class HealthTests(SynchronousTestCase):
    def answers(self, ready: bool, draining: bool) -> dict[str, tuple[int, str]]:
        found = {}
        for path in ("/livez", "/readyz", "/health", "/healthz"):
            answer = health_answer(path, State(ready, draining))
            assert answer is not None
            found[path[1:]] = answer[0], json.loads(answer[1])["status"]
        return found

    def test_serving(self) -> None:
        """All is well."""
        self.assertEqual(set(self.answers(True, False).values()), {(200, "ok")})

    def test_loading(self) -> None:
        """A server that is loading lives, and is not ready."""
        answers = self.answers(False, False)
        self.assertEqual(answers.pop("readyz"), (503, "loading"))
        self.assertEqual(set(answers.values()), {(200, "ok")})

    def test_draining(self) -> None:
        """A server that drains lives, and wants no traffic."""
        answers = self.answers(True, True)
        self.assertEqual(answers.pop("livez"), (200, "ok"))
        self.assertEqual(set(answers.values()), {(503, "draining")})

    def test_others(self) -> None:
        """Any other path is somebody else's."""
        for path in ("/", "/livez/", "/LIVEZ", "/metrics"):
            self.assertIsNone(health_answer(path, State(True, False)))
