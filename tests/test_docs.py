# -*- test-case-name: tests.test_docs -*-
"""
The documentation says what is there, and nothing else; what it shows works.

No network and no npm: the pages are read as they are, and their examples are served by nano itself.
"""

from __future__ import annotations

import importlib
import io
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from nano import errors
from nano.admin.api import AdminApi
from nano.admin.log import AccessLog
from nano.admin.log_format import json_line
from nano.admin.metrics import FAMILIES
from nano.builtin_modules import builtin_names
from nano.config import Overrides, Surroundings, config_schema, load_config, parse_config
from nano.repl import Outcome, Session
from nano.service import NanoService
from tests.docs_pages import (
    DOCS,
    Example,
    Exchange,
    Page,
    commands,
    everywhere,
    exchange,
    generator,
    ids,
    is_example,
    links,
    pages,
    words,
)
from tests.fakes import make_exchange
from tests.system.client import Answer, fetch
from tests.system.daemon import PATIENCE, TWISTD, environment, free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent


class PageTests(SynchronousTestCase):
    """The pages as texts."""

    def test_generated_parts_are_current(self) -> None:
        """What follows from nano's declarations says what they say now: else run `python docs/generate.py`."""
        for page in pages().values():
            self.assertEqual(generator().rendered(page.text), page.text, f"{page.url}: run python docs/generate.py")

    def test_generated_files_are_current(self) -> None:
        """The same for files that are generated as a whole."""
        for path, text in generator().documents().items():
            self.assertEqual(path.read_text("utf-8"), text, f"{path}: run python docs/generate.py")

    def test_conformance_has_its_place(self) -> None:
        """A run of the Web Platform Tests finds where its table goes."""
        module = generator()
        self.assertTrue(module.CONFORMANCE.is_file())
        self.assertIn("| area |", module._with_conformance(module.CONFORMANCE.read_text("utf-8"), "| area | files |"))

    def test_links(self) -> None:
        """Every link within the site leads to a page, and to an anchor that is there."""
        for page in pages().values():
            for link in links(page):
                if link.startswith("https://"):
                    continue
                path, _, anchor = link.partition("#")
                if (DOCS / "public" / path.lstrip("/")).is_file():
                    continue
                target = pages().get(path or page.url)
                assert target is not None, f"{page.url} links to {link}"
                if anchor:
                    self.assertIn(anchor, target.anchors, f"{page.url} links to {link}")

    def test_readme(self) -> None:
        """Every link and picture of the README leads to a file that is there, and the commands of its table exist."""
        from nano.cli.parser import commands_of, make_parser

        text = (ROOT / "README.md").read_text("utf-8")
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if not link.startswith("https://"):
                self.assertTrue((ROOT / link).exists(), link)
        (row,) = re.findall(r"(?m)^\| \*\*Command line\*\* \|([^|]*)\|", text)
        named = {word.removeprefix("nano ") for word in words([row])}
        self.assertLessEqual(named, commands_of(make_parser()).keys())

    def test_all_are_in_the_sidebar(self) -> None:
        """Every page can be found, and no entry leads nowhere."""
        source = (DOCS / "astro.config.mjs").read_text("utf-8")
        named = {
            f"/{folder}/{name}/"
            for folder, names in re.findall(r'section\("[^"]+", "([^"]+)", \[([^\]]*)\]', source)
            for name in re.findall(r'"([^"]+)"', names)
        }
        self.assertEqual(named, pages().keys() - {"/"})

    def test_one_sentence_per_line(self) -> None:
        """Paragraphs have one sentence per line, so that a change shows what has changed."""
        for page in pages().values():
            for line in re.sub(r"(?s)<!-- generated:.*?<!-- /generated -->", "", page.prose).splitlines():
                if line and not line.startswith(("|", "-", "#", "*")) and not line[0].isdigit():
                    self.assertIsNone(re.search(r"[.!?] [A-Z]", re.sub(r"`[^`]+`", "", line)), f"{page.url}: {line}")


# --- both ways ---------------------------------------------------------------------------------


