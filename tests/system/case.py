# -*- test-case-name: tests.system -*-
"""
What the tests of the whole daemon have in common: it is started, and when the test is over it stops cleanly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.system.client import Answer, fetch
from tests.system.daemon import Apps, Daemon, write_apps

__all__ = ["MB", "Keys", "SystemTestCase"]

MB = 2**20

#: Keys of the configuration of apps, by the apps' names.
Keys = Mapping[str, Mapping[str, Any]]

#: What no log may hold, whatever apps and clients do.
_FAULT = re.compile(r"Traceback \(most recent call last\)|Unhandled|^.*\bcritical\b.*$", re.MULTILINE)


class SystemTestCase(SynchronousTestCase):
    """
    Tests that talk to a daemon from outside, as clients and operators do.
    """

    def folder(self) -> Path:
        """A new folder of the test's own."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        return folder

    def serve(self, apps: Apps, keys: Keys | None = None, **rest: Any) -> Daemon:
        """
        What `launch` does; and when the test is over the daemon is stopped, must exit with 0, and have no regrets.
        """
        daemon = self.launch(apps, keys, **rest)
        self.addCleanup(self.stop, daemon)
        return daemon

    def launch(
        self,
        apps: Apps,
        keys: Keys | None = None,
        environ: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        **config: Any,
    ) -> Daemon:
        """
        A daemon that is ready; it is gone when the test is over.

        Args:
            apps: the files of each app; its name is its host name, unless its keys say otherwise.
            keys: of the configuration of single apps.
            environ: variables of the daemon's environment.
            options: of `twistd nano`.
            config: keys of the configuration.
        """
        folder = self.folder()
        write_apps(folder, apps)
        entries = [{"name": name, "path": name, **(keys or {}).get(name, {})} for name in apps]
        daemon = self.start(folder, {"apps": entries, **config}, environ, options)
        daemon.wait_until_ready()
        return daemon

    def start(
        self,
        folder: Path,
        config: Mapping[str, Any] | None,
        environ: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> Daemon:
        """A daemon that nothing more is known of; it is gone when the test is over."""
        daemon = Daemon(folder, config, environ, options)
        self.addCleanup(daemon.kill)
        return daemon

    def stop(self, daemon: Daemon) -> None:
        """Stop *daemon* in good order, and look at what it leaves behind."""
        daemon.stop()
        self.ended(daemon)

    def ended(self, daemon: Daemon) -> None:
        """Wait until *daemon* has ended in good order, as somebody else has told it to."""
        self.assertEqual(daemon.wait(), 0, daemon.log[-10_000:])
        self.assert_no_faults(daemon)

    def assert_no_faults(self, daemon: Daemon) -> None:
        """Nothing went wrong in the daemon itself."""
        self.assertEqual(_FAULT.findall(daemon.log), [], daemon.log[-10_000:])

    def fetch(self, daemon: Daemon, host: str, path: str = "/", method: str = "GET", **rest: Any) -> Answer:
        """One request on a connection of its own."""
        return fetch(daemon.port, host, path, method, **rest)

    def get(self, daemon: Daemon, host: str, path: str = "/") -> str:
        """The text that a GET brings, which must succeed."""
        answer = self.fetch(daemon, host, path)
        self.assertEqual(answer.status, 200, f"{answer}\n{daemon.log[-10_000:]}")
        return answer.text

    def assert_error(self, answer: Answer, status: int, code: str) -> None:
        """An answer is an error of ours."""
        self.assertEqual((answer.status, answer.error), (status, code), answer)
