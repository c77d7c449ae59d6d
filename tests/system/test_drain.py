"""
The end of a daemon under load: what is in flight ends well, what is new is told so, and a proxy in front loses nothing.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest

from tests.system.case import SystemTestCase
from tests.system.client import Answer, Client, RawClient, fetch
from tests.system.daemon import PATIENCE, Daemon, free_port, wait_until, write_apps
from tests.system.load import Load

RESTARTS = int(os.environ.get("NANO_TEST_RESTARTS") or "4")

#: What takes longer than a moment, in each of the ways that there are; the log says when it has begun.
SOURCE = """
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const encoder = new TextEncoder();
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === "/") return new Response("hello");
  if (env.TELL) console.log("begun");
  if (pathname === "/slow") { await sleep(env.SLOW_MS); return new Response("slow"); }
  if (pathname === "/upload") {
    let size = 0;
    for await (const chunk of request.body) size += chunk.length;
    return new Response(String(size));
  }
  if (pathname === "/stream") {
    let number = 0;
    return new Response(new ReadableStream({
      async pull(controller) {
        if (number === 10) return controller.close();
        if (number) await sleep(env.SLOW_MS / 10);
        controller.enqueue(encoder.encode(`${number++}\\n`));
      },
    }));
  }
  ctx.waitUntil(sleep(env.SLOW_MS).then(() => console.log("waited for")));
  return new Response("at once");
} };
"""
STREAM = b"".join(b"%d\n" % number for number in range(10))
CHUNKS = 10


class Visitors:
    """
    Clients on threads, and what came of each.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[str, object]] = []
        self._threads: list[threading.Thread] = []

    def start(self, name: str, request: Callable[[], object]) -> None:
        """Let a client make a request."""
        self._threads.append(threading.Thread(target=self._run, args=(name, request), daemon=True))
        self._threads[-1].start()

    def _run(self, name: str, request: Callable[[], object]) -> None:
        try:
            answer = request()
        except (OSError, http.client.HTTPException) as error:
            answer = repr(error)
        self.answers.append((name, answer))

    def wait(self) -> None:
        """Wait until all have their answers."""
        for thread in self._threads:
            thread.join(PATIENCE)


