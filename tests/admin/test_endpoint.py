# -*- test-case-name: tests.admin.test_endpoint -*-
"""
Opening the admin listener.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from nano.admin.endpoint import AdminEndpoint
from nano.errors import ConfigError

# mypy takes the reactor for its least interface.
reactor: Any = _reactor


class AdminEndpointTests(TestCase):
    def setUp(self) -> None:
        # The path of a socket must be short, and that of a test's folder is not.
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def open(self, listen: str) -> None:
        """Open a listener, and close it when the test is over."""
        service = AdminEndpoint(listen, Factory(), reactor)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(service.stopService)

    def test_folder(self) -> None:
        """A folder that is not there is made, for its owner alone; one that is there stays as it is."""
        self.open(f"unix:{self.folder}/a/b/socket")
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.folder}/a/b").st_mode), 0o700)
        os.chmod(f"{self.folder}/a/b", 0o755)
        self.open(f"unix:{self.folder}/a/b/another")
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.folder}/a/b").st_mode), 0o755)

    def test_impossible(self) -> None:
        """What hinders it is an error that names the key."""
        open(f"{self.folder}/file", "w").close()
        for path in (f"{self.folder}/file/socket", f"{self.folder}/{'x' * 200}"):
            error = self.assertRaises((ConfigError, CannotListenError), self.open, f"unix:{path}")
            self.assertIn("listen on", str(error))
            self.assertIn(path, str(error))

    def test_taken(self) -> None:
        """A taken port is what it is everywhere."""
        self.open("tcp:0:interface=127.0.0.1")
        self.open(f"unix:{self.folder}/socket")
        self.assertRaises(CannotListenError, self.open, f"unix:{self.folder}/socket")
