# -*- test-case-name: tests.test_repl -*-
"""
The REPL: its conversation with a session of the test's own, its session with real V8, and the command on a terminal.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano.repl import Outcome, Prompter, Session, converse
from tests.cli.terminal import NANO, Terminal
from tests.system.daemon import PATIENCE, environment


class FakeSession:
    """
    Echoes its inputs; one that ends in "(" is incomplete, one with "bad" in it fails.
    """

    def __init__(self) -> None:
        self.inputs: list[str] = []

    def evaluate(self, source: str) -> Outcome:
        """The outcome that the text asks for."""
        if source.endswith("("):
            return Outcome("", incomplete=True)
        self.inputs.append(source)
        return Outcome(f"<{source}>", failed="bad" in source)


class ConverseTests(SynchronousTestCase):
    """Lines in, values out."""

    def converse(
        self, lines: Iterable[str | type[BaseException]], prompts: tuple[str, str] = ("> ", "... ")
    ) -> tuple[bool, str, str]:
        """Whether it went well, what was shown, and what was complained of."""
        self.session, self.prompts = FakeSession(), list[str]()
        source = iter((*lines, EOFError))

        def read(prompt: str) -> str:
            self.prompts.append(prompt)
            line = next(source)
            if isinstance(line, str):
                return line
            raise line

        out, err = io.StringIO(), io.StringIO()
        good = converse(self.session, read, out, err, prompts)
        return good, out.getvalue(), err.getvalue()

    def test_values(self) -> None:
        """Each input's value is shown; empty lines are none."""
        self.assertEqual(self.converse(["a", "", "  ", "b"]), (True, "<a>\n<b>\n", ""))

    def test_several_lines(self) -> None:
        """An incomplete input is continued, with a prompt that says so."""
        self.assertEqual(self.converse(["f(", "1)", "x"]), (True, "<f(\n1)>\n<x>\n", ""))
        self.assertEqual(self.prompts, ["> ", "... ", "> ", "> "])

    def test_errors(self) -> None:
        """Errors go to the other stream, and are remembered."""
        self.assertEqual(self.converse(["bad", "a"]), (False, "<a>\n", "<bad>\n"))

    def test_interrupt_drops_lines(self) -> None:
        """Ctrl-C gives up the lines so far; at a fresh prompt it says how to leave."""
        good, out, _ = self.converse(["f(", KeyboardInterrupt, "a", KeyboardInterrupt])
        self.assertEqual((good, self.session.inputs), (True, ["a"]))
        self.assertIn("Ctrl-D", out)

    def test_end_in_the_middle(self) -> None:
        """An input that never becomes complete is an error."""
        self.assertFalse(self.converse(["f("])[0])

    def test_nobody_looks(self) -> None:
        """Without prompts values are not shown."""
        self.assertEqual(self.converse(["a", "bad"], ("", "")), (False, "", "<bad>\n"))


