# -*- test-case-name: tests.wpt.test_harness -*-
"""
The parts of the harness that need neither the suite nor an engine.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.wpt.expectations import FOLDER, Expectations, compare, update
from tests.wpt.peers import NAMES, Peers
from tests.wpt.results import HARNESS, FileResult, Subtest
from tests.wpt.run import Report, Settings
from tests.wpt.suite import Suite, Test, area_of, parse_meta, substitute
from tests.wpt.table import Row, markdown, rows


def result(name: str, status: str = "OK", **subtests: str) -> FileResult:
    """
    A file's result from its subtests' statuses.
    """
    found = tuple(Subtest(key, value, "why") for key, value in subtests.items())
    return FileResult(name, status, "", found)


class MetaTests(SynchronousTestCase):
    """
    `parse_meta` reads what WPT's own tools read.
    """

    def test_everything(self) -> None:
        """
        Each key lands in its place; scripts and variants may repeat.
        """
        meta = parse_meta(
            "// META: title=A title: of two parts\n"
            "// META: script=/common/gc.js\n"
            "//META: script=resources/x.js \n"
            "// META: variant=?1-10\n"
            "// META: variant=?11-last\n"
            "// META: global=window,worker\n"
            "// META: timeout=long\n"
            "test(() => {});\n"
        )
        self.assertEqual(meta.title, "A title: of two parts")
        self.assertEqual(meta.scripts, ("/common/gc.js", "resources/x.js"))
        self.assertEqual(meta.variants, ("?1-10", "?11-last"))
        self.assertEqual(meta.scopes, {"window", "worker"})
        self.assertTrue(meta.long)

    def test_defaults(self) -> None:
        """
        Without comments: one run without variant, ten seconds, window and dedicated worker.
        """
        meta = parse_meta("test(() => {});\n")
        self.assertEqual((meta.scripts, meta.variants, meta.long), ((), ("",), False))
        self.assertTrue(meta.runs_here)

    def test_ends_at_the_first_other_line(self) -> None:
        """
        A comment further down is not for us.
        """
        meta = parse_meta("// META: title=a\n\n// META: timeout=long\n")
        self.assertEqual((meta.title, meta.long), ("a", False))

    def test_scopes(self) -> None:
        """
        Files for other kinds of scope are left out.
        """
        for scopes, expected in (
            ("shadowrealm", False),
            ("serviceworker", False),
            ("window", True),
            ("dedicatedworker, shadowrealm", True),
        ):
            meta = parse_meta(f"// META: global={scopes}\n")
            self.assertEqual(meta.runs_here, expected, scopes)


class SuiteTests(SynchronousTestCase):
    """
    `Suite` finds tests and files in several roots.
    """

    def setUp(self) -> None:
        self.roots = [Path(self.mktemp()), Path(self.mktemp())]
        for index, name, text in (
            (0, "url/a.any.js", "// META: variant=?x\n// META: variant=?y\n"),
            (0, "url/b.any.js", "// META: global=shadowrealm\n"),
            (0, "url/resources/data.json", "[]"),
            (1, "url/a.any.js", "shadowed"),
            (1, "fetch/c.sub.any.js", "{{host}}"),
        ):
            file = self.roots[index] / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.suite = Suite(self.roots)

    def test_all(self) -> None:
        """
        Variants are tests of their own; a file in two roots counts once; other scopes not at all.
        """
        expected = ["fetch/c.sub.any.js", "url/a.any.js?x", "url/a.any.js?y"]
        self.assertEqual([test.name for test in self.suite.tests()], expected)

    def test_selections(self) -> None:
        """
        A folder, a file, a variant; a folder that is not there yields nothing.
        """
        both = [Test("url/a.any.js", "?x"), Test("url/a.any.js", "?y")]
        self.assertEqual(self.suite.tests("url/"), both)
        self.assertEqual(self.suite.tests("url/a.any.js"), both)
        self.assertEqual(self.suite.tests("url/a.any.js?y"), both[1:])
        self.assertEqual(self.suite.tests("streams"), [])

    def test_read(self) -> None:
        """
        The first root wins, placeholders are filled in, and nothing outside is read.
        """
        self.assertIn(b"META", self.suite.read("url/a.any.js") or b"")
        self.assertEqual(self.suite.read("fetch/c.sub.any.js"), b"web-platform.test")
        self.assertIsNone(self.suite.read("url/none.json"))
        outside = self.roots[0].parent / "outside"
        outside.write_text("secret")
        self.assertIsNone(self.suite.read("../outside"))

    def test_missing_root(self) -> None:
        """
        A root that is no folder can be named in a message.
        """
        suite = Suite.from_search_path(f"{self.roots[0]}:/nowhere")
        self.assertEqual(suite.missing(), [Path("/nowhere")])

    def test_substitute(self) -> None:
        """
        Unknown placeholders stay.
        """
        text = substitute("{{domains[www1]}}:{{ports[http][1]}} {{what}}")
        self.assertEqual(text, "www1.web-platform.test:8001 {{what}}")

    def test_area(self) -> None:
        """
        The top folder.
        """
        self.assertEqual(area_of("html/webappapis/atob/base64.any.js"), "html")


class ResultTests(SynchronousTestCase):
    """
    `FileResult` says what passed and what did not.
    """

    def test_failures(self) -> None:
        """
        Everything but PASS is a failure, and so is a file that is not OK.
        """
        found = result("a", "TIMEOUT", x="PASS", y="NOTRUN", z="FAIL")
        self.assertEqual(found.failures().keys(), {"y", "z", HARNESS})
        self.assertEqual(found.passes(), {"x"})

    def test_same_name(self) -> None:
        """
        Of two subtests of one name both have to pass.
        """
        twice = (Subtest("x", "PASS"), Subtest("x", "FAIL"))
        found = FileResult("a", "OK", "", twice)
        self.assertEqual(found.passes(), {HARNESS})

    def test_json(self) -> None:
        """
        Nothing is lost on the way through JSON, lone surrogates included.
        """
        subtests = (Subtest("x\ud800", "FAIL", "é"),)
        found = FileResult("a", "ERROR", "m", subtests, 1.5)
        self.assertEqual(FileResult.from_json(json.loads(json.dumps(found.to_json()))), found)


class CompareTests(SynchronousTestCase):
    """
    `compare` is as loud about an unexpected pass as about an unexpected failure.
    """

    def test_as_expected(self) -> None:
        """
        Expected failures fail, the rest passes: nothing to say.
        """
        self.assertFalse(compare(result("a", x="PASS", y="FAIL"), {"y": "why"}))

    def test_unexpected_failure(self) -> None:
        """
        It comes with its message.
        """
        deviations = compare(result("a", x="FAIL"), {})
        self.assertEqual(deviations.failures, {"x": "FAIL: why"})
        self.assertIn("unexpected failure: x: FAIL: why", str(deviations))

    def test_unexpected_pass(self) -> None:
        """
        The expectation has to go.
        """
        deviations = compare(result("a", x="PASS"), {"x": "why"})
        self.assertEqual(deviations.passes, ["x"])
        self.assertTrue(deviations)

    def test_gone(self) -> None:
        """
        An expectation of a subtest that does not appear any more is no use either.
        """
        self.assertEqual(compare(result("a", x="PASS"), {"z": "why"}).gone, ["z"])

    def test_harness(self) -> None:
        """
        A file that ends badly deviates although its subtests do as expected.
        """
        deviations = compare(result("a", "CRASH", x="PASS"), {})
        self.assertEqual(list(deviations.failures), [HARNESS])
        self.assertFalse(compare(result("a", "CRASH", x="PASS"), {HARNESS: "why"}))

    def test_every(self) -> None:
        """
        With "*" all subtests fail; one that passes is unexpected, a bad end of the file too.
        """
        self.assertFalse(compare(result("a", x="FAIL", y="FAIL"), {"*": "why"}))
        self.assertEqual(compare(result("a", x="PASS", y="FAIL"), {"*": "why"}).passes, ["x"])
        self.assertTrue(compare(result("a", "CRASH"), {"*": "why"}))
        self.assertFalse(compare(result("a", "CRASH"), {"*": "why", HARNESS: "why"}))


class ExpectationsTests(SynchronousTestCase):
    """
    `Expectations` keeps its files readable and small.
    """

    def test_round_trip(self) -> None:
        """
        Sorted, gathered by reason, and read back as written.
        """
        before = Expectations({"z/*": "s"}, {"b": {"y": "one", "x": "one"}, "a": {"*": "two"}})
        text = before.format()
        self.assertEqual(Expectations.parse(text), before)
        expected = {"skip": {"z/*": "s"}, "fail": {"a": {"two": ["*"]}, "b": {"one": ["x", "y"]}}}
        self.assertEqual(json.loads(text), expected)
        self.assertLess(text.index('"a"'), text.index('"b"'))

    def test_save(self) -> None:
        """
        An area without expectations has no file.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        Expectations(fail={"a": {"x": "why"}}).save("url", folder)
        self.assertEqual(Expectations.load("url", folder).fail, {"a": {"x": "why"}})
        Expectations().save("url", folder)
        self.assertEqual(list(folder.iterdir()), [])
        self.assertEqual(Expectations.load("url", folder), Expectations())

    def test_two_reasons(self) -> None:
        """
        A subtest with two reasons is a mistake of the editor.
        """
        text = '{"skip": {}, "fail": {"a": {"one": ["x"], "two": ["x"]}}}'
        self.assertRaises(ValueError, Expectations.parse, text)

    def test_unknown_key(self) -> None:
        """
        So is a key that nobody reads.
        """
        self.assertRaises(ValueError, Expectations.parse, '{"skip": {}, "fail": {}, "flaky": {}}')

    def test_skip(self) -> None:
        """
        One star stays within a folder, two do not; variants need no pattern of their own.
        """
        skip = Expectations({"f/*.any.js": "one", "g/**": "two", "h/i.any.js": "three"})
        for name, reason in (
            ("f/a.any.js", "one"),
            ("f/a.any.js?x=1", "one"),
            ("f/b/a.any.js", None),
            ("g/b/a.any.js", "two"),
            ("h/i.any.js?1-10", "three"),
            ("h/iXany.js", None),
        ):
            self.assertEqual(skip.reason_to_skip(name), reason, name)

    def test_update(self) -> None:
        """
        Reasons stay, what passes now goes, new failures get what is proposed, the rest is left.
        """
        before = Expectations(
            {"s": "why"},
            {"a": {"x": "old", "y": "old"}, "other": {"z": "old"}, "gone": {"z": "old"}},
        )
        results = [result("a", x="FAIL", y="PASS", z="TIMEOUT"), result("gone", z="PASS")]
        after = update(before, results, lambda name, subtest: f"{name} {subtest}")
        self.assertEqual(after.skip, before.skip)
        self.assertEqual(after.fail, {"a": {"x": "old", "z": "a z"}, "other": {"z": "old"}})

    def test_update_keeps_every(self) -> None:
        """
        "*" stays as long as nothing passes.
        """
        before = Expectations(fail={"a": {"*": "old"}})
        same = update(before, [result("a", x="FAIL")], lambda name, subtest: "")
        self.assertEqual(same, before)
        after = update(before, [result("a", x="FAIL", y="PASS")], lambda name, subtest: "new")
        self.assertEqual(after.fail, {"a": {"x": "new"}})

    def test_without_reason(self) -> None:
        """
        Empty reasons can be listed.
        """
        found = Expectations(fail={"a": {"x": "", "y": "why"}, "b": {"z": "why"}})
        self.assertEqual(found.without_reason(), {"a": ["x"]})

    def test_committed(self) -> None:
        """
        Every expectation in the repository can be read, is in its form, and has its reason.
        """
        for file in FOLDER.glob("*.json"):
            found = Expectations.parse(file.read_text())
            self.assertEqual(file.read_text(), found.format(), file.name)
            self.assertEqual(found.without_reason(), {}, file.name)
            self.assertNotIn("", found.skip.values(), file.name)
            names = {area_of(name) for name in (*found.skip, *found.fail)}
            self.assertEqual(names, {file.stem}, file.name)


