# -*- test-case-name: tests.cli.test_commands -*-
"""
The small commands.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from nano.config import check_config, config_schema
from tests.cli.case import Commands


class InitTests(Commands):
    def test_new_app(self) -> None:
        """What is written is a valid configuration of an app that is there."""
        folder = os.path.join(self.folder, "My shop!")
        code, out, _ = self.run_nano("init", folder)
        self.assertEqual(code, 0)
        self.assertIn(f"cd '{folder}' && nano serve\n", out)
        config = check_config(os.path.join(folder, "app.json"), {})
        self.assertEqual((config.apps[0].name, config.apps[0].hostnames), ("My-shop", ("*",)))

    def test_admin(self) -> None:
        """The daemon of a new app takes commands, where the path of its socket is one that a system takes."""
        short = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, short)
        for folder, taken in ((short, True), (os.path.join(self.folder, "x" * 100), False)):
            self.run_nano("init", folder)
            admin = check_config(os.path.join(folder, "app.json"), {}).admin
            self.assertEqual(admin and admin.listen, f"unix:{folder}/.nano/admin.sock:mode=600" if taken else None)

    def test_existing_folder(self) -> None:
        """A folder may be there; its other files stay."""
        kept = self.write("shop/README", "mine")
        self.assertEqual(self.run_nano("init", os.path.dirname(kept))[0], 0)
        self.assertEqual(Path(kept).read_text(), "mine")

    def test_overwrites_nothing(self) -> None:
        """If one of the files is there, none is written."""
        mine = self.write("shop/src/index.js", "mine")
        code, _, err = self.run_nano("init", os.path.join(self.folder, "shop"))
        self.assertEqual(code, 1)
        self.assertIn("index.js is there already; nothing was written", err)
        self.assertEqual(Path(mine).read_text(), "mine")
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "shop"))), ["src"])

    def test_unwritable(self) -> None:
        """A folder that cannot be made is a message, not a traceback."""
        path = self.write("file", "")
        code, _, err = self.run_nano("init", os.path.join(path, "shop"))
        self.assertEqual(code, 1)
        self.assertIn("cannot write", err)


class SchemaTests(Commands):
    def test_schema(self) -> None:
        """`nano schema` prints the schema, and nothing else."""
        code, out, err = self.run_nano("schema")
        self.assertEqual((code, json.loads(out), err), (0, config_schema(), ""))
