# -*- test-case-name: tests.admin.test_log_format -*-
"""
What a log event looks like: as a line of JSON, as text for people, as an access log line.  Pure.

Values come from apps, from clients and from their headers, so none of them may end a line or begin one: line breaks,
control characters and what changes the direction of text are escaped in every format.  Of an event each format shows
the message and its *fields*: whatever was given to the logger by keyword and is not part of the message already.  An
event that cannot be formatted still becomes a line, which says so.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from string import Formatter
from time import localtime, strftime
from typing import Any

from twisted.logger import formatEvent
from twisted.python.reflect import safe_str

__all__ = [
    "FORMATS",
    "Format",
    "apache_line",
    "json_line",
    "json_object",
    "printable",
    "record_of",
    "safely",
    "text_line",
]

#: From an event and the name of the worker, "" for none, to a line that ends in its only line break.
Format = Callable[[Mapping[str, Any], str], str]

#: C1 controls, line and paragraph separators, and what makes text run another way; JSON escapes C0 controls by itself.
_HARMFUL = re.compile("[\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
#: The same with C0 controls but tab and line feed.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_BARE = re.compile(r"[\w.,:;/@%+*?&#~^()<>|!$-]+", re.ASCII).fullmatch
_QUOTABLE = re.compile(r"""["\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]""")

#: What `twisted.python.log` adds to an event.
_LEGACY = frozenset(("message", "time", "system", "isError", "printed", "format", "why", "failure"))
#: Fields with a place of their own.
_PLACED = frozenset(("event", "app", "request_id"))
#: How deep lists and objects among the fields are followed.
_DEPTH = 4
_INDENT = "\n    "


# --- parts -------------------------------------------------------------------------------------


def _level(event: Mapping[str, Any]) -> str:
    return getattr(event.get("log_level"), "name", "info")


