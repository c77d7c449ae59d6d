# -*- test-case-name: tests.ops.test_host -*-
"""
Host half of nano/runtime/host.js: what every script may ask for without waiting.
"""

from __future__ import annotations

import json
import os
from functools import cache

from nano.bundle import read_bundle
from nano.ops.registry import host_question

__all__ = ["chunk", "entropy"]

_LARGEST = 65536


@host_question("host.entropy")
def entropy(question: bytes) -> bytes:
    """Random bytes of the operating system; *question* is their number as u32, little-endian."""
    return os.urandom(min(int.from_bytes(question[:4], "little"), _LARGEST))


@host_question("host.chunk")
def chunk(question: bytes) -> bytes:
    """The source of a part of the runtime that is loaded late; *question* is its name; KeyError for others."""
    return _chunks()[question.decode("ascii", "replace")]


@cache
def _chunks() -> dict[str, bytes]:
    return {name: source.encode() for name, source in json.loads(read_bundle("chunks.json")).items()}
