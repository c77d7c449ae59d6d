# -*- test-case-name: tests.cli.test_completion -*-
"""
Completion: in a real shell, each where it is installed; bash is everywhere that nano is developed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from nano.cli.completion import script_for
from nano.cli.parser import SHELLS, commands_of, make_parser
from tests.cli.terminal import Terminal
from tests.system.daemon import PATIENCE


class ShellTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / "a folder").mkdir(parents=True)
        (self.folder / "app.json").touch()
        self.parser = make_parser()
        for shell in SHELLS:
            (self.folder / f".{shell}").write_text(script_for(shell, self.parser))

    def words(self, line: str) -> set[str]:
        """What bash offers for the last word of *line*."""
        words = line.split(" ")
        script = (
            'source .bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nano; '
            'for word in "${COMPREPLY[@]}"; do printf \'%s\\n\' "$word"; done'
        )
        result = subprocess.run(
            ["bash", "--norc", "-c", script, "bash", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""), line)
        return set(result.stdout.splitlines())

    def test_commands(self) -> None:
        """Every command is offered, and what it begins with narrows them down."""
        self.assertEqual(self.words("nano "), {*commands_of(self.parser), "-h", "--help", "--version"})
        self.assertEqual(self.words("nano se"), {"serve"})

    def test_options(self) -> None:
        """Every option of every command is offered."""
        for name, below in commands_of(self.parser).items():
            options = {option for action in below._actions for option in action.option_strings}
            self.assertEqual(self.words(f"nano {name} -"), options)

    def test_values(self) -> None:
        """What follows an option, or stands without one, depends on what it is."""
        files = {"app.json", "a folder", *(f".{shell}" for shell in SHELLS)}
        for line, expected in (
            ("nano serve --log-format ", {"json", "text", "apache"}),
            ("nano serve --log-format t", {"text"}),
            ("nano serve -p ", set()),
            ("nano serve --config ", files),
            ("nano check app", {"app.json"}),
            ("nano init ", {"a folder"}),
            ("nano completion ", set(SHELLS)),
            ("nano completion f", {"fish"}),
            ("nano schema ", set()),
            ("nano bogus ", set()),
        ):
            self.assertEqual(self.words(line), expected, line)

    def test_at_a_prompt(self) -> None:
        """Somebody presses Tab: words are completed, and names with spaces are quoted."""
        environ = {"HOME": str(self.folder), "TERM": "dumb", "PS1": "$ ", "INPUTRC": os.devnull}
        terminal = Terminal(["bash", "--norc", "--noprofile"], environ, self.folder)
        self.addCleanup(terminal.close)
        terminal.expect(r"\$ $")
        terminal.type("nano() { printf '<%s>' \"$@\"; }; source .bash; echo loa''ded\n")
        terminal.expect(r"loaded\r\n.*\$ $")
        terminal.type("nano ser\t--log-f\tte\t--conf\tap\t\n")
        terminal.expect("<serve><--log-format><text><--config><app.json>")
        terminal.type("nano init a\tx\n")
        terminal.expect("<init><a folder/x>")

    def test_fish(self) -> None:
        """fish offers the same, with what it means."""
        fish = shutil.which("fish")
        if fish is None:
            raise SkipTest("there is no fish")
        for line, word in (
            ("nano se", "serve\tserve apps in the foreground"),
            ("nano serve --log-format te", "text"),
            ("nano completion zs", "zsh"),
        ):
            script = f"source .fish; complete -C '{line}'"
            out = subprocess.run([fish, "--no-config", "-c", script], cwd=self.folder, capture_output=True, text=True)
            self.assertTrue(out.stdout.startswith(word), out)

    def test_zsh(self) -> None:
        """zsh takes the script, as a function of its own and when it is sourced."""
        zsh = shutil.which("zsh")
        if zsh is None:
            raise SkipTest("there is no zsh")
        script = "autoload -Uz compinit; compinit -D; source ./.zsh; print -r -- $_comps[nano]"
        out = subprocess.run([zsh, "-f", "-c", script], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((out.stdout, out.stderr), ("_nano\n", ""))


class ScriptTests(SynchronousTestCase):
    """What can be told without the shells."""

    def test_all_is_in_it(self) -> None:
        """Every command and every long option is in every script."""
        for shell in SHELLS:
            script = script_for(shell, make_parser())
            for name, below in commands_of(make_parser()).items():
                self.assertRegex(script, rf"\b{name}\b")
                for option in (option for action in below._actions for option in action.option_strings):
                    shown = f"-l {option[2:]}" if shell == "fish" and option.startswith("--") else option
                    if shell == "fish" and not option.startswith("--"):
                        shown = f"-s {option[1:]}"
                    self.assertRegex(script, re.escape(shown), (shell, name))

    def test_help_cannot_break_out(self) -> None:
        """Quotes and brackets in help texts are harmless."""
        parser = make_parser()
        below = commands_of(parser)["check"]
        below.add_argument("--odd", help='it\'s [a:b] \\ "c" $(d)')
        self.assertIn("--odd[it'\"'\"'s \\[a\\:b\\] ", script_for("zsh", parser))
        self.assertIn("-d 'it\\'s [a:b] \\\\ \"c\" $(d)'", script_for("fish", parser))
