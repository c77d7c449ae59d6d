# -*- test-case-name: tests.supervisor.test_version_folder -*-
"""
The folder where workers keep the code of the versions that are served (nano.apps.served).

It belongs to one supervisor, as another one with the same `state_dir` serves other versions, and goes with it.  What a
supervisor that was killed has left is known by its lock, which nobody holds any more, and removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection

from twisted.logger import Logger

__all__ = ["VersionFolder"]

_PREFIX = "served-"


class VersionFolder:
    """
    A folder of files that are called like versions.  Every method blocks, for a short time.

    Attributes:
        path: where it is; "" as long as there is none.
    """

    _log = Logger()

    def __init__(self) -> None:
        self.path = ""
        self._lock = -1

    def open(self, state_dir: str) -> None:
        """
        Make the folder, in *state_dir* if that can be written, else among the system's temporary files.
        """
        for parent in (state_dir, None):
            try:
                if parent is not None:
                    os.makedirs(parent, exist_ok=True)
                    _remove_left(parent)
                self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
                self._lock = _locked(self.path)
            except OSError as error:
                reason = str(error)
            else:
                return
        self._log.warn(
            "workers that start later will serve what lies on disk then: {reason}", reason=reason, event="code-not-kept"
        )

    def prune(self, kept: Collection[str]) -> None:
        """Remove the versions that are not in *kept*."""
        try:
            names = os.listdir(self.path) if self.path else []
            for name in set(names) - set(kept):
                if not name.endswith(".new"):  # which somebody is about to write
                    os.unlink(os.path.join(self.path, name))
        except OSError as error:
            self._log.warn("cannot remove what is served no more: {error}", error=str(error), event="code-not-removed")

    def close(self) -> None:
        """Remove the folder."""
        path, self.path = self.path, ""
        if path:
            shutil.rmtree(path, ignore_errors=True)
            os.close(self._lock)


def _locked(path: str) -> int:
    """A descriptor of the folder with a lock on it, which ends with the process; raises OSError if it is taken."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_left(parent: str) -> None:
    for name in os.listdir(parent):
        if name.startswith(_PREFIX):
            path = os.path.join(parent, name)
            try:
                descriptor = _locked(path)
            except OSError:
                continue  # Somebody's, or not ours to remove.
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)
