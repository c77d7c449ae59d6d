"""
Tests of nano.ops.compression.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from nano.ops.compression import OUTPUT, STREAMS, compression_close, compression_push
from tests.engine.v8_case import V8TestCase

__all__ = ["AbandonedStreamTests", "CompressionTests"]

DEFLATE, RAW, GZIP = range(3)
FINISH, DECOMPRESS = 1, 2
DONE, MORE, BAD_DATA, TOO_MANY = range(4)


def push(
    kept: dict[str, Any], data: bytes, handle: int = 0, kind: int = GZIP, flags: int = 0
) -> tuple[int, int, bytes]:
    """Ask; the status, the handle and the output."""
    answer = compression_push(kept, struct.pack("<IBB", handle, kind, flags) + data)
    return (*struct.unpack_from("<BI", answer), answer[5:])


def run(kept: dict[str, Any], data: bytes, kind: int, flags: int) -> bytes:
    """A whole stream, its input in one piece."""
    status, handle, output = push(kept, data, kind=kind, flags=flags)
    for finish in (0, FINISH):
        while status == MORE or finish:
            status, _, piece = push(kept, b"", handle, kind, flags | finish)
            assert status in (DONE, MORE), piece
            output += piece
            if status == DONE:
                break
    return output


class CompressionTests(SynchronousTestCase):
    """The host half of CompressionStream and DecompressionStream."""

    def test_formats(self) -> None:
        """What is written is what zlib reads, and the other way round."""
        for kind, window_bits in ((DEFLATE, 15), (RAW, -15), (GZIP, 31)):
            kept: dict[str, Any] = {}
            packed = run(kept, b"abc" * 1000, kind, 0)
            self.assertEqual(zlib.decompress(packed, window_bits), b"abc" * 1000)
            self.assertEqual(run(kept, packed, kind, DECOMPRESS), b"abc" * 1000)
            self.assertEqual(kept["compression"], {})

    def test_output_is_bounded(self) -> None:
        """However far the input expands, an answer is of bounded size, and nothing is lost."""
        kept: dict[str, Any] = {}
        bomb = zlib.compress(bytes(10_000_000))
        status, handle, output = push(kept, bomb, kind=DEFLATE, flags=DECOMPRESS)
        total = len(output)
        while status == MORE:
            self.assertLessEqual(len(output), OUTPUT)
            status, _, output = push(kept, b"", handle, DEFLATE, DECOMPRESS)
            total += len(output)
        self.assertEqual((status, total), (DONE, 10_000_000))

    def test_compressed_output_is_bounded(self) -> None:
        """What compression gives at its end is given in pieces, too."""
        kept: dict[str, Any] = {}
        noise = b"".join(struct.pack("<I", (n * 2654435761) & 0xFFFFFFFF) for n in range(16000))
        status, handle, output = push(kept, noise[:64000], flags=FINISH)
        pieces = [output]
        while status == MORE:
            self.assertLessEqual(len(pieces[-1]), OUTPUT)
            status, _, output = push(kept, b"", handle, flags=FINISH)
            pieces.append(output)
        self.assertEqual(zlib.decompress(b"".join(pieces), 31), noise)

    def test_bad_data(self) -> None:
        """What is no compressed data, ends too early or goes on is an error, and ends the stream."""
        packed = zlib.compress(b"data")
        for data, flags in ((b"nonsense", 0), (packed[:-1], FINISH), (packed + b"x", 0), (b"", FINISH)):
            kept: dict[str, Any] = {}
            status, _, text = push(kept, data, kind=DEFLATE, flags=flags | DECOMPRESS)
            self.assertEqual(status, BAD_DATA, data)
            self.assertTrue(text)
            self.assertEqual(kept["compression"], {})

    def test_data_behind_the_end(self) -> None:
        """A later piece behind the end is an error as well; an empty one is none."""
        kept: dict[str, Any] = {}
        _, handle, _ = push(kept, zlib.compress(b"data"), kind=DEFLATE, flags=DECOMPRESS)
        self.assertEqual(push(kept, b"", handle, DEFLATE, DECOMPRESS)[0], DONE)
        self.assertEqual(push(kept, b"x", handle, DEFLATE, DECOMPRESS)[0], BAD_DATA)

    def test_handles(self) -> None:
        """Streams are numbered, independent, closed on request, and no more than so many."""
        kept: dict[str, Any] = {}
        handles = [push(kept, b"")[1] for _ in range(STREAMS)]
        self.assertEqual(len(set(handles)), STREAMS)
        self.assertEqual(push(kept, b"")[0], TOO_MANY)
        for handle in handles:
            compression_close(kept, struct.pack("<I", handle))
        compression_close(kept, struct.pack("<I", handles[0]))
        self.assertEqual(kept["compression"], {})
        self.assertEqual(push(kept, b"")[0], DONE)

    def test_strangers_handle(self) -> None:
        """A handle is worth nothing in another isolate."""
        _, handle, _ = push({}, b"data")
        self.assertRaises(KeyError, push, {}, b"more", handle)


_ABANDON = """
export default {
  async fetch(request) {
    for (let i = 0; request.method === "POST" && i < 20; i++) {
      const { readable, writable } = new CompressionStream("gzip");
      const reading = readable.getReader().read();
      await writable.getWriter().write(new Uint8Array(10));
      await reading;
    }
    return new Response();
  },
};
"""


class AbandonedStreamTests(V8TestCase):
    """Streams that an app neither ends nor cancels."""

    def test_given_back(self) -> Deferred[None]:
        """They are given back when the engine has found that nobody can reach them."""

        async def check() -> None:
            host = await self.start(_ABANDON)
            await self.fetch(host, method="POST")
            streams = host._kept["compression"]
            self.assertEqual(len(streams), 20)
            for _ in range(10):
                await deferToThread(host.isolate.collect_garbage)
                await self.fetch(host)
                if not streams:
                    return
            self.assertEqual(streams, {})

        return Deferred.fromCoroutine(check())
