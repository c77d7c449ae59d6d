# -*- test-case-name: tests.engine.test_records -*-
"""
The messages between an isolate host and its isolate: this side writes the inward ones and reads the outward ones.

The other half is nano/runtime/records.js.  A record is a header and a payload, little-endian:

    u32 payload length | u8 type | u8 flags | u16 small | u32 id

Each direction is one stream of records which shared memory carries in pieces of any size.  What `id` and `small`
are depends on the type:

=============  ====================  =======================  ==========================================================
inward         id                    small                    payload
=============  ====================  =======================  ==========================================================
LOAD           0                     0                        value and buffers (see `pack_value`): the app to evaluate
REQUEST        exchange              hops so far              u32 length and head ("METHOD\\nURL\\nname\\nvalue…" in
                                                              latin-1), then the body if REQUEST_BODY_INLINE is set
BODY_CHUNK     exchange              0                        bytes of the request body
BODY_END       exchange              0                        none
BODY_ERROR     exchange              0                        why the body ends early, UTF-8
ABORT          exchange              0                        why nobody waits for the answer any more, UTF-8
CREDIT         exchange              0                        u32: so many more bytes of the response body may be sent
OP_RESULT      op                    0                        value and buffers; with OP_FAILED {"name", "message"}
TIMER          0                     0                        none: the time asked for has come
PASSED         exchange              0                        none: the body that PASS named has ended, well or not
=============  ====================  =======================  ==========================================================

=============  ====================  =======================  ==========================================================
outward        id                    small                    payload
=============  ====================  =======================  ==========================================================
LOADED         0                     0                        value: {"handlers": [...]}
LOAD_FAILED    0                     0                        value: {"name", "message", "stack"}
RESPONSE       exchange              status                   u32 length and head ("LENGTH\\nREASON\\nname\\nvalue…" in
                                                              latin-1; LENGTH empty if unknown), then the whole body
                                                              if RESPONSE_COMPLETE is set
CHUNK          exchange              0                        bytes of the response body, within the credit
END            exchange              0                        none: the response body is whole
FAIL           exchange              why: see `Failure`       text for the log, UTF-8
CREDIT         exchange              0                        u32: so many more bytes of the request body are wanted
BODY_CANCEL    exchange              0                        why the rest of the request body is not wanted, UTF-8
SETTLED        exchange              0                        none: all that the exchange waited for has settled
OP             op                    number of the op         value and buffers
LOG            0                     level                    text, UTF-8
TIMER          0                     0                        f64: milliseconds until TIMER is wanted; negative: never
PASS           exchange or channel   0                        u32: exchange or channel whose body from outside, unread,
                                                              is to be the rest of this one
TEXT           exchange or channel   0                        none: the body from outside, unread, is wanted as one
                                                              string, which comes by `V8Isolate.give_text`
=============  ====================  =======================  ==========================================================

Nothing that comes out of an isolate is trusted: `RecordDecoder` bounds every length, and who handles a record
checks its ids and its text again.  This module neither knows V8 nor the reactor.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

__all__ = [
    "Failure",
    "Inward",
    "Outward",
    "Record",
    "RecordDecoder",
    "RecordError",
    "encode",
    "pack_value",
    "unpack_value",
]

_HEADER = struct.Struct("<IBBHI")
_U32 = struct.Struct("<I")

REQUEST_HAS_BODY, REQUEST_BODY_INLINE = 1, 2
RESPONSE_HAS_BODY, RESPONSE_COMPLETE, RESPONSE_SETTLED = 1, 2, 4
OP_FAILED = 1
OP_FORGET = 1


class Inward(IntEnum):
    """What the host says to the isolate."""

    LOAD = 1
    REQUEST = 2
    BODY_CHUNK = 3
    BODY_END = 4
    BODY_ERROR = 5
    ABORT = 6
    CREDIT = 7
    OP_RESULT = 8
    TIMER = 9
    PASSED = 10


class Outward(IntEnum):
    """What the isolate says to the host."""

    LOADED = 1
    LOAD_FAILED = 2
    RESPONSE = 3
    CHUNK = 4
    END = 5
    FAIL = 6
    CREDIT = 7
    BODY_CANCEL = 8
    SETTLED = 9
    OP = 10
    LOG = 11
    TIMER = 12
    PASS = 13
    TEXT = 14


class Failure(IntEnum):
    """Why an exchange failed inside the isolate."""

    EXCEPTION = 1
    NOT_A_RESPONSE = 2
    BODY = 3


class RecordError(ValueError):
    """What came out of an isolate is no stream of records; the isolate cannot be trusted any further."""


class Record(NamedTuple):
    """One record as it came out of an isolate."""

    type: int
    flags: int
    small: int
    id: int
    payload: bytes


def encode(type_: int, id_: int, payload: bytes | memoryview = b"", flags: int = 0, small: int = 0) -> bytes:
    """One record, ready for the inbox."""
    return _HEADER.pack(len(payload), type_, flags, small, id_) + payload


class RecordDecoder:
    """
    Cuts a stream that arrives in pieces into records.

    Args:
        limit: the largest payload in bytes; a longer one is a `RecordError` as soon as its header is read.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._rest = b""
        self._parts: list[bytes] = []
        self._lacking = 0

    def feed(self, data: bytes) -> Iterator[Record]:
        """
        The records that are whole now that *data* has come.

        Raises:
            RecordError: for an unknown type or a payload above the limit.
        """
        if self._lacking > len(data):
            self._parts.append(data)
            self._lacking -= len(data)
            return
        if self._parts:
            data = b"".join([*self._parts, data])
            self._parts, self._lacking = [], 0
        at, end = 0, len(data)
        while end - at >= _HEADER.size:
            length, type_, flags, small, id_ = _HEADER.unpack_from(data, at)
            self._check(length, type_)
            stop = at + _HEADER.size + length
            if stop > end:
                break
            yield Record(type_, flags, small, id_, data[at + _HEADER.size : stop])
            at = stop
        self._keep(data[at:])

    def _check(self, length: int, type_: int) -> None:
        if length > self.limit:
            msg = f"a record of {length} bytes is longer than {self.limit}"
            raise RecordError(msg)
        if not 1 <= type_ <= _LAST_OUTWARD:
            msg = f"there is no record of type {type_}"
            raise RecordError(msg)

    def _keep(self, rest: bytes) -> None:
        if not rest:
            return
        self._parts = [rest]
        if len(rest) < _HEADER.size:
            self._lacking = 0
        else:
            self._lacking = _HEADER.size + _U32.unpack_from(rest)[0] - len(rest)


