"""
`python -m benchmarks.streaming`: bodies in both directions, at full speed, and where somebody is slow or leaves.

Each question is asked of each server in turn, in rounds; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.results import keep
from benchmarks.scenarios import Scenario
from benchmarks.servers import SERVERS, Server

__all__ = ["QUESTIONS", "main"]

MB = 1_000_000
#: What nano's defaults would cut off: bodies of gigabytes, and the CPU time that it takes to make or count them.
SCENARIO = Scenario("streaming", "streams", "streaming", keys={"max_body_mb": 4096, "timeout_ms": 600_000})

_PATIENCE = 60.0
#: Bytes that a client reads or writes at a time.
_PIECE = 1 << 20

Figures = dict[str, float]


class Question(NamedTuple):
    """What is asked, and how; figures go by their names, with their units."""

    title: str
    ask: Callable[[Server], Figures]


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("questions", nargs="*", choices=[*QUESTIONS, []], metavar="QUESTION")
    parser.add_argument("--servers", default="nano-1,workerd", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="keep the figures in results.json")
    parser.add_argument("--upstream", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.upstream is not None:
        pour(options.upstream)
        return
    measured = {
        name: measure(QUESTIONS[name], options.servers.split(","), options.rounds)
        for name in options.questions or QUESTIONS
    }
    if options.write:
        keep("streaming", measured)


def measure(question: Question, names: list[str], rounds: int) -> dict[str, Figures]:
    """All rounds of one question; the servers take turns."""
    figures: dict[str, list[Figures]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            with SERVERS[name](SCENARIO) as server:
                figures[name].append(question.ask(server))
    medians = {
        name: {figure: statistics.median(each[figure] for each in rounds) for figure in rounds[0]}
        for name, rounds in figures.items()
    }
    columns = list(medians[names[0]])
    print(f"\n{question.title}\n\n| server | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    for name, row in medians.items():
        print(f"| {name} | {' | '.join(f'{row[column]:,.1f}' for column in columns)} |", flush=True)
    return medians


# Clients.


def connect(server: Server, receive_buffer: int = 0) -> socket.socket:
    """A connection."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(_PATIENCE)
    connection.connect(("127.0.0.1", server.port))
    return connection


def head(path: str, method: str = "GET", length: int | None = None) -> bytes:
    """The head of a request; its connection ends with the response."""
    lines = [f"{method} {path} HTTP/1.1", "Host: app0.test", "Connection: close"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def read_all(connection: socket.socket) -> bytes:
    """The body of a small response."""
    pieces = []
    while piece := connection.recv(_PIECE):
        pieces.append(piece)
    connection.close()
    response_head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    if not response_head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"unexpected answer: {response_head[:200]!r} {body[:200]!r}")
    return body if b"chunked" not in response_head.lower() else body.partition(b"\r\n")[2].partition(b"\r\n")[0]


def get(server: Server, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
    """The body of the answer to one request."""
    connection = connect(server)
    connection.sendall(head(path, method, None if body is None else len(body)) + (body or b""))
    return read_all(connection)


def state(server: Server) -> dict[str, int]:
    """How far the app's streams have come."""
    value: dict[str, int] = json.loads(get(server, "/state"))
    return value


def download(server: Server, path: str, size: int) -> float:
    """MB/s of a response of so many bytes."""
    connection, buffer, received = connect(server), bytearray(_PIECE), 0
    began = time.perf_counter()
    connection.sendall(head(path))
    while count := connection.recv_into(buffer):
        received += count
    seconds = time.perf_counter() - began
    if received < size:
        raise SystemExit(f"{received} bytes came of {size}")
    return size / seconds / MB


def upload(connection: socket.socket, size: int) -> None:
    """Send so many bytes."""
    piece = memoryview(bytes(_PIECE))
    while size:
        size -= connection.send(piece[:size])


@contextmanager
def growth(server: Server, figures: Figures) -> Iterator[None]:
    """Put into *figures* by how much the server's processes have grown meanwhile, at most."""
    before, most, over = server.memory(), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], server.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    figures["growth MB"] = (max(most[0], server.memory()) - before) / MB