class PeersTests(SynchronousTestCase):
    """
    `Peers` reads recorded results.
    """

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        universe = {"files": {"url/a": ["x", "y", "z"]}}
        (folder / "universe.json.gz").write_bytes(gzip.compress(json.dumps(universe).encode()))
        whole = {"h": "OK", "pass": 2, "seen": 3, "fail": ["z"]}
        broken = {"h": "TIMEOUT", "pass": 1, "seen": 2, "timeout": ["y"]}
        for peer in NAMES:
            entry = broken if peer == "bun" else whole
            text = json.dumps({"files": {"url/a": entry}})
            (folder / f"baseline-{peer}.json").write_text(text)
        self.peers = Peers.load(folder)

    def test_passing(self) -> None:
        """
        Who passes what; of a run that broke off nothing is claimed.
        """
        self.assertEqual(self.peers.passing("url/a", "x"), ["workerd", "deno", "node"])
        self.assertEqual(self.peers.passing("url/a", "z"), [])
        self.assertEqual(self.peers.passing("url/a", HARNESS), ["workerd", "deno", "node"])

    def test_reason(self) -> None:
        """
        Only what fails everywhere is explained by that.
        """
        reason = "fails on workerd, deno, bun and node too"
        self.assertEqual(self.peers.reason("url/a", "z"), reason)
        self.assertEqual(self.peers.reason("url/a", "x"), "")
        self.assertEqual(self.peers.reason("url/a", "never seen"), "")
        self.assertEqual(self.peers.reason("url/never", "x"), "")

    def test_rows(self) -> None:
        """
        With peers the universe is the denominator: what did not appear counts as failed.
        """
        ours = [result("url/a", x="PASS", more="PASS"), result("url/unknown", x="PASS")]
        self.assertEqual(rows(ours, self.peers), [Row("url", 1, 3, (1, 2, 2, 1, 2))])