def schema_keys(schema: dict[str, Any], node: dict[str, Any], path: str = "") -> Iterator[str]:
    """All keys of app.json, as paths."""
    for name, described in node["properties"].items():
        full = f"{path}.{name}".lstrip(".")
        yield full
        text = repr({key: value for key, value in described.items() if key != "default"})
        for reference in set(re.findall(r"#/\$defs/(\w+)", text)) - {"AppDefaults"}:
            yield from schema_keys(schema, schema["$defs"][reference], full)


class TrueTests(SynchronousTestCase):
    """What is documented is there, and what is there is documented."""

    def test_keys(self) -> None:
        """Every key of app.json has its row, and there are no others."""
        schema = config_schema()
        keys = set(schema_keys(schema, schema))
        self.assertEqual(set(ids(pages()["/configuration/reference/"].prose)), keys)
        last = {key.rpartition(".")[2] for key in keys}
        for url, word in everywhere(r"\b[a-z]+(?:_[a-z]+)*_(?:ms|mb)\b(?!\()"):
            if word not in ("duration_ms", "cpu_ms"):  # of the access log, and of wrangler.toml
                self.assertIn(word, last, url)

    def test_command_line(self) -> None:
        """Every option and command has its row; commands that pages show are there, with their options."""
        page = pages()["/operating/command-line/"]
        documented = {word.split()[0] for word in words(page.text.splitlines()) if word.startswith("-")}
        from nano.cli.parser import commands_of, make_parser
        from nano.tap import Options

        parser = make_parser()
        choices = commands_of(parser)
        parsers = [parser, *choices.values()]
        options = {name for parser in parsers for action in parser._actions for name in action.option_strings}
        for row in (*Options.optParameters, *Options.optFlags):
            options |= {f"--{row[0]}"} | ({f"-{row[1]}"} if row[1] else set())
        self.assertEqual(documented, options)
        self.assertEqual({f"nano {name}" for name in choices}, set(re.findall(r"(?m)^## `(nano \w+)`$", page.text)))
        for url, line in commands():
            _, name, *rest = line.split()
            self.assertTrue(name in choices or name in options, f"{url}: {line}")
            for option in (word for word in rest if word.startswith("-")):
                self.assertIn(option, options, f"{url}: {line}")

    def test_metrics(self) -> None:
        """Every metric has its row, and no page speaks of another."""
        names = {family.name for family in FAMILIES}
        self.assertEqual(set(ids(pages()["/operating/metrics/"].prose)), names)
        for url, word in everywhere(r"(?<!\.)\b(?:nano|http_server|http_client)_[a-z_]+\b"):
            self.assertIn(re.sub(r"_bucket$", "", word), names, url)

    def test_endpoints(self) -> None:
        """Every endpoint of the admin API has its row, and there are no others."""
        real = {
            f"{method} {re.sub(r'<(.+?)>', lambda part: part[1].upper(), rule.rule)}"
            for rule in AdminApi.klein.url_map.iter_rules()
            for method in rule.methods or ()
            if method != "HEAD"
        }
        page = pages()["/operating/admin-api/"]
        self.assertEqual(words(row[0] for row in page.table("## Endpoints")), real)
        sections = set(re.findall(r"(?m)^### `(.+)`$", page.text))
        self.assertEqual(sections, {each for each in real if "/admin/" in each and "/status/" not in each})

    def test_health_checks(self) -> None:
        """Each has its row."""
        documented = words(row[0] for row in pages()["/operating/running/"].table("## Health checks"))
        self.assertEqual(documented, {"/livez", "/readyz", "/health", "/healthz"})

    def test_error_words(self) -> None:
        """Every word of the `nano-error` header has its row, as has each of the admin API."""
        kinds = [getattr(errors, name) for name in errors.__all__]
        codes = {kind.code for kind in kinds if isinstance(kind, type) and hasattr(kind, "code")}
        self.assertEqual(set(ids(pages()["/operating/errors/"].prose)), codes)
        sources = "".join(path.read_text("utf-8") for path in (ROOT / "nano" / "admin").glob("*.py"))
        problems = set(re.findall(r'ProblemDetails\(\s*[^,()]+(?:\([^)]*\))?[^,()]*,\s*"([a-z-]+)"', sources))
        documented = words(row[0] for row in pages()["/operating/admin-api/"].table("## Errors"))
        self.assertEqual(documented - codes, problems - codes)

    def test_events(self) -> None:
        """Every event of the log has its row, and there are no others."""
        sources = [path.read_text("utf-8") for path in sorted((ROOT / "nano").rglob("*.py"))]
        real = {event for text in sources for event in re.findall(r'\bevent(?:=|": )"([a-z-]+)"', text)}
        page = pages()["/operating/logs/"]
        self.assertEqual({ids(row[0])[0] for row in page.table("## Events")}, real)

    def test_access_fields(self) -> None:
        """An access line has the fields that its table names."""
        page = pages()["/operating/logs/"]
        events: list[dict[str, Any]] = []
        AccessLog(events.append)(make_exchange()[0], "192.0.2.1", 0.1)
        line = json.loads(json_line(events[0], ""))
        self.assertEqual(words(row[0] for row in page.table("## Access lines")), line.keys() - {"ts", "level", "event"})

    def test_states(self) -> None:
        """The boxes of a drawing of states are the states that there are, and each can be reached or is the first."""
        figures = generator().figures()
        for name, path in figures.STATES.items():
            module, _, kind = path.rpartition(".")
            states = {state.value for state in getattr(importlib.import_module(module), kind)}
            diagram = figures.DIAGRAMS[name]
            self.assertEqual(set(diagram.nodes), states, name)
            first, *others = diagram.nodes
            self.assertEqual(set(others), {edge.end for edge in diagram.edges} - {first}, name)
        asked = {found.split()[-1] for _, found in everywhere(r"<!-- generated: drawing [a-z-]+")}
        self.assertEqual(asked, set(figures.DIAGRAMS))

    def test_modules(self) -> None:
        """Every module of Node that can be imported is named."""
        line = re.search(r"(?m)^\*\*Modules:\*\* (.+)$", pages()["/web-apis/node/"].text)
        assert line is not None
        self.assertEqual(words([line[1]]), {name for name in builtin_names() if name.startswith("node:")})


