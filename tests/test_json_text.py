# -*- test-case-name: tests.test_json_text -*-
"""
JSON with positions, against the standard library where it has an opinion.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from nano.json_text import MAX_DEPTH, JsonSyntaxError, dotted, parse

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class ParseTests(SynchronousTestCase):
    def assert_wrong(self, text: str, offset: int, reason: str) -> None:
        error = self.assertRaises(JsonSyntaxError, parse, text)
        self.assertEqual((error.position, error.reason), (offset, reason))

    @given(JSON, st.sampled_from([None, 1, "\t"]))
    def test_agrees_with_the_standard_library(self, value: Any, indent: int | str | None) -> None:
        """What the standard library writes is read back the same."""
        self.assertEqual(parse(json.dumps(value, indent=indent)).value, value)

    @given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \\u\n'))
    def test_accepts_the_same(self, text: str) -> None:
        """A text is JSON here when it is JSON there, infinite numbers aside."""
        try:
            expected = json.loads(text, parse_constant=self.fail)
        except ValueError:
            self.assertRaises(JsonSyntaxError, parse, text)
        else:
            try:
                self.assertEqual(parse(text).value, expected)
            except JsonSyntaxError as error:
                self.assertIn("out of range", error.reason)

    @given(JSON)
    def test_positions(self, value: Any) -> None:
        """At the offset of each value, that value begins; at that of a key, the key."""
        document = parse(json.dumps(value))
        decoder = json.JSONDecoder()
        for path, offset in document.values.items():
            found = value
            for step in path:
                found = found[step]
            self.assertEqual(decoder.raw_decode(document.text, offset)[0], found)
        for path, offset in document.keys.items():
            self.assertEqual(decoder.raw_decode(document.text, offset)[0], path[-1])

    def test_mistakes(self) -> None:
        """What people get wrong has a message of its own, at the place."""
        self.assert_wrong("", 0, "expected a value, found the end")
        self.assert_wrong("// x", 0, "comments are not allowed in JSON")
        self.assert_wrong('{"a": 1,}', 7, 'a comma before "}" is not allowed in JSON')
        self.assert_wrong("[1,\n]", 2, 'a comma before "]" is not allowed in JSON')
        self.assert_wrong("['a']", 1, "strings take double quotes")
        self.assert_wrong("{a: 1}", 1, "expected a key in double quotes or \"}\", found 'a'")
        self.assert_wrong('{"a" 1}', 5, "expected \":\", found '1'")
        self.assert_wrong('{"a": 1 "b": 2}', 8, 'expected "," or "}", found \'"\'')
        self.assert_wrong("1 2", 2, "expected the end of the file, found '2'")
        self.assert_wrong("NaN", 0, "expected a value, found 'N'")

    def test_numbers_out_of_range(self) -> None:
        """Numbers that would become infinite, or that Python refuses, are mistakes."""
        self.assert_wrong("1e999", 0, "the number is out of range")
        self.assert_wrong("[" + "9" * 10000 + "]", 1, "the number is out of range")

    def test_depth(self) -> None:
        """Deep nesting is a mistake long before it is Python's problem."""
        parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
        error = self.assertRaises(JsonSyntaxError, parse, "[" * 100_000)
        self.assertIn("nested deeper", error.reason)

    def test_duplicates(self) -> None:
        """A key that is given twice is noted, at its second place."""
        document = parse('{"a": {"b": 1, "b": 2}, "a": 3}')
        self.assertEqual(document.duplicates, [(("a", "b"), 15), (("a",), 24)])


class LocateTests(SynchronousTestCase):
    text = '{\n  "a": [1,\r\n    {"b": 2}]\n}'

    def test_value(self) -> None:
        """Lines and columns count from 1; the line comes without its end."""
        place = parse(self.text).locate("f", ("a", 1, "b"))
        self.assertEqual((place.line, place.column), (3, 11))
        self.assertEqual(place.source_line, '    {"b": 2}]')
        self.assertEqual(parse(self.text).locate("f", ("a",)).source_line, '  "a": [1,')

    def test_key(self) -> None:
        """On request the key's place."""
        place = parse(self.text).locate("f", ("a", 1, "b"), at_key=True)
        self.assertEqual((place.line, place.column), (3, 6))

    def test_missing(self) -> None:
        """What is not there is reported where it should be."""
        place = parse(self.text).locate("f", ("a", 1, "c", 4), at_key=True)
        self.assertEqual((place.line, place.column), (3, 5))

    def test_hide(self) -> None:
        """A hidden string is gone from what can be shown, and moves nothing."""
        document = parse('{"t": "se\\"cret", "u": 1}')
        document.hide(("t",))
        document.hide(("u",))
        document.hide(("nothing",))
        place = document.locate("f", ("u",))
        self.assertEqual(place.source_line, '{"t": "********", "u": 1}')
        self.assertEqual(place.column, 24)


class DottedTests(SynchronousTestCase):
    def test_paths(self) -> None:
        """Paths read as in JavaScript."""
        self.assertEqual(dotted(("apps", 2, "env", "a b", 'x"')), 'apps[2].env["a b"]["x\\""]')
        self.assertEqual(dotted(("a b",)), '["a b"]')
        self.assertEqual(dotted(()), "")