@contextmanager
def upstream() -> Iterator[int]:
    """The port of a server that sends so many bytes as its path says, as fast as can be."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.streaming", "--upstream", str(port)])
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        yield port
    finally:
        process.kill()
        process.wait()


def pour(port: int) -> None:
    """Be that server."""
    piece = memoryview(bytes(_PIECE))

    def serve(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        while line := lines.readline():
            left = int(line.split()[1][1:])
            while lines.readline() not in (b"\r\n", b""):
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
            while left:
                left -= connection.send(piece[:left])

    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


# Questions.


def warm_up(server: Server) -> None:
    """Have it done everything once that is measured."""
    download(server, f"/make/{100 * MB}", 100 * MB)
    get(server, "/count", "POST", bytes(20 * MB))
    get(server, "/state")


def ask_download(server: Server) -> Figures:
    warm_up(server)
    return {"MB/s": download(server, f"/make/{1000 * MB}", 1000 * MB)}


def ask_upload(server: Server) -> Figures:
    figures: Figures = {}
    warm_up(server)
    with growth(server, figures):
        size = 2000 * MB
        connection = connect(server)
        began = time.perf_counter()
        connection.sendall(head("/count", "POST", size))
        upload(connection, MB // 2)
        # It is in another request that the app says so: it has counted before all is sent.
        figures["entered before 1 MB"] = float(state(server)["entered"] == 2)
        upload(connection, size - MB // 2)
        if int(read_all(connection)) != size:
            raise SystemExit("the app has counted something else")
        figures["MB/s"] = size / (time.perf_counter() - began) / MB
    return figures


def ask_proxy(server: Server) -> Figures:
    with upstream() as port:
        download(server, f"/proxy/{port}/{100 * MB}", 100 * MB)
        return {"MB/s": download(server, f"/proxy/{port}/{2000 * MB}", 2000 * MB)}


def ask_slow(server: Server) -> Figures:
    """A client that reads 1 MB/s for 20 s, and how far the app is ahead of it."""
    figures: Figures = {}
    warm_up(server)
    with growth(server, figures):
        connection, received, ahead = connect(server, 65536), 0, 0
        connection.sendall(head(f"/make/{2000 * MB}"))
        began = time.monotonic()
        while (spent := time.monotonic() - began) < 20:
            if received < spent * MB:
                received += len(connection.recv(65536))
            else:
                ahead = max(ahead, state(server)["produced"] - received)
                time.sleep(0.05)
        connection.close()
    return {**figures, "most ahead kB": ahead / 1000, "MB read": received / MB}


def ask_events(server: Server, clients: int = 500, pause: float = 0.1, seconds: float = 30.0) -> Figures:
    """How long after they were made events come."""
    times = round(seconds / pause)
    waiting = selectors.DefaultSelector()
    late: list[float] = []
    for _ in range(clients):
        connection = connect(server)
        connection.sendall(head(f"/events/{pause * 1000:.0f}/{times}"))
        waiting.register(connection, selectors.EVENT_READ)
    while waiting.get_map():
        for key, _ in waiting.select(_PATIENCE):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            data = connection.recv(65536)
            if data:
                now = time.time() * 1000
                late += [now - int(line[6:]) for line in data.splitlines() if line.startswith(b"data: ")]
            else:
                waiting.unregister(connection)
                connection.close()
    late.sort()
    return {"lost": clients * times - len(late), "p99 ms": late[len(late) * 99 // 100], "most ms": late[-1]}


def ask_vanish(server: Server, clients: int = 1000) -> Figures:
    """What is left of clients that leave in the midst of a response, two seconds later."""
    warm_up(server)
    before = server.descriptors()
    connections = []
    for _ in range(clients):
        connection = connect(server)
        connection.sendall(head("/events/100/1000000"))
        connections.append(connection)
    for connection in connections:
        connection.recv(65536)
    for connection in connections:
        connection.close()
    time.sleep(2)
    return {"streams left": state(server)["open"], "descriptors left": server.descriptors() - before}


def ask_whole(server: Server) -> Figures:
    """What it takes to read 5 MB at once, from a client's first byte to its answer; and to parse a string in V8."""
    item = {"id": 17, "name": "a name of middling length", "tags": ["one", "two"], "price": 12.5}
    document = json.dumps([item] * (5 * MB // len(json.dumps(item)))).encode()

    def timed(path: str) -> float:
        spent = []
        for _ in range(9):
            began = time.perf_counter()
            get(server, path, "POST", document)
            spent.append((time.perf_counter() - began) * 1000)
        return statistics.median(spent[2:])

    parsed = (timed("/parse/10") - timed("/parse/0")) / 10
    return {"text ms": timed("/text"), "json ms": timed("/json"), "JSON.parse ms": parsed}


QUESTIONS = {
    "download": Question("1 GB response, made in chunks of 256 kB", ask_download),
    "upload": Question("2 GB upload, counted by the app", ask_upload),
    "proxy": Question("2 GB response of another server, passed through", ask_proxy),
    "slow": Question("2 GB response to a client that reads 1 MB/s for 20 s", ask_slow),
    "events": Question("10 events/s to each of 500 clients, for 30 s", ask_events),
    "vanish": Question("1,000 clients that vanish from the midst of a response", ask_vanish),
    "whole": Question("5 MB of JSON, read at once", ask_whole),
}


if __name__ == "__main__":
    main()
