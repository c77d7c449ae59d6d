# -*- test-case-name: tests.test_json_text -*-
"""
JSON with positions: the value of a text, and where in it each key and value stands.

The standard library throws positions away, and lets a duplicate key win silently; a person who
looks for a mistake in a configuration file needs both.  Strings and numbers are read by the
standard library's own scanners, so that what is accepted is exactly JSON.  Pure.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in typeshed

from nano.errors import Place

__all__ = ["MAX_DEPTH", "Document", "JsonPath", "JsonSyntaxError", "dotted", "parse", "place_at"]

JsonPath = tuple[str | int, ...]

MAX_DEPTH = 100
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_LITERALS = {"true": True, "false": False, "null": None}


class JsonSyntaxError(ValueError):
    """
    The text is no JSON; `position` is the offset of the first character that is wrong.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


@dataclass
class Document:
    """
    A parsed text.

    Attributes:
        value: what the text says; of duplicate keys the last one.
        values: offset of every value.
        keys: offset of every object key, under the path of its value.
        duplicates: path and offset of each key that its object already has.
    """

    text: str
    value: object = None
    values: dict[JsonPath, int] = field(default_factory=dict)
    keys: dict[JsonPath, int] = field(default_factory=dict)
    duplicates: list[tuple[JsonPath, int]] = field(default_factory=list)

    def existing(self, path: JsonPath) -> JsonPath:
        """The longest beginning of *path* that is in the text."""
        while path and path not in self.values:
            path = path[:-1]
        return path

    def locate(self, file: str, path: JsonPath, at_key: bool = False) -> Place:
        """The place of the value (or key) at *path*, or of the nearest thing around it."""
        found = self.existing(path)
        offset = self.values.get(found, 0)
        if at_key and found == path:
            offset = self.keys.get(found, offset)
        return place_at(file, self.text, offset)

    def hide(self, path: JsonPath) -> None:
        """Overwrite the string at *path*, if it is one, so that no message can show it."""
        start = self.values.get(path)
        if start is not None and self.text.startswith('"', start):
            end = scanstring(self.text, start + 1, True)[1] - 1
            self.text = self.text[: start + 1] + "*" * (end - start - 1) + self.text[end:]


def place_at(file: str, text: str, offset: int) -> Place:
    """The offset as line and column, with the line itself."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end].rstrip("\r")
    return Place(file, text.count("\n", 0, offset) + 1, offset - start + 1, line)


def dotted(path: JsonPath) -> str:
    """
    A path as people write it: `apps[2].timeout_ms`, `env["a b"]`.
    """
    parts = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _IDENTIFIER.fullmatch(step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append('["' + step.replace("\\", "\\\\").replace('"', '\\"') + '"]')
    return "".join(parts)


def parse(text: str) -> Document:
    """
    Read one JSON text.

    Raises:
        JsonSyntaxError: at the first character that cannot be right.
    """
    parser = _Parser(text)
    position = parser.value(parser.skip(0), ())
    position = parser.skip(position)
    if position < len(text):
        raise JsonSyntaxError(parser.unexpected(position, "the end of the file"), position)
    parser.document.value = parser.result
    return parser.document


class _Parser:
    """
    Recursive descent; each method takes the offset to start at and returns the one to go on at,
    and leaves what it read in `result`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.document = Document(text)
        self.result: object = None

    def skip(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def unexpected(self, position: int, wanted: str) -> str:
        found = self.text[position : position + 1]
        if self.text.startswith(("//", "/*", "#"), position):
            return "comments are not allowed in JSON"
        if found == "'":
            return "strings take double quotes"
        return f"expected {wanted}, found {repr(found) if found else 'the end'}"

    def value(self, position: int, path: JsonPath) -> int:
        if len(path) > MAX_DEPTH:
            raise JsonSyntaxError(f"nested deeper than {MAX_DEPTH} levels", position)
        self.document.values[path] = position
        first = self.text[position : position + 1]
        if first == "{":
            return self.object(position + 1, path)
        if first == "[":
            return self.array(position + 1, path)
        if first == '"':
            return self.string(position)
        return self.scalar(position)

    def object(self, position: int, path: JsonPath) -> int:
        members: dict[str, object] = {}
        position = self.skip(position)
        while not self.text.startswith("}", position):
            key, after = self.key(position)
            inner = (*path, key)
            if key in members:
                self.document.duplicates.append((inner, position))
            self.document.keys[inner] = position
            position = self.skip(self.value(after, inner))
            members[key] = self.result
            position = self.separator(position, "}")
        self.result = members
        return position + 1

    def key(self, position: int) -> tuple[str, int]:
        if not self.text.startswith('"', position):
            wanted = 'a key in double quotes or "}"'
            raise JsonSyntaxError(self.unexpected(position, wanted), position)
        colon = self.skip(self.string(position))
        if not self.text.startswith(":", colon):
            raise JsonSyntaxError(self.unexpected(colon, '":"'), colon)
        return str(self.result), self.skip(colon + 1)

    def array(self, position: int, path: JsonPath) -> int:
        items: list[object] = []
        position = self.skip(position)
        while not self.text.startswith("]", position):
            position = self.skip(self.value(position, (*path, len(items))))
            items.append(self.result)
            position = self.separator(position, "]")
        self.result = items
        return position + 1

    def separator(self, position: int, closing: str) -> int:
        if self.text.startswith(closing, position):
            return position
        if not self.text.startswith(",", position):
            raise JsonSyntaxError(self.unexpected(position, f'"," or "{closing}"'), position)
        following = self.skip(position + 1)
        if self.text.startswith(closing, following):
            raise JsonSyntaxError(f'a comma before "{closing}" is not allowed in JSON', position)
        return following

    def string(self, position: int) -> int:
        try:
            self.result, end = scanstring(self.text, position + 1, True)
        except JSONDecodeError as error:
            raise JsonSyntaxError(error.msg[0].lower() + error.msg[1:], error.pos) from None
        return int(end)

    def scalar(self, position: int) -> int:
        number = _NUMBER.match(self.text, position)
        if number:
            self.result = self.number(number)
            return number.end()
        word = _WORD.match(self.text, position)
        if word and word[0] in _LITERALS:
            self.result = _LITERALS[word[0]]
            return word.end()
        raise JsonSyntaxError(self.unexpected(position, "a value"), position)

    def number(self, match: re.Match[str]) -> int | float:
        whole, fraction, exponent = match.groups()
        try:
            number = float(match[0]) if fraction or exponent else int(whole)
        except ValueError:  # Python refuses integers of thousands of digits
            number = math.inf
        if math.isinf(number):
            raise JsonSyntaxError("the number is out of range", match.start())
        return number