class DrainTests(SystemTestCase):
    """
    SIGTERM with all kinds of work in flight.
    """

    workers = 0
    slow_ms = 3000

    def serve_slowly(self, slow_ms: int, **config: Any) -> Daemon:
        """A daemon whose app takes its time."""
        keys = {"a": {"env": {"SLOW_MS": slow_ms, "TELL": True}}}
        return self.launch({"a": SOURCE}, keys, workers=self.workers, log={"access": False}, **config)

    def begin(self, daemon: Daemon, visitors: Visitors, go_on: threading.Event) -> None:
        """Eight of each kind, all of them under way."""

        def upload() -> Iterator[bytes]:
            yield b"x" * 1000
            go_on.wait(PATIENCE)
            for _ in range(CHUNKS - 1):
                yield b"x" * 1000

        def get(path: str) -> Callable[[], object]:
            return lambda: fetch(daemon.port, "a", path).body

        for _ in range(8):
            visitors.start("slow", get("/slow"))
            visitors.start("stream", get("/stream"))
            visitors.start("upload", lambda: fetch(daemon.port, "a", "/upload", "POST", body=upload()).body)
            self.assertEqual(fetch(daemon.port, "a", "/wait").body, b"at once")
        self.until_begun(daemon, 32)

    def until_begun(self, daemon: Daemon, count: int) -> None:
        """Wait until so many requests have come to the handler."""
        daemon.until(lambda: daemon.messages("a").count("begun") == count, "the requests")

    def test_everything_ends(self) -> None:
        """Streams, uploads, slow handlers and waitUntil end as if nothing were; what is new is told to go elsewhere."""
        daemon = self.serve_slowly(self.slow_ms)
        visitors, go_on = Visitors(), threading.Event()
        self.addCleanup(go_on.set)
        self.begin(daemon, visitors, go_on)
        daemon.signal(signal.SIGTERM)
        daemon.until_draining()
        for _ in range(8):
            self.assert_refused(fetch(daemon.port, "a"))
            self.assertEqual(fetch(daemon.port, "nobody", "/healthz").status, 503)
        go_on.set()
        self.ended(daemon)
        visitors.wait()
        wanted = {"slow": b"slow", "stream": STREAM, "upload": b"%d" % (CHUNKS * 1000)}
        self.assertEqual(sorted(visitors.answers, key=repr), sorted(list(wanted.items()) * 8, key=repr))
        self.assertEqual(daemon.messages("a").count("waited for"), 8)
        self.assertNotIn("drain-timeout", daemon.log)

    def assert_refused(self, answer: Answer) -> None:
        """An answer is that of a server that drains."""
        self.assert_error(answer, 503, "draining")
        self.assertEqual(answer.header("connection"), "close")
        self.assertGreaterEqual(int(answer.header("retry-after") or 0), 1)

    def test_under_load(self) -> None:
        """
        With 64 busy connections, none is reset: each request is answered, or its connection was closed before it.
        """
        daemon = self.serve_slowly(1)
        refused: list[str] = []

        def visit(client: Client) -> str | None:
            try:
                answer = client.fetch("a")
            except (http.client.RemoteDisconnected, ConnectionRefusedError, BrokenPipeError) as error:
                # Closed while idle, as the request was on its way: a client sends it again elsewhere.
                client.close()
                refused.append(repr(error))
                return None
            if answer.status == 503 and answer.error == "draining" and answer.header("connection") == "close":
                client.close()
                refused.append("503")
                return None
            return None if (answer.status, answer.body) == (200, b"hello") else repr(answer)

        with RawClient(daemon.port) as holder:
            # It keeps the drain going while the others try again.
            holder.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1")
            self.until_begun(daemon, 1)
            with Load(daemon.port, visit) as load:
                load.wait_for(500)
                daemon.signal(signal.SIGTERM)
                daemon.until(lambda: "503" in refused, "refusals")
                load.wait_for(500)
            holder.send(b"2")
            self.assertIn(b" 200 ", holder.read_head())
            self.assertEqual(holder.read_all(), b"2")
        self.ended(daemon)
        self.assertEqual(load.wrong, [])

    def test_timers(self) -> None:
        """Timers of an app that has drained stop, whatever else goes on."""
        ticking = "setInterval(() => console.log('tick'), 5); export default { fetch: () => new Response('x') };"
        admin_port = free_port()
        admin = {"listen": f"tcp:{admin_port}:interface=127.0.0.1", "token": "t0ken"}
        daemon = self.serve(
            {"a": SOURCE, "b": ticking}, {"a": {"env": {"SLOW_MS": 20}}}, workers=self.workers, admin=admin
        )
        daemon.until(lambda: "tick" in daemon.messages("b"), "the timer")
        headers = (("Authorization", "Bearer t0ken"),)
        answer = fetch(admin_port, "localhost", "/admin/apps/b", "DELETE", headers=headers)
        self.assertEqual((answer.status, answer.json["result"]), (200, "drained"))
        # What was written before the answer may still be on its way into the log.
        self.assertEqual(fetch(daemon.port, "a", "/slow").body, b"slow")
        before = daemon.messages("b").count("tick")
        for _ in range(20):
            self.assertEqual(fetch(daemon.port, "a", "/slow").body, b"slow")
        self.assertEqual(daemon.messages("b").count("tick"), before)

    def test_admin_listener(self) -> None:
        """The admin listener tells how it drains until it is over."""
        admin_port = free_port()
        admin = {"listen": f"tcp:{admin_port}:interface=127.0.0.1", "token": "t0ken"}
        daemon = self.serve_slowly(1500, admin=admin)
        # One worker answers requests while the other one is still loading.
        daemon.until(lambda: fetch(admin_port, "localhost", "/readyz").status == 200, "readiness")
        visitors = Visitors()
        visitors.start("slow", lambda: fetch(daemon.port, "a", "/slow").body)
        self.until_begun(daemon, 1)
        self.assertEqual(fetch(admin_port, "localhost", "/readyz").status, 200)
        daemon.signal(signal.SIGTERM)
        daemon.until(lambda: fetch(admin_port, "localhost", "/readyz").status == 503, "the drain")
        self.assertEqual(fetch(admin_port, "localhost", "/health").status, 503)
        self.assertEqual(fetch(admin_port, "localhost", "/livez").status, 200)
        self.ended(daemon)
        visitors.wait()
        self.assertEqual(visitors.answers, [("slow", b"slow")])


