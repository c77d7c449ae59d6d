# -*- test-case-name: tests.http.test_sockets -*-
"""
Writing to a socket without the detour through the reactor.

`ITransport.write` waits for the reactor to say that the socket takes data, which costs two system calls and a turn of
the reactor per response, although the socket of a client that waits for its answer is always ready.  So we try at
once, and leave to the transport what the kernel did not take.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from twisted.internet.tcp import Connection

__all__ = ["is_direct", "limit_unsent", "send_now"]

#: How much a transport takes of a larger piece, if the kernel takes it all.
_TAKEN_AT_ONCE = Connection.SEND_LIMIT
#: How many bytes the kernel takes of us beyond what it could send already.
_UNSENT = 131072
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)


def is_direct(transport: Any) -> bool:
    """Whether `send_now` works on *transport*: it is a plain socket's own, with nothing like TLS in between."""
    return isinstance(transport, Connection) and not transport.TLS


def limit_unsent(transport: Any) -> None:
    """
    Have the kernel say that it takes no more when *transport*'s client does not read.

    Left alone, it takes megabytes for each connection, and an app makes as much more of a response than anybody may
    ever want.  Systems and transports that know no such option are left alone.
    """
    plain = getattr(transport, "transport", transport)
    if _NOTSENT_LOWAT is not None and isinstance(plain, Connection):
        with suppress(OSError):
            plain.getHandle().setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)


def send_now(transport: Any, data: bytes) -> None:
    """
    Send *data* in its turn, at once if it is its turn.

    `_tempDataLen` is private to Twisted, and nothing public tells whether something waits in front of us.  Where it is
    missing, this is `write`.
    """
    if (
        not getattr(transport, "_tempDataLen", True)
        and not transport.dataBuffer
        and transport.connected
        and not transport.disconnecting
    ):
        left = memoryview(data)
        while left:
            sent = transport.writeSomeData(left)
            # Else it is an exception, which the transport will meet again.
            if not isinstance(sent, int):
                break
            left = left[sent:]
            if sent < _TAKEN_AT_ONCE:
                break
        if not left:
            return
        data = bytes(left)
    transport.write(data)
