# -*- test-case-name: tests.cli.test_parser -*-
"""
Command lines, right and wrong.
"""

from __future__ import annotations

import re
import shlex

from nano import __version__
from nano.cli.parser import commands_of, make_parser, parse
from tests.cli.case import Commands


class UsageTests(Commands):
    def test_wrong_usage(self) -> None:
        """Wrong usage is 2, with a hint on standard error."""
        for arguments in (
            ("run",),
            ("bogus",),
            ("serve",),
            ("serve", "-c", "x", "-a", "y"),
            ("serve", "-a", "x", "-p", "http"),
            ("serve", "-a", "x", "-p", "65536"),
            ("serve", "-a", "x", "-w", "-1"),
            ("serve", "-a", "x", "--log-format", "xml"),
        ):
            code, out, err = self.run_nano(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertIn("usage: nano", err)

    def test_version(self) -> None:
        """`nano --version` prints the version."""
        self.assertEqual(self.run_nano("--version"), (0, f"nano {__version__}\n", ""))

    def test_nearest(self) -> None:
        """What was probably meant is named, and where to read more."""
        for arguments, hint, more in (
            (("sevre",), "there is no command 'sevre'; did you mean serve?", "nano --help"),
            (("qqqq",), "there is no command 'qqqq'\n", "nano --help"),
            (("serve", "--confg=x"), "there is no option --confg; did you mean --config?", "nano serve --help"),
            (("check", "a", "b"), "does not take 'b'", "nano check --help"),
            (("logs", "--level", "loud"), "invalid choice: 'loud'", "nano logs --help"),
            (("logs", "-n", "1001"), "must be a number from 0 to 1000", "nano logs --help"),
            (("top", "--interval", "0"), "must be a number of seconds", "nano top --help"),
            (("apps", "-c", "a", "--url", "b"), "not allowed with argument", "nano apps --help"),
            (("completion", "tcsh"), "invalid choice: 'tcsh'", "nano completion --help"),
        ):
            code, out, err = self.run_nano(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertIn(hint, err)
            self.assertTrue(err.endswith(f"Try: {more}\n"), err)

    def test_no_abbreviations(self) -> None:
        """An option is given by its whole name."""
        code, _, err = self.run_nano("serve", "--conf", "x")
        self.assertEqual(code, 2)
        self.assertIn("did you mean --config?", err)


class HelpTests(Commands):
    def test_every_command(self) -> None:
        """Each command's help has examples of that command, and fits a terminal of 80 columns."""
        for name in commands_of(make_parser()):
            code, out, err = self.run_nano(name, "--help")
            self.assertEqual((code, err), (0, ""), name)
            examples = out.partition("\nexamples:\n")[2].splitlines()
            self.assertTrue(examples, name)
            for line in examples:
                self.assertRegex(line, r"\bnano\b")
            self.assertEqual([line for line in out.splitlines() if len(line) > 80], [], name)

    def test_overview(self) -> None:
        """`nano --help` has a line for each command."""
        _, out, _ = self.run_nano("--help")
        for name in commands_of(make_parser()):
            self.assertRegex(out, rf"(?m)^  {name} +\w")

    def test_examples_parse(self) -> None:
        """What the examples show is a command line that nano takes."""
        for name in commands_of(make_parser()):
            _, out, _ = self.run_nano(name, "--help")
            for line in out.partition("\nexamples:\n")[2].splitlines():
                for command in re.findall(r"\bnano (\w+[^|&>]*)", re.split(r" {3,}", line.strip())[0]):
                    if not command.startswith("repl"):
                        self.assertIn("command", vars(parse(shlex.split(command))), line)
