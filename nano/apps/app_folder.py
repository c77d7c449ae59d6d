# -*- test-case-name: tests.apps.test_modules -*-
"""
An app's folder on disk: what may be read there, and which file a relative import means.

Everything here blocks and belongs on a thread other than the reactor's.  Nothing outside of the
folder is ever read: names are those of real files, symbolic links resolved.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Literal

from twisted.python.filepath import FilePath

from nano.errors import AppLoadError, Place

__all__ = [
    "ENTRY_NAMES",
    "KINDS",
    "AppFolder",
    "ModuleKind",
    "UnresolvedError",
    "candidate_names",
    "open_app",
]

#: What a folder's entry may be called, in the order of preference.
ENTRY_NAMES = ("index.js", "index.mjs", "index.ts", "_worker.js")

ModuleKind = Literal["module", "json", "text", "bytes", "wasm", "error"]

KINDS: Mapping[str, ModuleKind] = {
    ".js": "module",
    ".mjs": "module",
    ".ts": "module",
    ".mts": "module",
    ".json": "json",
    ".txt": "text",
    ".html": "text",
    ".wasm": "wasm",
    ".bin": "bytes",
}

_MAX_FILE_BYTES = 64 * 1024 * 1024
_MAX_COMPUTED_FILES = 2000


class UnresolvedError(Exception):
    """A specifier names nothing that may be imported; the text says why."""


def candidate_names(path: str) -> Iterator[str]:
    """
    The files that *path* may mean, most exact first, as bundlers have it.

    `candidateNames` in nano/runtime/modules.js is the same for specifiers known at run time only.
    """
    yield path
    for suffix in (".js", ".mjs", ".ts", ".json"):
        yield path + suffix
    if path.endswith(".js"):
        yield path[:-3] + ".ts"
    for suffix in (".js", ".mjs", ".ts"):
        yield os.path.join(path, "index" + suffix)


class AppFolder:
    """
    The app's folder on disk.  Every method blocks.
    """

    def __init__(self, root: FilePath[str]) -> None:
        self.root = root

    @classmethod
    def open(cls, path: FilePath[str]) -> tuple[AppFolder, str]:
        """The folder of the app at *path*, and the name of its entry."""
        real = path.realpath()
        if real.isfile():
            if KINDS.get(real.splitext()[1]) != "module":
                msg = f"The entry must be a module, .js, .mjs or .ts: '{real.basename()}' is not"
                raise AppLoadError(msg, Place(path.path))
            return cls(real.parent()), real.basename()
        if not real.isdir():
            raise AppLoadError("There is no such file or folder", Place(path.path))
        folder = cls(real)
        for name in ENTRY_NAMES:
            if real.child(name).isfile():
                return folder, folder._name(real.child(name))
        msg = f"The folder has none of {', '.join(ENTRY_NAMES)}"
        raise AppLoadError(msg, Place(path.path))

    def read(self, name: str) -> bytes:
        """The content of a module."""
        path = self.root.preauthChild(name)
        try:
            with path.open() as file:
                content: bytes = file.read(_MAX_FILE_BYTES + 1)
        except OSError as error:
            raise AppLoadError(f"Cannot read the file: {error.strerror}", Place(name)) from error
        if len(content) > _MAX_FILE_BYTES:
            msg = f"The file is larger than {_MAX_FILE_BYTES // 2**20} MB"
            raise AppLoadError(msg, Place(name))
        return content

    def resolve(self, importer: str, specifier: str) -> str:
        """
        The name of the module that a relative specifier means.

        Raises:
            UnresolvedError: it means none, or one outside of the folder.
        """
        if "\0" in specifier:
            raise UnresolvedError(f"There is no file for '{specifier}'")
        if specifier.endswith(".wasm?module"):
            specifier = specifier.removesuffix("?module")
        folder = os.path.join(self.root.path, os.path.dirname(importer))
        path = os.path.normpath(os.path.join(folder, specifier))
        if path != self.root.path and not path.startswith(os.path.join(self.root.path, "")):
            raise UnresolvedError(f"'{specifier}' leaves the app's folder")
        for candidate in candidate_names(path):
            if os.path.isfile(candidate):
                return self._name(FilePath(candidate), specifier)
        raise UnresolvedError(f"There is no file for '{specifier}'")

    def _name(self, path: FilePath[str], specifier: str = "") -> str:
        try:
            segments: list[str] = path.realpath().segmentsFrom(self.root)
        except ValueError:
            what = specifier or path.basename()
            msg = f"'{what}' leaves the app's folder through a symbolic link"
            raise UnresolvedError(msg) from None
        return "/".join(segments)

    def importable(self) -> list[str] | None:
        """
        Names of all files that could be imported, those of packages and hidden folders aside.

        Returns:
            None when the folder is so large that it can hardly be meant.
        """
        names: list[str] = []
        seen = 0
        for folder, folders, files in os.walk(self.root.path):
            folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "node_modules")
            seen += len(folders) + len(files)
            if seen > _MAX_COMPUTED_FILES:
                return None
            names += [
                os.path.relpath(path, self.root.path).replace(os.sep, "/")
                for path in (os.path.join(folder, file) for file in sorted(files))
                if os.path.splitext(path)[1] in KINDS and not path.endswith(".d.ts")
                if os.path.isfile(path) and not os.path.islink(path)
            ]
        return names


def open_app(path: FilePath[str]) -> tuple[AppFolder, str]:
    """
    The folder of the app at *path*, and the name of its entry.

    Raises:
        AppLoadError: there is none.
    """
    try:
        return AppFolder.open(path)
    except UnresolvedError as error:
        raise AppLoadError(str(error), Place(path.path)) from None