_LAST_OUTWARD = max(Outward)


def pack_value(value: Any, buffers: Sequence[bytes] = ()) -> bytes:
    """A JSON-able value and bytes as one payload: u32 length, JSON text, then u32 length and bytes of each buffer."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()
    parts = [_U32.pack(len(text)), text]
    for buffer in buffers:
        parts += (_U32.pack(len(buffer)), buffer)
    return b"".join(parts)


def unpack_value(payload: bytes) -> tuple[Any, list[bytes]]:
    """
    The reverse of `pack_value`.

    Raises:
        RecordError: when the payload is not of that form.
    """
    try:
        text, at = _slice(payload, 0)
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
        buffers = []
        while at < len(payload):
            buffer, at = _slice(payload, at)
            buffers.append(buffer)
    except (struct.error, ValueError, RecursionError) as error:
        msg = f"not a value with buffers: {error}"
        raise RecordError(msg) from error
    return value, buffers


def _refused(word: str) -> float:
    msg = f"{word} is no JSON"
    raise ValueError(msg)


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


def _slice(payload: bytes, at: int) -> tuple[bytes, int]:
    start = at + _U32.size
    stop = start + _U32.unpack_from(payload, at)[0]
    if stop > len(payload):
        msg = "a length leads beyond the payload"
        raise ValueError(msg)
    return payload[start:stop], stop
