# -*- test-case-name: tests.system.test_workers -*-
"""
Workers that die: what clients notice of it, and what operators can see.
"""

from __future__ import annotations

import http.client
import os
import signal

from tests.system.case import SystemTestCase
from tests.system.client import Client
from tests.system.kills import kill_under_load, workers
from tests.system.test_reload import Site


class KillTests(SystemTestCase):
    """Workers are killed under load."""

    def test_under_load(self) -> None:
        """What a dead worker had accepted is cut; every other request is answered, and no connection is refused."""
        names = [f"app{number}" for number in range(10)]
        apps = {name: f"export default {{ fetch: () => new Response('{name}') }};" for name in names}
        daemon = self.serve(apps, workers=2, log={"access": False})
        fate = kill_under_load(daemon, names, connections=32, kills=4)
        self.assertEqual((fate.lost, fate.wrong, fate.refused), ([], [], 0))
        self.assertGreater(fate.cut, 0)
        self.assertLessEqual(fate.cut, 4 * 32)
        self.assertGreaterEqual(fate.answered, 5 * 32)

    def test_counters(self) -> None:
        """No counter goes down when a worker dies, or makes way for another."""
        site = Site(self, "a", workers=2)
        with Client(site.daemon.port) as client:
            for _ in range(20):
                client.fetch("a")
        counted = site.metric('nano_outcomes_total{app="a",outcome="ok"}')
        self.assertEqual(counted, 20)
        for number, (pid, _) in workers(site.daemon).items():
            os.kill(pid, signal.SIGKILL)
            site.daemon.until(lambda n=number, p=pid: workers(site.daemon)[n][0] != p, "another worker")  # type: ignore[misc]
        self.assertEqual(site.metric('nano_outcomes_total{app="a",outcome="ok"}'), 20)
        self.assertEqual(site.metric('http_server_request_duration_seconds_count{app="a"'), 20)
        self.assertEqual(self.get(site.daemon, "a").strip(), "a 0")
        site.configure(limits={"max_header_bytes": 16384})
        before = {pid for pid, _ in workers(site.daemon).values()}
        site.reload()
        site.daemon.until(lambda: not before & {pid for pid, _ in workers(site.daemon).values()}, "other workers")
        site.daemon.until(lambda: len(site.ask("/admin/workers").json["workers"]) == 2, "the old ones' end")
        self.assertEqual(site.metric('nano_outcomes_total{app="a",outcome="ok"}'), 21)

    def test_quarantine(self) -> None:
        """An app that brings down workers comes into quarantine, an operator lets it out, and its neighbour serves."""
        site = Site(self, "a", "b", workers=2)
        (site.folder / "b" / "index.js").write_text(
            'export default { async fetch(request) { if (request.url.endsWith("/x")) "a".repeat(5e8).split("");'
            ' return new Response("calm"); } };'
        )
        site.reload()
        for _ in range(3):
            deaths = self.deaths(site)
            try:
                self.fetch(site.daemon, "b", "/x")
            except (OSError, http.client.HTTPException):
                pass
            site.daemon.until(lambda n=deaths: self.deaths(site) > n, "a death")  # type: ignore[misc]
            site.daemon.until(lambda: site.ask("/readyz").status == 200, "another worker")
        site.daemon.until(lambda: site.app("b")["state"] == "quarantined", "the quarantine")
        answer = self.fetch(site.daemon, "b")
        self.assert_error(answer, 503, "quarantined")
        self.assertGreaterEqual(int(answer.header("retry-after") or 0), 1)
        self.assertEqual(self.get(site.daemon, "a").strip(), "a 0")
        self.assertEqual(site.ask("/admin/apps/b/release", "POST").json["result"], "released")
        self.assertEqual(self.get(site.daemon, "b"), "calm")
        self.assertEqual(site.ask("/admin/apps/b/release", "POST").json["result"], "not-quarantined")

    def deaths(self, site: Site) -> int:
        """How many workers have ended so far."""
        return [record.get("event") for record in site.daemon.records()].count("worker-ended")
