# -*- test-case-name: tests.system.test_speed -*-
"""
`python -m tests.system.baseline PORT`: the least that a Twisted server in Python can do with a request.

It parses with httptools, as nano does, and answers always the same.  What it takes of a machine, an interpreter and a
Twisted is the measure for what nano takes of them.
"""

from __future__ import annotations

import sys
from typing import Any

import httptools
from twisted.internet import reactor as global_reactor
from twisted.internet.protocol import Factory, Protocol

__all__ = ["main"]

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: 12\r\n\r\nHello, world"


class Baseline(Protocol):
    """One connection."""

    def connectionMade(self) -> None:
        self._parser = httptools.HttpRequestParser(self)

    def dataReceived(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """A request is whole."""
        assert self.transport is not None
        self.transport.write(_ANSWER)


def main(port: str) -> None:
    """Serve until told to stop."""
    reactor: Any = global_reactor
    reactor.listenTCP(int(port), Factory.forProtocol(Baseline), interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
