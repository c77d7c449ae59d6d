"""
Real npm packages, used as their users use them, in a whole service with real sockets.
"""

from __future__ import annotations

import http.client
import json
import socket
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from nano.config import load_config
from nano.service import NanoService
from tests.corpus.cases import CASES, Case
from tests.corpus.packages import PackagesMissingError, bundle_apps

__all__ = ["CorpusTests"]

_PATIENCE = 60.0


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket, which needs no free port."""

    def __init__(self, path: str) -> None:
        super().__init__("corpus", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _request(path: str, case: Case) -> tuple[int, dict[str, str], bytes]:
    """Make a request.  Blocks."""
    connection = _UnixConnection(path)
    try:
        connection.request(case.method, case.path, case.body, {"Host": "corpus", **case.headers})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read()
    finally:
        connection.close()


class _Bundles:
    """The bundled apps, made for the first test that needs them."""

    _folder: tempfile.TemporaryDirectory[str] | None = None
    _missing: str | None = None

    @classmethod
    def folder(cls) -> Path:
        if cls._missing is not None:
            raise SkipTest(cls._missing)
        if cls._folder is None:
            folder = tempfile.TemporaryDirectory(prefix="nano-corpus-")
            try:
                bundle_apps(Path(folder.name))
            except PackagesMissingError as error:
                cls._missing = str(error)
                raise SkipTest(cls._missing) from None
            cls._folder = folder
        return Path(cls._folder.name)


class CorpusTests(TestCase):
    """Each app of tests/corpus answers what its packages' documentation says."""

    timeout = 300

    async def serve(self, name: str) -> str:
        """Serve one app; the path of the socket it listens on."""
        folder = tempfile.TemporaryDirectory(prefix="nano-")
        self.addCleanup(folder.cleanup)
        bundle = await deferToThread(_Bundles.folder)
        listen = str(Path(folder.name, "s"))
        app = {
            "name": name,
            "hostname": "*",
            "path": str(bundle / f"{name}.js"),
            "env": {"GREETING": "hi"},
            "dev": True,
        }
        config = {"listen": [f"unix:{listen}"], "workers": 0, "apps": [app]}
        path = Path(folder.name, "app.json")
        path.write_text(json.dumps(config), "utf-8")
        service = NanoService(load_config(str(path)), reactor)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(service.stopService)
        await service.when_ready()
        return listen

    async def check(self, name: str) -> None:
        """Make the requests of one app."""
        listen = await self.serve(name)
        for case in CASES[name]:
            status, headers, body = await deferToThread(_request, listen, case)
            where = f"{name}: {case.method} {case.path}"
            self.assertEqual(status, case.status, f"{where}: {body[:2000]!r}")
            for header, value in case.answers.items():
                self.assertEqual(headers.get(header), value, f"{where}: {header}")
            case.check(self, body, where)

    async def test_async_local_storage(self) -> None:
        """A hundred requests at once each see their own store, wherever they go."""
        listen = await self.serve("async_storage")
        cases = [Case(f"/?id=request-{number}") for number in range(100)]
        answers = [deferToThread(_request, listen, case) for case in cases]
        for case, answer in zip(cases, answers, strict=True):
            status, _, body = await answer
            self.assertEqual(status, 200, body)
            said = json.loads(body)
            self.assertEqual(said["ids"], [case.path.partition("=")[2]])
            self.assertEqual((said["outside"], said["after"]), (None, None))
            self.assertGreater(said["places"], 12)


def _test(name: str) -> Callable[[CorpusTests], Deferred[None]]:
    def test(self: CorpusTests) -> Deferred[None]:
        checking: Coroutine[Any, Any, None] = self.check(name)
        return Deferred.fromCoroutine(checking)

    test.__doc__ = f"tests/corpus/apps/{name}.js answers as its packages' documentation says."
    return test


for _name in CASES:
    setattr(CorpusTests, f"test_{_name}", _test(_name))
