"""
A client that asks one app after the other, on one connection, and takes the time.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Any

__all__ = ["Client", "percentile"]


class Client:
    """
    A keep-alive connection to a server on loopback.

    Args:
        port: where it listens.
        timeout: seconds that an answer may take.
    """

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, host: str, path: str = "/some/path?with=query") -> None:
        """Ask."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    def receive(self) -> int:
        """The status of the answer, when all of it is there."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._read()
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        if b"content-length" in fields:
            length = int(fields[b"content-length"])
            while len(body) < length:
                body += self._read()
        else:
            while not body.endswith(b"0\r\n\r\n"):
                body += self._read()
        return int(head.split(b" ", 2)[1])

    def _read(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server has closed the connection")
        return data

    def time(self, host: str) -> tuple[int, float]:
        """The status of an answer, and how long it took in milliseconds."""
        began = time.perf_counter()
        self.send(host)
        status = self.receive()
        return status, (time.perf_counter() - began) * 1e3


def percentile(values: Sequence[float], percent: float) -> Any:
    """The value below which *percent* of *values* are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
