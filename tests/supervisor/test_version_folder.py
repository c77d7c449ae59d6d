"""
The folder of versions, and what becomes of it.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from nano.supervisor.version_folder import VersionFolder


class VersionFolderTests(SynchronousTestCase):
    """`VersionFolder`."""

    def setUp(self) -> None:
        self.state_dir = Path(self.mktemp()).absolute()

    def make(self) -> VersionFolder:
        """A folder that is open."""
        folder = VersionFolder()
        folder.open(str(self.state_dir))
        self.addCleanup(folder.close)
        return folder

    def test_private(self) -> None:
        """It is in the state folder, each time another one, for its owner alone."""
        paths = [Path(self.make().path) for _ in range(2)]
        self.assertEqual({path.parent for path in paths}, {self.state_dir})
        self.assertEqual(len(set(paths)), 2)
        self.assertEqual({path.stat().st_mode & 0o777 for path in paths}, {0o700})

    def test_prune(self) -> None:
        """What is not kept goes, but for what is being written."""
        folder = self.make()
        for name in ("a", "b", "c.1.new"):
            (Path(folder.path) / name).touch()
        folder.prune({"a", "missing"})
        self.assertEqual(sorted(os.listdir(folder.path)), ["a", "c.1.new"])

    def test_close(self) -> None:
        """It goes with what is in it; what comes afterwards does nothing."""
        folder = self.make()
        path = Path(folder.path)
        (path / "a").touch()
        folder.close()
        self.assertEqual((path.exists(), folder.path), (False, ""))
        folder.prune(())
        folder.close()

    def test_left_behind(self) -> None:
        """What a killed supervisor has left is removed; what a living one has is not."""
        left = self.state_dir / "served-left"
        left.mkdir(parents=True)
        (left / "a").touch()
        living = self.make()
        self.assertFalse(left.exists())
        self.make()
        self.assertTrue(Path(living.path).exists())

    def test_no_state_folder(self) -> None:
        """Where the state folder cannot be made it lies among the temporary files."""
        self.state_dir.touch()
        folder = self.make()
        self.assertTrue(Path(folder.path).is_dir())
        self.assertNotEqual(Path(folder.path).parent, self.state_dir)
