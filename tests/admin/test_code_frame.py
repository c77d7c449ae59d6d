# -*- test-case-name: tests.admin.test_code_frame -*-
"""
Places in stacks, and the sources they point to.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.code_frame import CodeFrame, frame_of, frame_text

SOURCE = "".join(f"line {number}\n" for number in range(1, 12))


class FrameOfTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / "app" / "lib").mkdir(parents=True)
        (self.folder / "app" / "lib" / "a b.ts").write_text(SOURCE)
        (self.folder / "secret").write_text(SOURCE)
        self.path = str(self.folder / "app")

    def frame(self, *lines: str, path: str = "") -> CodeFrame | None:
        """The frame of a stack with these lines."""
        return frame_of("\n".join(["Error: x", *(f"    at {line}" for line in lines)]), path or self.path)

    def test_place(self) -> None:
        """The line, and two on each side of it."""
        frame = self.frame("async Object.fetch (lib/a b.ts:5:3)")
        lines = tuple((number, f"line {number}") for number in range(3, 8))
        self.assertEqual(frame, CodeFrame("lib/a b.ts", 5, 3, lines))

    def test_without_name(self) -> None:
        """A place may stand by itself."""
        frame = self.frame("lib/a b.ts:1:1")
        assert frame is not None
        self.assertEqual((frame.line, [number for number, _ in frame.lines]), (1, [1, 2, 3]))

    def test_end(self) -> None:
        """The last line has no followers, and a column may lie behind its last character."""
        frame = self.frame("lib/a b.ts:11:8")
        assert frame is not None
        self.assertEqual([number for number, _ in frame.lines], [9, 10, 11])

    def test_topmost(self) -> None:
        """What is not the app's own is passed over."""
        frame = self.frame("JSON.parse (<anonymous>)", "f (nano:url:1:1)", "gone.js:1:1", "g (lib/a b.ts:2:1)")
        assert frame is not None
        self.assertEqual(frame.line, 2)

    def test_app_of_one_file(self) -> None:
        """The path of an app may be a file."""
        frame = self.frame("a b.ts:2:1", path=os.path.join(self.path, "lib", "a b.ts"))
        self.assertIsNotNone(frame)

    def test_elsewhere(self) -> None:
        """What an app makes up leads nowhere: outside its folder, to no file, to no line."""
        os.symlink(self.folder / "secret", self.folder / "app" / "link.js")
        os.mkfifo(self.folder / "app" / "pipe.js")
        (self.folder / "app" / "binary.js").write_bytes(b"\xff\n" * 9)
        for place in (
            "../secret:1:1",
            f"{self.folder}/secret:1:1",
            "link.js:1:1",
            "pipe.js:1:1",
            "binary.js:1:1",
            "lib:1:1",
            "lib/a b.ts:0:1",
            "lib/a b.ts:12:1",
            "lib/a b.ts:1:9",
            "lib/a b.ts:1:0",
            "a\0b.js:1:1",
        ):
            self.assertIsNone(self.frame(place), place)

    def test_large(self) -> None:
        """A file that nobody has written by hand is not read."""
        (self.folder / "app" / "large.js").write_text("x\n" * 2**21)
        self.assertIsNone(self.frame("large.js:1:1"))


class FrameTextTests(SynchronousTestCase):
    def test_caret(self) -> None:
        """The caret stands below the column, tabs or not."""
        frame = CodeFrame("a.js", 10, 3, ((9, "{"), (10, "\t\tx y"), (11, "")))
        self.assertEqual(frame_text(frame), ["   9 | {", "> 10 |         x y", "     |         ^", "  11 |"])

    def test_cropped(self) -> None:
        """Of a long line there is what surrounds the column."""
        line = "".join(f"{number:04}" for number in range(1000))
        for column in (1, 2001, 4000):
            meant, caret = frame_text(CodeFrame("a.js", 1, column, ((1, line),)), 60)
            self.assertLessEqual(len(meant), 60)
            self.assertEqual(meant[len(caret) - 1], line[column - 1])

    def test_whole(self) -> None:
        """A line that fits is not cropped, wherever the column is."""
        meant, _ = frame_text(CodeFrame("a.js", 1, 50, ((1, "x" * 50),)), 60)
        self.assertEqual(meant, "> 1 | " + "x" * 50)