@lru_cache(4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def _timestamp(event: Mapping[str, Any]) -> str:
    second, milliseconds = divmod(int(event.get("log_time", 0.0) * 1000), 1000)
    return f"{_second(second)}.{milliseconds:03d}Z"


def _message(event: Mapping[str, Any]) -> str:
    if event.get("log_format") == "{text}":
        # Lines of apps: they may be long, and the general way copies them a few times.
        return str(event.get("text", ""))
    if event.get("event") == "access":
        return f"{event['method']} {event['path']} {event['status']} {event['duration_ms']} ms"
    return formatEvent(dict(event))


@lru_cache(1024)
def _used(format_: object) -> frozenset[str]:
    """The fields that a format shows by themselves."""
    try:
        parsed = list(Formatter().parse(format_)) if isinstance(format_, str) else []
    except ValueError:
        return frozenset()
    return frozenset(name for _, name, _, _ in parsed if name and name.isidentifier())


def _fields(event: Mapping[str, Any], told: frozenset[str]) -> Iterator[tuple[str, Any]]:
    legacy = "isError" in event
    for name, value in event.items():
        if name.startswith("log_") or name in _PLACED or name in told or (legacy and name in _LEGACY):
            continue
        yield name, value


def _plain(value: Any, depth: int = _DEPTH) -> Any:
    """*value* as JSON can carry it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping) and depth:
        return {_text(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) and depth:
        return [_plain(item, depth - 1) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(safe_str(value))


def _traceback(event: Mapping[str, Any]) -> str:
    failure = event.get("log_failure")
    return str(failure.getTraceback()).rstrip() if failure is not None else ""


def _unicode_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _python_escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def printable(text: str) -> str:
    """*text* without what a terminal would act on; tabs and line feeds stay."""
    return _UNPRINTABLE.sub(_python_escape, text)


def safely(format_: Format) -> Format:
    """*format_*, but whatever an event holds, there is a line, and nothing is raised."""

    def line(event: Mapping[str, Any], worker: str) -> str:
        try:
            return format_(event, worker)
        except Exception as error:
            return format_(_substitute(event, error), worker)

    return line


def _substitute(event: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """What is told of an event that cannot be."""
    namespace = event.get("log_namespace")
    return {
        "log_format": "{note}",
        "note": f"an event could not be formatted: {type(error).__name__}",
        "event": "unformattable",
        "logger_of_event": namespace if isinstance(namespace, str) else "",
    }


# --- json --------------------------------------------------------------------------------------

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quote: Callable[[str], str] = json.encoder.encode_basestring


def record_of(event: Mapping[str, Any], worker: str) -> dict[str, Any]:
    """
    An event as an object: `ts`, `level`, `event`, `logger`, `app`, `worker`, `request_id`, `msg`, and the event's
    fields; of a failure its `traceback`.  Empty ones are left out.
    """
    if event.get("event") == "access":
        return dict(json.loads(_access(event, worker)))
    line: dict[str, Any] = {"ts": _timestamp(event), "level": _level(event)}
    for name, value in (
        ("event", event.get("event", "log")),
        ("logger", event.get("log_namespace")),
        ("app", event.get("app")),
        ("worker", worker or _name_of_worker(event)),
        ("request_id", event.get("request_id")),
    ):
        if value:
            line[name] = _plain(value)
    line["msg"] = _message(event)
    told = _used(event["log_format"]) if event.get("log_format") in _WHOLE else frozenset()
    for name, value in _fields(event, told):
        line.setdefault(name, _plain(value))
    traceback = _traceback(event)
    if traceback:
        line["traceback"] = traceback
    return line


def json_object(event: Mapping[str, Any], worker: str) -> dict[str, Any]:
    """
    The record of an event, whatever that holds: it never raises.
    """
    try:
        return record_of(event, worker)
    except Exception as error:
        return record_of(_substitute(event, error), worker)


def _json_line(event: Mapping[str, Any], worker: str) -> str:
    """
    The record on one line.
    """
    if event.get("event") == "access":
        return _harmless(_access(event, worker))
    return _as_json(record_of(event, worker))


def _name_of_worker(event: Mapping[str, Any]) -> str:
    """The supervisor speaks of workers by their numbers; elsewhere they are names."""
    number = event.get("worker")
    return "" if number is None else _text(number)


def _as_json(line: dict[str, Any]) -> str:
    return _harmless(_encode(line))


def _harmless(text: str) -> str:
    if not text.isascii() or "\x7f" in text:
        text = _HARMFUL.sub(_unicode_escape, text)
    return text + "\n"


def _access(event: Mapping[str, Any], worker: str) -> str:
    """What a request is logged with: there is one for each, so the line is put together in one go."""
    of_worker = f'"worker":{_quote(worker)},' if worker else ""
    return (
        f'{{"ts":"{_timestamp(event)}","level":"{_level(event)}","event":"access",{of_worker}'
        f'"app":{_quote(event["app"])},"request_id":{_quote(event["request_id"])},'
        f'"method":{_quote(event["method"])},"path":{_quote(event["path"])},'
        f'"status":{event["status"]:d},"bytes":{event["bytes"]:d},"duration_ms":{event["duration_ms"]:.3f},'
        f'"client":{_quote(event["client"])},"user_agent":{_quote(event["user_agent"])},'
        f'"referer":{_quote(event["referer"])},"outcome":{_quote(event["outcome"])}}}'
    )


#: Formats that are one field and nothing else: it is not told twice.
_WHOLE = frozenset(("{text}", "{error}", "{note}", "{log_io}", "{log_text}"))

# --- text --------------------------------------------------------------------------------------


def _text_line(event: Mapping[str, Any], worker: str) -> str:
    """
    Time, level, app and message; then the other fields; further lines of a message are indented.
    """
    where = " ".join(_value(part) for part in (event.get("app"), worker and f"worker:{worker}") if part)
    text = _message(event)
    if event.get("event") != "access":
        text += _told(event)
    traceback = _traceback(event)
    if traceback:
        text = f"{text}\n{traceback}"
    text = printable(text.rstrip("\n")).replace("\n", _INDENT)
    return f"{_timestamp(event)} {_level(event):8} {f'[{where}] ' if where else ''}{text}\n"


def _told(event: Mapping[str, Any]) -> str:
    """The fields that the message does not show."""
    fields = [f"{_value(name)}={_value(value)}" for name, value in _fields(event, _used(event.get("log_format")))]
    if event.get("request_id"):
        fields.append(f"request_id={_value(event['request_id'])}")
    return f" ({' '.join(fields)})" if fields else ""


def _value(value: Any) -> str:
    plain = _plain(value)
    text = plain if isinstance(plain, str) else _encode(plain)
    if _BARE(text):
        return text
    return _HARMFUL.sub(_unicode_escape, text if text is not plain else _encode(text))


# --- apache ------------------------------------------------------------------------------------


def _apache_line(event: Mapping[str, Any], worker: str) -> str:
    """
    The combined log format for requests, in local time; text for everything else.
    """
    if event.get("event") != "access":
        return _text_line(event, worker)
    when = strftime("%d/%b/%Y:%H:%M:%S %z", localtime(event.get("log_time", 0.0)))
    request = f"{event['method']} {event['path']} {event.get('protocol', 'HTTP/1.1')}"
    client = "".join(_quoted(event.get("client") or "").split()) or "-"
    return (
        f'{client} - - [{when}] "{_quoted(request)}" {int(event["status"])} {int(event["bytes"]) or "-"}'
        f' "{_quoted(event.get("referer") or "-")}" "{_quoted(event.get("user_agent") or "-")}"\n'
    )


def _quoted(text: Any) -> str:
    return _QUOTABLE.sub(_quoted_escape, str(text))


def _quoted_escape(match: re.Match[str]) -> str:
    return f"\\{match[0]}" if match[0] in '"\\' else _python_escape(match)


json_line = safely(_json_line)
text_line = safely(_text_line)
apache_line = safely(_apache_line)

FORMATS: Mapping[str, Format] = {
    "json": json_line,
    "text": text_line,
    "apache": apache_line,
}
"""By the names of `log.format`."""
