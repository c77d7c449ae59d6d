# -*- test-case-name: tests.system.test_streams -*-
"""
Streams and clients that are slow, many or gone: nothing is lost, and nothing is held for them.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable

from tests.system.case import MB, SystemTestCase
from tests.system.client import MOST, RawClient
from tests.system.daemon import PATIENCE, Daemon
from tests.system.load import holdings

#: By how much the daemon may grow, whatever goes through it.
GROWTH = 32 * MB
LARGE = 200 * MB

SOURCE = """
const state = { produced: 0, entered: 0, open: 0 };
const ways = {
  make(request, bytes) {
    let left = Number(bytes);
    state.produced = 0;
    return new Response(new ReadableStream({ type: "bytes", pull(controller) {
      const chunk = new Uint8Array(Math.min(left, 262144));
      left -= chunk.length;
      state.produced += chunk.length;
      controller.enqueue(chunk);
      if (left === 0) controller.close();
    } }, { highWaterMark: 0 }));
  },
  async count(request) {
    state.entered++;
    let count = 0;
    for await (const chunk of request.body) count += chunk.length;
    return new Response(`${count}`);
  },
  events(request, count) {
    let timer, sent = 0;
    state.open++;
    return new Response(new ReadableStream({
      start(controller) {
        timer = setInterval(() => {
          controller.enqueue(new TextEncoder().encode(`data: ${sent++}\\n\\n`));
          if (sent === Number(count)) this.cancel(), controller.close();
        }, 20);
      },
      cancel() { clearInterval(timer), state.open--; },
    }));
  },
  proxy: (request, port) => fetch(`http://127.0.0.1:${port}/`),
  state: () => Response.json(state),
};
export default { fetch(request) {
  const [, way, argument] = new URL(request.url).pathname.split("/");
  return ways[way](request, argument);
} };"""


def ask(path: str, method: str = "GET", length: int = 0) -> bytes:
    """A request."""
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()


class Upstream:
    """
    A server of somebody else's: answers one request with LARGE bytes, as fast as they are taken.

    Attributes:
        sent: how many bytes of them have been taken.
        ended: set when all are, or the other side is gone.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._listener, self._listener.accept()[0] as connection:
            connection.settimeout(PATIENCE)
            connection.recv(MOST)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
            piece = memoryview(bytes(65536))
            try:
                while self.sent < LARGE:
                    self.sent += connection.send(piece[: LARGE - self.sent])
            except ConnectionError:
                pass
            self.ended.set()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()


class FlowTests(SystemTestCase):
    """
    Attributes:
        daemon: serves the app; has served each way once.
        before: bytes that it has in memory.
    """

    def setUp(self) -> None:
        self.daemon: Daemon = self.serve({"a": SOURCE}, {"a": {"max_body_mb": 1000, "timeout_ms": 60_000}})
        self.fetch(self.daemon, "a", f"/make/{4 * MB}")
        self.fetch(self.daemon, "a", "/count", method="POST", body=bytes(4 * MB))
        self.before = holdings(self.daemon.process.pid)

    def state(self, name: str) -> int:
        """A figure of the app's."""
        value: int = self.fetch(self.daemon, "a", "/state").json[name]
        return value

    def at_rest(self, figure: Callable[[], int]) -> int:
        """A figure that does not change any more while other requests are served."""
        before = -1
        while (now := figure()) != before:
            before = now
            for _ in range(20):
                self.state("open")
        return now

    def assert_small(self) -> None:
        """The daemon has hardly grown."""
        self.assertLess(holdings(self.daemon.process.pid).resident - self.before.resident, GROWTH)

    def test_slow_reader(self) -> None:
        """The app makes less than 1 MB more than its client reads, at any time, and nothing piles up."""
        with RawClient(self.daemon.port) as client:
            # What the client's kernel takes of its own accord is not ours.
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.send(ask(f"/make/{LARGE}"))
            read = 0
            for _ in range(3):
                self.assertLess(self.at_rest(lambda: self.state("produced")) - read, MB)
                read += len(client.read(MB))
        self.assert_small()

    def test_large_response(self) -> None:
        """What goes through is not held."""
        with RawClient(self.daemon.port) as client:
            client.send(ask(f"/make/{LARGE}"))
            left = LARGE
            while left > 0:
                left -= len(client.socket.recv(MOST))
        self.assert_small()

    def test_upload(self) -> None:
        """The app begins with the first of an upload, and none of it is held."""
        with RawClient(self.daemon.port) as client:
            client.send(ask("/count", "POST", LARGE) + bytes(MB // 2))
            self.daemon.until(lambda: self.state("entered") == 2, "the handler to be entered")
            piece = bytes(MB // 2)
            for _ in range(LARGE // len(piece) - 1):
                client.send(piece)
            self.assertIn(b"200 OK", client.read_head())
            self.assertEqual(int(client.read(len(str(LARGE)))), LARGE)
        self.assert_small()

    def test_pass_through(self) -> None:
        """What only passes is not held either, for a client that is slow or that is not."""
        upstream = Upstream()
        with RawClient(self.daemon.port) as client:
            client.send(ask(f"/proxy/{upstream.port}"))
            self.assertIn(b"200 OK", client.read_head())
            # What the kernel holds for both connections is not ours; that is less than this on all systems.
            self.assertLess(self.at_rest(lambda: upstream.sent), LARGE // 4)
            left = LARGE
            while left > 0:
                left -= len(client.read(min(left, MOST)))
        upstream.join()
        self.assertEqual(upstream.sent, LARGE)
        self.assert_small()

    def test_pass_through_to_nobody(self) -> None:
        """A client that leaves ends the connection that its body comes from."""
        upstream = Upstream()
        with RawClient(self.daemon.port) as client:
            client.send(ask(f"/proxy/{upstream.port}"))
            self.assertIn(b"200 OK", client.read_head())
        self.assertTrue(upstream.ended.wait(PATIENCE))
        upstream.join()
        self.assertLess(upstream.sent, LARGE)

    def test_events(self) -> None:
        """Events to many clients: each gets all of them, in their order."""
        clients, count = 100, 25
        received: dict[int, bytes] = {}
        waiting = selectors.DefaultSelector()
        for number in range(clients):
            client = RawClient(self.daemon.port)
            self.addCleanup(client.close)
            client.send(ask(f"/events/{count}"))
            waiting.register(client.socket, selectors.EVENT_READ, number)
            received[number] = b""
        while waiting.get_map():
            ready = waiting.select(PATIENCE)
            self.assertTrue(ready, "no events come")
            for key, _ in ready:
                assert isinstance(key.fileobj, socket.socket)
                received[key.data] += key.fileobj.recv(MOST)
                if received[key.data].endswith(b"\r\n0\r\n\r\n"):
                    waiting.unregister(key.fileobj)
        for data in received.values():
            events = [int(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]
            self.assertEqual(events, list(range(count)))

    def test_vanishing_clients(self) -> None:
        """Clients that leave in the midst of a response leave nothing behind."""
        for _ in range(3):
            clients = [RawClient(self.daemon.port) for _ in range(200)]
            for client in clients:
                client.send(ask("/events/1000000"))
            for client in clients:
                self.assertIn(b"200 OK", client.read_head())
            self.assertEqual(self.state("open"), len(clients))
            for client in clients:
                client.close()
            self.daemon.until(lambda: self.state("open") == 0, "the streams to be cancelled")
        self.daemon.until(
            lambda: holdings(self.daemon.process.pid).descriptors <= self.before.descriptors, "the sockets to be closed"
        )
        self.assertLessEqual(holdings(self.daemon.process.pid).threads, self.before.threads)