class TableTests(SynchronousTestCase):
    """
    The table of the documentation.
    """

    def test_alone(self) -> None:
        """
        Without peers it counts what appeared.
        """
        found = [result("url/a", x="PASS", y="FAIL"), result("dom/a", x="PASS")]
        table = markdown(rows(found))
        self.assertIn("| area | files | subtests | nano |", table)
        self.assertIn("| dom | 1 | 1 | **100.0 %** |", table)
        self.assertIn("| url | 1 | 2 | **50.0 %** |", table)
        self.assertIn("| all subtests | 2 | 3 | **66.7 %** |", table)
        self.assertIn("| mean of the areas |  |  | **75.0 %** |", table)

    def test_variants(self) -> None:
        """
        The variants of a file are one file.
        """
        found = [result("url/a?x", x="PASS"), result("url/a?y", x="PASS")]
        self.assertEqual(rows(found), [Row("url", 1, 2, (2,))])

    def test_best_is_bold(self) -> None:
        """
        The best of a row, several if they share it.
        """
        table = markdown([Row("url", 1, 4, (4, 1, 4, 2, 3))])
        row = "| url | 1 | 4 | **100.0 %** | 25.0 % | **100.0 %** | 50.0 % | 75.0 % |"
        self.assertIn(row, table)


class ReportTests(SynchronousTestCase):
    """
    `Report` and `Settings` tie it together.
    """

    def test_summary(self) -> None:
        """
        One line tells everything that matters.
        """
        expectations = {"url": Expectations(fail={"url/a": {"y": "why"}})}
        results = [result("url/a", x="PASS", y="FAIL"), result("url/b", x="FAIL")]
        report = Report(results, expectations, {"url/c": "why"})
        summary = "2 tests, 1 of 3 subtests pass (33.3 %), 1 skipped, 1 not as expected"
        self.assertEqual(report.summary(), summary)
        self.assertEqual([deviation.name for deviation in report.deviations()], ["url/b"])

    def test_updated(self) -> None:
        """
        Each area gets its own results; without peers nobody proposes reasons.
        """
        results = [result("url/a", x="FAIL"), result("dom/a", x="FAIL")]
        report = Report(results, {"url": Expectations(), "dom": Expectations()})
        after = report.updated(None)
        self.assertEqual(after["url"].fail, {"url/a": {"x": ""}})
        self.assertEqual(after["dom"].fail, {"dom/a": {"x": ""}})

    def test_settings(self) -> None:
        """
        From the environment, or none at all.
        """
        self.assertIsNone(Settings.from_environment({}))
        self.assertIsNone(Settings.from_environment({"NANO_WPT": ""}))
        environment = {"NANO_WPT": "/a", "NANO_WPT_PEERS": "/p", "NANO_WPT_JOBS": "3"}
        expected = Settings("/a", Path("/p"), 3, 1.0)
        self.assertEqual(Settings.from_environment(environment), expected)
