"""
The admin API over real sockets, before a control of the test's own.
"""

from __future__ import annotations

import json
import os
from typing import Any

import treq
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, connectProtocol, serverFromString
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.logger import Logger, capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool
from zope.interface import implementer
from zope.interface.verify import verifyObject

from nano.admin import api
from nano.admin.api import make_site
from nano.admin.journal import Journal
from nano.admin.metrics import Metrics, Readings
from nano.admin.requests import MAX_BODY
from nano.config import AppConfig, Secret, parse_app, real_surroundings
from nano.errors import AppLoadError, DrainingError
from nano.interfaces import ConflictError, IControl, UnknownAppError

# mypy takes the reactor for its least interface.
reactor: Any = _reactor

TOKEN = "correct-horse-battery"


@implementer(IControl)
class FakeControl:
    """
    Apps that are but configurations.

    Attributes:
        outcome: what `put_app` and `remove_app` fire with, in place of the usual.
        calls: what was done.
        journal: of its only process.
    """

    def __init__(self) -> None:
        self.ready = True
        self.draining = False
        self.configs: dict[str, AppConfig] = {}
        self.outcome: Any = None
        self.calls: list[tuple[Any, ...]] = []
        self.journal = Journal()

    def apps(self) -> Deferred[list[dict[str, Any]]]:
        """All that there are (IControl)."""
        return succeed([{"name": name, "state": "ready"} for name in self.configs])

    def workers(self) -> Deferred[list[dict[str, Any]]]:
        """One (IControl)."""
        return succeed([{"worker": "0", "pid": 1}])

    def snapshots(self) -> Deferred[list[dict[str, Any]]]:
        """Two (IControl)."""
        readings = Readings({"shop": 2})
        return succeed([Metrics(Clock(), lambda: readings, name).snapshot() for name in "12"])

    def journals(self, question: dict[str, Any]) -> Deferred[list[dict[str, Any]]]:
        """One (IControl)."""
        return succeed([self.journal.answer(question)])

    def app_config(self, name: str) -> AppConfig:
        """One of those that were put (IControl)."""
        if name not in self.configs:
            raise UnknownAppError(f"there is no app {name!r}")
        return self.configs[name]

    def parse_app(self, value: dict[str, Any]) -> AppConfig:
        """Without defaults (IControl)."""
        return parse_app(value, real_surroundings("/srv", {"SECRET": "hunter2"}))

    def put_app(self, config: AppConfig, new: bool) -> Deferred[str]:
        """Keep it (IControl)."""
        self.calls.append(("put", config.name, new))
        result = "replaced" if config.name in self.configs else "created"
        self.configs[config.name] = config
        return self._ends(result)

    def remove_app(self, name: str) -> Deferred[bool]:
        """Forget it (IControl)."""
        self.calls.append(("remove", name))
        self.app_config(name)
        del self.configs[name]
        return self._ends(True)

    def release_app(self, name: str) -> Deferred[bool]:
        """Noted; true the first time (IControl)."""
        self.app_config(name)
        first = ("release", name) not in self.calls
        self.calls.append(("release", name))
        return self._ends(first)

    def reload(self) -> Deferred[dict[str, Any]]:
        """Nothing to do (IControl)."""
        self.calls.append(("reload",))
        return self._ends({"created": [], "failed": {}})

    def _ends(self, result: Any) -> Deferred[Any]:
        outcome = result if self.outcome is None else self.outcome
        if isinstance(outcome, Deferred):
            return outcome
        return fail(outcome) if isinstance(outcome, Exception) else succeed(outcome)


