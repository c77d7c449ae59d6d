"""
The code of versions that are served, kept for those who come later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from nano.apps.modules import AppBundle, AppModule
from nano.apps.served import BundleStore, ProgramSource
from nano.config import AppConfig
from nano.errors import AppLoadError
from nano.interfaces import IsolateProgram

CONFIG = AppConfig("app", "/app", ("app",), {"who": "you"})


def bundle(code: str) -> AppBundle:
    """A bundle with one module of each kind."""
    modules = (
        AppModule("a.wasm", "wasm", data=b"\0asm\xff"),
        AppModule("b.txt", "text", text="text \ud800 ü"),
        AppModule("index.js", "module", code=code, record={"exports": [["default", 1]], "targets": ["b.txt"]}),
    )
    return AppBundle(FilePath("/app"), "index.js", f"version of {code}", modules, ("a warning",), ())


class Loader:
    """Reads files that the test decides on."""

    def __init__(self) -> None:
        self.code: str | None = "one"

    def load(self, path: FilePath[str]) -> Deferred[AppBundle]:
        """What there is, or an error."""
        return fail(AppLoadError("broken")) if self.code is None else succeed(bundle(self.code))


class ServedTests(SynchronousTestCase):
    """`BundleStore` and `ProgramSource`."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.loader = Loader()
        self.programs = ProgramSource(self.loader, self.at_once, BundleStore(FilePath(str(self.folder))))

    def at_once(self, work: Any, *arguments: Any) -> Deferred[Any]:
        """In place of a thread."""
        return succeed(work(*arguments))

    def read(self, config: AppConfig = CONFIG, version: str = "") -> IsolateProgram:
        """A program, at once."""
        return self.successResultOf(self.programs.read(config, version))

    def test_kept(self) -> None:
        """A version that was read once is there, to the byte, when its files are broken; and in other processes."""
        program = self.read()
        self.loader.code = None
        self.assertEqual(self.read(version=program.version), program)
        self.programs = ProgramSource(self.loader, self.at_once, BundleStore(FilePath(str(self.folder))))
        self.assertEqual(self.read(version=program.version), program)
        self.failureResultOf(self.programs.read(CONFIG), AppLoadError)

    def test_newer_files(self) -> None:
        """The version decides, not the files; and the files, where no version is asked for."""
        one = self.read()
        self.loader.code = "two"
        self.assertEqual(self.read(version=one.version), one)
        self.assertNotEqual(self.read(), one)

    def test_not_kept(self) -> None:
        """A version that is not kept is what lies on disk; so is one that is no file's name or no JSON."""
        (self.folder / "bad").write_text("{")
        self.assertEqual({self.read(version=version).version for version in ("bad", "missing")}, {self.read().version})

    def test_other_configuration(self) -> None:
        """A version belongs to a configuration, too: with another one it is not that version."""
        one = self.read()
        self.loader.code = "two"
        other = self.read(AppConfig("app", "/app", ("app",), {"who": "me"}), one.version)
        self.assertIn("two", other.scripts[0])

    def test_secrets(self) -> None:
        """What is kept is code: no env is written."""
        self.read(AppConfig("app", "/app", ("app",), {"who": "5ecret"}))
        self.assertNotIn("5ecret", "".join(file.read_text() for file in self.folder.iterdir()))

    def test_folder_that_is_gone(self) -> None:
        """Without its folder nothing is kept, and apps load all the same."""
        self.folder.rmdir()
        self.assertEqual(self.read().version, self.read().version)