#: What every engine of ECMAScript has, V8's own additions included.
LANGUAGE = frozenset(
    """
    AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView
    Date DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity
    Int16Array Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy RangeError
    ReferenceError Reflect RegExp Set String SuppressedError Symbol SyntaxError Temporal TypeError URIError Uint16Array
    Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly decodeURI decodeURIComponent encodeURI
    encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined unescape
    """.split()  # noqa: SIM905 - as a list it would be a page long
)

#: Lists what the global object and the interfaces that it implements have.
LIST_GLOBALS = """
export default {
  fetch() {
    const names = [];
    for (let each = globalThis; each !== EventTarget.prototype; each = Object.getPrototypeOf(each)) {
      names.push(...Object.getOwnPropertyNames(each));
    }
    return Response.json(names.filter((name) => name !== "constructor"));
  },
};
"""


# --- examples ----------------------------------------------------------------------------------


@implementer(ILogObserver)
class ConsoleLines:
    """Keeps what apps write to their consoles."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event: dict[str, Any]) -> None:
        if event.get("event") == "console":
            self.lines.append(f"{event['text']}\n")


async def happen(case: TestCase, port: int, wanted: Exchange) -> Answer:
    """One request has the answer that is shown; headers that are not shown may be anything."""
    headers = [(name, value) for name, value in wanted.headers.items() if name != "host"]
    host, body = wanted.headers.get("host", "localhost"), wanted.body.encode() if wanted.body else None
    answer: Answer = await deferToThread(fetch, port, host, wanted.path, wanted.method, headers=headers, body=body)
    case.assertEqual(answer.status, wanted.status, answer)
    for name, value in wanted.expected_headers.items():
        case.assertEqual(answer.header(name), value)
    if wanted.expected:
        case.assertEqual(answer.text.rstrip("\n"), wanted.expected)
    return answer


class ExampleTests(TestCase):
    """Every example is served, and answers what its page shows; a method for each page is added below."""

    timeout = 120

    async def run_page(self, page: Page) -> None:
        """Serve the examples of a page."""
        sections = sorted({block.section for block in page.blocks if is_example(block) and block.language != "json"})
        for section in sections:
            await self.run_example(Example(page, section))

    async def test_globals(self) -> None:
        """The pages name every global that an app finds beyond the language's own, and no other."""
        example = Example(Page("", f'```js title="index.js"{LIST_GLOBALS}```\n'), 0)
        example.exchanges.append(Exchange("GET", "/", {}, "", 200, {}, ""))
        (answer,) = await self.run_example(example)
        documented: list[str] = []
        for page in pages().values():
            for line in re.findall(r"(?m)^\*\*Globals:\*\* (.+)$", page.text):
                documented += words([line])
        self.assertEqual(len(documented), len(set(documented)), "a global is named twice")
        self.assertEqual(set(documented), set(answer.json) - LANGUAGE)

    async def run_example(self, example: Example) -> list[Answer]:
        """Serve the files, and have each exchange happen; what was answered."""
        port, folder = free_port(), Path(self.mktemp())
        folder.mkdir()
        config = replace(
            load_config(example.write(folder), {}, Overrides(workers=0)),
            listen=(f"tcp:{port}:interface=127.0.0.1",),
            state_dir=self.mktemp(),
        )
        service = NanoService(config, reactor=reactor)
        observe = ConsoleLines()
        globalLogPublisher.addObserver(observe)
        try:
            service.privilegedStartService()
            service.startService()
            await service.when_ready()
            failed = [str(app.error) for app in service.apps.apps if app.error is not None]
            self.assertEqual(failed, [])
            answers = [await happen(self, port, each) for each in example.exchanges]
        finally:
            await service.stopService()
            globalLogPublisher.removeObserver(observe)
        if example.log:
            self.assertEqual("".join(observe.lines), example.log)
        return answers


