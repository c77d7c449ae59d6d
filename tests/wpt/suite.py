# -*- test-case-name: tests.wpt.test_harness -*-
"""
What there is to run: test files, their META comments and their variants.

Pure but for reading directories and files below the given roots; knows nothing of engines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["AREAS", "Meta", "Suite", "Test", "area_of", "parse_meta", "substitute"]

AREAS = (
    "compression",
    "console",
    "dom",
    "encoding",
    "fetch",
    "FileAPI",
    "hr-time",
    "html",
    "mimesniff",
    "performance-timeline",
    "resource-timing",
    "streams",
    "url",
    "urlpattern",
    "user-timing",
    "wasm",
    "WebCryptoAPI",
    "webidl",
    "webmessaging",
    "xhr",
)
"""The parts of the suite that nano answers to, as far as a checkout has them."""

_META = re.compile(r"^//\s*META:\s*(\w+)=(.*?)\s*$")
_PLACEHOLDER = re.compile(r"\{\{([^}]*)\}\}")
_DEFAULT_SCOPES = frozenset({"window", "dedicatedworker"})
_OUR_SCOPES = frozenset({"window", "dedicatedworker", "worker"})

# What WPT's server has under another name than the checkout.
_ALIASES = {"resources/WebIDLParser.js": "resources/webidl2/lib/webidl2.js"}

# For the large media files that partial checkouts leave out; tests only need many bytes.
_STAND_IN = bytes(range(256)) * 256

_SERVER_VALUES = {
    "host": "web-platform.test",
    "domains[www]": "www.web-platform.test",
    "domains[www1]": "www1.web-platform.test",
    "domains[www2]": "www2.web-platform.test",
    "hosts[alt][]": "not-web-platform.test",
    "ports[http][0]": "8000",
    "ports[http][1]": "8001",
    "ports[https][0]": "8443",
    "ports[https][1]": "8444",
    "ports[ws][0]": "8666",
    "ports[wss][0]": "8667",
}


@dataclass(frozen=True)
class Meta:
    """
    The META comments at the head of one test file.
    """

    title: str = ""
    scripts: tuple[str, ...] = ()
    variants: tuple[str, ...] = ("",)
    scopes: frozenset[str] = _DEFAULT_SCOPES
    long: bool = False

    @property
    def runs_here(self) -> bool:
        """
        Whether the file is meant for a scope like ours: a worker's, or a window's without DOM.
        """
        return bool(self.scopes & _OUR_SCOPES)


@dataclass(frozen=True, order=True)
class Test:
    """
    One file with one variant: what runs in one isolate.
    """

    path: str
    variant: str = ""

    @property
    def name(self) -> str:
        """
        The name in expectations, reports and the peers' results.
        """
        return self.path + self.variant


def parse_meta(source: str) -> Meta:
    """
    Read the META comments; they end at the first line that is none, as in WPT's own server.
    """
    found: dict[str, list[str]] = {}
    for line in source.splitlines():
        match = _META.match(line)
        if match is None:
            break
        found.setdefault(match[1], []).append(match[2])
    scopes = {scope.strip() for line in found.get("global", []) for scope in line.split(",")}
    return Meta(
        title=found.get("title", [""])[0],
        scripts=tuple(found.get("script", [])),
        variants=tuple(found.get("variant", [""])),
        scopes=frozenset(scopes) or _DEFAULT_SCOPES,
        long="long" in found.get("timeout", []),
    )


def substitute(source: str) -> str:
    """
    Fill in what WPT's server would in a ``.sub.`` file; unknown placeholders stay as they are.
    """
    return _PLACEHOLDER.sub(lambda match: _SERVER_VALUES.get(match[1], match[0]), source)


def area_of(path: str) -> str:
    """
    The part of the suite a file belongs to: its top folder.
    """
    return path.split("/", 1)[0]


class Suite:
    """
    One or several checkouts of the suite, searched in order.

    Args:
        roots: folders laid out like a clone of web-platform-tests/wpt.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = [root.resolve() for root in roots]

    @classmethod
    def from_search_path(cls, value: str) -> Suite:
        """
        From the value of ``NANO_WPT``: folders joined by ``os.pathsep``.
        """
        return cls(Path(part) for part in value.split(os.pathsep) if part)

    def missing(self) -> list[Path]:
        """
        The roots that are no folders, for a clear message.
        """
        return [root for root in self._roots if not root.is_dir()]

    def locate(self, path: str) -> Path | None:
        """
        The file at *path* (from the suite's root, no leading slash) in the first root that has
        it; never outside the roots.
        """
        path = _ALIASES.get(path, path)
        for root in self._roots:
            candidate = (root / path).resolve()
            if candidate.is_relative_to(root) and candidate.is_file():
                return candidate
        return None

    def read(self, path: str) -> bytes | None:
        """
        The content of a file, placeholders filled in, or ``None``.
        """
        found = self.locate(path)
        if found is None:
            return _STAND_IN if path.startswith("media/") else None
        data = found.read_bytes()
        if ".sub." not in found.name:
            return data
        return substitute(data.decode()).encode()

    def tests(self, selection: str = "") -> list[Test]:
        """
        Every test that *selection* names, sorted: a folder, a file, or a file with its variant.
        Empty: all.
        """
        path, mark, query = selection.strip("/").partition("?")
        variant = mark + query
        found = {test for file in self._files(path) for test in self._variants(file)}
        return sorted(test for test in found if not variant or test.variant == variant)

    def _files(self, path: str) -> Iterator[str]:
        for root in self._roots:
            start = root / path
            candidates = [start] if start.is_file() else start.rglob("*.any.js")
            for file in candidates:
                yield file.relative_to(root).as_posix()

    def _variants(self, path: str) -> list[Test]:
        source = self.read(path)
        meta = parse_meta((source or b"").decode("utf-8", "replace"))
        return [Test(path, variant) for variant in meta.variants] if meta.runs_here else []
