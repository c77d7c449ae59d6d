# -*- test-case-name: tests.system.test_bodies -*-
"""
Bodies: in pieces as they come, and as large as memory allows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from nano.apps.app_log import LONGEST
from tests.system.case import MB, SystemTestCase
from tests.system.client import Client, RawClient

LARGE = 100 * MB

COUNT = """
export default { async fetch(request) {
  let bytes = 0, chunks = 0, sum = 0;
  for await (const chunk of request.body) { bytes += chunk.byteLength; chunks++; sum = (sum + chunk[0]) % 256; }
  return Response.json({ bytes, many: chunks > 1 });
} };"""


class StreamTests(SystemTestCase):
    """Pieces arrive when they are sent, not when all is there."""

    def test_server_sent_events(self) -> None:
        """The client has the first event before the app makes the second."""
        source = """
            let next;
            export default { fetch(request) {
              if (request.method === "POST") { next(); return new Response("ok"); }
              const alive = setInterval(() => {}, 1000);
              const encoder = new TextEncoder();
              let count = 0;
              const body = new ReadableStream({
                async pull(controller) {
                  if (count) await new Promise((resolve) => { next = resolve; });
                  controller.enqueue(encoder.encode(`data: ${++count}\\n\\n`));
                  if (count === 3) { clearInterval(alive); controller.close(); }
                },
              }, { highWaterMark: 0 });
              return new Response(body, { headers: { "content-type": "text/event-stream" } });
            } };"""
        daemon = self.serve({"a": source})
        with Client(daemon.port) as client, client.open("a") as response:
            self.assertEqual(response.getheader("content-type"), "text/event-stream")
            for count in (1, 2, 3):
                self.assertEqual(response.readline() + response.readline(), b"data: %d\n\n" % count)
                if count < 3:
                    # The app has asked for the next one when this is answered, since both are in one isolate.
                    self.assertEqual(self.fetch(daemon, "a", method="POST").text, "ok")
            self.assertEqual(response.read(), b"")

    def test_sizes_around_the_windows(self) -> None:
        """A whole body of any size ends, and its connection takes the next request."""
        source = """
            export default { fetch(request) {
              return new Response(new Uint8Array(Number(new URL(request.url).pathname.slice(1))));
            } };"""
        daemon = self.serve({"a": source})
        sizes = [edge + more for edge in (65_536, 100_000, 262_144, 524_288) for more in (-1, 0, 1)]
        with Client(daemon.port) as client:
            for size in [*sizes, *reversed(sizes)]:
                self.assertEqual(len(client.fetch("a", f"/{size}").body), size)

    def test_request_body_as_stream(self) -> None:
        """The app answers to the first piece of a body whose second is not sent yet."""
        source = """
            export default { fetch(request) {
              const upper = new TransformStream({ transform: (text, c) => c.enqueue(text.toUpperCase()) });
              return new Response(request.body.pipeThrough(new TextDecoderStream()).pipeThrough(upper)
                .pipeThrough(new TextEncoderStream()));
            } };"""
        daemon = self.serve({"a": source})
        with RawClient(daemon.port) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.send(b"5\r\nfirst\r\n")
            self.assertIn(b"200 OK", client.read_head())
            self.assertEqual(client.read(10), b"5\r\nFIRST\r\n")
            client.send(b"6\r\nsecond\r\n0\r\n\r\n")
            self.assertEqual(client.read(16), b"6\r\nSECOND\r\n0\r\n\r\n")

    def test_unread_body(self) -> None:
        """A body that the app leaves alone does not stop the next request on the connection."""
        daemon = self.serve({"a": "export default { fetch: () => new Response('no thanks') };"})
        with Client(daemon.port) as client:
            for _ in range(3):
                self.assertEqual(client.fetch("a", method="POST", body=b"x" * 300_000).body, b"no thanks")

    def test_pass_through(self) -> None:
        """A request's body may be the response's."""
        daemon = self.serve({"a": "export default { fetch: (request) => new Response(request.body) };"})
        body = os.urandom(3 * MB)
        self.assertEqual(self.fetch(daemon, "a", method="POST", body=body).body, body)


class LargeTests(SystemTestCase):
    """100 MB of anything."""

    def test_upload(self) -> None:
        """An app with little memory can count a large upload, as a stream."""
        daemon = self.serve({"a": COUNT}, {"a": {"max_body_mb": 100, "memory_mb": 64}})
        answer = self.fetch(daemon, "a", method="POST", body=b"x" * LARGE)
        self.assertEqual(answer.json, {"bytes": LARGE, "many": True})

    def test_chunked_upload(self) -> None:
        """The same without an announced length."""

        def chunks() -> Iterator[bytes]:
            for _ in range(LARGE // MB):
                yield b"x" * MB

        daemon = self.serve({"a": COUNT}, {"a": {"max_body_mb": 100, "memory_mb": 64}})
        answer = self.fetch(daemon, "a", method="POST", body=chunks())
        self.assertEqual(answer.json, {"bytes": LARGE, "many": True})

    def test_streamed_response(self) -> None:
        """A large response from a small app, every byte in its place."""
        source = """
            export default { fetch() {
              let sent = 0;
              return new Response(new ReadableStream({ pull(controller) {
                const chunk = new Uint8Array(1 << 20);
                for (let i = 0; i < chunk.length; i += 256) chunk[i] = sent;
                controller.enqueue(chunk);
                if (++sent === 100) controller.close();
              } }));
            } };"""
        daemon = self.serve({"a": source}, {"a": {"memory_mb": 64}})
        expected = hashlib.sha256()
        for sent in range(100):
            expected.update((bytes([sent]) + bytes(255)) * (MB // 256))
        found = hashlib.sha256()
        with Client(daemon.port) as client, client.open("a") as response:
            while data := response.read(MB):
                found.update(data)
        self.assertEqual(found.hexdigest(), expected.hexdigest())

    def test_whole_body(self) -> None:
        """A large body in one piece, in and out, given the memory and the leave."""
        source = """
            export default { async fetch(request) {
              const bytes = new Uint8Array(await request.arrayBuffer());
              bytes[0] = 0x79;
              return new Response(bytes);
            } };"""
        daemon = self.serve({"a": source}, {"a": {"memory_mb": 1024, "max_buffer_size_mb": 100}})
        answer = self.fetch(daemon, "a", method="POST", body=b"x" * LARGE)
        self.assertEqual((len(answer.body), answer.body[:2], answer.body[-1:]), (LARGE, b"yx", b"x"))

    def test_blob_and_base64(self) -> None:
        """Large blobs, and large strings of base64."""
        source = """
            export default { async fetch(request) {
              const blob = new Blob([new Uint8Array(50 << 20).fill(97), "b".repeat(50 << 20)]);
              const tail = await blob.slice(-1).text();
              const text = "abc".repeat(25 << 20);
              const encoded = btoa(text);
              return Response.json([blob.size, tail, encoded.length, atob(encoded) === text]);
            } };"""
        daemon = self.serve({"a": source}, {"a": {"memory_mb": 1024, "timeout_ms": 60_000}})
        self.assertEqual(self.fetch(daemon, "a").json, [LARGE, "b", LARGE, True])

    def test_log_line(self) -> None:
        """A large text of the log is one line, of as much as anybody can do with."""
        size = 100 << 20
        source = f"""
            export default {{ fetch() {{
              console.log("<" + "x".repeat({size}) + ">");
              return new Response("logged");
            }} }};"""
        daemon = self.serve({"a": source}, {"a": {"memory_mb": 1024, "timeout_ms": 60_000}})
        self.assertEqual(self.get(daemon, "a"), "logged")
        daemon.until(lambda: len(daemon.log) > LONGEST and daemon.log.endswith("\n"), "the line")
        (line,) = (line for line in daemon.log.splitlines() if len(line) > LONGEST)
        self.assertIn(f'"<{"x" * (LONGEST - 1)} [{size + 2 - LONGEST} characters more]"', line)
