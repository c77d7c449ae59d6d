"""
Tests for `nano.http.decoding`.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable

import brotli  # type: ignore[import-untyped]
from twisted.trial.unittest import SynchronousTestCase

from nano.http.decoding import Decoder, DecodingError, make_decoder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"".join(b"line %d\n" % number for number in range(20000))
LIMIT = 4096


def raw_deflate(data: bytes) -> bytes:
    """Deflate as some servers send it: without zlib's wrapping."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


FORMS = (
    ("gzip", gzip.compress),
    ("X-Gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", lambda data: brotli.compress(data, quality=1)),
    ("zstd", lambda data: zstd.compress(data)),
    ("gzip, br", lambda data: brotli.compress(gzip.compress(data), quality=1)),
    ("identity,zstd , gzip", lambda data: gzip.compress(zstd.compress(data))),
    ("gzip", lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:])),
    ("zstd", lambda data: zstd.compress(data[:1000]) + zstd.compress(data[1000:])),
)


def decoder_for(coding: str) -> Decoder:
    """The decoder of a coding that is known."""
    decoder = make_decoder(coding)
    assert decoder is not None
    return decoder


def decoded(coding: str, pieces: Iterable[bytes]) -> list[bytes]:
    """What comes out."""
    decoder = decoder_for(coding)
    output = []
    for piece in pieces:
        decoder.feed(piece)
        while data := decoder.read(LIMIT):
            output.append(data)
    decoder.end()
    return output


class DecodingTests(SynchronousTestCase):
    """
    Every coding, in every form.
    """

    def test_round_trip(self) -> None:
        """However the input is cut, the output is the same, in small pieces."""
        for coding, compress in FORMS:
            packed = compress(TEXT)
            for size in (1, 1000, len(packed)):
                output = decoded(coding, (packed[at : at + size] for at in range(0, len(packed), size)))
                self.assertTrue(b"".join(output) == TEXT, (coding, size))
                # Brotli's window is given out as it is.
                self.assertLessEqual(max(map(len, output)), LIMIT if "br" not in coding else 2 * 65536)

    def test_bomb(self) -> None:
        """What is asked for is all that is made of a small input."""
        zeros = bytes(30 * 2**20)
        for coding, compress in FORMS[:8]:
            packed = compress(zeros)
            decoder = decoder_for(coding)
            decoder.feed(packed)
            self.assertLess(len(decoder.read(LIMIT)), 2**20, coding)

    def test_empty(self) -> None:
        """A body that has nothing at all is whole."""
        for coding, compress in FORMS:
            self.assertEqual(decoded(coding, []), [])
            self.assertEqual(b"".join(decoded(coding, [compress(b"")])), b"")

    def test_truncated(self) -> None:
        """A body without its end is not whole."""
        for coding, compress in FORMS:
            with self.assertRaises(DecodingError, msg=coding):
                decoded(coding, [compress(TEXT)[:-20]])

    def test_malformed(self) -> None:
        """What is something else altogether."""
        for coding, _ in FORMS:
            with self.assertRaises(DecodingError, msg=coding):
                decoded(coding, [b"\xff\x00 this is plain text, and long enough to be seen as such"])

    def test_garbage_behind(self) -> None:
        """What stands behind the end is passed over."""
        for coding, compress in (FORMS[0], FORMS[2]):
            self.assertEqual(b"".join(decoded(coding, [compress(TEXT) + b"garbage"])), TEXT)

    def test_unknown(self) -> None:
        """Nothing to undo, something unknown, too much."""
        for coding in ("", "identity", "compress", "gzip, compress", " , "):
            self.assertIsNone(make_decoder(coding))
        with self.assertRaises(DecodingError):
            make_decoder(", ".join(["gzip"] * 6))
