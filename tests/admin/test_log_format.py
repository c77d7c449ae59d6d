"""
What log events look like, and that nothing in them can forge a line.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from nano.admin.log_format import FORMATS, apache_line, json_line, text_line

#: 2026-01-02 03:04:05.678 UTC.
MOMENT = 1767323045.678


def event(format_: str = "hello", level: LogLevel = LogLevel.info, **fields: Any) -> dict[str, Any]:
    """An event as `Logger` makes it."""
    base = {"log_time": MOMENT, "log_level": level, "log_format": format_, "log_namespace": "nano.test"}
    return {**base, "log_logger": Logger(namespace="nano.test"), "log_source": None, **fields}


def access(**fields: Any) -> dict[str, Any]:
    """An access event."""
    base = {
        "event": "access",
        "app": "shop",
        "request_id": "r1",
        "method": "GET",
        "path": "/a?b=c",
        "status": 200,
        "bytes": 12,
        "duration_ms": 1.5,
        "client": "192.0.2.1",
        "user_agent": "curl/8",
        "referer": "",
        "outcome": "ok",
    }
    return event("{method} {path} {status}", **{**base, **fields})


def failure() -> Failure:
    """A failure with a traceback."""
    try:
        raise ValueError("first line\nsecond line")
    except ValueError:
        return Failure()


class JsonTests(SynchronousTestCase):
    def line(self, event: dict[str, Any], worker: str = "") -> Any:
        text = json_line(event, worker)
        self.assertEqual(text[-1:], "\n")
        self.assertEqual(len(text.splitlines()), 1)
        return json.loads(text)

    def test_fields(self) -> None:
        """The message and what else the event holds; what the logger adds for itself is left out."""
        line = self.line(event("{app} is {state}", app="shop", state="ready", event="app-ready", size=3), "2")
        self.assertEqual(
            line,
            {
                "ts": "2026-01-02T03:04:05.678Z",
                "level": "info",
                "event": "app-ready",
                "logger": "nano.test",
                "app": "shop",
                "worker": "2",
                "msg": "shop is ready",
                "state": "ready",
                "size": 3,
            },
        )
        self.assertEqual(list(line)[:2], ["ts", "level"])

    def test_text_is_not_repeated(self) -> None:
        """What is the message as a whole does not come a second time."""
        line = self.line(event("{text}", text="a\nb", request_id="r", event="console"))
        self.assertEqual((line["msg"], line["request_id"]), ("a\nb", "r"))
        self.assertNotIn("text", line)

    def test_failure(self) -> None:
        """A failure comes with its traceback, in the same line."""
        line = self.line(event("broken", LogLevel.critical, log_failure=failure()))
        self.assertEqual((line["level"], line["msg"]), ("critical", "broken"))
        self.assertIn("ValueError: first line\nsecond line", line["traceback"])

    def test_fields_cannot_replace_ours(self) -> None:
        """A field that is called like one of ours does not take its place."""
        line = self.line({**event(ts="y", msg="z", worker="w"), "level": "x"}, "1")
        self.assertEqual((line["level"], line["msg"], line["worker"]), ("info", "hello", "1"))

    def test_worker_as_a_field(self) -> None:
        """The supervisor's events name a worker by its number, which becomes the same text."""
        self.assertEqual(self.line(event(worker=0))["worker"], "0")

    def test_values(self) -> None:
        """Values that JSON does not know are texts; NaN is not JSON."""
        line = self.line(event(nan=float("nan"), data=b"\xff\n", nested={"a": [1, None, {2}]}, thing=LogLevel))
        self.assertEqual(line["nan"], "nan")
        self.assertEqual(line["data"], "\\xff\n")
        self.assertEqual(line["nested"], {"a": [1, None, [2]]})

    def test_legacy(self) -> None:
        """What `twisted.python.log` adds is left out."""
        legacy = event("{log_text}", log_text="old", message=("old",), time=1.0, system="-", isError=0)
        self.assertEqual(set(self.line(legacy)), {"ts", "level", "event", "logger", "msg"})

    def test_unformattable(self) -> None:
        """What cannot be formatted still becomes a line."""

        class Bad:
            def __str__(self) -> str:
                raise RuntimeError

            __repr__ = __str__

        self.assertIn("Bad", self.line(event(bad=Bad()))["bad"])
        self.assertIn("msg", self.line(event("{bad}", bad=Bad())))
        self.assertEqual(self.line(event(time=1, log_time="never"))["event"], "unformattable")

    def test_lone_surrogates(self) -> None:
        """What UTF-8 cannot say is escaped as JSON does."""
        data = json_line(event("{text}", text="\ud800"), "").encode("utf-8", "backslashreplace")
        self.assertEqual(json.loads(data)["msg"], "\ud800")

    def test_other_languages(self) -> None:
        """Letters are not escaped."""
        self.assertIn("Grüße 你好", json_line(event("{text}", text="Grüße 你好"), ""))


