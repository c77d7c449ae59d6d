# -*- test-case-name: tests.http.test_decoding -*-
"""
Content codings: compressed bodies in, plain bytes out, in pieces that are asked for.

A decoder never gives more than it is asked for, however small the input is that it makes it of: whoever reads
decides how much of a body is in memory.  Pure.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import brotli  # type: ignore[import-untyped]

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ACCEPTED", "DecodingError", "Decoder", "make_decoder"]

#: What requests accept that say nothing themselves.
ACCEPTED = b"gzip, deflate, br, zstd"
#: More codings than these on one body are an attempt at something.
_MOST_CODINGS = 5
#: RFC 9659: a larger window is not to be asked of anybody.
_ZSTD_WINDOW_LOG = 23


class DecodingError(ValueError):
    """The body is not what its Content-Encoding says."""


class Decoder(Protocol):
    """One coding of one body."""

    def feed(self, data: bytes) -> None:
        """More input; only after `read` has given nothing."""

    def read(self, limit: int) -> bytes:
        """
        About *limit* bytes at most, or nothing when there has to be more input.

        Raises:
            DecodingError: the input is malformed.
        """

    def end(self) -> None:
        """
        There is no more input, and `read` has given nothing.

        Raises:
            DecodingError: the end is missing.
        """


class _Zlib:
    """gzip, with its members, and deflate, with and without the wrapping that some servers forget."""

    def __init__(self, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate: Any = None
        self._input = b""
        self._more = False

    def feed(self, data: bytes) -> None:
        self._input += data

    def read(self, limit: int) -> bytes:
        while self._input or self._more:
            if self._inflate is None:
                self._inflate = zlib.decompressobj(self._window_bits())
            try:
                data: bytes = self._inflate.decompress(self._input, limit)
            except zlib.error as error:
                raise DecodingError(str(error)) from error
            self._input = self._inflate.unconsumed_tail
            self._more = len(data) == limit
            if self._inflate.eof:
                self._next_member()
            if data:
                return data
        return b""

    def _window_bits(self) -> int:
        if self._gzip:
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if self._input[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS

    def _next_member(self) -> None:
        rest = self._inflate.unused_data
        self._more = False
        if self._gzip and rest.startswith(b"\x1f"):
            self._inflate = None
            self._input = rest
        else:
            self._input = b""

    def end(self) -> None:
        if self._inflate is not None and not self._inflate.eof:
            raise DecodingError("the compressed body is incomplete")


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()
        self._input = b""
        self._fed = False

    def feed(self, data: bytes) -> None:
        self._input += data
        self._fed = True

    def read(self, limit: int) -> bytes:
        if self._decoder.is_finished():
            self._input = b""
            return b""
        given = b""
        if self._decoder.can_accept_more_data():
            given, self._input = self._input, b""
        try:
            data: bytes = self._decoder.process(given, output_buffer_limit=limit)
        except brotli.error as error:
            raise DecodingError("the body is no brotli") from error
        if not data and self._input and self._decoder.can_accept_more_data():
            return self.read(limit)
        return data

    def end(self) -> None:
        if self._fed and not self._decoder.is_finished():
            raise DecodingError("the compressed body is incomplete")


class _Zstd:
    def __init__(self) -> None:
        self._decoder = self._make()
        self._input = b""
        self._fed = False

    @staticmethod
    def _make() -> Any:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})

    def feed(self, data: bytes) -> None:
        self._input += data
        self._fed = True

    def read(self, limit: int) -> bytes:
        while self._input or not (self._decoder.eof or self._decoder.needs_input):
            if self._decoder.eof:
                self._decoder = self._make()
            given, self._input = self._input, b""
            try:
                data: bytes = self._decoder.decompress(given, limit)
            except (zstd.ZstdError, EOFError) as error:
                raise DecodingError("the body is no zstd") from error
            if self._decoder.eof:
                self._input = self._decoder.unused_data
            if data:
                return data
        return b""

    def end(self) -> None:
        if self._fed and not self._decoder.eof:
            raise DecodingError("the compressed body is incomplete")


class _Chain:
    """Several codings; the last that was applied is the first to be undone."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> None:
        self._decoders[0].feed(data)

    def read(self, limit: int) -> bytes:
        return self._read(len(self._decoders) - 1, limit)

    def _read(self, at: int, limit: int) -> bytes:
        decoder = self._decoders[at]
        while True:
            data = decoder.read(limit)
            if data or at == 0:
                return data
            given = self._read(at - 1, limit)
            if not given:
                return b""
            decoder.feed(given)

    def end(self) -> None:
        for decoder in self._decoders:
            decoder.end()


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}


def make_decoder(content_encoding: str) -> Decoder | None:
    """
    What undoes the codings of a body, or None if there are none, or one that is not known: the body stays as it is.

    Args:
        content_encoding: the combined value of the headers.

    Raises:
        DecodingError: there are too many.
    """
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > _MOST_CODINGS:
        raise DecodingError(f"the body has {len(codings)} content codings")
    if not codings or any(coding not in _DECODERS for coding in codings):
        return None
    decoders = [_DECODERS[coding]() for coding in reversed(codings)]
    return decoders[0] if len(decoders) == 1 else _Chain(decoders)
