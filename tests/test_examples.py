# -*- test-case-name: tests.test_examples -*-
"""
The examples: each is served as its folder says, and does what its README shows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano.config import check_config
from nano.service import NanoService
from tests.system.client import Answer, Client, fetch
from tests.system.daemon import free_port

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
NAMES = ("hello", "json-api", "server-sent-events", "two-hosts", "typescript", "upload-form")


class Example(TestCase):
    """
    Serves one example, in this process.
    """

    timeout = 60
    name = ""

    async def setUp(self) -> None:  # type: ignore[override]
        self.port = free_port()
        config = replace(
            check_config(str(EXAMPLES / self.name / "app.json")),
            listen=(f"tcp:{self.port}:interface=127.0.0.1",),
            state_dir=self.mktemp(),
        )
        service = NanoService(config, reactor=reactor)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(service.stopService)
        await service.when_ready()

    async def fetch(self, path: str = "/", method: str = "GET", host: str = "localhost", **rest: object) -> Answer:
        """One request."""
        return await deferToThread(fetch, self.port, host, path, method, **rest)


class HelloTests(Example):
    name = "hello"

    async def test_answers(self) -> None:
        """Any host, any path."""
        self.assertEqual((await self.fetch("/world")).text, "Hello from JavaScript: /world\n")
        self.assertEqual((await self.fetch("/", host="anything.example")).text, "Hello from JavaScript: /\n")


class TwoHostsTests(Example):
    name = "two-hosts"

    async def test_greets(self) -> None:
        """Each host in its language."""
        for host, path, text, language in (
            ("localhost", "/Ada", "Hello, Ada!\n", "en"),
            ("en.localhost", "/", "Hello, stranger!\n", "en"),
            ("de.localhost", "/Ren%C3%A9", "Guten Tag, René!\n", "de"),
        ):
            answer = await self.fetch(path, host=host)
            self.assertEqual((answer.text, answer.header("content-language")), (text, language))

    async def test_no_other_host(self) -> None:
        """What no app claims, nobody answers."""
        answer = await self.fetch("/Ada", host="fr.localhost")
        self.assertEqual((answer.status, answer.json), (404, {"error": "no app for host fr.localhost"}))


class JsonApiTests(Example):
    name = "json-api"

    async def test_answers(self) -> None:
        """The routes, and what they know."""
        for path, expected in {
            "/weekday/2026-07-14?locale=fr": {"date": "2026-07-14", "weekday": "mardi"},
            "/weekday/2026-07-14": {"date": "2026-07-14", "weekday": "Tuesday"},
            "/easter/2027": {"year": 2027, "easter": "2027-03-28"},
            "/easter/1961": {"year": 1961, "easter": "1961-04-02"},
            "/": {"routes": ["GET /", "GET /weekday/:date", "GET /easter/:year", "POST /between"]},
        }.items():
            answer = await self.fetch(path)
            self.assertEqual((answer.status, answer.header("content-type")), (200, "application/json"), answer)
            self.assertEqual(answer.json, expected)

    async def test_post(self) -> None:
        """A body of JSON is read."""
        answer = await self.fetch("/between", "POST", body=b'{"from": "2026-07-14", "to": "2026-12-24"}')
        self.assertEqual(answer.json, {"from": "2026-07-14", "to": "2026-12-24", "days": 163})

    async def test_errors(self) -> None:
        """What is wrong with a request is told in JSON as well."""
        for method, path, body, status in (
            ("GET", "/nowhere", None, 404),
            ("DELETE", "/easter/2027", None, 405),
            ("GET", "/weekday/2026-02-30", None, 400),
            ("GET", "/weekday/2026-07-14?locale=%21", None, 400),
            ("GET", "/weekday/%ff", None, 400),
            ("GET", "/easter/MMXXVII", None, 400),
            ("POST", "/between", b"[", 400),
            ("POST", "/between", b"null", 400),
            ("POST", "/between", b"{}", 400),
        ):
            answer = await self.fetch(path, method, body=body)
            self.assertEqual((path, answer.status, list(answer.json)), (path, status, ["error"]), answer)
        self.assertEqual((await self.fetch("/easter/2027", "DELETE")).header("allow"), "GET")


class ServerSentEventsTests(Example):
    name = "server-sent-events"

    async def test_page(self) -> None:
        """The page listens to the events."""
        answer = await self.fetch("/")
        self.assertEqual(answer.header("content-type"), "text/html; charset=utf-8")
        self.assertIn('new EventSource("/events")', answer.text)
        self.assertEqual((await self.fetch("/other")).status, 404)

    async def test_events(self) -> None:
        """They come one after the other, and go on where a client left off."""
        self.assertEqual(await deferToThread(self.read_ids, [], 2), [b"id: 1\n", b"id: 2\n"])
        self.assertEqual(await deferToThread(self.read_ids, [("Last-Event-ID", "41")], 1), [b"id: 42\n"])

    def read_ids(self, headers: list[tuple[str, str]], count: int) -> list[bytes]:
        """The ids of the first events; then the client is gone."""
        found: list[bytes] = []
        with Client(self.port) as client, client.open("localhost", "/events", headers=headers) as response:
            assert response.getheader("content-type") == "text/event-stream"
            while len(found) < count:
                line = response.readline()
                assert line, "the stream has ended"
                found += [line] if line.startswith(b"id:") else []
        return found


class TypeScriptTests(Example):
    name = "typescript"

    async def test_redirects(self) -> None:
        """Links lead where the configuration says."""
        for path, status, target in (
            ("/twisted?x=1", 307, "https://docs.twisted.org/en/stable/"),
            ("/fetch", 308, "https://fetch.spec.whatwg.org/"),
            ("/mdn?q=URL", 307, "https://developer.mozilla.org/en-US/search?q=URL"),
        ):
            answer = await self.fetch(path)
            self.assertEqual((answer.status, answer.header("location")), (status, target))

    async def test_others(self) -> None:
        """What there is, is told."""
        for path, status in (("/", 200), ("/unknown", 404), ("/constructor", 404)):
            answer = await self.fetch(path)
            self.assertEqual((answer.status, answer.text), (status, "Known are: fetch, mdn, twisted\n"))


class UploadFormTests(Example):
    name = "upload-form"

    async def send(self, name: str, *files: tuple[str, str, bytes]) -> Answer:
        """Send the form, as a browser does."""
        parts = [b'--edge\r\nContent-Disposition: form-data; name="name"\r\n\r\n%s\r\n' % name.encode()]
        for file, kind, content in files:
            head = f'Content-Disposition: form-data; name="files"; filename="{file}"\r\nContent-Type: {kind}\r\n\r\n'
            parts.append(b"--edge\r\n" + head.encode() + content + b"\r\n")
        headers = [("Content-Type", "multipart/form-data; boundary=edge")]
        return await self.fetch("/", "POST", headers=headers, body=b"".join(parts) + b"--edge--\r\n")

    async def test_form(self) -> None:
        """There is a form."""
        answer = await self.fetch("/")
        self.assertIn('enctype="multipart/form-data"', answer.text)
        self.assertEqual((await self.fetch("/", "PUT", body=b"")).status, 405)

    async def test_files(self) -> None:
        """Files are told apart by what is in them; what the client says is escaped."""
        png = bytes.fromhex("89504e470d0a1a0a0000000d49484452000002800000 01e0".replace(" ", ""))
        answer = await self.send(
            "<Ada & Bob>",
            ("a.txt", "text/plain", "ä\nb\nc".encode()),
            ("<b>.png", "image/png", png + b"..."),
            ("c.bin", "application/x-thing", b"\xff\xfe\xfd"),
        )
        self.assertEqual(answer.status, 200, answer)
        for text in (
            "<h1>Thank you, &lt;Ada &amp; Bob&gt;</h1>",
            "<tr><td>a.txt<td>6<td>text of 3 lines",
            "<tr><td>&lt;b&gt;.png<td>27<td>a PNG image of 640 × 480",
            "<tr><td>c.bin<td>3<td>said to be application/x-thing",
        ):
            self.assertIn(text, answer.text)

    async def test_no_files(self) -> None:
        """A form without files, and what is no form, are refused with the form."""
        self.assertEqual((await self.send("Ada", ("", "application/octet-stream", b""))).status, 422)
        answer = await self.fetch("/", "POST", headers=[("content-type", "text/plain")], body=b"x")
        self.assertEqual(answer.status, 400)
        self.assertIn("<form", answer.text)

    async def test_too_large(self) -> None:
        """More than the configuration allows does not reach the app."""
        headers = [("Content-Length", str(21 * 2**20))]
        answer = await self.fetch("/", "POST", headers=headers)
        self.assertEqual((answer.status, answer.error), (413, "body-too-large"))


class FolderTests(SynchronousTestCase):
    """What all of them have."""

    def test_all_are_tested(self) -> None:
        """No example is without tests, none is named that is not there."""
        found = {path.parent.name for path in EXAMPLES.glob("*/app.json")}
        self.assertEqual(found, set(NAMES))
        self.assertEqual({case.name for case in Example.__subclasses__()}, found)

    def test_readme(self) -> None:
        """Each tells how it is run, with the path that it has."""
        for name in NAMES:
            text = (EXAMPLES / name / "README.md").read_text("utf-8")
            self.assertIn(f"twistd -n nano --config examples/{name}/app.json", text)

    def test_project_readme_shows_them(self) -> None:
        """The project's README shows the first three, with what their own READMEs print."""
        text = (ROOT / "README.md").read_text("utf-8")
        for name in ("hello", "two-hosts", "json-api"):
            shown = re.findall(r"(?m)^curl .*\n.+$", (EXAMPLES / name / "README.md").read_text("utf-8"))
            self.assertTrue(shown and any(each in text for each in shown), name)
