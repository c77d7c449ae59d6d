"""
The sink of the log: what blocks is left to a thread, and the caller never waits.
"""

from __future__ import annotations

import os
import select

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.log_sink import LogSink

#: What a thread may take at most, in seconds; no test waits that long unless it fails.
PATIENCE = 30.0


def lost_line(count: int) -> bytes:
    """As a format would say it."""
    return b"lost %d\n" % count


class FileTests(SynchronousTestCase):
    def test_file(self) -> None:
        """A file is written at once, lines of any size whole."""
        path = self.mktemp()
        with open(path, "wb") as file:
            sink = LogSink(file.fileno(), lost_line)
            sink.write(b"a\n")
            sink.write(b"b" * 2_000_000)
            with open(path, "rb") as again:
                self.assertEqual(again.read(), b"a\n" + b"b" * 2_000_000)

    def test_device(self) -> None:
        """A device that is no terminal counts as a file."""
        with open(os.devnull, "wb") as file:
            sink = LogSink(file.fileno(), lost_line, limit=1)
            for _ in range(3):
                sink.write(b"a" * 100)
            self.assertTrue(sink.flush(0))

    def test_full_disk(self) -> None:
        """Lines that cannot be written are lost, and nothing is raised."""
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full here")
        told: list[int] = []

        def lost_line_told(count: int) -> bytes:
            told.append(count)
            return lost_line(count)

        with open("/dev/full", "wb", buffering=0) as file:
            sink = LogSink(file.fileno(), lost_line_told)
            for _ in range(3):
                sink.write(b"a\n")
        self.assertEqual(told, [1, 2])

    def test_several_lines(self) -> None:
        """Lines that came together are counted each."""
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full here")
        told: list[int] = []
        with open("/dev/full", "wb", buffering=0) as file:

            def lost_line_told(count: int) -> bytes:
                told.append(count)
                return lost_line(count)

            sink = LogSink(file.fileno(), lost_line_told)
            sink.write(b"a\nb\nc\n")
            sink.write(b"d\n")
        self.assertEqual(told, [3])


class PipeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reader, self.writer = os.pipe()
        self.addCleanup(self.close)

    def close(self) -> None:
        for end in (self.reader, self.writer):
            if end >= 0:
                os.close(end)
        self.reader = self.writer = -1

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        found = b""
        while len(found) < size:
            ready, _, _ = select.select([self.reader], [], [], PATIENCE)
            self.assertTrue(ready, f"{len(found)} of {size} bytes came")
            found += os.read(self.reader, size - len(found))
        return found

    def test_reader_is_gone(self) -> None:
        """A pipe without a reader gives way to the fallback, for the line that was under way as well."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        sink = LogSink(writer, lost_line, fallback=self.writer)
        sink.write(b"x" * 500_000 + b"\n")
        os.close(reader)
        sink.write(b"a\n")
        self.assertTrue(self.read_all(sink).endswith(b"x\na\n"))
        sink.write(b"b\n")
        self.assertEqual(self.read(2), b"b\n")

    def test_at_once(self) -> None:
        """What fits into the pipe is in it before `write` returns."""
        LogSink(self.writer, lost_line).write(b"line\n")
        os.set_blocking(self.reader, False)
        self.assertEqual(os.read(self.reader, 100), b"line\n")

    def read_all(self, sink: LogSink) -> bytes:
        """Until nothing is queued, nor in the pipe."""
        found = b""
        while True:
            written = sink.flush(0)
            if select.select([self.reader], [], [], 0 if written else 0.01)[0]:
                found += os.read(self.reader, 65536)
            elif written:
                return found

    def test_stuck(self) -> None:
        """
        Nobody reads: the caller is not held up, lines keep their order, those beyond the limit are counted.
        """
        sink = LogSink(self.writer, lost_line, limit=200_000)
        for number in range(500):
            sink.write(b"%07d" % number + b"." * 992 + b"\n")
        self.assertFalse(sink.flush(0))
        lines = self.read_all(sink).splitlines()
        sink.write(b"later\n")
        lines += self.read_all(sink).splitlines()
        self.assertEqual(lines.pop(), b"later")
        kept = [int(line[:7]) for line in lines if not line.startswith(b"lost")]
        lost = [int(line[5:]) for line in lines if line.startswith(b"lost")]
        self.assertEqual(kept, sorted(kept))
        self.assertGreaterEqual(len(kept), 200)
        self.assertGreater(sum(lost), 100)
        self.assertEqual(len(kept) + sum(lost), 500)

    def test_huge_line(self) -> None:
        """A single line may be larger than the limit."""
        sink = LogSink(self.writer, lost_line, limit=1000)
        line = os.urandom(3_000_000)
        sink.write(line)
        self.assertEqual(self.read(len(line)), line)
        self.assertTrue(sink.flush(PATIENCE))

    def test_non_blocking(self) -> None:
        """Whoever shares the pipe may have made it non-blocking: lines wait all the same."""
        os.set_blocking(self.writer, False)
        sink = LogSink(self.writer, lost_line)
        line = os.urandom(300_000)
        sink.write(line)
        sink.write(b"next\n")
        self.assertEqual(self.read(len(line) + 5), line + b"next\n")

    def test_reader_gone(self) -> None:
        """Without a reader lines go nowhere, and nothing is raised."""
        sink = LogSink(self.writer, lost_line)
        os.close(self.reader)
        self.reader = -1
        sink.write(b"a\n")
        sink.write(b"b" * 10_000)
        self.assertTrue(sink.flush(PATIENCE))
