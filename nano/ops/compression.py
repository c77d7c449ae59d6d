# -*- test-case-name: tests.ops.test_compression -*-
"""
Host half of nano/runtime/compression.js, which holds the contract: zlib, a piece at a time.

The work is done on the isolate's own thread, which counts it as the app's CPU time; zlib lets go of the interpreter
meanwhile.  An answer holds `OUTPUT` bytes at most, whatever the input expands to: what is left of the input waits
here until it is asked for.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Protocol

from nano.ops.registry import isolate_question

__all__ = ["OUTPUT", "STREAMS", "compression_close", "compression_push"]

#: How many bytes an answer may hold: with its head, as much as crosses in one piece.
OUTPUT = 65520
#: How many streams an isolate may have open; one that compresses takes a quarter of a megabyte.
STREAMS = 1024

_QUESTION = struct.Struct("<IBB")
_ANSWER = struct.Struct("<BI")
_DONE, _MORE, _BAD_DATA, _TOO_MANY = range(4)
_FINISH, _DECOMPRESS = 1, 2

#: zlib's window bits by the number of the format: deflate, deflate-raw, gzip.
_WINDOW_BITS = (15, -15, 31)


class _Coder(Protocol):
    """One direction of a stream."""

    def push(self, data: bytes, finish: bool) -> tuple[bytes, bool]:
        """
        Take input, give output; whether more of it waits.

        Raises:
            zlib.error: the input is no compressed data.
        """


class _Compressor:
    def __init__(self, window_bits: int) -> None:
        self._zlib = zlib.compressobj(wbits=window_bits)
        self._output = b""
        self._finished = False

    def push(self, data: bytes, finish: bool) -> tuple[bytes, bool]:
        # zlib holds back little: what a piece of input gives is of the piece's size.
        if data:
            self._output += self._zlib.compress(data)
        if finish and not self._finished:
            self._finished = True
            self._output += self._zlib.flush()
        piece, self._output = self._output[:OUTPUT], self._output[OUTPUT:]
        return piece, bool(self._output)


class _Decompressor:
    def __init__(self, window_bits: int) -> None:
        self._zlib = zlib.decompressobj(wbits=window_bits)

    def push(self, data: bytes, finish: bool) -> tuple[bytes, bool]:
        coder = self._zlib
        if coder.eof and data:
            msg = "there is data behind the end of the compressed data"
            raise zlib.error(msg)
        output = coder.decompress(coder.unconsumed_tail + data, OUTPUT)
        if coder.unused_data:
            msg = "there is data behind the end of the compressed data"
            raise zlib.error(msg)
        # A full answer may leave output inside zlib even where all input is consumed.
        more = not coder.eof and (bool(coder.unconsumed_tail) or len(output) == OUTPUT)
        if finish and not more and not coder.eof:
            msg = "the compressed data ends too early"
            raise zlib.error(msg)
        return output, more


def _streams(kept: dict[str, Any]) -> dict[int, _Coder]:
    streams: dict[int, _Coder] = kept.setdefault("compression", {})
    return streams


def _open(streams: dict[int, _Coder], kept: dict[str, Any], window_bits: int, decompress: bool) -> int:
    handle: int = kept.get("compression_last", 0) + 1
    kept["compression_last"] = handle
    streams[handle] = _Decompressor(window_bits) if decompress else _Compressor(window_bits)
    return handle


@isolate_question("compression.push")
def compression_push(kept: dict[str, Any], question: bytes) -> bytes:
    """Give a stream input and get output; on the isolate's thread."""
    handle, format_number, flags = _QUESTION.unpack_from(question)
    streams = _streams(kept)
    if handle == 0:
        if len(streams) >= STREAMS:
            return _ANSWER.pack(_TOO_MANY, 0)
        handle = _open(streams, kept, _WINDOW_BITS[format_number], bool(flags & _DECOMPRESS))
    try:
        output, more = streams[handle].push(question[_QUESTION.size :], bool(flags & _FINISH))
    except zlib.error as error:
        del streams[handle]
        return _ANSWER.pack(_BAD_DATA, 0) + str(error).encode()
    if flags & _FINISH and not more:
        del streams[handle]
    return _ANSWER.pack(_MORE if more else _DONE, handle) + output


@isolate_question("compression.close")
def compression_close(kept: dict[str, Any], question: bytes) -> bytes:
    """Forget a stream whose rest nobody wants; on the isolate's thread."""
    _streams(kept).pop(int.from_bytes(question, "little"), None)
    return b""
