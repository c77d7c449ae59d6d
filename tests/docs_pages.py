# -*- test-case-name: tests.test_docs -*-
"""
The pages of the documentation as `tests.test_docs` reads them: text, blocks of code, anchors, tables, examples.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType

__all__ = [
    "DOCS",
    "Block",
    "Example",
    "Exchange",
    "Page",
    "commands",
    "everywhere",
    "exchange",
    "generator",
    "ids",
    "is_example",
    "links",
    "pages",
    "words",
]

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = DOCS / "src" / "content" / "docs"

_FENCE = re.compile(r"(?ms)^(?P<fence>`{3,})(?P<language>\w*)(?P<meta>[^\n]*)\n(?P<text>.*?)^(?P=fence)[ \t]*$")
_HEADING = re.compile(r"(?m)^(#{1,6}) (.+)$")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]+`")
_ID = re.compile(r'<span id="([^"]+)">')


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its title if it has one, and the section that it stands in."""

    language: str
    title: str
    text: str
    section: int


@dataclass(frozen=True)
class Page:
    """A page, by its path below the site."""

    url: str
    text: str

    @cached_property
    def blocks(self) -> list[Block]:
        """Its blocks of code."""
        headings = [match.start() for match in _HEADING.finditer(self.masked)]
        found = []
        for match in _FENCE.finditer(self.text):
            title = re.search(r'title="([^"]+)"', match["meta"])
            section = sum(start < match.start() for start in headings)
            found.append(Block(match["language"], title[1] if title else "", match["text"], section))
        return found

    @cached_property
    def masked(self) -> str:
        """Its text with the blocks of code blanked out, each character in its place."""
        return _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), self.text)

    @cached_property
    def prose(self) -> str:
        """What people have written: no code, no front matter."""
        return re.sub(r"(?s)\A---\n.*?\n---\n", "", self.masked)

    @cached_property
    def anchors(self) -> set[str]:
        """What a link may lead to within it."""
        slugs: set[str] = set()
        for match in _HEADING.finditer(self.prose):
            slug = base = re.sub(r"[^\w\- ]", "", match[2].lower()).strip().replace(" ", "-")
            count = 0
            while slug in slugs:
                count += 1
                slug = f"{base}-{count}"
            slugs.add(slug)
        return slugs | set(_ID.findall(self.prose))

    def table(self, heading: str) -> list[list[str]]:
        """The rows of the first table below a heading, without its head."""
        _, _, rest = self.text.partition(f"\n{heading}\n")
        lines = re.search(r"(?m)(?:^\|.*\n)+", rest)
        assert lines is not None, f"there is no table below {heading!r} in {self.url}"
        return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[0].splitlines()[2:]]


@cache
def pages() -> dict[str, Page]:
    """All pages, by their URLs."""
    found = {}
    for path in sorted(PAGES.rglob("*.md")):
        name = path.relative_to(PAGES).with_suffix("").as_posix()
        url = "/" if name == "index" else f"/{name}/"
        found[url] = Page(url, path.read_text("utf-8"))
    return found


@cache
def generator() -> ModuleType:
    """`docs/generate.py`."""
    spec = importlib.util.spec_from_file_location("nano_docs_generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words(cells: Iterable[str]) -> set[str]:
    """What stands in code in some cells."""
    return {text.strip("`") for cell in cells for text in _CODE.findall(cell)}


def ids(text: str) -> list[str]:
    """The anchors that are no headings."""
    return _ID.findall(text)


def links(page: Page) -> list[str]:
    """Where a page leads to."""
    return _LINK.findall(_CODE.sub("", page.prose))


def everywhere(pattern: str) -> Iterator[tuple[str, str]]:
    """Page and match, wherever a pattern occurs, code included; files of the repository have tests of their own."""
    for page in pages().values():
        own = re.sub(r"(?s)<!-- generated: files .*?<!-- /generated -->", "", page.text)
        for match in re.finditer(pattern, own):
            yield page.url, match[0]


def commands() -> Iterator[tuple[str, str]]:
    """Page and command line, wherever a page shows a use of `nano`."""
    for page in pages().values():
        lines = [code.strip("`") for code in _CODE.findall(page.prose)]
        for block in page.blocks:
            lines += block.text.splitlines() if block.language == "sh" else []
        yield from ((page.url, line) for line in lines if line.startswith("nano "))


@dataclass(frozen=True)
class Exchange:
    """What a client sends, and what it gets."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    expected_headers: dict[str, str]
    expected: str


def exchange(text: str) -> Exchange:
    """An `http` block."""
    request, response = re.split(r"(?m)^(?=HTTP/1\.1 \d)", text, maxsplit=1)
    first, headers, body = _message(request)
    status, expected_headers, expected = _message(response)
    method, path, _ = first.split()
    return Exchange(method, path, headers, body, int(status.split()[1]), expected_headers, expected)


def _message(text: str) -> tuple[str, dict[str, str], str]:
    head, _, body = text.partition("\n\n")
    first, *lines = head.strip("\n").split("\n")
    fields = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in fields}, body.strip("\n")


class Example:
    """The files of one section, and what is sent to them."""

    def __init__(self, page: Page, section: int) -> None:
        blocks = [block for block in page.blocks if block.section == section]
        self.files = {b.title: b.text for b in blocks if b.title not in ("", "log")}
        self.exchanges = [exchange(block.text) for block in blocks if block.language == "http"]
        self.log = "".join(block.text for block in blocks if block.title == "log")

    def write(self, folder: Path) -> str:
        """Write the files, and return the path of the configuration."""
        default = '{"port": 0, "apps": [{"name": "app", "hostname": "*", "path": "."}]}'
        for name, text in {"app.json": default, **self.files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return str(folder / "app.json")


def is_example(block: Block) -> bool:
    """Whether a block with a title is a file of an app, and not one of the repository."""
    return bool(block.title) and not block.title.startswith("deploy/")
