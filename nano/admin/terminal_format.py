# -*- test-case-name: tests.admin.test_terminal_format -*-
"""
The log for somebody who sits before it: what `nano serve` shows on a terminal, and `nano logs`.

It is made of *records*, the objects that the JSON format writes, so that lines which come from another process look
like those of this one.  Requests are a line with status and time; an error of an app is shown with the piece of its
source; what is routine is left out, unless the level is `debug`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nano.admin.code_frame import CodeFrame, frame_of, frame_text
from nano.admin.log_format import Format, printable, record_of, safely

__all__ = ["Paint", "duration", "reload_summary", "terminal_format", "terminal_text", "wants_colours"]

#: What is told in another way, or of no interest to whoever writes an app.
_ROUTINE = frozenset(("app-ready", "listening", "worker-ready", "worker-ended", "log"))
#: At these levels nothing is routine.
_LOUD = frozenset(("warn", "error", "critical"))
#: Says again what `app-failed` has said.
_REPEATED = frozenset(("app-not-replaced",))
#: What each worker tells is shown once: of the first, or of the only process.
_OF_EACH_WORKER = frozenset(("app-failed",))
_LEVEL_STYLES = {"debug": "dim", "warn": "yellow", "error": "red", "critical": "red"}
_STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
_STACK = re.compile(r"\n +at ")
_INDENT = " " * 10


class Paint:
    """
    Puts colours on texts, or does not.

    Args:
        colours: whether it does.
    """

    def __init__(self, colours: bool) -> None:
        self._colours = colours

    def __call__(self, text: str, *styles: str) -> str:
        """*text* in the given styles, each of its lines by itself; a style may be ""."""
        codes = ";".join(str(_STYLES[style]) for style in styles if style)
        if not self._colours or not codes:
            return text
        return "\n".join(f"\x1b[{codes}m{line}\x1b[0m" if line else "" for line in text.split("\n"))


def wants_colours(environ: Mapping[str, str]) -> bool:
    """
    Whether a terminal is one for colours: not where `NO_COLOR` is set, or `TERM` is "dumb".
    """
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def duration(milliseconds: float) -> str:
    """A time as people say it, in about two digits: `0.4 ms`, `12 ms`, `3.4 s`."""
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def reload_summary(result: Mapping[str, Any]) -> str:
    """
    What a reload has done, in a line; *result* is what `POST /admin/reload` answers.
    """
    words = {"created": "added", "replaced": "replaced", "removed": "removed", "failed": "failed to load"}
    parts = [f"{', '.join(result[key])} {word}" for key, word in words.items() if result.get(key)]
    return f"reloaded: {'; '.join(parts)}" if parts else "reloaded: nothing to do"


def terminal_format(paint: Paint, everything: bool = False, width: Callable[[], int] = lambda: 80) -> Format:
    """
    The format of a terminal.

    Args:
        paint: colours, or none.
        everything: whether routine is shown too.
        width: of the terminal, at this moment.

    Returns:
        What makes the text of an event: several lines, or none at all.
    """

    def format_(event: Mapping[str, Any], worker: str) -> str:
        record = record_of(event, worker)
        frame: Sequence[str] = ()
        # Where the app is was told by whoever logged it; it is no field of any record.
        path = event.get("log_app_path")
        if path and record.get("level") in _LOUD and _STACK.search(record["msg"]):
            found = frame_of(record["msg"], path)
            frame = _source(found, paint, width() - len(_INDENT)) if found is not None else ()
        return terminal_text(record, paint, frame, everything)

    return safely(format_)


def terminal_text(record: Mapping[str, Any], paint: Paint, frame: Sequence[str] = (), everything: bool = True) -> str:
    """
    A record as text.

    Args:
        record: an object of the JSON format.
        paint: colours, or none.
        frame: lines with the source of an error.
        everything: whether routine is shown too.

    Returns:
        Lines, each with its end; "" for what is not shown.
    """
    if not everything and _is_routine(record):
        return ""
    text = _request(record, paint) if record.get("event") == "access" else _message(record, paint, frame)
    return f"{paint(_clock(record), 'dim')}  {text}\n"


def _is_routine(record: Mapping[str, Any]) -> bool:
    event, worker = record.get("event"), record.get("worker")
    if event in _REPEATED or (event in _OF_EACH_WORKER and worker not in (None, "", "0", "1")):
        return True
    return event in _ROUTINE and record.get("level") not in _LOUD


def _clock(record: Mapping[str, Any]) -> str:
    """The local time of day."""
    try:
        when = datetime.fromisoformat(str(record.get("ts")).replace("Z", "+00:00"))
    except ValueError:
        return "--:--:--"
    return when.astimezone().strftime("%H:%M:%S")


def _request(record: Mapping[str, Any], paint: Paint) -> str:
    status = int(record.get("status") or 0)
    style = "red" if status >= 500 else "yellow" if status >= 400 else "cyan" if status >= 300 else "green"
    outcome = record.get("outcome", "ok")
    target = printable(f"{record.get('method', '')} {record.get('path', '')}").replace("\n", "\\n")
    parts = [
        paint(f"{status:3}", style),
        paint(f"{duration(float(record.get('duration_ms') or 0)):>7}", "dim"),
        f"{target}  {paint(_name(record), 'dim')}".rstrip(),
    ]
    return "  ".join(parts) + (f"  {paint(printable(str(outcome)), style)}" if outcome != "ok" else "")


def _name(record: Mapping[str, Any]) -> str:
    return printable(str(record.get("app") or "")).replace("\n", " ")


def _message(record: Mapping[str, Any], paint: Paint, frame: Sequence[str]) -> str:
    event, style = record.get("event"), _LEVEL_STYLES.get(str(record.get("level")), "")
    text = reload_summary(record) if event == "reloaded" else str(record.get("msg", ""))
    if record.get("traceback"):
        text = f"{text}\n{record['traceback']}"
    text = printable(text.rstrip("\n"))
    name = _name(record)
    # The messages of nano itself name the app that they are about.
    of_app = event in ("console", "exchange-failed")
    head = f"{paint(name, 'cyan')}  " if name and of_app else ""
    if event == "reloaded":
        style = "yellow" if record.get("failed") else "green"
    body = _error(text, paint, style, frame) if style in ("red", "yellow") else text if of_app else paint(text, style)
    return "\n".join(f"{_INDENT}{line}".rstrip() for line in f"{head}{body}".split("\n")).lstrip(" ")


def _error(text: str, paint: Paint, style: str, frame: Sequence[str]) -> str:
    """What went wrong, where in the source, and the way there."""
    stack = _STACK.search(text)
    said, way = (text[: stack.start()], text[stack.start() + 1 :]) if stack else (text, "")
    parts = [paint(said, style), *(["", *frame, ""] if frame else []), *([paint(way, "dim")] if way else [])]
    return "\n".join(parts)


def _source(frame: CodeFrame, paint: Paint, width: int) -> list[str]:
    """A piece of source, with a headline."""
    shown = [paint(printable(f"{frame.file}:{frame.line}:{frame.column}"), "bold")]
    for line in map(printable, frame_text(frame, width)):
        if line.lstrip(" |") == "^":
            shown.append(line[:-1] + paint("^", "red", "bold"))
        else:
            shown.append(line if line.startswith(">") else paint(line, "dim"))
    return shown