def _page_test(page: Page) -> Callable[[ExampleTests], Any]:
    async def test(self: ExampleTests) -> None:
        await self.run_page(page)

    test.__doc__ = f"The examples of {page.url} do what it shows."
    return test


#: They have tests of their own.
OWN_TESTS = frozenset(("/getting-started/first-app/", "/getting-started/scripts/", "/twisted/embedding/"))

for _page in pages().values():
    if _page.url not in OWN_TESTS and any(is_example(b) and b.language != "json" for b in _page.blocks):
        setattr(ExampleTests, f"test_{_page.url.strip('/').replace('/', '_') or 'index'}", _page_test(_page))


class ConfigurationTests(SynchronousTestCase):
    """The configurations that pages show."""

    def test_they_load(self) -> None:
        """Each is one that nano takes, wherever its secrets come from."""
        secrets = {"SHOP_API_KEY": "0123456789"}
        around = Surroundings("/etc/nano", secrets, lambda path: "0123456789\n")
        found = 0
        for page in pages().values():
            for block in page.blocks:
                if block.title == "app.json":
                    parse_config(block.text, around, file=f"{page.url}app.json")
                    found += 1
        self.assertGreater(found, 5)


class EmbeddingTests(TestCase):
    """The worked example of an app in somebody's Klein site."""

    timeout = 120

    async def test_site(self) -> None:
        """Its own pages and the app's answer as shown, served as its .tac file has it."""
        page = pages()["/twisted/embedding/"]
        files = {block.title: block.text for block in page.blocks if block.title}
        tac = next(block.text for block in page.blocks if "application = " in block.text)
        folder, port = Path(self.mktemp()).absolute(), free_port()
        folder.mkdir()
        (folder / "index.js").write_text(files["index.js"], "utf-8")
        names: dict[str, Any] = {"__name__": "site_of_somebody"}
        exec(compile(files["site.py"], "site.py", "exec"), names)
        tac = tac.replace("/srv/apps/prices", str(folder)).replace("tcp:8080", f"tcp:{port}:interface=127.0.0.1")
        exec(compile(tac, "shop.tac", "exec"), names)
        service = IService(names["application"])
        service.privilegedStartService()
        service.startService()
        self.addCleanup(lambda: maybeDeferred(service.stopService))
        for block in page.blocks:
            if block.language == "http":
                await happen(self, port, exchange(block.text))