class SessionTests(TestCase):
    """What inputs come to, in a real isolate."""

    timeout = 60

    def setUp(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.session = Session(reactor, self.out, self.err)
        self.addCleanup(self.session.stop)

    async def says(self, *exchanges: tuple[str, str]) -> None:
        """Inputs have these values, as they are shown."""
        for source, text in exchanges:
            self.assertEqual((source, await self.session.evaluate(source)), (source, Outcome(text)))

    async def test_values(self) -> None:
        """Values are inspected."""
        await self.says(
            ("1 + 1", "2"),
            ("'text'", "'text'"),
            ("[1, { a: new Map([[1, 2]]) }]", "[ 1, { a: Map(1) { 1 => 2 } } ]"),
            ("{ a: 1, b: 2 }", "{ a: 1, b: 2 }"),
            ("{}", "{}"),
            ("{ let x = 1; x }", "undefined"),
            ("if (true) 1;", "undefined"),
            ("1; 2 // two", "2"),
            ("(3, 4) ; ", "4"),
            ("", "undefined"),
            ("this === globalThis", "true"),
        )

    async def test_declarations_persist(self) -> None:
        """What is declared, however it is, is there for later inputs, and may be declared again."""
        await self.says(
            ("const a = 1, { b, c: [d = 4, ...e], ...f } = { b: 2, c: [undefined, 5], g: 6 }", "undefined"),
            ("[a, b, d, e, f]", "[ 1, 2, 4, [ 5 ], { g: 6 } ]"),
            ("const a = 7; let z", "undefined"),
            ("[a, z]", "[ 7, undefined ]"),
            ("let a = 8\nlet y = a\ny", "8"),
            ("function twice(x) { return half ? x : 2 * x } var half", "undefined"),
            ("twice(21)", "42"),
            ("class A { static n = 9 }\n[1].length", "1"),
            ("[A.n, A.name]", "[ 9, 'A' ]"),
            ("for (var i = 0; i < 3; i++); for (var k in { q: 1 }); for (var [v] of [[5]]);", "undefined"),
            ("[i, k, v]", "[ 3, 'q', 5 ]"),
            ("if (a) var w = a", "undefined"),
            ("w", "8"),
            ("const named = () => {}; named.name", "'named'"),
            ("free = 1; free", "1"),
        )

    async def test_await(self) -> None:
        """`await` may stand anywhere, and what is declared with it persists too."""
        await self.says(
            ("const r = await new Response('body').text()", "undefined"),
            ("r", "'body'"),
            ("await new Promise((resolve) => setTimeout(resolve, 5, 'late'))", "'late'"),
            ("let s = 0; for await (const n of [1, Promise.resolve(2)]) s += n; s", "3"),
            ("async function f() { return await 6 }", "undefined"),
            ("await f()", "6"),
        )

    async def test_last_value(self) -> None:
        """`_` is the value of the input before."""
        await self.says(("20", "20"), ("_ + 1", "21"))

    async def test_console(self) -> None:
        """The console prints before the value is shown."""
        await self.says(("console.log('out'); console.error('err'); 1", "1"))
        self.assertEqual((self.out.getvalue(), self.err.getvalue()), ("out\n", "err\n"))

    async def test_incomplete(self) -> None:
        """What could go on, is told from what is wrong."""
        unfinished = (
            "f(",
            "function f() {",
            "[1,",
            "`a",
            "/* a",
            "({",
            "{ a: 1, b: 2",
            "if (a) {",
            "a =",
            "'a\\",
            "x =>",
        )
        for source in unfinished:
            outcome = await self.session.evaluate(source)
            self.assertEqual((source, outcome), (source, Outcome("", incomplete=True)))
        for source in (")", "1 +* 2", "'a", "let 1", "a b", "{ a: 1, b }}", "break", "import x from 'y'"):
            outcome = await self.session.evaluate(source)
            self.assertEqual((source, outcome.failed, outcome.incomplete), (source, True, False))

    async def test_import(self) -> None:
        """Modules that need no file can be imported, in every form, and their names stay."""
        await self.says(
            ("import path, { join as j, sep, } from 'node:path'", "undefined"),
            ("[path.join === j, sep]", "[ true, '/' ]"),
            ("import * as url from 'node:url'; url.URL === URL", "true"),
            ("import both, * as all from 'node:path'; all.default === both", "true"),
            ("import {\n  EventEmitter,\n} from 'events'", "undefined"),
            ("typeof EventEmitter", "'function'"),
            ("import 'node:assert'", "undefined"),
            ("(await import('node:path')).sep", "'/'"),
            ("import('node:path').then((module) => module.sep)", "Promise {}"),
            ("const late = () => import('node:path'); (await late()).default === path", "true"),
            ("import { env } from 'cloudflare:workers'; env", "{}"),
        )

    async def test_import_fails(self) -> None:
        """What there is no such module for, or no place, is told."""
        for source, text in (
            ("import a from './file.js'", 'No such module "./file.js", imported from "REPL"'),
            ("await import('nothing')", 'No such module "nothing"'),
            ("export const a = 1", "    export const a = 1\n    ^\nUncaught SyntaxError: 'export' has no meaning here"),
            ("{ import a from 'b' }", "'import' may appear only at the top level"),
            ("1;\nimport.meta", "    import.meta\n    ^\nUncaught SyntaxError: Cannot use 'import.meta' outside"),
        ):
            outcome = await self.session.evaluate(source)
            self.assertTrue(outcome.failed, source)
            self.assertIn(text, outcome.text)
        self.assertTrue((await self.session.evaluate("import { a,")).incomplete)

    async def test_errors(self) -> None:
        """Errors come with their stacks, in which only what was typed is named."""
        await self.says(("function outer() {\n  throw new TypeError('typed')\n}", "undefined"))
        outcome = await self.session.evaluate("1; outer()")
        self.assertTrue(outcome.failed)
        expected = "Uncaught TypeError: typed\n    at outer (REPL1:2:9)\n    at REPL2:1:"
        self.assertTrue(outcome.text.startswith(expected), outcome.text)
        self.assertEqual(outcome.text.count("\n"), 2, outcome.text)
        self.assertEqual((await self.session.evaluate("throw 1")).text, "Uncaught 1")
        self.assertIn("late", (await self.session.evaluate("await Promise.reject(new Error('late'))")).text)

    async def test_syntax_error(self) -> None:
        """A syntax error is shown with its place."""
        outcome = await self.session.evaluate("1 +* 2")
        self.assertEqual(outcome.text, "    1 +* 2\n       ^\nUncaught SyntaxError: Unexpected token")

    async def test_never(self) -> None:
        """What can never happen is not awaited; the session goes on."""
        await self.says(("kept = 1", "1"))
        outcome = await self.session.evaluate("await new Promise(() => {})")
        self.assertTrue(outcome.failed)
        self.assertIn("can never happen", outcome.text)
        await self.says(("kept", "1"))

    async def test_completion(self) -> None:
        """Names of globals and of properties, of prototypes too; getters are left alone."""
        await self.says(("const thing = { alpha: { beta1: 1, 'not-a-name': 2 }, get trap() { throw 1 } }", "undefined"))
        for text, names in {
            "structuredC": ["structuredClone"],
            "thing.": ["__defineGetter__", "alpha", "trap"],
            "thing.alpha.b": ["beta1"],
            "thing.trap.": [],
            "'x'.": [],
            "nothing.": [],
            "thing.alpha.beta1.toF": ["toFixed"],
            "thing.alpha.n": [],
            "crypto.randomUU": ["randomUUID"],
        }.items():
            found = await self.session.complete(text)
            self.assertEqual((text, [name for name in found if name in names] or found), (text, names))

    async def test_interrupt_loop(self) -> None:
        """A loop ends; what was defined is still there."""
        await self.says(("kept = 1", "1"))
        running = self.session.evaluate("for (;;);")
        self.session._reactor.callLater(0.05, self.session.interrupt)
        self.assertEqual(await running, Outcome("Interrupted", failed=True))
        await self.says(("kept", "1"))

    async def test_interrupt_await(self) -> None:
        """So does waiting."""
        await self.says(("kept = setInterval(() => {}, 1000); kept = 1", "1"))
        running = self.session.evaluate("await new Promise(() => {})")
        self.session._reactor.callLater(0.05, self.session.interrupt)
        self.assertEqual(await running, Outcome("Interrupted", failed=True))
        await self.says(("kept", "1"))

    async def test_interrupt_endless_jobs(self) -> None:
        """Promise jobs without end cannot be stopped; a new isolate takes over."""
        await self.says(("kept = 1", "1"))
        running = self.session.evaluate("for (;;) await 1")
        self.session._reactor.callLater(0.05, self.session.interrupt)
        outcome = await running
        self.assertIn("what was defined is lost", outcome.text)
        await self.says(("typeof kept", "'undefined'"))


class AskedSession:
    """
    Notes what it is asked, and fails to evaluate until it is interrupted.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.waiting: Deferred[Outcome] = Deferred()

    def callFromThread(self, function: Callable[[], object]) -> None:
        """It is its own reactor, too."""
        function()

    def evaluate(self, source: str) -> Deferred[Outcome]:
        """Not before it is interrupted."""
        self.calls.append(source)
        return self.waiting

    def interrupt(self) -> None:
        """End the evaluation."""
        self.calls.append("interrupt")
        self.waiting.callback(Outcome("Interrupted", failed=True))

    def complete(self, text: str) -> Deferred[list[str]]:
        """Some names, whatever is typed."""
        self.calls.append(text)
        return succeed(["__proto__", "_own", "alpha"])


class PrompterTests(SynchronousTestCase):
    """Whom Ctrl-C is for."""

    def prompter(self, session: AskedSession, read: Callable[[str], str]) -> Prompter:
        """A prompter that runs on one thread."""
        return Prompter(session, cast(Session, session), read)

    def test_while_reading(self) -> None:
        """While a line is read, it is for the line."""

        def read(prompt: str) -> str:
            prompter.on_interrupt(2, None)
            return "never"

        prompter = self.prompter(AskedSession(), read)
        self.assertRaises(KeyboardInterrupt, prompter.read, "> ")

    def test_behind_a_line(self) -> None:
        """Between the line and its evaluation it is for the latter."""
        session = AskedSession()
        prompter = self.prompter(session, lambda prompt: "for (;;);")
        line = prompter.read("> ")
        prompter.on_interrupt(2, None)
        self.assertEqual(prompter.evaluate(line).text, "Interrupted")
        self.assertEqual(session.calls, ["for (;;);", "interrupt"])

    def test_before_a_line(self) -> None:
        """One that came too late for an evaluation is not kept for the next."""
        session = AskedSession()
        session.waiting.callback(Outcome("1"))
        prompter = self.prompter(session, lambda prompt: "1")
        prompter.on_interrupt(2, None)
        self.assertEqual(prompter.evaluate(prompter.read("> ")), Outcome("1"))
        self.assertEqual(session.calls, ["1"])

    def test_completions(self) -> None:
        """Only the last name is completed, and `__proto__` and its like are for those who begin them."""
        session = AskedSession()
        prompter = self.prompter(session, input)
        for text, candidates in (
            ("a.b.", ["a.b._own", "a.b.alpha"]),
            ("f(a._", ["f(a.__proto__", "f(a._own", "f(a.alpha"]),
            ("", ["_own", "alpha"]),
        ):
            found = [prompter.complete(text, state) for state in range(len(candidates) + 1)]
            self.assertEqual(found, [*candidates, None])
        self.assertEqual(session.calls, ["a.b.", "a._", ""])


class PipeTests(SynchronousTestCase):
    """Standard input that is no terminal."""

    def nano(self, text: str, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        result = subprocess.run(
            [*NANO, *arguments], input=text, env=environment(), capture_output=True, text=True, timeout=PATIENCE
        )
        return result.returncode, result.stdout, result.stderr

    def test_script(self) -> None:
        """It is evaluated, values are not shown, and `nano` alone is `nano repl`."""
        text = "const a = [\n  1,\n];\na\nconsole.log(a, await 2)\n"
        self.assertEqual(self.nano(text), (0, "[ 1 ] 2\n", ""))

    def test_error(self) -> None:
        """After an error the exit code is 1, and the rest is evaluated all the same."""
        code, out, err = self.nano("nothing.x\nconsole.log('still')\n", "repl")
        self.assertEqual((code, out), (1, "still\n"))
        self.assertTrue(err.startswith("Uncaught ReferenceError: nothing is not defined\n    at REPL1:1:1"), err)


class TerminalTests(SynchronousTestCase):
    """What somebody at a terminal sees."""

    def start(self, history: Path | None = None) -> Terminal:
        """A REPL that has shown its first prompt."""
        path = history or Path(self.mktemp()).absolute()
        terminal = Terminal([*NANO, "repl"], {"TERM": "dumb", "NANO_REPL_HISTORY": str(path), "INPUTRC": os.devnull})
        self.addCleanup(terminal.close)
        self.assertIn("nano ", terminal.expect("(^|\n)> $"))
        return terminal

    def test_conversation(self) -> None:
        """Values, several lines, and Ctrl-D."""
        terminal = self.start()
        terminal.type("const a = await Promise.resolve({ b: 1 })\n")
        terminal.expect("undefined\r\n> $")
        terminal.type("[a,\n")
        terminal.expect(r"\.\.\. $")
        terminal.type("2]\n")
        terminal.expect(r"\[ \{ b: 1 \}, 2 \]\r\n> $")
        terminal.type("\x04")
        self.assertEqual(terminal.process.wait(PATIENCE), 0)

    def test_completion(self) -> None:
        """Tab completes."""
        terminal = self.start()
        terminal.type("structuredC\t([1])\n")
        terminal.expect(r"\[ 1 \]\r\n> $")
        terminal.type("[crypto.randomUU\t().length]\n")
        terminal.expect(r"\[ 36 \]\r\n> $")

    def test_interrupt(self) -> None:
        """Ctrl-C ends a loop and a wait, drops unfinished lines, and does not leave."""
        terminal = self.start()
        terminal.type("kept = 1\n")
        terminal.expect("1\r\n> $")
        # What is printed leaves with the question for entropy, before the loop.
        terminal.type("console.log('be' + 'gun'); crypto.getRandomValues(new Uint8Array(9999)); for (;;);\n")
        terminal.expect("begun")
        terminal.interrupt("Interrupted\r\n> $")
        terminal.type("setInterval(() => {}, 1000); console.log('wait' + 'ing'); await new Promise(() => {})\n")
        terminal.expect("waiting")
        terminal.interrupt("Interrupted\r\n> $")
        terminal.type("[kept,\n")
        terminal.expect(r"\.\.\. $")
        terminal.interrupt("\r\n> $")
        terminal.type("[kept]\n")
        terminal.expect(r"\[ 1 \]\r\n> $")

    def test_history(self) -> None:
        """Lines are there again, in the next session too."""
        history = Path(self.mktemp()).absolute()
        first = self.start(history)
        first.type("6 * 7\n")
        first.expect("42\r\n> $")
        first.type("\x04")
        self.assertEqual(first.process.wait(PATIENCE), 0)
        second = self.start(history)
        second.type("\x10\n")  # Ctrl-P: the line before.
        second.expect("42\r\n> $")

    def test_termination(self) -> None:
        """SIGTERM ends it."""
        terminal = self.start()
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.process.wait(PATIENCE), -signal.SIGTERM)
