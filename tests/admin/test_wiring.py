"""
A whole server, with V8 and sockets: what an operator sees of what an app does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import treq
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool

from nano.admin.log import LogObserver
from nano.config import AdminConfig, AppConfig, Config, LogConfig, Secret
from nano.service import NanoService

# mypy takes the reactor for its least interface.
reactor: Any = _reactor

SECRET = "hunter2-hunter2"
APP = """
export default {
  async fetch(request, env) {
    const body = await request.text();
    if (request.url.endsWith("/fetch")) {
      const answers = await Promise.allSettled([fetch(body), fetch("http://127.0.0.1:1/")]);
      return Response.json(answers.map(({ value, reason }) => value?.status ?? reason.cause.code));
    }
    console.warn(`got ${body.length} with ${env.KEY}`, "\\n", '{"level":"error"}');
    if (body === "throw") throw new Error("no luck with " + env.KEY);
    return new Response(body.toUpperCase(), { status: 201 });
  },
};
"""


def read_samples(metrics: str) -> dict[tuple[str, ...], float]:
    """The values of metrics, by their names and the values of their labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    }


class Fixture(TestCase):
    """A server with one app, shop."""

    async def setUp(self) -> None:  # type: ignore[override]
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "index.js").write_text(APP)
        self.lines: list[bytes] = []
        observer = LogObserver(LogConfig(), self.lines.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.service = NanoService(
            Config(
                listen=("tcp:0:interface=127.0.0.1",),
                apps=(AppConfig("shop", str(folder), ("127.0.0.1",), env={"KEY": Secret(SECRET)}),),
                admin=AdminConfig("tcp:0:interface=127.0.0.1", Secret("token")),
                workers=0,
                state_dir=str(folder / "state"),
            ),
            reactor,
        )
        self.ports: list[int] = []
        self.patch(reactor, "listenTCP", self.listen)
        self.service.privilegedStartService()
        self.service.startService()
        self.addCleanup(self.service.stopService)
        pool = HTTPConnectionPool(reactor, persistent=False)
        self.agent = Agent(reactor, pool=pool)
        await self.service.when_ready()

    def listen(self, *arguments: Any, **options: Any) -> Any:
        """Keep the port that the system chose."""
        port = type(reactor).listenTCP(reactor, *arguments, **options)
        self.ports.append(port.getHost().port)
        return port

    async def ask(self, listener: int, method: str, path: str, **options: Any) -> tuple[int, bytes]:
        """Status and body of the answer of the main listener, 0, or of the admin's, 1."""
        url = f"http://127.0.0.1:{self.ports[listener]}{path}"
        headers: dict[str | bytes, str | bytes] = {"Authorization": "Bearer token"} if listener else {}
        headers |= options.pop("headers", {})
        response = await treq.request(method, url, headers=headers, agent=self.agent, **options)
        return response.code, await response.content()


class WiringTests(Fixture):
    async def test_requests(self) -> None:
        """Two requests in the log, in the metrics and in the admin API; the secret is in none of them."""
        self.assertEqual(await self.ask(0, "POST", "/a?b", data=b"four"), (201, b"FOUR"))
        self.assertEqual((await self.ask(0, "POST", "/c", data=b"throw"))[0], 500)

        metrics = (await self.ask(1, "GET", "/metrics"))[1].decode()
        samples = read_samples(metrics)
        self.assertEqual(samples["http_server_request_duration_seconds_count", "shop", "POST", "201"], 1)
        self.assertEqual(samples["http_server_request_duration_seconds_count", "shop", "POST", "500"], 1)
        self.assertEqual(samples["nano_outcomes_total", "shop", "ok"], 1)
        self.assertEqual(samples["nano_outcomes_total", "shop", "exception"], 1)
        self.assertEqual(samples["http_server_request_body_bytes_total", "shop"], 9)
        self.assertEqual(samples["http_server_active_requests", "shop"], 0)
        self.assertEqual(samples["nano_isolates", "serving"], 1)
        self.assertEqual(samples["nano_cold_start_seconds_count",], 1)

        status, body = await self.ask(1, "GET", "/admin/apps")
        (shop,) = json.loads(body)["apps"]
        self.assertEqual((status, shop["name"], shop["state"], shop["isolates"]), (200, "shop", "ready", 1))
        detail = (await self.ask(1, "GET", "/admin/apps/shop"))[1].decode()

        lines = [json.loads(line) for line in self.lines]
        access = [line for line in lines if line["event"] == "access"]
        first = access[0]
        self.assertEqual((first["path"], first["status"], first["outcome"]), ("/a?b", 201, "ok"))
        console = [line for line in lines if line["event"] == "console"]
        self.assertEqual([line["level"] for line in console], ["warn", "warn"])
        self.assertEqual([line["request_id"] for line in console], [line["request_id"] for line in access])
        self.assertTrue(console[0]["msg"].startswith("got 4 with [redacted]"), console)
        (failed,) = [line for line in lines if line["event"] == "exchange-failed"]
        self.assertIn("no luck with [redacted]", failed["msg"])
        self.assertNotIn(SECRET, b"".join(self.lines).decode() + metrics + body.decode() + detail)

    async def test_fetches(self) -> None:
        """What an app fetches is in the metrics, by the status of the answers; "error" is for those without one."""
        target = f"http://127.0.0.1:{self.ports[0]}/".encode()
        status, body = await self.ask(0, "POST", "/fetch", data=target)
        self.assertEqual((status, json.loads(body)), (200, [201, "ECONNREFUSED"]))
        samples = read_samples((await self.ask(1, "GET", "/metrics"))[1].decode())
        name = "http_client_request_duration_seconds_count"
        self.assertEqual([samples[name, "shop", status] for status in ("201", "error")], [1, 1])

    async def test_logs(self) -> None:
        """The tail of the log and the latest errors tell of both, and of no secret."""
        await self.ask(0, "POST", "/a?b", data=b"four")
        await self.ask(0, "POST", "/c", data=b"throw")
        status, body = await self.ask(1, "GET", "/admin/logs?app=shop")
        told = json.loads(body)
        events = [line["event"] for line in told["lines"]]
        self.assertEqual((status, events.count("access"), events.count("console"), told["lost"]), (200, 2, 2, 0))
        later = json.loads((await self.ask(1, "GET", f"/admin/logs?app=shop&after={told['next']}"))[1])
        self.assertEqual(later["lines"], [])

        status, errors = await self.ask(1, "GET", "/admin/errors")
        (error,) = json.loads(errors)["errors"]
        self.assertEqual((status, error["app"], error["code"], error["count"]), (200, "shop", "exception", 1))
        self.assertIn("no luck with [redacted]", error["msg"])
        self.assertIn("at Object.fetch (index.js:", error["msg"])
        self.assertNotIn(SECRET, (body + errors).decode())

        (shop,) = json.loads((await self.ask(1, "GET", "/admin/apps"))[1])["apps"]
        self.assertEqual((shop["requests"], shop["errors"]), (2, 1))

    async def test_follow(self) -> None:
        """Who follows hears of a request while it stays; the end of the server is the end of it."""
        url = f"http://127.0.0.1:{self.ports[1]}/admin/logs?follow=true&limit=0&app=shop"
        headers: dict[str | bytes, str | bytes] = {"Authorization": "Bearer token"}
        response = await treq.get(url, headers=headers, agent=self.agent, unbuffered=True)
        self.assertEqual(response.headers.getRawHeaders("content-type"), ["application/x-ndjson"])
        heard: Deferred[None] = Deferred()
        data = bytearray()

        def collect(chunk: bytes) -> None:
            data.extend(chunk)
            if b'"event": "access"' in data and not heard.called:
                heard.callback(None)

        over = treq.collect(response, collect)
        self.assertEqual((await self.ask(0, "POST", "/a?b", data=b"four"))[0], 201)
        await heard
        self.assertEqual({json.loads(line)["app"] for line in data.splitlines()}, {"shop"})
        await self.service.stopService()
        await over

    async def test_change(self) -> None:
        """An app that is put serves; removed, it does not."""
        path = self.service.config.apps[0].path
        value = json.dumps({"path": path, "hostname": "other.test"}).encode()
        url = f"http://127.0.0.1:{self.ports[1]}/admin/apps/other"
        headers: dict[str | bytes, str | bytes] = {
            "Authorization": "Bearer token",
            "Content-Type": "application/json",
        }
        response = await treq.put(url, headers=headers, agent=self.agent, data=value)
        self.assertEqual((response.code, (await response.json())["result"]), (201, "created"))
        self.assertIsNotNone(self.service.apps.find("other.test"))
        status, body = await self.ask(1, "DELETE", "/admin/apps/other")
        self.assertEqual((status, json.loads(body)["result"]), (200, "drained"))
        self.assertIsNone(self.service.apps.find("other.test"))