class Fixture(TestCase):
    token: Secret | None = Secret(TOKEN)

    async def setUp(self) -> None:  # type: ignore[override]
        self.control = FakeControl()
        verifyObject(IControl, self.control)
        self.site = make_site(reactor, self.control, lambda: self.token)
        self.port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(self.site)
        self.addCleanup(self.port.stopListening)
        self.pool = HTTPConnectionPool(reactor, persistent=False)
        self.addCleanup(self.pool.closeCachedConnections)
        self.agent = Agent(reactor, pool=self.pool)

    async def ask(
        self, method: str, path: str, value: Any = None, token: str | None = TOKEN, **options: Any
    ) -> tuple[int, Any, Any]:
        """Status, headers and parsed body."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        if value is not None:
            headers.setdefault("Content-Type", "application/json")
            options["data"] = value if isinstance(value, bytes) else json.dumps(value).encode()
        url = f"http://127.0.0.1:{self.port.getHost().port}{path}"
        response = await treq.request(method, url, headers=headers, agent=self.agent, **options)
        body = await response.content()
        kind = (response.headers.getRawHeaders("content-type") or [""])[0]
        return response.code, response.headers, json.loads(body) if body and "json" in kind else body

    async def problem(self, code: str, status: int, *arguments: Any, **options: Any) -> tuple[Any, Any]:
        """Headers and body of an answer that is a problem, whose form is checked."""
        found, headers, body = await self.ask(*arguments, **options)
        self.assertEqual((found, body.get("type")), (status, f"urn:nano:problem:{code}"), body)
        self.assertEqual(body["status"], status)
        self.assertTrue(body["title"] and body["detail"])
        self.assertEqual(headers.getRawHeaders("content-type"), ["application/problem+json"])
        self.assertEqual(headers.getRawHeaders("nano-error"), [code])
        return headers, body


class TokenTests(Fixture):
    async def test_wrong(self) -> None:
        """Without the token nothing below /admin answers, not even that it is not there."""
        for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
            for method, path in (
                ("GET", "/admin/apps"),
                ("PUT", "/admin/apps/x"),
                ("POST", "/admin/reload"),
                ("GET", "/admin/nothing"),
                ("DELETE", "/admin/apps"),
            ):
                headers, _ = await self.problem("unauthorized", 401, method, path, token=token)
                (challenge,) = headers.getRawHeaders("www-authenticate")
                self.assertTrue(challenge.startswith("Bearer "))
        self.assertEqual(self.control.calls, [])

    async def test_other_scheme(self) -> None:
        """The scheme's name may be written in any case; another scheme does not do."""
        for scheme, status in (("bearer", 200), ("BEARER", 200), ("Basic", 401), ("", 401)):
            headers = {"Authorization": f"{scheme} {TOKEN}".strip()}
            self.assertEqual((await self.ask("GET", "/admin/apps", headers=headers))[0], status, scheme)

    async def test_open_paths(self) -> None:
        """Health checks and metrics ask for no token."""
        for path in ("/livez", "/readyz", "/health", "/healthz", "/metrics"):
            self.assertEqual((await self.ask("GET", path, token=None))[0], 200, path)


