# -*- test-case-name: tests.cli.test_daemon -*-
"""
A running daemon, as a command finds it and talks to it: the admin API from the other side.

Commands ask one thing after the other and have nothing else to do meanwhile, so requests simply block; there is no
reactor, and Ctrl-C is Python's own.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from nano.addresses import Reachable, reachable
from nano.cli.problems import CommandError
from nano.config import load_admin_config, usable_token

__all__ = ["Daemon", "Refusal", "app_path", "find_daemon"]

#: How long a connection, and an answer that needs no work, may take, in seconds.
_PATIENCE = 10.0
_DEFAULT = "app.json"


class Refusal(CommandError):
    """
    The daemon does not do what it was asked.

    Attributes:
        code: the word of the `nano-error` header, "" if there is none.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _UnixConnection(http.client.HTTPConnection):
    """To a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Called with the first request (HTTPConnection)."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Daemon:
    """
    The admin API of a daemon.

    Args:
        way: where it listens.
        token: what to show, None for nothing.
        origin: who says that it is there, for messages.
    """

    def __init__(self, way: Reachable, token: str | None, origin: str) -> None:
        self._way = way
        self._token = token
        self._origin = origin

    @property
    def address(self) -> str:
        """Where it listens, for people."""
        return self._way.url().removesuffix("/")

    def ask(self, method: str, path: str, patience: float | None = _PATIENCE) -> Any:
        """
        The answer to a request, read from JSON.

        Args:
            path: below the root.
            patience: how long each step may take, in seconds; None: as long as it takes.

        Raises:
            Refusal: it says no.
            CommandError: there is no answer, or none of nano's.
        """
        with self._response(method, path, patience) as response:
            return _json_of(response.read(), self.address)

    def lines(self, path: str) -> Iterator[Any]:
        """
        The lines of an answer that does not end, each read from JSON; ends when the daemon does.

        Raises:
            Refusal, CommandError: as above.
        """
        with self._response("GET", path, None) as response:
            while line := response.readline():
                if line.strip():
                    yield _json_of(line, self.address)

    @contextmanager
    def _response(self, method: str, path: str, patience: float | None) -> Iterator[http.client.HTTPResponse]:
        connection = self._connection()
        try:
            connection.connect()
            connection.sock.settimeout(patience)
            headers = {"Accept": "application/json"}
            if self._token is not None:
                headers["Authorization"] = f"Bearer {self._token}"
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            if response.status >= 300:
                raise self._refusal(response)
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise self._silence(error) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        scheme, host, port = self._way
        if scheme == "unix":
            return _UnixConnection(host)
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_PATIENCE)
        return http.client.HTTPConnection(host, port, timeout=_PATIENCE)

    def _silence(self, error: Exception) -> CommandError:
        """Nobody answers, or not in HTTP."""
        if isinstance(error, FileNotFoundError):
            reason, advice = "there is no such socket", "is the daemon running?"
        elif isinstance(error, ConnectionRefusedError):
            reason, advice = "the connection was refused", "is the daemon running?"
        elif isinstance(error, PermissionError):
            reason, advice = "permission denied", "run the command as the user of the daemon"
        elif isinstance(error, TimeoutError):
            reason, advice = "there was no answer in time", "is it busy, or behind a firewall?"
        elif isinstance(error, (http.client.HTTPException, ConnectionError)):
            reason, advice = "the connection was closed without an answer", "has the daemon just been stopped?"
        else:
            reason = str(getattr(error, "strerror", None) or error)
            advice = "give the address with --url"
        return CommandError(f"cannot reach the daemon at {self.address} ({self._origin}): {reason}; {advice}")

    def _refusal(self, response: http.client.HTTPResponse) -> CommandError:
        code = response.getheader("nano-error") or ""
        body = response.read()
        if response.status == 401 and code:
            given = "the token that was given is wrong" if self._token else "it wants a token"
            return Refusal(f"the daemon at {self.address} says no: {given}; use --token or NANO_ADMIN_TOKEN", code)
        problem = _json_of(body, self.address)
        if not isinstance(problem, dict) or "detail" not in problem:
            return _stranger(self.address)
        lines = [str(problem["detail"])]
        for part in problem.get("errors", ()):
            lines.append(": ".join(str(part[key]) for key in ("place", "path", "detail") if part.get(key)))
        return Refusal("\n  ".join(lines), code)


def _json_of(data: bytes, address: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise _stranger(address) from None


def _stranger(address: str) -> CommandError:
    return CommandError(
        f"what answers at {address} is not the admin API of nano; see admin.listen in its configuration"
    )


# --- finding it --------------------------------------------------------------------------------


def find_daemon(options: Namespace, environ: Mapping[str, str]) -> Daemon:
    """
    The daemon that the options of a command mean.

    Args:
        options: with `config`, `url` and `token`, each may be None.
        environ: for NANO_ADMIN_URL and NANO_ADMIN_TOKEN.

    Raises:
        CommandError: nothing says where it is, or the token is none.
        ConfigError: the configuration that should say so is wrong.
    """
    token = _token(options.token, "--token") or _token(environ.get("NANO_ADMIN_TOKEN"), "NANO_ADMIN_TOKEN")
    if options.url:
        return Daemon(_way(options.url, "--url"), token, "--url")
    url = environ.get("NANO_ADMIN_URL")
    if url and not options.config:
        return Daemon(_way(url, "NANO_ADMIN_URL"), token, "NANO_ADMIN_URL")
    file = options.config or _DEFAULT
    if not options.config and not os.path.exists(file):
        raise CommandError(
            "which daemon? Give --config FILE, --url URL or NANO_ADMIN_URL; there is no app.json in this folder"
        )
    return _configured(file, environ, token)


def _token(text: str | None, origin: str) -> str | None:
    """
    A token that can be sent; None if none is given.

    Raises:
        CommandError: it is none; nobody is shown what it is.
    """
    try:
        return usable_token(text).reveal() if text else None
    except ValueError as error:
        raise CommandError(f"{origin}: {error}") from None


def _way(url: str, origin: str) -> Reachable:
    """
    The way to what a URL names.

    Raises:
        CommandError: it names nothing.
    """
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        return Reachable("unix", f"/{path.lstrip('/')}" if path.startswith("//") else path)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise CommandError(f"{origin} must be http://HOST:PORT, https://HOST:PORT or unix:PATH, is {url!r}")
    return Reachable(parts.scheme, parts.hostname, port or {"http": 80, "https": 443}[parts.scheme])


def _configured(file: str, environ: Mapping[str, str], token: str | None) -> Daemon:
    admin = load_admin_config(file, environ, token)
    if admin is None:
        example = '"admin": {"listen": "unix:.nano/admin.sock:mode=600"}'
        raise CommandError(
            f"{file} has no admin section, so its daemon takes no commands; add {example} and restart it"
        )
    way = reachable(admin.listen)
    if way is None:
        raise CommandError(f"{file} does not say where {admin.listen} can be reached; give the address with --url")
    secret = admin.secret
    return Daemon(way, token or (secret.reveal() if secret is not None else None), f"admin.listen of {file}")


def app_path(name: str) -> str:
    """The path of an app in the API."""
    return f"/admin/apps/{quote(name, safe='')}"
