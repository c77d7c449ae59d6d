# -*- test-case-name: tests.test_script -*-
"""
`nano run`: scripts in this process, and the command from outside.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano.script import run_script
from tests.system.daemon import PATIENCE, environment

NANO_RUN = (sys.executable, "-m", "nano.cli", "run")


class Begun(io.StringIO):
    """Fires `begun` with the first line."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: Deferred[None] = Deferred()

    def flush(self) -> None:
        """Called behind each line."""
        if not self.begun.called:
            self.begun.callback(None)


class RunScriptTests(TestCase):
    """Scripts, their output, and their exit codes."""

    timeout = 60

    async def run_it(self, source: str, *args: str, **files: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        folder = Path(self.mktemp())
        folder.mkdir()
        for name, text in {"script.js": source, **{f"{stem}.js": text for stem, text in files.items()}}.items():
            (folder / name).write_text(text)
        out, err = io.StringIO(), io.StringIO()
        code = await run_script(reactor, str(folder / "script.js"), args, out, err)
        return code, out.getvalue(), err.getvalue()

    async def test_output(self) -> None:
        """What it logs goes out as it is, warnings and errors to standard error."""
        source = """
            console.log('a', { b: 1 }); console.info('c'); console.debug('d');
            console.warn('e'); console.error('f');"""
        self.assertEqual(await self.run_it(source), (0, "a { b: 1 }\nc\nd\n", "e\nf\n"))

    async def test_arguments(self) -> None:
        """It finds its arguments in a module."""
        source = "import { args } from 'nano:script'; console.log(JSON.stringify(args));"
        self.assertEqual(await self.run_it(source, "a", "--b", ""), (0, '["a","--b",""]\n', ""))

    async def test_end(self) -> None:
        """It ends when nothing is on its way any more: top-level await, timers, what timers begin."""
        source = """
            import { word } from "./other.js";
            console.log(await new Promise((resolve) => setTimeout(resolve, 5, word)));
            setTimeout(() => { console.log("timer"); setTimeout(() => console.log("last"), 5); }, 5);
            const interval = setInterval(() => clearInterval(interval), 1);"""
        files = {"other": "export const word = 'awaited';"}
        self.assertEqual(await self.run_it(source, **files), (0, "awaited\ntimer\nlast\n", ""))

    async def test_errors(self) -> None:
        """An error that nothing caught is told with file and line, and the exit code is 1."""
        for source, text in {
            "console.log('before');\nthrow new TypeError('thrown');": "TypeError: thrown",
            "console.log('before');\nawait Promise.reject(new Error('rejected'));": "Error: rejected",
            "console.log('before');\nsetTimeout(() => { throw new Error('later'); });": "Uncaught Error: later",
        }.items():
            code, out, err = await self.run_it(source)
            self.assertEqual((code, out), (1, "before\n"))
            self.assertIn(text, err)
            self.assertIn("script.js:2:", err)

    async def test_syntax_error(self) -> None:
        """A syntax error is shown with its place, and nothing runs."""
        code, out, err = await self.run_it("console.log('before');\nconst a = ;\n")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("script.js:2:11", err)
        self.assertIn("    const a = ;\n              ^", err)

    async def test_never(self) -> None:
        """A script that awaits what can never happen fails."""
        code, _, err = await self.run_it("await new Promise(() => {});")
        self.assertEqual(code, 1)
        self.assertIn("can never happen", err)

    async def test_cancelled(self) -> None:
        """A script that is cancelled, whether it loads or runs, ends without a word."""
        for source in (
            "console.log('begun'); await new Promise((go) => setTimeout(go, 1e6));",
            "setTimeout(() => console.log('begun')); setTimeout(() => {}, 1e6);",
        ):
            path = Path(self.mktemp()).with_suffix(".js")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
            out, err = Begun(), io.StringIO()
            running = run_script(reactor, str(path), (), out, err)
            await out.begun
            running.cancel()
            with self.assertRaises(CancelledError):
                await running
            self.assertEqual(err.getvalue(), "")

    async def test_cancelled_early(self) -> None:
        """So does one that has not been read yet."""
        err = io.StringIO()
        running = run_script(reactor, self.mktemp(), (), io.StringIO(), err)
        running.cancel()
        with self.assertRaises(CancelledError):
            await running
        self.assertEqual(err.getvalue(), "")

    async def test_no_script(self) -> None:
        """A file that is not there is a message."""
        out, err = io.StringIO(), io.StringIO()
        self.assertEqual(await run_script(reactor, self.mktemp(), (), out, err), 1)
        self.assertIn("There is no such file", err.getvalue())


class CommandTests(SynchronousTestCase):
    """The command."""

    def write(self, source: str) -> str:
        """The path of a script."""
        path = Path(self.mktemp()).with_suffix(".js").absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return str(path)

    def test_run(self) -> None:
        """Options behind the script are the script's."""
        script = self.write("import { args } from 'nano:script'; console.log(args.join());")
        result = subprocess.run(
            [*NANO_RUN, script, "--help", "-x"], env=environment(), capture_output=True, text=True, timeout=PATIENCE
        )
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "--help,-x\n", ""))

    def test_failure(self) -> None:
        """The exit code is the script's."""
        script = self.write("throw new Error('no');")
        result = subprocess.run([*NANO_RUN, script], env=environment(), capture_output=True, timeout=PATIENCE)
        self.assertEqual(result.returncode, 1)

    def test_interrupt(self) -> None:
        """Ctrl-C ends a script, whatever it does."""
        for work in (
            "setInterval(() => {}, 1000);",
            "setTimeout(() => { for (;;); });",
            "await new Promise((go) => setTimeout(go, 1e6));",
        ):
            script = self.write(f"console.log('begun'); {work}")
            process = subprocess.Popen(
                [*NANO_RUN, script], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            self.addCleanup(process.kill)
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), b"begun\n")
            process.send_signal(signal.SIGINT)
            self.assertEqual((process.communicate(timeout=PATIENCE), process.returncode), ((b"", b""), 130), work)