class UnixTests(Fixture):
    token = None

    async def test_unix_socket(self) -> None:
        """On a Unix socket no token is needed; the log says where a change came from."""
        path = f"/tmp/nano-test-{os.getpid()}.sock"
        port = await serverFromString(reactor, f"unix:{path}").listen(self.site)
        self.addCleanup(port.stopListening)
        done: Deferred[bytes] = Deferred()

        class Client(Protocol):
            data = b""

            def dataReceived(self, data: bytes) -> None:
                self.data += data

            def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
                done.callback(self.data)

        with capturedLogs() as events:
            client: Any = await connectProtocol(UNIXClientEndpoint(reactor, path), Client())
            client.transport.write(b"POST /admin/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await done
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        (change,) = [event for event in events if event.get("event") == "admin-change"]
        self.assertEqual(change["who"], "unix socket")


class TellingTests(Fixture):
    async def test_apps(self) -> None:
        """All apps, and how long changes live."""
        await self.ask("PUT", "/admin/apps/shop", {"path": "shop"})
        status, headers, body = await self.ask("GET", "/admin/apps")
        (app,) = body["apps"]
        self.assertEqual((status, app["name"], app["state"]), (200, "shop", "ready"))
        idle = {"requests_per_second": 0.0, "p50_ms": None, "p99_ms": None, "cpu_percent": 0.0}
        self.assertEqual({key: app[key] for key in idle}, idle)
        self.assertIn("until the next restart or reload", body["note"])
        self.assertEqual(headers.getRawHeaders("content-type"), ["application/json"])
        self.assertEqual(headers.getRawHeaders("cache-control"), ["no-store"])
        self.assertFalse(headers.hasHeader("server"))

    async def test_app(self) -> None:
        """One app with its configuration, whose secrets are not shown."""
        self.control.configs["a&b"] = AppConfig("a&b", "/srv", ("a.test",), env={"KEY": Secret("hunter2-hunter2")})
        status, _, body = await self.ask("GET", "/admin/apps/a%26b")
        self.assertEqual((status, body["config"]["env"]), (200, {"KEY": "[redacted]"}))
        await self.problem("unknown-app", 404, "GET", "/admin/apps/nobody")

    async def test_workers(self) -> None:
        """All processes."""
        self.assertEqual((await self.ask("GET", "/admin/workers"))[2], {"workers": [{"worker": "0", "pid": 1}]})

    async def test_logs(self) -> None:
        """The tail of the log, and what comes after it."""
        log = Logger("nano.test", observer=self.control.journal)
        log.info("one", app="shop")
        log.error("two", app="blog", code="exception")
        status, headers, body = await self.ask("GET", "/admin/logs")
        self.assertEqual((status, [line["msg"] for line in body["lines"]]), (200, ["one", "two"]))
        self.assertEqual(headers.getRawHeaders("cache-control"), ["no-store"])
        log.info("three")
        _, _, body = await self.ask("GET", f"/admin/logs?after={body['next']}&level=info")
        self.assertEqual([line["msg"] for line in body["lines"]], ["three"])
        _, _, body = await self.ask("GET", "/admin/errors?app=blog")
        self.assertEqual([(error["msg"], error["count"]) for error in body["errors"]], [("two", 1)])
        await self.problem("invalid-request", 400, "GET", "/admin/logs?limit=many")

    async def test_followers(self) -> None:
        """Only so many clients may follow; one that leaves makes room.  HEAD does not follow."""
        self.assertEqual((await self.ask("HEAD", "/admin/logs?follow=true"))[0], 200)
        self.patch(api, "MAX_FOLLOWERS", 1)
        heard: Deferred[bytes] = Deferred()
        gone: Deferred[None] = Deferred()

        class Client(Protocol):
            def dataReceived(self, data: bytes) -> None:
                if not heard.called:
                    heard.callback(data)

            def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
                gone.callback(None)

        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        client: Any = await connectProtocol(endpoint, Client())
        head = f"GET /admin/logs?follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        client.transport.write(head.encode("ascii"))
        self.assertTrue((await heard).startswith(b"HTTP/1.1 200 "))
        refusal, _ = await self.problem("too-many-followers", 503, "GET", "/admin/logs?follow=true")
        self.assertTrue(refusal.hasHeader("retry-after"))
        client.transport.abortConnection()
        await gone
        while (await self.ask("HEAD", "/admin/logs?follow=true"))[0] == 503:
            pass

    async def test_health(self) -> None:
        """Health is the control's."""
        self.control.draining = True
        self.assertEqual((await self.ask("GET", "/readyz"))[::2], (503, {"status": "draining"}))
        self.assertEqual((await self.ask("GET", "/livez"))[::2], (200, {"status": "ok"}))

    async def test_metrics(self) -> None:
        """The figures of all processes, summed."""
        status, headers, body = await self.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers.getRawHeaders("content-type"), ["text/plain; version=0.0.4; charset=utf-8"])
        families = {family.name: family for family in text_string_to_metric_families(body.decode())}
        (sample,) = families["http_server_active_requests"].samples
        self.assertEqual((sample.labels, sample.value), ({"app": "shop"}, 4))

    async def test_head(self) -> None:
        """HEAD is GET without a body."""
        status, headers, body = await self.ask("HEAD", "/admin/apps")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers.getRawHeaders("content-length")[0]), 10)


