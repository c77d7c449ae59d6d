"""
Reloads, as operators and clients see them: no request is lost, no old version answers later, and nothing leaks.

`NANO_TEST_RELOADS` is the number of reloads under load.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.system.case import SystemTestCase
from tests.system.client import Answer, Client, fetch
from tests.system.daemon import Daemon, free_port, write_apps
from tests.system.load import Holdings, Load, holdings

RELOADS = int(os.environ.get("NANO_TEST_RELOADS") or "40")
#: After so many, allocators and thread pools have their size; memory is flat after a hundred.
WARM_UP = max(30, min(RELOADS // 2, 100))
TOKEN = "t0ken"

#: Answers with its version, and what it was given.
SOURCE = """
import {{ version }} from "./version.js";
export default {{ fetch: (request, env) => new Response(`{name} ${{version}} ${{env.GREETING ?? ""}}`) }};
"""


def write(path: Path, text: str) -> None:
    """Write a file at once, as deployments do: nobody ever reads half of it."""
    new = path.with_name(path.name + ".new")
    new.write_text(text, "utf-8")
    os.replace(new, path)


class Site:
    """
    A daemon, its files, and its admin API.

    Args:
        case: the test.
        names: of the apps.
        options: of `twistd nano`.
        admin_port: of the admin API, if the configuration says where that is.
        config: keys of the configuration.
    """

    def __init__(
        self,
        case: SystemTestCase,
        *names: str,
        options: tuple[str, ...] = ("--no-watch",),
        admin_port: int | None = None,
        **config: Any,
    ) -> None:
        self.folder = case.folder()
        self.admin_port = admin_port or free_port()
        self.rest = {"admin": {"listen": f"tcp:{self.admin_port}:interface=127.0.0.1", "token": TOKEN}, **config}
        self.apps: dict[str, dict[str, Any]] = {}
        for name in names:
            self.add(name)
        self.daemon = case.start(self.folder, {"apps": list(self.apps.values()), **self.rest}, options=options)
        self.config = json.loads((self.folder / "app.json").read_text())
        self.daemon.wait_until_ready()
        # Of several workers, one is enough for that.
        self.daemon.until(lambda: self.ask("/readyz").status == 200, "all workers")
        case.addCleanup(case.stop, self.daemon)

    def add(self, name: str, **keys: Any) -> None:
        """Write an app; it is in the next configuration."""
        write_apps(self.folder, {name: {"index.js": SOURCE.format(name=name)}})
        self.deploy(name, 0)
        self.apps[name] = {"name": name, "path": name, **keys}

    def deploy(self, name: str, version: object) -> None:
        """Write a new version of an app."""
        write(self.folder / name / "version.js", f"export const version = {json.dumps(version)};")

    def deploy_broken(self, name: str) -> None:
        """Write a version that cannot be loaded."""
        write(self.folder / name / "version.js", "export const version = ;")

    def configure(self, **keys: Any) -> None:
        """Write the configuration, with the apps as they are described by now."""
        self.config = {**self.config, **keys, "apps": list(self.apps.values())}
        write(self.folder / "app.json", json.dumps(self.config))

    def ask(self, path: str, method: str = "GET") -> Answer:
        """A request to the admin API."""
        headers = (("Authorization", f"Bearer {TOKEN}"),)
        return fetch(self.admin_port, "localhost", path, method, headers=headers)

    def reload(self) -> dict[str, Any]:
        """Reload, which must be done."""
        answer = self.ask("/admin/reload", "POST")
        assert answer.status == 200, answer
        result: dict[str, Any] = answer.json
        return result

    def app(self, name: str) -> Mapping[str, Any]:
        """What the admin API says of an app."""
        answer = self.ask("/admin/apps")
        apps = answer.json if isinstance(answer.json, list) else answer.json["apps"]
        found: Mapping[str, Any] = next(app for app in apps if app["name"] == name)
        return found

    def reloads(self, result: str) -> float:
        """How many reloads ended so, in the metrics."""
        return self.metric(f'nano_reloads_total{{result="{result}"}}')

    def isolates(self) -> float:
        """How many isolates there are, in all states, in the metrics."""
        return self.metric("nano_isolates{")

    def metric(self, prefix: str) -> float:
        """The sum of all samples that begin so."""
        lines = self.ask("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(prefix))


class Versions:
    """
    Asks an app for its version, and knows which ones may be answered.

    Attributes:
        least: the oldest version that a request that begins now may meet.
    """

    def __init__(self, name: str) -> None:
        self.least = 0
        self._name = name

    def visit(self, client: Client) -> str | None:
        """One request (Visit)."""
        least = self.least
        answer = client.fetch(self._name)
        if answer.status != 200:
            return repr(answer)
        version = int(answer.text.split()[1])
        return None if version >= least else f"version {version} answered after the reload to {least} was done"


class ReloadUnderLoadTests(SystemTestCase):
    """
    Many reloads with 64 connections at work.
    """

    def check(self, workers: int) -> None:
        """Reload again and again: no request fails, none meets an old version, and nothing grows."""
        site = Site(self, "a", "still", workers=workers, log={"access": False})
        versions = Versions("a")
        with Load(site.daemon.port, versions.visit) as load:
            for version in range(1, WARM_UP + 1):
                self.reload_to(site, versions, version, load)
            before, isolates = self.settled(site.daemon), site.isolates()
            for version in range(WARM_UP + 1, WARM_UP + RELOADS + 1):
                self.reload_to(site, versions, version, load)
            after = self.settled(site.daemon)
            self.assertLessEqual(site.isolates(), isolates + 1)
        self.assertEqual(load.wrong, [])
        self.assertGreaterEqual(load.done, 64 * RELOADS)
        self.assertEqual(site.reloads("success"), WARM_UP + RELOADS)
        self.assert_not_grown(before, after)
        self.assertEqual(site.app("a")["in_flight"], 0)
        self.assertLessEqual(site.app("a")["isolates"], max(1, workers))

    def reload_to(self, site: Site, versions: Versions, version: int, load: Load) -> None:
        """The next version, and some requests to it."""
        site.deploy("a", version)
        self.assertEqual(site.reload()["replaced"], ["a"])
        versions.least = version
        load.wait_for(64)

    def settled(self, daemon: Daemon) -> Holdings:
        """What the daemon holds, once old versions have been given back."""
        found = [holdings(daemon.process.pid)]

        def is_stable() -> bool:
            found.append(holdings(daemon.process.pid))
            return len(found) > 10 and len({each.threads for each in found[-10:]}) == 1

        daemon.until(is_stable, "a steady number of threads")
        return min(found[-10:], key=lambda each: each.resident)

    def assert_not_grown(self, before: Holdings, after: Holdings) -> None:
        """Threads, descriptors and memory are what they were, but for what does not grow with the number of reloads."""
        self.assertEqual(after.processes, before.processes)
        # The reactor's pool has up to ten threads, and one may be about to free an isolate.
        self.assertLessEqual(after.threads, before.threads + 11, f"{before} {after}")
        self.assertLessEqual(after.descriptors, before.descriptors + 2, f"{before} {after}")
        # In a short run the C library's own warming up may be more than 5 %; a version that stays is well above half a
        # megabyte.
        allowed = before.resident * 0.05 if RELOADS >= 200 else max(before.resident * 0.05, RELOADS * 2**19)
        self.assertLessEqual(after.resident - before.resident, allowed, f"{before} {after}")

    def test_one_process(self) -> None:
        """In the one process."""
        self.check(0)

    def test_workers(self) -> None:
        """In two workers, which switch together."""
        self.check(2)


class ReloadTests(SystemTestCase):
    """
    What a reload does, and what it leaves alone.
    """

    workers = 0

    def site(self, *names: str, **rest: Any) -> Site:
        """A daemon with these apps."""
        return Site(self, *names, workers=self.workers, **rest)

    def text(self, site: Site, host: str) -> str:
        """What an app answers."""
        return self.get(site.daemon, host).strip()

    def test_broken_version(self) -> None:
        """A version that does not load leaves the old one; log, metrics and the admin API say so."""
        site = self.site("a", "b")
        good = site.app("a")["version"]
        site.deploy_broken("a")
        site.deploy("b", 1)
        result = site.reload()
        self.assertEqual((list(result["failed"]), result["replaced"]), (["a"], ["b"]))
        self.assertIn("version.js", result["failed"]["a"])
        self.assertEqual((self.text(site, "a"), self.text(site, "b")), ("a 0", "b 1"))
        self.assertEqual((site.app("a")["version"], site.app("a")["state"]), (good, "ready"))
        self.assertEqual((site.reloads("partial"), site.reloads("success")), (1, 0))
        self.assertIn("version.js", site.daemon.messages())
        site.deploy("a", 2)
        self.assertEqual(site.reload()["replaced"], ["a"])
        self.assertEqual(self.text(site, "a"), "a 2")

    def test_broken_configuration(self) -> None:
        """A configuration with mistakes changes nothing at all."""
        site = self.site("a")
        site.deploy("a", 1)
        write(site.folder / "app.json", '{"port": 1, "prot": 2}')
        answer = site.ask("/admin/reload", "POST")
        self.assertGreaterEqual(answer.status, 400)
        self.assertIn("prot", answer.text)
        self.assertEqual(self.text(site, "a"), "a 0")
        self.assertEqual(site.reloads("failure"), 1)

    def test_env(self) -> None:
        """A changed env is a new version; an unchanged one is none."""
        site = self.site("a", "b")
        old = site.app("a")["version"]
        site.apps["a"]["env"] = {"GREETING": "hello"}
        site.configure()
        self.assertEqual(site.reload()["replaced"], ["a"])
        self.assertEqual(self.text(site, "a"), "a 0 hello")
        self.assertNotEqual(site.app("a")["version"], old)
        self.assertEqual(site.reload()["replaced"], [])

    def test_unchanged(self) -> None:
        """No code of an app runs when a reload does not concern it."""
        site = self.site("a", "b")
        source = "console.log('evaluated'); export default { fetch: () => new Response('x') };"
        write(site.folder / "a" / "index.js", source)
        self.assertEqual(site.reload()["replaced"], ["a"])
        site.deploy("b", 1)
        self.assertEqual(site.reload()["replaced"], ["b"])
        self.assertEqual(site.reload()["replaced"], [])
        self.assertEqual(site.daemon.messages("a").count("evaluated"), max(1, self.workers))

    def test_apps_come_and_go(self) -> None:
        """An app that was added answers, and one that was removed does not."""
        site = self.site("a", "b")
        site.add("new")
        del site.apps["b"]
        site.configure()
        result = site.reload()
        self.assertEqual((result["created"], result["removed"], result["replaced"]), (["new"], ["b"], []))
        self.assertEqual((self.text(site, "a"), self.text(site, "new")), ("a 0", "new 0"))
        self.assert_error(self.fetch(site.daemon, "b"), 404, "no-app")

    def test_host_name_moves(self) -> None:
        """A host name goes from one app to another, and no request for it fails meanwhile."""
        site = self.site("a", "b")
        wrong: list[str] = []

        def visit(client: Client) -> str | None:
            answer = client.fetch("shop")
            return None if answer.text.strip() in ("a 0", "b 0") else repr(answer)

        site.apps["a"]["hostname"] = ["a", "shop"]
        site.configure()
        site.reload()
        with Load(site.daemon.port, visit, 8) as load:
            for owner, other in (("b", "a"), ("a", "b")) * 3:
                site.apps[owner]["hostname"] = [owner, "shop"]
                site.apps[other]["hostname"] = [other]
                site.configure()
                site.reload()
                wrong += [] if self.text(site, "shop") == f"{owner} 0" else [owner]
                load.wait_for(8)
        self.assertEqual((load.wrong, wrong), ([], []))

    def test_restart_needed(self) -> None:
        """What only a restart can change is named, and all the rest takes effect."""
        site = self.site("a")
        site.deploy("a", 1)
        site.configure(state_dir="elsewhere", port=free_port())
        result = site.reload()
        self.assertEqual(set(result["restart_needed"]), {"listen", "state_dir"})
        self.assertEqual(self.text(site, "a"), "a 1")
        self.assertIn("restart-needed", {record.get("event") for record in site.daemon.records()})

    def test_limits(self) -> None:
        """Changed limits hold for new connections, without a restart."""
        site = self.site("a")
        headers = (("X-Large", "x" * 2000),)
        self.assertEqual(self.fetch(site.daemon, "a", headers=headers).status, 200)
        site.configure(limits={"max_header_bytes": 1024})
        self.assertEqual(site.reload()["restart_needed"], [])

        def everywhere() -> bool:
            return {self.fetch(site.daemon, "a", headers=headers).status for _ in range(16)} == {431}

        site.daemon.until(everywhere, "the new limit")
        self.assertEqual(self.text(site, "a"), "a 0")

    def until(self, site: Site, host: str, text: str) -> None:
        """Wait until every worker answers so; they switch one after the other, within milliseconds."""

        def everywhere() -> bool:
            return {self.fetch(site.daemon, host).body.strip() for _ in range(16)} == {text.encode()}

        site.daemon.until(everywhere, f"{text!r} from everywhere")

    def test_hangup(self) -> None:
        """SIGHUP reloads."""
        site = self.site("a")
        site.deploy("a", 1)
        site.daemon.signal(signal.SIGHUP)
        self.until(site, "a", "a 1")

    def test_secrets(self) -> None:
        """A secret's file that changes is a new version, without a word to the server."""
        folder = self.folder()
        write(folder / "secret", "one")
        site = self.site("a", options=())
        site.apps["a"]["env"] = {"GREETING": {"from_file": str(folder / "secret")}}
        site.configure()
        self.until(site, "a", "a 0 one")
        write(folder / "secret", "two\n")
        self.until(site, "a", "a 0 two")

    def test_token_file(self) -> None:
        """So is that of the admin API's token: the new token opens, the old one does not any more."""
        token = self.folder() / "token"
        write(token, TOKEN)
        admin_port = free_port()
        admin = {"listen": f"tcp:{admin_port}:interface=127.0.0.1", "token_file": str(token)}
        site = self.site("a", options=(), admin=admin, admin_port=admin_port)
        self.assertEqual(site.ask("/admin/apps").status, 200)
        write(token, "an0ther")
        site.daemon.until(lambda: site.ask("/admin/apps").status == 401, "the new token")
        headers = (("Authorization", "Bearer an0ther"),)
        self.assertEqual(fetch(admin_port, "localhost", "/admin/apps", headers=headers).status, 200)
        self.assertNotIn("restart-needed", {record.get("event") for record in site.daemon.records()})

    def test_watch(self) -> None:
        """Files that change are reloaded, the configuration and apps that it brings included."""
        site = self.site("a", options=())
        site.deploy("a", 1)
        self.until(site, "a", "a 1")
        site.add("new")
        site.configure()
        self.until(site, "new", "new 0")
        site.deploy("new", 1)
        self.until(site, "new", "new 1")


class ReloadOfWorkersTests(ReloadTests):
    """
    The same with two workers.
    """

    workers = 2
