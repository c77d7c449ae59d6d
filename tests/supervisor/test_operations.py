"""
Changes in several workers: in each app's case everywhere or nowhere.  With real workers.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.admin.openapi import openapi
from nano.admin.recent import figures
from nano.config import AppConfig, Config
from nano.errors import AppLoadError, ConfigError, Problem
from nano.interfaces import ConflictError, IControl, UnknownAppError
from nano.supervisor.changes import merged
from nano.supervisor.operations import Operations, summed
from nano.supervisor.process import Ending, WorkerState
from nano.supervisor.supervisor import Supervisor
from tests.supervisor.servers import SupervisorTests, fetch, until


def schema(name: str) -> dict[str, Any]:
    """Of an object, as the admin API describes it."""
    found: dict[str, Any] = openapi()["components"]["schemas"][name]
    return found


class MergedTests(SynchronousTestCase):
    """What the reports of all workers come to."""

    def test_fresh(self) -> None:
        """A new version that loaded everywhere is fresh; one that nobody changed is not."""
        report = {
            "a": {"version": "2", "fresh": True, "error": None},
            "b": {"version": "1", "fresh": False, "error": None},
        }
        self.assertEqual(merged([report, report]), ({"a": "2"}, {}))

    def test_failed_somewhere(self) -> None:
        """A version that failed in one worker has failed."""
        good = {"a": {"version": "2", "fresh": True, "error": None}}
        bad = {"a": {"version": "2", "fresh": True, "error": "broken"}}
        self.assertEqual(merged([good, bad]), ({}, {"a": "broken"}))

    def test_different(self) -> None:
        """Workers that have read different files serve neither."""
        reports = [{"a": {"version": v, "fresh": True, "error": None}} for v in "23"]
        fresh, failed = merged(reports)
        self.assertEqual((fresh, list(failed)), ({}, ["a"]))


class SummedTests(SynchronousTestCase):
    """One app in several workers."""

    def test_sums(self) -> None:
        """Figures are added, the worst state counts, and any error is shown."""
        told = [
            {"state": "ready", "version": "1", "isolates": 1, "in_flight": 2, "error": None},
            {"state": "failed", "version": "1", "isolates": 0, "in_flight": 0, "error": {"code": "load-failed"}},
        ]
        found = summed(told)
        self.assertEqual((found["state"], found["isolates"], found["in_flight"]), ("failed", 1, 2))
        self.assertEqual(found["error"], {"code": "load-failed"})

    def test_nowhere(self) -> None:
        """An app that no worker has told of yet is loading."""
        self.assertEqual(summed([])["state"], "loading")


class OperationsTests(SupervisorTests):
    """The admin API's half of the supervisor."""

    async def operate(self, config: Config, read: Any = lambda config: config) -> tuple[Supervisor, Operations]:
        """A supervisor that is ready, and what an operator may ask of it."""
        supervisor = await self.serve(config)
        return supervisor, Operations(supervisor, read=read)

    async def bodies(self, supervisor: Supervisor, host: str = "app") -> set[bytes]:
        """What each worker answers."""
        found = set()
        for worker in supervisor.serving:
            os.kill(worker.pid, signal.SIGSTOP)
            try:
                found.add((await fetch(self.endpoint(supervisor), host)).body)
            finally:
                os.kill(worker.pid, signal.SIGCONT)
        return found

    def app(self, raw: dict[str, Any], **keys: Any) -> AppConfig:
        """The configuration of one app."""
        return self.configuration({**raw, **keys}).apps[0]

    async def test_interface(self) -> None:
        """It is an IControl."""
        _, operations = await self.operate(self.configuration(self.says("app", "one"), workers=1))
        verifyObject(IControl, operations)

    async def test_reload(self) -> None:
        """A new version reaches all workers before the reload is reported done."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        self.says("app", "two")
        result = await operations.reload()
        self.assertEqual((result["replaced"], result["failed"], result["restart_needed"]), (["app"], {}, []))
        self.assertEqual(await self.bodies(supervisor), {b"two"})
        result = await operations.reload()
        self.assertEqual(result["replaced"], [])

    async def test_failing_version(self) -> None:
        """A version that does not load leaves the old one everywhere, and does not hold up the others."""
        apps = [self.says("app", "one"), self.says("other", "one")]
        supervisor, operations = await self.operate(self.configuration(*apps))
        self.write_app("app", "syntax error")
        self.says("other", "two")
        result = await operations.reload()
        self.assertEqual((list(result["failed"]), result["replaced"]), (["app"], ["other"]))
        self.assertEqual(await self.bodies(supervisor), {b"one"})
        self.assertEqual(await self.bodies(supervisor, "other"), {b"two"})

    async def test_version_that_aborts(self) -> None:
        """A version that brings down the worker which tries it reaches no other, and the old one is served on."""
        raw = self.says("app", "one")
        supervisor, operations = await self.operate(self.configuration(raw))
        second = supervisor.serving[1].pid
        self.write_app("app", '"a".repeat(5e8).split(""); export default { fetch() {} }')
        result = await operations.reload()
        self.assertEqual(list(result["failed"]), ["app"])
        self.assertEqual(supervisor._workers[2].pid, second)
        await until(lambda: len(supervisor.serving) == 2, "the worker is replaced")
        self.assertEqual(await self.bodies(supervisor), {b"one"})

    async def test_death_in_between(self) -> None:
        """A worker that comes while apps change serves what the others serve."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        os.kill(supervisor.serving[1].pid, signal.SIGKILL)
        self.says("app", "two")
        await operations.reload()
        await until(lambda: len(supervisor.serving) == 2, "the worker is replaced")
        await supervisor.locked(_nothing)
        self.assertEqual(await self.bodies(supervisor), {b"two"})

    async def replace_one(self, supervisor: Supervisor) -> None:
        """Kill a worker, and wait until another serves in its place."""
        victim = supervisor.serving[0]
        os.kill(victim.pid, signal.SIGKILL)
        await victim.when_gone()
        await until(lambda: len(supervisor.serving) == 2, "the worker is replaced")
        await supervisor.locked(_nothing)

    async def test_death_beside_a_broken_version(self) -> None:
        """A worker that comes while a broken version lies on disk serves what the others serve."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        self.write_app("app", "syntax error")
        await self.replace_one(supervisor)
        self.assertEqual(await self.bodies(supervisor), {b"one"})
        self.assertEqual(list((await operations.reload())["failed"]), ["app"])
        await self.replace_one(supervisor)
        self.assertEqual(await self.bodies(supervisor), {b"one"})

    async def test_death_beside_a_new_version(self) -> None:
        """A version that nobody has told the server of is served by no worker; nor is one that was refused."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        self.says("app", "two")
        await self.replace_one(supervisor)
        self.assertEqual(await self.bodies(supervisor), {b"one"})
        await operations.reload()
        self.says("app", "three")
        await self.replace_one(supervisor)
        self.assertEqual(await self.bodies(supervisor), {b"two"})

    async def test_death_beside_a_broken_configuration(self) -> None:
        """A configuration that was refused is not that of workers that come later."""

        def refuse(config: Config) -> Config:
            raise ConfigError([Problem("it is broken")])

        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")), refuse)
        self.says("app", "two")
        await self.assertFailure(operations.reload(), ConfigError)
        await self.replace_one(supervisor)
        self.assertEqual(await self.bodies(supervisor), {b"one"})

    async def test_death_after_put(self) -> None:
        """What the admin API has changed holds for workers that come later, whatever becomes of the files."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        source = "export default { fetch: (request, env) => new Response(`more ${env.who}`) }"
        more = self.write_app("more", source)
        await operations.put_app(self.app(more, env={"who": "you"}), new=True)
        await operations.remove_app("app")
        self.write_app("more", "syntax error")
        await self.replace_one(supervisor)
        self.assertEqual(await self.bodies(supervisor, "more"), {b"more you"})
        self.assertEqual(await self.bodies(supervisor, "app"), {b'{"error": "no app for host app"}'})
        await self.assertFailure(operations.put_app(self.app(more, env={"who": "me"}), new=False), AppLoadError)
        await self.replace_one(supervisor)
        self.assertEqual(await self.bodies(supervisor, "more"), {b"more you"})

    async def test_code_that_nobody_serves(self) -> None:
        """What is kept of a version goes when no worker can ask for it any more, and all of it with the server."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "0")))
        (folder,) = (self.folder / "state").glob("served-*")
        for text in "1234":
            self.says("app", text)
            await operations.reload()
        self.assertLessEqual(len(list(folder.iterdir())), 2)
        await supervisor.stopService()
        self.assertFalse(folder.exists())

    async def test_settings(self) -> None:
        """Limits and the number of workers change without a connection lost; a new listener waits for a restart."""
        config = self.configuration(self.says("app", "one"), workers=1)
        changed = self.configuration(
            self.says("app", "one"), workers=2, limits={"max_header_bytes": 1024}, listen=["tcp:1"]
        )
        supervisor, operations = await self.operate(config, lambda _: changed)
        (old,) = supervisor.serving
        result = await operations.reload()
        self.assertEqual(result["restart_needed"], ["listen"])
        self.assertEqual(supervisor.config.listen, config.listen)
        await until(lambda: len(supervisor.serving) == 2, "both workers are ready")
        await old.when_gone()
        answer = await fetch(self.endpoint(supervisor), path="/" + "x" * 2000)
        self.assertEqual(answer.status, 431)

    async def test_put_and_remove(self) -> None:
        """Apps come and go by the API, in all workers; GET says that they did."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        added = self.app(self.says("more", "more"))
        self.assertEqual(await operations.put_app(added, new=True), "created")
        self.assertEqual(await self.bodies(supervisor, "more"), {b"more"})
        self.assertEqual(await operations.put_app(added, new=True), "unchanged")
        self.assertEqual(await operations.put_app(self.app(self.says("more", "less")), new=False), "replaced")
        origins = {app["name"]: (app["origin"], app["state"], app["isolates"]) for app in await operations.apps()}
        self.assertEqual(origins, {"app": ("config", "ready", 2), "more": ("api", "ready", 2)})
        self.assertTrue(await operations.remove_app("more"))
        self.assertEqual((await fetch(self.endpoint(supervisor), "more")).status, 404)
        await self.assertFailure(operations.remove_app("more"), UnknownAppError)

    async def test_put_refused(self) -> None:
        """What cannot be served, or contradicts what is, changes nothing."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        broken = self.app(self.write_app("broken", "syntax error"))
        await self.assertFailure(operations.put_app(broken, new=True), AppLoadError)
        taken = self.app(self.says("more", "more"), hostname="app")
        await self.assertFailure(operations.put_app(taken, new=True), ConflictError)
        other = self.app(self.says("app", "two"), env={"x": 1})
        await self.assertFailure(operations.put_app(other, new=True), ConflictError)
        self.assertEqual([app.name for app in supervisor.config.apps], ["app"])
        self.assertEqual(await self.bodies(supervisor), {b"one"})

    async def test_release(self) -> None:
        """An app that is let out of quarantine answers everywhere; that it is not there is no error."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        for _ in range(3):
            supervisor._blame(Ending("crash", "", WorkerState.READY, {"app": 1.0}))
        await until(lambda: supervisor.quarantine.apps(), "the quarantine")
        self.assertEqual((await fetch(self.endpoint(supervisor))).status, 503)
        self.assertEqual([app["state"] for app in await operations.apps()], ["quarantined"])
        self.assertTrue(await operations.release_app("app"))
        self.assertEqual(await self.bodies(supervisor), {b"one"})
        self.assertFalse(await operations.release_app("app"))
        await self.assertFailure(operations.release_app("nobody"), UnknownAppError)

    async def test_workers(self) -> None:
        """Every worker is listed with its process."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        workers = await operations.workers()
        self.assertEqual(
            [(worker["worker"], worker["state"], worker["apps"]) for worker in workers],
            [
                (1, "ready", 1),
                (2, "ready", 1),
            ],
        )
        self.assertEqual({worker["pid"] for worker in workers}, {worker.pid for worker in supervisor.serving})
        self.assertTrue(all(worker["memory_bytes"] > 0 and worker["uptime_seconds"] > 0 for worker in workers))

    async def test_described(self) -> None:
        """What it tells of apps and workers has the fields that the admin API's description names."""
        _, operations = await self.operate(self.configuration(self.says("app", "one")))
        (app,) = await operations.apps()
        self.assertEqual(app.keys() - {"recent"} | figures(app["recent"]).keys(), set(schema("App")["properties"]))
        (worker, _) = await operations.workers()
        described = schema("WorkerList")["properties"]["workers"]["items"]["properties"]
        self.assertEqual(worker.keys(), set(described))

    async def test_journals(self) -> None:
        """What every process has told its log, the supervisor's own part first; each error is in one of them."""
        app = self.write_app("app", "export default { fetch() { throw new Error('no luck') } }")
        admin = {"listen": f"unix:{self.folder}/admin"}
        supervisor = await self.serve(self.configuration(app, admin=admin, log={"level": "info", "access": True}))
        operations = Operations(supervisor, journal=lambda question: {"own": question})
        await self.bodies(supervisor)
        question = {"about": "lines", "app": "app", "level": "debug", "limit": 10, "after": None}
        own, *workers = await operations.journals(question)
        self.assertEqual(own, {"own": question})
        self.assertEqual({answer["process"] for answer in workers}, {str(each.pid) for each in supervisor.serving})
        for answer in workers:
            self.assertLessEqual({"access", "exchange-failed"}, {line["event"] for line in answer["lines"]})
        _, *workers = await operations.journals({"about": "errors"})
        self.assertEqual([answer["errors"][0]["count"] for answer in workers], [1, 1])
        (state,) = await operations.apps()
        self.assertEqual((state["requests"], state["errors"], len(state["recent"])), (2, 2, 2))

    async def test_worker_that_does_not_answer(self) -> None:
        """A worker that stands still does not hold up the answer."""
        supervisor, operations = await self.operate(self.configuration(self.says("app", "one")))
        still = supervisor.serving[0]
        os.kill(still.pid, signal.SIGSTOP)
        try:
            self.assertEqual(len(await operations.workers()), 2)
        finally:
            os.kill(still.pid, signal.SIGCONT)


async def _nothing() -> None:
    """Wait for nothing."""