class ChangingTests(Fixture):
    async def test_post(self) -> None:
        """A new app is created, and the answer says where it is."""
        status, headers, body = await self.ask("POST", "/admin/apps", {"name": "shop", "path": "shop"})
        self.assertEqual((status, body["result"], body["config"]["path"]), (201, "created", "/srv/shop"))
        self.assertEqual(headers.getRawHeaders("location"), ["/admin/apps/shop"])
        self.assertEqual(self.control.calls, [("put", "shop", True)])

    async def test_put(self) -> None:
        """The name is the URL's; the second time the app is replaced."""
        for value, expected in (
            ({"path": "shop"}, (201, "created")),
            ({"name": "shop", "path": "b"}, (200, "replaced")),
        ):
            status, _, body = await self.ask("PUT", "/admin/apps/shop", value)
            self.assertEqual((status, body["result"]), expected)
        self.assertEqual(self.control.calls, [("put", "shop", False)] * 2)

    async def test_other_name(self) -> None:
        """A body that says another name than the URL is refused."""
        value = {"name": "blog", "path": "x"}
        _, body = await self.problem("invalid-config", 422, "PUT", "/admin/apps/shop", value)
        self.assertEqual(body["errors"][0]["path"], "name")

    async def test_release(self) -> None:
        """An app is let out of quarantine, as often as anybody likes; the log has who did it."""
        await self.ask("PUT", "/admin/apps/shop", {"path": "/srv/shop"})
        with capturedLogs() as events:
            results = [await self.ask("POST", "/admin/apps/shop/release") for _ in range(2)]
        told = [(status, body) for status, _, body in results]
        self.assertEqual(
            told,
            [
                (200, {"name": "shop", "result": "released"}),
                (200, {"name": "shop", "result": "not-quarantined"}),
            ],
        )
        changes = [(event["what"], event["app"], event["result"]) for event in events if "what" in event]
        self.assertEqual(changes, [("release", "shop", "released"), ("release", "shop", "not-quarantined")])
        await self.problem("unknown-app", 404, "POST", "/admin/apps/nobody/release")

    async def test_delete(self) -> None:
        """The answer says whether the app has drained; the second time it is not there."""
        for drained, word in ((True, "drained"), (False, "timed-out")):
            self.control.configs["shop"] = AppConfig("shop", "/srv")
            self.control.outcome = drained
            status, _, body = await self.ask("DELETE", "/admin/apps/shop")
            self.assertEqual((status, body["name"], body["result"]), (200, "shop", word))
        await self.problem("unknown-app", 404, "DELETE", "/admin/apps/shop")

    async def test_reload(self) -> None:
        """The result is the control's."""
        self.assertEqual((await self.ask("POST", "/admin/reload"))[::2], (200, {"created": [], "failed": {}}))

    async def test_log(self) -> None:
        """Each change is told with who, what and how it ended; the token is not."""
        with capturedLogs() as events:
            await self.ask("PUT", "/admin/apps/shop", {"path": "shop"})
            self.control.outcome = ConflictError("taken")
            await self.ask("PUT", "/admin/apps/shop", {"path": "shop"})
            await self.ask("GET", "/admin/apps")
        changes = [event for event in events if event.get("event") == "admin-change"]
        self.assertEqual(
            [(e["who"], e["what"], e["app"], e["result"], e["log_level"].name) for e in changes],
            [
                ("admin token from 127.0.0.1", "put", "shop", "created", "info"),
                ("admin token from 127.0.0.1", "put", "shop", "conflict", "warn"),
            ],
        )
        self.assertNotIn(TOKEN, repr(events))

    async def test_client_leaves(self) -> None:
        """A change goes on when the client that asked for it has gone, and its end is told."""
        cancelled: list[Any] = []
        change: Deferred[Any] = Deferred(cancelled.append)
        self.control.outcome = change
        asked = Deferred.fromCoroutine(self.ask("POST", "/admin/reload"))
        while not self.control.calls:
            await _turn()
        asked.cancel()
        await asked.addErrback(lambda _: None)
        for _ in range(10):
            await _turn()
        self.assertEqual(cancelled, [])
        with capturedLogs() as events:
            change.callback({"created": ["late"]})
        self.assertEqual([e["result"] for e in events if e.get("event") == "admin-change"], ["success"])