class Shell:
    """
    Follows a page as a reader would: the commands in their order, files as they are shown.

    Args:
        folder: where it begins.
        port: is used in the place of 8080.
    """

    #: What installs nano: the tests have it.
    INSTALLS = ("python3 -m venv ", ".venv/bin/pip install ", ". .venv/bin/activate")

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.servers: list[subprocess.Popen[bytes]] = []
        self.environment = environment({"NANO_PORT": str(port), "NANO_WORKERS": "1"})

    def command(self, line: str, expected: str) -> None:
        """Run one command, which prints what is expected, if anything is; a `curl` is repeated until it does."""
        name, *arguments = shlex.split(line)
        if line.startswith(self.INSTALLS):
            return
        if name == "cd":
            self.folder = self.folder / arguments[0]
        elif name == "curl":
            wait_until(lambda: self.curl(arguments) == expected.rstrip("\n"), f"{line} to print {expected!r}")
        else:
            assert name in ("nano", "twistd"), line
            program = (sys.executable, "-m", "nano.cli") if name == "nano" else TWISTD
            shown = self.folder / "output.txt"
            with shown.open("wb") as output:
                process = subprocess.Popen(
                    [*program, *arguments], cwd=self.folder, env=self.environment, stdout=output, stderr=output
                )
            if arguments[0] == "serve" or name == "twistd":
                self.servers.append(process)
            else:
                assert process.wait(PATIENCE) == 0, (line, shown.read_text("utf-8"))
                assert expected in ("", shown.read_text("utf-8")), (line, shown.read_text("utf-8"))

    def curl(self, arguments: Sequence[str]) -> str | None:
        """What curl would print, without the last line break; None while nobody listens."""
        data = arguments[arguments.index("-d") + 1].encode() if "-d" in arguments else None
        url = arguments[-1].replace(":8080", f":{self.port}").replace("localhost", "127.0.0.1")
        try:
            with urllib.request.urlopen(url, data, PATIENCE) as answer:
                return str(answer.read().decode().rstrip("\n"))
        except (urllib.error.URLError, ConnectionError):
            return None

    def stop(self) -> list[int]:
        """Ctrl-C for every server; their exit codes."""
        for server in self.servers:
            server.send_signal(signal.SIGINT)
        codes = [server.wait(PATIENCE) for server in self.servers]
        self.servers = []
        return codes


class FollowedTests(SynchronousTestCase):
    """Getting started, word by word."""

    def follow(self, url: str, folder: Path, servers: int = 1) -> None:
        """Do all that a page says, in its order; it starts so many servers."""
        page, shell = pages()[url], Shell(folder, free_port())
        steps = [block for block in page.blocks if block.language in ("sh", "text") or block.title]
        try:
            for step, following in zip(steps, [*steps[1:], None], strict=True):
                if step.title:
                    (shell.folder / step.title).parent.mkdir(exist_ok=True)
                    (shell.folder / step.title).write_text(step.text, "utf-8")
                elif step.language == "sh":
                    shown = following.text if following is not None and following.language == "text" else ""
                    for line in step.text.splitlines():
                        shell.command(line, shown)
            self.assertEqual(shell.stop(), [0] * servers)
        finally:
            for server in shell.servers:
                server.kill()
                server.wait()

    def folder(self) -> Path:
        """A new folder."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        return folder

    def test_install(self) -> None:
        """What is installed serves the first example."""
        folder = self.folder()
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".nano"))
        self.follow("/getting-started/install/", folder)

    def test_first_app(self) -> None:
        """A stranger makes an app, asks it, changes it, and asks again."""
        self.follow("/getting-started/first-app/", self.folder())

    def test_scripts(self) -> None:
        """The scripts print what the page shows."""
        self.follow("/getting-started/scripts/", self.folder(), servers=0)


class ReplTests(TestCase):
    """What is typed at the REPL."""

    timeout = 60

    async def test_transcripts(self) -> None:
        """Each input has the value that the page shows."""
        session = Session(reactor, io.StringIO(), io.StringIO())
        self.addCleanup(session.stop)
        for block in pages()["/getting-started/scripts/"].blocks:
            if block.text.startswith("> "):
                for typed in re.split(r"(?m)^> ", block.text)[1:]:
                    lines = typed.splitlines()
                    further = [line for line in lines[1:] if line.startswith("... ")]
                    source = "\n".join([lines[0], *(line.removeprefix("... ") for line in further)])
                    value = "\n".join(lines[1 + len(further) :])
                    self.assertEqual((source, await session.evaluate(source)), (source, Outcome(value)))
