# -*- test-case-name: tests.wpt.test_wpt -*-
"""
The Web Platform Tests themselves, one case per area, and what keeps a run alive.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.wpt.expectations import compare
from tests.wpt.pool import run_tests
from tests.wpt.results import FileResult
from tests.wpt.run import Settings, run
from tests.wpt.suite import AREAS, Test

_LINES = 60

# As much of testharness.js as the worker relies on, so that these cases need no suite.
_TESTHARNESS = """
let complete, finished = false, pending = 0;
const found = [];
globalThis.add_completion_callback = (callback) => { complete = callback; };
globalThis.setup = () => {};
const end = (status) => { complete(found, { status }); };
globalThis.done = () => { finished = true; if (pending === 0) end(0); };
globalThis.timeout = () => { end(2); };
globalThis.promise_test = async (body, name) => {
  pending++;
  let status = 0, message = null;
  try { await body(); } catch (error) { status = 1; message = String(error); }
  found.push({ name, status, message });
  if (--pending === 0 && finished) end(0);
};
"""


class AreaTests(SynchronousTestCase):
    """
    Each area of the suite does what its expectations say: no more, no less.
    """

    def check(self, area: str) -> None:
        """
        Run the area; every deviation is a failure.
        """
        settings = Settings.from_environment()
        if settings is None:
            raise SkipTest("NANO_WPT names no checkout of the suite (tests/wpt/README.md)")
        report = run(settings, [area])
        if not report.results:
            raise SkipTest(f"the checkout has no tests for {area}")
        print(f"{area}: {report.summary()}", flush=True)
        lines = "\n".join(map(str, report.deviations())).splitlines()
        more = [f"… and {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
        if lines:
            self.fail("\n".join([*lines[:_LINES], *more]))


def _add_case(area: str) -> None:
    def case(self: AreaTests) -> None:
        self.check(area)

    case.__doc__ = f"``{area}``"
    setattr(AreaTests, f"test_{area.lower().replace('-', '_')}", case)


for _area in AREAS:
    _add_case(_area)


class SurvivalTests(SynchronousTestCase):
    """
    Whatever a test file does is a result of that file, and the next one runs.
    """

    def results(self, patience: float = 1.0, **files: str) -> dict[str, FileResult]:
        """
        Run *files* on one worker, in the order of their names.
        """
        root = Path(self.mktemp())
        (root / "resources").mkdir(parents=True)
        (root / "resources" / "testharness.js").write_text(_TESTHARNESS)
        for name, text in files.items():
            (root / f"{name}.any.js").write_text(text)
        tests = [Test(f"{name}.any.js") for name in sorted(files)]
        found = run_tests(os.fspath(root), tests, jobs=1, patience=patience)
        return {result.name.partition(".")[0]: result for result in found}

    def test_passes_and_fails(self) -> None:
        """
        Subtests come with name, status and message.
        """
        found = self.results(
            a="promise_test(async () => {}, 'good');promise_test(async () => { throw new Error('no'); }, 'bad');"
        )
        rows = [(test.name, test.status, test.message) for test in found["a"].subtests]
        self.assertEqual(found["a"].status, "OK")
        self.assertEqual(rows, [("good", "PASS", ""), ("bad", "FAIL", "Error: no")])

    def test_fresh_isolate(self) -> None:
        """
        Nothing of one file is left for the next.
        """
        found = self.results(
            a="globalThis.left = 1;",
            b="promise_test(async () => { if (globalThis.left) throw left; }, 'clean');",
        )
        self.assertEqual(found["b"].passes(), {"clean", "[harness]"})

    def test_local_files(self) -> None:
        """
        ``fetch`` of a relative URL reads from the suite.
        """
        found = self.results(
            a="promise_test(async () => {"
            " const text = await (await fetch('b.any.js')).text();"
            " if (text !== 'Straße') throw text; }, 'read');",
            b="Straße",
        )
        self.assertEqual(found["a"].failures(), {})

    def test_timers(self) -> None:
        """
        The runtime's timers run.
        """
        found = self.results(a="promise_test(() => new Promise((resolve) => setTimeout(resolve, 5)), 'later');")
        self.assertEqual(found["a"].failures(), {})

    def test_throws(self) -> None:
        """
        A file that throws is an ERROR; the subtests that had ended count.
        """
        found = self.results(
            a="promise_test(async () => {}, 'early'); throw new Error('boom');",
            b="syntax error",
        )
        self.assertEqual((found["a"].status, len(found["a"].subtests)), ("ERROR", 1))
        self.assertIn("boom", found["a"].message)
        self.assertIn("SyntaxError", found["b"].message)

    def test_never_ends(self) -> None:
        """
        A file that waits for ever is a TIMEOUT, and so is one that computes for ever.
        """
        found = self.results(
            a="promise_test(() => new Promise(() => {}), 'never');",
            b="for (;;);",
            c="(async () => { for (;;) await 1; })();",
            d="promise_test(async () => {}, 'after');",
            patience=0.02,
        )
        self.assertEqual(found["a"].status, "TIMEOUT")
        self.assertEqual(found["b"].status, "TIMEOUT")
        self.assertEqual(found["c"].status, "TIMEOUT")
        self.assertEqual(found["d"].failures(), {})

    def test_process_dies(self) -> None:
        """
        When V8 takes the process with it, that is a CRASH, and a new one goes on.
        """
        found = self.results(a='"a".repeat(5e8).split("");', b="promise_test(async () => {}, 'after');")
        self.assertIn(found["a"].status, {"CRASH", "TIMEOUT", "ERROR"})
        self.assertEqual(found["b"].failures(), {})

    def test_unexpected_pass_is_seen(self) -> None:
        """
        The verdict on a real result: what was expected to fail and passes deviates.
        """
        found = self.results(a="promise_test(async () => {}, 'good');")
        self.assertEqual(compare(found["a"], {"good": "why"}).passes, ["good"])
