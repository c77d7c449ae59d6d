"""
Problem details.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.problems import ProblemDetails, problem_of
from nano.errors import AppLoadError, ConfigError, DrainingError, EngineError, Place, Problem
from nano.interfaces import ConflictError, UnknownAppError


class ProblemTests(SynchronousTestCase):
    def test_body(self) -> None:
        """The members of RFC 9457, and the parts of the problem."""
        problem = ProblemDetails(409, "conflict", "taken", [{"detail": "x", "path": "name"}])
        self.assertEqual(
            json.loads(problem.body()),
            {
                "type": "urn:nano:problem:conflict",
                "title": "Conflict",
                "status": 409,
                "detail": "taken",
                "errors": [{"detail": "x", "path": "name"}],
            },
        )
        self.assertEqual(problem.headers, {"nano-error": "conflict"})

    def test_errors(self) -> None:
        """Each error of the control has its status and its word."""
        for error, status, code in (
            (UnknownAppError("x"), 404, "unknown-app"),
            (ConflictError("x"), 409, "conflict"),
            (AppLoadError("x"), 422, "load-failed"),
            (EngineError("x"), 503, "engine-failure"),
        ):
            problem = problem_of(error)
            assert problem is not None
            self.assertEqual((problem.status, problem.code), (status, code))
            self.assertIn("x", problem.detail)

    def test_config(self) -> None:
        """All problems of a configuration are listed."""
        error = ConfigError([Problem("bad", "env.A"), Problem("worse", "", Place("app.json", 3, 4))])
        problem = problem_of(error)
        assert problem is not None
        self.assertEqual((problem.status, problem.detail), (422, "the configuration has 2 problems"))
        self.assertEqual(
            problem.errors, [{"detail": "bad", "path": "env.A"}, {"detail": "worse", "place": "app.json:3:4"}]
        )

    def test_retry(self) -> None:
        """Whoever should come again is told when."""
        problem = problem_of(DrainingError("stopping"))
        assert problem is not None
        self.assertEqual(problem.headers["Retry-After"], "1")

    def test_unforeseen(self) -> None:
        """What nobody has foreseen has no answer."""
        self.assertIsNone(problem_of(KeyError("x")))
