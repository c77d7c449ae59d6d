# -*- test-case-name: tests.cli.test_daemon -*-
"""
Finding a daemon, and servers that are none.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from argparse import Namespace
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from nano.addresses import Reachable
from nano.cli.daemon import Daemon, Refusal, app_path, find_daemon
from nano.cli.problems import CommandError
from nano.errors import ConfigError


class FindTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "app.json"

    def write(self, admin: Any) -> str:
        """A configuration that is wrong in all other respects."""
        self.file.write_text(json.dumps({"bogus": 1, "apps": [{"env": {"A": {"from_env": "GONE"}}}], "admin": admin}))
        return str(self.file)

    def find(self, environ: dict[str, str] | None = None, **options: str) -> tuple[str, str | None]:
        """Address and token of the daemon that is found."""
        daemon = find_daemon(Namespace(**{"config": None, "url": None, "token": None, **options}), environ or {})
        return daemon.address, daemon._token

    def fails(self, environ: dict[str, str] | None = None, **options: str) -> str:
        """Why none is found."""
        return str(self.assertRaises((CommandError, ConfigError), self.find, environ, **options))

    def test_urls(self) -> None:
        """An address can be given."""
        for url, address in (
            ("http://localhost:9090", "http://localhost:9090"),
            ("http://192.0.2.1", "http://192.0.2.1"),
            ("https://[2001:db8::1]:9090/", "https://[2001:db8::1]:9090"),
            ("unix:/run/nano.sock", "unix:/run/nano.sock"),
            ("unix:///run/nano.sock", "unix:/run/nano.sock"),
            ("unix:nano.sock", "unix:nano.sock"),
        ):
            self.assertEqual(self.find(url=url), (address, None))

    def test_no_urls(self) -> None:
        """What is no address is refused."""
        for url in ("", "localhost:9090", "ftp://localhost", "http://", "http://localhost:x", "http://localhost/admin"):
            if url:
                self.assertIn("must be http://HOST:PORT", self.fails(url=url))
        self.assertIn("NANO_ADMIN_URL must be", self.fails({"NANO_ADMIN_URL": "nowhere"}))

    def test_configuration(self) -> None:
        """The configuration says where the daemon listens and what it wants to see, whatever else is in it."""
        file = self.write({"listen": "tcp:9090:interface=127.0.0.1", "token": "secret"})
        self.assertEqual(self.find(config=file), ("http://localhost:9090", "secret"))
        (self.folder / "token").write_text("from-file\n")
        self.write({"listen": "ssl:9090:privateKey=k", "token_file": "token"})
        self.assertEqual(self.find(config=file), ("https://localhost:9090", "from-file"))
        self.write({"listen": "unix:.nano/admin.sock"})
        self.assertEqual(self.find(config=file), (f"unix:{self.folder}/.nano/admin.sock", None))

    def test_precedence(self) -> None:
        """Options win over the environment, and that over the file of this folder."""
        file = self.write({"listen": "tcp:1", "token": "of-file"})
        environ = {"NANO_ADMIN_URL": "http://e:2", "NANO_ADMIN_TOKEN": "of-environment"}
        self.assertEqual(self.find(environ, url="http://o:3", token="of-option"), ("http://o:3", "of-option"))
        self.assertEqual(self.find(environ, config=file), ("http://localhost:1", "of-environment"))
        self.assertEqual(self.find(config=file), ("http://localhost:1", "of-file"))
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        self.assertEqual(self.find(environ), ("http://e:2", "of-environment"))
        self.assertEqual(self.find(), ("http://localhost:1", "of-file"))

    def test_token_elsewhere(self) -> None:
        """With a token at hand, that of the daemon need not be readable."""
        file = self.write({"listen": "tcp:1", "token": {"from_env": "GONE"}})
        self.assertIn("GONE is not set", self.fails(config=file))
        self.assertEqual(self.find(config=file, token="mine"), ("http://localhost:1", "mine"))
        self.write({"listen": "tcp:1", "token_file": "gone"})
        self.assertEqual(self.find(config=file, token="mine"), ("http://localhost:1", "mine"))

    def test_no_tokens(self) -> None:
        """What cannot be sent is refused where it comes from, and not shown; blanks around a token are none of it."""
        self.assertEqual(self.find({"NANO_ADMIN_TOKEN": " s3cret\r\n"}, url="http://o:3"), ("http://o:3", "s3cret"))
        file = self.write({"listen": "tcp:1", "token": "of-file"})
        for token in ("s3cret\u20ac", "s3\r\ncret", "s3cret\x7f", "s3 cret", "s3cret\udc80"):
            environ = {"NANO_ADMIN_TOKEN": token}
            for message, origin in (
                (self.fails(url="http://o:3", token=token), "--token"),
                (self.fails(config=file, token=token), "--token"),
                (self.fails(environ, url="http://o:3"), "NANO_ADMIN_TOKEN"),
                (self.fails(environ, config=file), "NANO_ADMIN_TOKEN"),
            ):
                self.assertTrue(message.startswith(f"{origin}: a token is"), message)
                self.assertNotIn("s3", message)

    def test_not_found(self) -> None:
        """Where nothing says where it is, a message says what could."""
        self.file.write_text("{}")
        self.assertIn("has no admin section", self.fails(config=str(self.file)))
        self.write({"listen": "systemd:domain=INET:index=0", "token": "t"})
        self.assertIn("give the address with --url", self.fails(config=str(self.file)))
        self.write({"listen": "tcp:1"})
        self.assertIn("needs token or token_file", self.fails(config=str(self.file)))
        self.assertIn("No such file", self.fails(config=str(self.folder / "gone.json")))
        self.assertIn("which daemon?", self.fails())


class AnswerTests(SynchronousTestCase):
    """Servers with an answer of their own."""

    def serve(self, answer: bytes) -> Daemon:
        """One that gives *answer* to its only client; what it was asked is in `asked`."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.asked = b""

        def run() -> None:
            connection, _ = listener.accept()
            while b"\r\n\r\n" not in self.asked:
                self.asked += connection.recv(65536)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.close)
        return Daemon(Reachable("http", "127.0.0.1", listener.getsockname()[1]), "tok", "--url")

    def answer(self, body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
        """An HTTP response."""
        return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body

    def refusal(self, answer: bytes) -> CommandError:
        """What becomes of an answer."""
        error: CommandError = self.assertRaises(CommandError, self.serve(answer).ask, "GET", "/admin/apps")
        return error

    def test_good(self) -> None:
        """JSON comes back; the token goes there."""
        self.assertEqual(self.serve(self.answer(b'{"a": 1}')).ask("GET", "/admin/apps"), {"a": 1})
        self.assertTrue(self.asked.startswith(b"GET /admin/apps HTTP/1.1\r\n"))
        self.assertIn(b"\r\nAuthorization: Bearer tok\r\n", self.asked)

    def test_lines(self) -> None:
        """Lines are read as they come, signs of life are passed over."""
        daemon = self.serve(
            b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"a":1\r\n2\r\n}\n\r\n1\r\n\n\r\n'
            b'8\r\n{"a":2}\n\r\n0\r\n\r\n'
        )
        self.assertEqual(list(daemon.lines("/admin/logs")), [{"a": 1}, {"a": 2}])

    def test_problem(self) -> None:
        """A problem is told with all its parts."""
        problem = {"detail": "it is bad", "errors": [{"path": "a.b", "detail": "odd", "place": "x:1"}, {"detail": "c"}]}
        error = self.refusal(self.answer(json.dumps(problem).encode(), "422 No", "nano-error: invalid-config\r\n"))
        assert isinstance(error, Refusal)
        self.assertEqual((str(error), error.code), ("it is bad\n  x:1: a.b: odd\n  c", "invalid-config"))

    def test_token(self) -> None:
        """A wrong token is told as that."""
        error = self.refusal(self.answer(b"{}", "401 No", "nano-error: unauthorized\r\n"))
        self.assertIn("the token that was given is wrong; use --token or NANO_ADMIN_TOKEN", str(error))

    def test_strangers(self) -> None:
        """What is not nano is told from what is."""
        for answer in (
            self.answer(b"<html>"),
            self.answer(b"<html>", "404 Not Found"),
            self.answer(b"{}", "500 No"),
            self.answer(b"", "401 No"),
        ):
            self.assertIn("is not the admin API of nano", str(self.refusal(answer)))

    def test_no_http(self) -> None:
        """A connection that is closed, or speaks something else, is a message."""
        for answer in (b"", b"SSH-2.0\r\n"):
            self.assertIn("closed without an answer", str(self.refusal(answer)))

    def test_nobody(self) -> None:
        """Nobody at home: the message says where it was tried, and what to do."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        for way, text in (
            (Reachable("http", "127.0.0.1", port), "the connection was refused; is the daemon running?"),
            (Reachable("unix", "/nowhere/admin.sock"), "there is no such socket; is the daemon running?"),
            (Reachable("unix", "/" + "x" * 200), "path too long; give the address with --url"),
        ):
            error = self.assertRaises(CommandError, Daemon(way, None, "admin.listen of a.json").ask, "GET", "/")
            self.assertIn(
                f"cannot reach the daemon at {way.url().removesuffix('/')} (admin.listen of a.json)", str(error)
            )
            self.assertIn(text, str(error))

    def test_path(self) -> None:
        """A name is a single step of the path."""
        self.assertEqual(app_path("a/b?c"), "/admin/apps/a%2Fb%3Fc")
