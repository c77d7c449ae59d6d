# -*- test-case-name: tests.ops.test_crypto -*-
"""
How a question about keys, and its answer, are put into bytes.

Both are a JSON text and buffers, each behind its length as u32, little-endian: what ops are made of as well.  An
answer has a status before that.
"""

from __future__ import annotations

import json
import struct
from typing import Any

__all__ = ["DONE", "FAILED", "SLOW", "WireError", "pack_answer", "unpack_question"]

#: The statuses of an answer: a result, an error, or nothing yet, as it would take too long.
DONE, FAILED, SLOW = range(3)

_U32 = struct.Struct("<I")


class WireError(ValueError):
    """The question is not of that form."""


def unpack_question(question: bytes) -> tuple[Any, list[bytes]]:
    """
    The value and the buffers in a question.

    Raises:
        WireError: it is none.
    """
    pieces, at = [], 0
    while at < len(question):
        start = at + _U32.size
        if start > len(question):
            raise WireError("a length is cut off")
        at = start + _U32.unpack_from(question, start - _U32.size)[0]
        if at > len(question):
            raise WireError("a length leads beyond the question")
        pieces.append(question[start:at])
    try:
        return json.loads(pieces[0]), pieces[1:]
    except (ValueError, IndexError, RecursionError) as error:
        raise WireError(f"not a value with buffers: {error}") from error


def pack_answer(status: int, value: Any, buffers: list[bytes]) -> bytes:
    """An answer."""
    parts = [bytes([status])]
    for piece in (json.dumps(value, separators=(",", ":")).encode(), *buffers):
        parts += (_U32.pack(len(piece)), piece)
    return b"".join(parts)
