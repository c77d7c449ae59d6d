# -*- test-case-name: tests.apps.test_served -*-
"""
The code of the versions that are served, kept for whoever has to serve them later.

What lies on disk may be newer than what is served, or broken.  A worker that starts in the place of another, or after
it in a change, gets the code that the others have: it asks for it by version.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.filepath import FilePath

from nano.apps.modules import AppBundle, AppModule, InThread
from nano.apps.program import make_program
from nano.config import AppConfig
from nano.interfaces import IsolateProgram

__all__ = ["BundleStore", "Loader", "ProgramSource"]


class BundleStore:
    """
    Bundles on disk, by the version of the app that each belongs to.  Every method blocks; processes share the folder.

    A folder that cannot be written makes the store useless, never the app.  Who makes the folder removes what is in it.

    Args:
        folder: where they are; readable for its owner alone, as what is in it will be run.
    """

    _log = Logger()

    def __init__(self, folder: FilePath[str]) -> None:
        self._folder = folder

    def get(self, version: str) -> AppBundle | None:
        """The bundle of a version, None if it is not here."""
        try:
            kept: dict[str, Any] = json.loads(self._folder.child(version).getContent())
        except (OSError, ValueError):
            return None
        modules = [AppModule(**{**module, "data": base64.b64decode(module["data"])}) for module in kept["modules"]]
        return AppBundle(
            FilePath(kept["root"]),
            kept["entry"],
            kept["version"],
            tuple(modules),
            tuple(kept["warnings"]),
            tuple(kept["builtins"]),
        )

    def put(self, version: str, bundle: AppBundle) -> None:
        """Keep the bundle of a version, unless it is here already."""
        path = self._folder.child(version)
        if path.exists():
            return
        modules = [
            {**asdict(module), "data": base64.b64encode(module.data).decode("ascii")} for module in bundle.modules
        ]
        kept = {
            "root": bundle.root.path,
            "entry": bundle.entry,
            "version": bundle.version,
            "modules": modules,
            "warnings": bundle.warnings,
            "builtins": bundle.builtins,
        }
        try:
            path.setContent(json.dumps(kept).encode("ascii"), ext=b".%d.new" % os.getpid())
        except OSError as error:
            self._log.warn("cannot keep the code that is served: {error}", error=str(error), event="code-not-kept")


class Loader(Protocol):
    """Reads and compiles the files of apps."""

    def load(self, path: FilePath[str]) -> Deferred[AppBundle]:
        """The app at a path; fails with `AppLoadError`."""


class ProgramSource:
    """
    Makes the programs of apps: from their files, or from what is kept of a version.

    Args:
        loader: reads and compiles files.
        in_thread: where the store is read and written.
        store: keeps what was read; None keeps nothing.
    """

    _log = Logger()

    def __init__(self, loader: Loader, in_thread: InThread, store: BundleStore | None = None) -> None:
        self._loader = loader
        self._in_thread = in_thread
        self._store = store

    def read(self, config: AppConfig, version: str = "") -> Deferred[IsolateProgram]:
        """
        The program of an app.

        Args:
            version: which; "" for what lies on disk, and so does a version that is not kept.

        Fires with the program; fails with `AppLoadError`.
        """
        return Deferred.fromCoroutine(self._read(config, version))

    async def _read(self, config: AppConfig, version: str) -> IsolateProgram:
        if self._store is not None and version:
            kept = await self._in_thread(self._store.get, version)
            program = make_program(kept, config) if kept is not None else None
            if program is not None and program.version == version:
                return program
        bundle = await self._loader.load(FilePath(config.path))
        for warning in bundle.warnings:
            self._log.warn("app {app}: {problem}", app=config.name, problem=warning)
        program = make_program(bundle, config)
        if self._store is not None:
            await self._in_thread(self._store.put, program.version, bundle)
        return program
