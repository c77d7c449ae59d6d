"""
The supervisor with real workers, real V8 and real sockets.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import CannotListenError
from twisted.internet.error import ConnectionRefusedError as RefusedError
from twisted.internet.task import deferLater

from nano.supervisor import back_off, process
from nano.supervisor import supervisor as supervisor_module
from nano.supervisor.line_pipe import LinePipe
from nano.supervisor.process import WorkerState
from nano.supervisor.supervisor import Supervisor
from tests.supervisor.servers import ABORT, SupervisorTests, alive, fetch, reactor, until


class ListeningTests(SupervisorTests):
    """Sockets that workers share."""

    async def test_both_workers_accept(self) -> None:
        """Whichever worker stands still, the other one answers."""
        supervisor = await self.serve(self.configuration(self.says("app", "hello")))
        first, second = supervisor.serving
        for still in (first, second):
            os.kill(still.pid, signal.SIGSTOP)
            try:
                answer = await fetch(self.endpoint(supervisor))
            finally:
                os.kill(still.pid, signal.SIGCONT)
            self.assertEqual((answer.status, answer.body), (200, b"hello"))

    async def test_unix_socket(self) -> None:
        """A unix socket has the mode that was asked for, and is gone when the server is."""
        # The name of a socket has room for some hundred bytes, which trial's folders may use up.
        folder = TemporaryDirectory(prefix="nano-")
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "socket")
        config = self.configuration(self.says("app", "hello"), listen=[f"unix:{path}:mode=600"], workers=1)
        supervisor = await self.serve(config)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual((await fetch(self.endpoint(supervisor))).body, b"hello")
        os.kill(supervisor.serving[0].pid, signal.SIGTERM)
        await until(lambda: not supervisor.ready, "the worker has gone")
        await until(lambda: supervisor.ready, "another has come")
        self.assertEqual((await fetch(self.endpoint(supervisor))).body, b"hello")
        await supervisor.stopService()
        self.assertFalse(path.exists())

    async def test_taken_port(self) -> None:
        """A port that is taken is an error of the start, before there is any process."""
        supervisor = await self.serve(self.configuration(workers=1))
        port = supervisor.addresses[0].rpartition(":")[2]
        second = Supervisor(self.configuration(listen=[f"tcp:{port}:interface=127.0.0.1"]), reactor)
        self.assertRaises(CannotListenError, second.privilegedStartService)
        self.assertEqual(second.processes, [])


class NoRoomTests(SupervisorTests):
    """Processes that the system has no room for."""

    async def test_nothing_stays_open(self) -> None:
        """Whichever step fails, no descriptor is left."""
        supervisor = await self.serve(self.configuration(self.says("app", "hello"), workers=1))
        await until(lambda: supervisor._spare is not None, "there is a spare")
        refused = OSError(errno.EMFILE, "Too many open files")

        def refuse(*arguments: Any, **keywords: Any) -> Any:
            raise refused

        made: list[LinePipe] = []

        def second_refused(*arguments: Any) -> LinePipe:
            if made:
                raise refused
            made.append(LinePipe(*arguments))
            return made[-1]

        for place, name, fails in (
            (process, "LinePipe", second_refused),
            (process, "Board", refuse),
            (reactor, "adoptStreamConnection", refuse),
            (reactor, "spawnProcess", refuse),
        ):
            before = sorted(os.listdir("/proc/self/fd"))
            worker = process.WorkerProcess(reactor, supervisor, supervisor._listeners)
            patch = self.patch(place, name, fails)
            self.assertRaises(OSError, worker.start)
            patch.restore()
            await deferLater(reactor, 0)
            self.assertEqual(sorted(os.listdir("/proc/self/fd")), before, name)


class DeathTests(SupervisorTests):
    """Workers die."""

    async def _load(self, endpoint: str, results: list[Any], going: list[bool]) -> None:
        while going:
            try:
                answer = await fetch(endpoint)
            except Exception as error:
                results.append(error)
            else:
                results.append(answer)

    def start_load(self, endpoint: str, clients: int) -> tuple[list[Any], list[bool]]:
        """Ask again and again; returns the results so far, and what to clear to end it."""
        results: list[Any] = []
        going = [True]
        load = gatherResults([Deferred.fromCoroutine(self._load(endpoint, results, going)) for _ in range(clients)])

        def end_load() -> Deferred[Any]:
            going.clear()
            return load

        self.addCleanup(end_load)
        return results, going

    async def test_killed_under_load(self) -> None:
        """No connection is refused, only what the dead worker had in hand is cut, and its number is taken again."""
        supervisor = await self.serve(self.configuration(self.says("app", "hello")))
        results, going = self.start_load(self.endpoint(supervisor), 8)
        for number in (1, 2, 1):
            victim = supervisor._workers[number]
            os.kill(victim.pid, signal.SIGKILL)
            await victim.when_gone()
            await supervisor._workers[number].when_ready()
            self.assertNotEqual(supervisor._workers[number].pid, victim.pid)
            seen = len(results)
            await until(lambda seen=seen: len(results) > seen + 50, "requests are answered")  # type: ignore[misc]
        going.clear()
        errors = [result for result in results if isinstance(result, Exception)]
        self.assertEqual([error for error in errors if isinstance(error, RefusedError)], [])
        cut = [result for result in results if result not in errors and result.status != 200]
        self.assertLessEqual(len(errors) + len(cut), 3 * 8)
        self.assertEqual([answer.status for answer in cut if answer.status], [])
        self.assertEqual(supervisor.quarantine.apps(), {})

    async def test_only_worker(self) -> None:
        """A connection that comes while there is no worker waits for the next one."""
        supervisor = await self.serve(self.configuration(self.says("app", "hello"), workers=1))
        (victim,) = supervisor.serving
        os.kill(victim.pid, signal.SIGKILL)
        answer = await fetch(self.endpoint(supervisor))
        self.assertEqual((answer.status, answer.body), (200, b"hello"))
        self.assertEqual(victim.state, WorkerState.GONE)

    async def test_stuck(self) -> None:
        """A worker whose reactor stands still is killed and replaced."""
        supervisor = await self.serve(self.configuration(self.says("app", "hello"), workers=1))
        (victim,) = supervisor.serving
        os.kill(victim.pid, signal.SIGSTOP)
        self.patch(supervisor_module, "_STUCK_AFTER", 0.5)
        await victim.when_gone()
        assert victim.ending is not None
        self.assertEqual(victim.ending.reason, "stuck")
        self.assertEqual((await fetch(self.endpoint(supervisor))).body, b"hello")

    async def test_too_large(self) -> None:
        """A worker that is too large drains when another one has taken its place."""
        config = self.configuration(self.says("app", "hello"), workers=1)
        supervisor = await self.serve(config, budget=1)
        (first,) = supervisor.serving
        await first.when_gone()
        supervisor._budget = None
        assert first.ending is not None
        self.assertEqual(first.ending.reason, "drained")
        self.assertEqual([worker.number for worker in supervisor.serving], [1])
        self.assertEqual((await fetch(self.endpoint(supervisor))).body, b"hello")

    async def test_abort(self) -> None:
        """
        An app that makes V8 abort the process comes into quarantine, and nobody else does.
        """
        apps = [self.says("app", "hello"), self.write_app("hostile", ABORT)]
        supervisor = await self.serve(self.configuration(*apps))
        endpoint = self.endpoint(supervisor)
        results, going = self.start_load(endpoint, 4)
        attacks = 0
        while not supervisor.quarantine.apps():
            attacks += 1
            self.assertLessEqual(attacks, 12, "so many attacks without a quarantine")
            answer = await fetch(endpoint, "hostile")
            if answer.status == 0:
                await until(lambda: len(supervisor.serving) == 2, "the worker is replaced")
        self.assertEqual(list(supervisor.quarantine.apps()), ["hostile"])
        going.clear()
        self.assertIn(200, {result.status for result in results if not isinstance(result, Exception)})
        self.assertNotIn(RefusedError, {type(result) for result in results})
        for _ in range(20):  # until both workers have been told
            if "quarantined" in [(await fetch(endpoint, "hostile")).headers.get("nano-error") for _ in range(2)]:
                break
        await until(lambda: len(supervisor.serving) == 2, "both workers are ready")
        for _ in range(4):
            answer = await fetch(endpoint, "hostile")
            self.assertEqual((answer.status, answer.headers["nano-error"]), (503, "quarantined"))
            self.assertIn(int(answer.headers["retry-after"]), range(1, 11))
        self.assertEqual((await fetch(endpoint)).body, b"hello")
        self.assertTrue(supervisor.lift_quarantine("hostile"))

    async def test_aborts_while_it_loads(self) -> None:
        """An app that aborts in its global scope does not keep its neighbours from being served."""
        apps = [
            self.says("app", "hello"),
            self.write_app("hostile", 'export default { fetch() {} }; "a".repeat(5e8).split("")'),
        ]
        config = self.configuration(*apps)
        self.patch(back_off, "FIRST_DELAY", 0.01)
        supervisor = await self.serve(config)
        endpoint = self.endpoint(supervisor)
        answer = await fetch(endpoint, "hostile")
        while answer.status == 0:
            answer = await fetch(endpoint, "hostile")
        # Whichever comes first: V8's end, or the watchdog's look at the memory.
        self.assertIn(answer.headers["nano-error"], ("quarantined", "load-failed"))
        answer = await fetch(endpoint)
        while answer.status == 0:
            answer = await fetch(endpoint)
        self.assertEqual(answer.body, b"hello")


class StoppingTests(SupervisorTests):
    """The end."""

    SLOW = (
        "export default { async fetch() { await new Promise(r => setTimeout(r, 500)); return new Response('done') } }"
    )

    async def test_drain(self) -> None:
        """What is in flight is answered, and every process leaves with 0."""
        supervisor = await self.serve(self.configuration(self.write_app("app", self.SLOW)))
        processes = supervisor.processes
        asked = [Deferred.fromCoroutine(fetch(self.endpoint(supervisor))) for _ in range(4)]
        boards = [worker.board for worker in supervisor.serving]
        await until(lambda: sum(board.requests(["app"])["app"] for board in boards) == 4, "all is in flight")
        await supervisor.stopService()
        answers = await gatherResults(asked)
        self.assertEqual([answer.body for answer in answers], [b"done"] * 4)
        self.assertEqual({worker.ending.reason for worker in processes if worker.ending and worker.number}, {"drained"})

    async def test_worker_that_does_not_end(self) -> None:
        """A worker that does not end in its time is killed."""
        self.patch(supervisor_module, "_MARGIN", 0.1)
        supervisor = await self.serve(self.configuration(workers=1, drain_timeout_ms=0))
        (worker,) = supervisor.serving
        os.kill(worker.pid, signal.SIGSTOP)
        await supervisor.stopService()
        self.assertFalse(alive(worker.pid))

    async def test_no_descriptor_is_left(self) -> None:
        """A server that is gone leaves nothing open."""
        config = self.configuration(workers=1)
        await (await self.serve(config)).stopService()  # the reactor's own pipes for children come with the first
        before = len(os.listdir("/proc/self/fd"))
        await (await self.serve(config)).stopService()
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before, "all are closed", 5.0)