class TextTests(SynchronousTestCase):
    def test_line(self) -> None:
        """Time, level, app and message, then what the message does not say."""
        shown = text_line(event("{app} is {state}", app="shop", state="ready", code="x y", size=3), "")
        self.assertEqual(shown, '2026-01-02T03:04:05.678Z info     [shop] shop is ready (code="x y" size=3)\n')

    def test_worker(self) -> None:
        """The worker is named where there are several."""
        self.assertIn(" [shop worker:1] ", text_line(event(app="shop"), "1"))

    def test_lines_are_indented(self) -> None:
        """Further lines of a message, or a traceback, cannot be taken for lines of the log."""
        shown = text_line(event("{text}", text=f"a\n{text_line(event(), '')}b", log_failure=failure()), "")
        first, *others = shown.splitlines()
        self.assertTrue(first.endswith(" a"), first)
        self.assertTrue(all(line.startswith("    ") for line in others), others)
        self.assertIn("    builtins.ValueError: first line", others)

    def test_controls(self) -> None:
        """A terminal is not told anything."""
        shown = text_line(event("{text}", text="a\x1b[2Jb\rc\x85d\u202ee\tf"), "")
        self.assertTrue(shown.endswith("a\\x1b[2Jb\\rc\\x85d\\u202ee\tf\n"), shown)

    def test_access(self) -> None:
        """Of a request people read the essence."""
        self.assertTrue(text_line(access(), "").endswith(" [shop] GET /a?b=c 200 1.5 ms\n"))


class ApacheTests(SynchronousTestCase):
    COMBINED = re.compile(
        r'(\S+) - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "((?:[^"\\]|\\.)*)" (\d+) (\d+|-)'
        r' "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\n'
    )

    def test_combined(self) -> None:
        """The format that log analysers know."""
        match = self.COMBINED.fullmatch(apache_line(access(bytes=0), ""))
        assert match is not None
        self.assertEqual(match.groups(), ("192.0.2.1", "GET /a?b=c HTTP/1.1", "200", "-", "-", "curl/8"))

    def test_quotes(self) -> None:
        """A quote in a header does not end its field."""
        match = self.COMBINED.fullmatch(apache_line(access(user_agent='a" 200 "\\', referer="\n\x1b"), ""))
        assert match is not None
        self.assertEqual(match[6], 'a\\" 200 \\"\\\\')
        self.assertEqual(match[5], "\\n\\x1b")

    def test_others(self) -> None:
        """All that is no request is text."""
        self.assertEqual(apache_line(event(), ""), text_line(event(), ""))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
texts = st.text(st.characters(codec=None), max_size=60) | st.lists(
    st.sampled_from(
        ["\n", "\r", "\x85", "\u2028", "\x1b[2K", '"', "\\", '","level":"error', "2026-01-02T", " ", "\ud800"]
    )
).map("".join)


class ForgeryTests(SynchronousTestCase):
    """Whatever apps and clients send, a line of the log is one that nano wrote."""

    @given(text=texts, app=texts, fields=st.dictionaries(texts.filter(lambda k: not k.startswith("log_")), values))
    def test_json(self, text: str, app: str, fields: dict[str, Any]) -> None:
        """One event is one line, whose level and message are the event's."""
        line = json_line({**event("{text}"), **fields, "text": text, "app": app, "event": "console"}, "")
        self.assertEqual(line.splitlines(), [line[:-1]])
        parsed = json.loads(line.encode("utf-8", "backslashreplace"))
        self.assertEqual((parsed["level"], parsed["msg"], parsed.get("app", "")), ("info", text, app))

    @given(text=texts, app=texts, fields=st.dictionaries(texts.filter(lambda k: not k.startswith("log_")), values))
    def test_text(self, text: str, app: str, fields: dict[str, Any]) -> None:
        """Only the first line of an event begins like one."""
        shown = text_line({**event("{text}"), **fields, "text": text, "app": app}, "")
        first, *others = shown.split("\n")[:-1]
        self.assertTrue(first.startswith("2026-01-02T03:04:05.678Z info     "), first)
        self.assertTrue(all(line.startswith("    ") for line in others), others)
        self.assertEqual(len(shown.splitlines()), len(others) + 1)
        self.assertNotIn("\x1b", shown)

    @given(texts, texts, texts, texts, texts)
    def test_access(self, method: str, path: str, client: str, user_agent: str, referer: str) -> None:
        """A request is one line in every format, with its fields in their places."""
        request = access(method=method, path=path, client=client, user_agent=user_agent, referer=referer)
        for name, format_ in FORMATS.items():
            line = format_(request, "")
            if name != "text":
                self.assertEqual(line.splitlines(), [line[:-1]], name)
        self.assertIsNotNone(ApacheTests.COMBINED.fullmatch(apache_line(request, "")))
