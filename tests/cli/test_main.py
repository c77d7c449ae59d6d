# -*- test-case-name: tests.cli.test_main -*-
"""
The command as a whole: exit codes, and ends that come from outside.
"""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from nano.cli import commands
from nano.cli.parser import commands_of, make_parser
from nano.errors import EngineError
from tests.cli.case import Commands
from tests.cli.terminal import NANO
from tests.system.daemon import PATIENCE, environment


class MainTests(Commands):
    def test_every_command_is_there(self) -> None:
        """What can be typed can be run."""
        self.assertEqual(set(commands.COMMANDS), set(commands_of(make_parser())))

    def test_error(self) -> None:
        """An error of nano's is a message."""

        def broken(options: object) -> int:
            raise EngineError("no V8")

        self.patch(commands, "COMMANDS", {"schema": broken})
        self.assertEqual(self.run_nano("schema"), (1, "", "nano: no V8\n"))

    def test_interrupt(self) -> None:
        """Ctrl-C ends a command without a word."""

        def interrupted(options: object) -> int:
            raise KeyboardInterrupt

        self.patch(commands, "COMMANDS", {"schema": interrupted})
        self.assertEqual(self.run_nano("schema"), (130, "", ""))


class ProcessTests(SynchronousTestCase):
    def test_early_interrupt(self) -> None:
        """Nor does Ctrl-C that comes while the command is still being loaded leave a word."""
        script = """
import sys
class Interrupting:
    def find_spec(self, name, *more):
        if name == "nano.cli.parser":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from nano.cli import main
sys.exit(main(["schema"]))
"""
        result = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (130, b"", b""))


class PipeTests(SynchronousTestCase):
    def test_reader_leaves(self) -> None:
        """A reader that has had enough is no reason for a traceback."""
        process = subprocess.Popen(
            [*NANO, "schema"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(process.kill)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        self.assertEqual((process.stderr.read(), process.wait(PATIENCE)), ("", 1))
        process.stderr.close()
