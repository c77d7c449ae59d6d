# -*- test-case-name: tests.apps.test_modules.CacheTests -*-
"""
Compiled modules on disk, by the hash of what they were compiled from.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger
from twisted.python.filepath import FilePath

__all__ = ["CompileCache"]

_CACHE_BYTES = 256 * 1024 * 1024


class CompileCache:
    """
    Compiled modules on disk.  Every method blocks; processes may share a folder.

    An entry is a checksum and a JSON text; one that does not fit its checksum is as good as none.
    A folder that cannot be written makes the cache useless, never the app.

    Args:
        folder: made when it is needed, readable for its owner alone: what is in it will be run.
        max_bytes: the entries unused for longest go when the sum of all is above this.  As that takes a look at all of
            them, it is made with the first entry that is stored, and then after each sixteenth of this that is.
    """

    _log = Logger()

    def __init__(self, folder: FilePath[str], max_bytes: int = _CACHE_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._until_pruned = 0

    def get(self, key: str) -> dict[str, Any] | None:
        """What was stored under *key*, or None."""
        path = self._folder.child(key)
        try:
            content: bytes = path.getContent()
            os.utime(path.path)
        except OSError:
            return None
        checksum, _, text = content.partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != checksum:
            return None
        entry: dict[str, Any] = json.loads(text)
        return entry

    def put(self, entries: Mapping[str, dict[str, Any]]) -> None:
        """Store *entries* and remove old ones."""
        try:
            if not self._folder.isdir():
                os.makedirs(self._folder.path, mode=0o700, exist_ok=True)
            for key, entry in entries.items():
                text = json.dumps(entry).encode()
                checksum = hashlib.sha256(text).hexdigest().encode()
                self._folder.child(key).setContent(checksum + b"\n" + text, ext=b".new")
                self._until_pruned -= len(text)
            if self._until_pruned < 0:
                self._until_pruned = self._max_bytes // 16
                self._prune()
        except OSError as error:
            self._log.warn("cannot write the cache of compiled apps: {error}", error=str(error), code="cache")

    def _prune(self) -> None:
        with os.scandir(self._folder.path) as entries:
            files = [(s.st_mtime, s.st_size, e.path) for e in entries if (s := _stat(e))]
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._max_bytes:
                return
            total -= size
            try:
                os.remove(path)
            except FileNotFoundError:
                pass  # another worker was faster


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except FileNotFoundError:
        return None