class DrainOfWorkersTests(DrainTests):
    """
    The same with two workers.
    """

    workers = 2


#: What deploy/nginx/nano.conf says, as much of it as matters here.
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/nano.conf;
}}
"""


class RollingRestartTests(SystemTestCase):
    """
    Two instances behind a proxy, restarted in turn.
    """

    workers = 0

    def test_nginx(self) -> None:
        """The client sees no failure at all."""
        self.check("nginx", self.start_nginx)

    def test_haproxy(self) -> None:
        """Nor does it behind another proxy."""
        self.check("haproxy", self.start_haproxy)

    def check(self, name: str, start: Callable[[str, Path, int, list[int]], None]) -> None:
        """Restart the instances behind a proxy, with visitors all the time."""
        proxy = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
        if proxy is None:
            raise SkipTest(f"{name} is not installed; .ci/run installs it")
        ports = [free_port(), free_port()]
        instances = [self.instance(port) for port in ports]
        front = free_port()
        start(proxy, self.folder(), front, ports)
        turn = [0]

        def visit(client: Client) -> str | None:
            turn[0] += 1
            path = ("/", "/slow", "/stream", "/")[turn[0] % 4]
            answer = client.fetch("a", path)
            good = {"/": b"hello", "/slow": b"slow", "/stream": STREAM}[path]
            return None if (answer.status, answer.body) == (200, good) else repr(answer)

        with Load(front, visit, 16) as load:
            for number in range(RESTARTS):
                load.wait_for(100)
                instances[number % 2].signal(signal.SIGTERM)
                self.ended(instances[number % 2])
                load.wait_for(100)
                instances[number % 2] = self.instance(ports[number % 2])
                # The next one goes when the proxy has noticed that this one is back, as in real life.
                self.until_begun(instances[number % 2])
            load.wait_for(100)
        self.assertEqual(load.wrong, [])
        for instance in instances:
            self.stop(instance)

    def until_begun(self, daemon: Daemon) -> None:
        """Wait until an instance gets requests."""
        daemon.until(lambda: "begun" in daemon.messages("a"), "requests")

    def instance(self, port: int) -> Daemon:
        """One of the two."""
        folder = self.folder()
        write_apps(folder, {"a": SOURCE})
        config: dict[str, Any] = {
            "port": port,
            "workers": self.workers,
            "apps": [{"name": "a", "path": "a", "env": {"SLOW_MS": 100, "TELL": True}}],
            "log": {"access": False},
        }
        daemon = self.start(folder, config)
        daemon.wait_until_ready()
        return daemon

    def start_nginx(self, nginx: str, folder: Path, port: int, upstreams: list[int]) -> None:
        """nginx with the configuration of deploy/."""
        text = self.configuration("nginx/nano.conf", upstreams)
        text = text.replace("listen 80 ", f"listen 127.0.0.1:{port} ").replace("listen [::]:80 default_server;", "")
        (folder / "nano.conf").write_text(text)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
        self.start_proxy([nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")], port)

    def start_haproxy(self, haproxy: str, folder: Path, port: int, upstreams: list[int]) -> None:
        """HAProxy with the configuration of deploy/."""
        text = self.configuration("haproxy/haproxy.cfg", upstreams).replace("bind :80", f"bind 127.0.0.1:{port}")
        # Where these tests run there may not be room for so many.
        text = text.replace("maxconn 20000", "maxconn 200")
        (folder / "haproxy.cfg").write_text(text)
        self.start_proxy([haproxy, "-q", "-f", str(folder / "haproxy.cfg")], port)

    def configuration(self, file: str, upstreams: list[int]) -> str:
        """A file of deploy/, for these ports."""
        text = (Path(__file__).parents[2] / "deploy" / file).read_text()
        for example, upstream in zip(("127.0.0.1:8081", "127.0.0.1:8082"), upstreams, strict=True):
            self.assertIn(example, text)
            text = text.replace(example, f"127.0.0.1:{upstream}")
        return text

    def start_proxy(self, command: list[str], port: int) -> None:
        """Start it, and wait until it serves."""
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def answers() -> bool:
            try:
                return fetch(port, "a").status == 200
            except (ConnectionError, http.client.HTTPException):
                return False

        wait_until(answers, command[0])