def _turn() -> Deferred[None]:
    turn: Deferred[None] = Deferred()
    reactor.callLater(0, turn.callback, None)
    return turn


class RefusalTests(Fixture):
    async def test_not_found(self) -> None:
        """There is nothing there."""
        for path in ("/", "/admin/nothing", "/admin/apps/a/b", "/favicon.ico"):
            await self.problem("not-found", 404, "GET", path)

    async def test_method(self) -> None:
        """The answer says which methods there are."""
        headers, _ = await self.problem("method-not-allowed", 405, "PATCH", "/admin/apps/shop")
        (allowed,) = headers.getRawHeaders("allow")
        self.assertLessEqual({"GET", "PUT", "DELETE"}, set(allowed.split(", ")))
        await self.problem("method-not-allowed", 405, "POST", "/metrics")

    async def test_media_type(self) -> None:
        """Only JSON is read; forms are not even parsed."""
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
        ):
            headers = {"Content-Type": kind}
            await self.problem("unsupported-media-type", 415, "POST", "/admin/apps", b"{}", headers=headers)
        headers = {"Content-Type": "Application/JSON; charset=utf-8"}
        await self.problem("invalid-config", 422, "POST", "/admin/apps", b"{}", headers=headers)

    async def test_syntax(self) -> None:
        """What is no JSON is 400."""
        for data in (b"", b"{", b'{"a": 1,}', b"\xff", b"NaN", b"[" * 100_000):
            await self.problem("invalid-json", 400, "PUT", "/admin/apps/x", data)

    async def test_config(self) -> None:
        """All that is wrong is listed."""
        value = {"name": "shop", "pth": "x", "timeout_ms": "5", "memory_mb": 1}
        _, body = await self.problem("invalid-config", 422, "POST", "/admin/apps", value)
        self.assertEqual({error["path"] for error in body["errors"]}, {"pth", "timeout_ms", "memory_mb"})
        self.assertIn("path", next(error["detail"] for error in body["errors"] if error["path"] == "pth"))
        for data in (b"[]", b'"x"', b"null", b'{"name": "a", "name": "b", "path": "x"}'):
            await self.problem("invalid-config", 422, "POST", "/admin/apps", data)

    async def test_secrets_of_the_server(self) -> None:
        """The API is no way to read the server's environment or files, at whatever depth it is tried."""
        for value in ({"from_env": "SECRET"}, {"from_file": "/etc/passwd"}, {"from_env": 1, "x": 2}):
            for env in ({"A": value}, {"A": {"b": [1, value]}}, value):
                app = {"name": "shop", "path": "x", "env": env}
                _, body = await self.problem("invalid-config", 422, "POST", "/admin/apps", app)
                self.assertIn("configuration file only", body["errors"][0]["detail"])
        self.assertEqual(self.control.calls, [])

    async def test_control_refuses(self) -> None:
        """What the control raises has its status."""
        for error, status, code in (
            (ConflictError("taken"), 409, "conflict"),
            (AppLoadError("no default export"), 422, "load-failed"),
            (DrainingError("stopping"), 503, "draining"),
        ):
            self.control.outcome = error
            await self.problem(code, status, "PUT", "/admin/apps/shop", {"path": "x"})

    async def test_too_large(self) -> None:
        """A body that is too large is not kept, with its length told or not."""
        large = b" " * (MAX_BODY + 1)
        await self.problem("body-too-large", 413, "POST", "/admin/apps", large)
        self.assertEqual((await self.ask("POST", "/admin/apps", large[:-1]))[0], 400)

    async def test_path_encoding(self) -> None:
        """A path that is no UTF-8 is a problem like any other, and none for the log."""
        await self.problem("invalid-request", 400, "GET", "/admin/apps/%ff")

    async def test_unforeseen(self) -> None:
        """What nobody has foreseen is told to the log, not to the client."""
        self.control.outcome = RuntimeError("secret detail")
        _, body = await self.problem("internal", 500, "POST", "/admin/reload")
        self.assertNotIn("secret detail", json.dumps(body))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
