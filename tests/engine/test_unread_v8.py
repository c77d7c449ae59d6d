"""
Whole bodies, with real isolates and servers: as text, which the engine decodes, and as bytes, within limits.
"""

from __future__ import annotations

import json
from typing import Any

from nano.engine.host import IsolateHost
from nano.http.outbound import OutboundSource
from tests.fakes import FakeBody, FakeSink
from tests.http.hostile import ScriptedServer
from tests.ops.fetch_case import FetchTestCase, reactor

APP = """
const read = {
  text: (body) => body.text(), json: (body) => body.json(),
  bytes: async (body) => [...(await body.bytes()).slice(0, 3)],
  arrayBuffer: async (body) => (await body.arrayBuffer()).byteLength, blob: async (body) => (await body.blob()).text(),
  formData: async (body) => [...(await body.formData()).keys()],
  twice: async (body) => [await body.text(), body.bodyUsed, body.body.locked, await body.text().catch((e) => e.name)],
  looked: async (body) => [body.body.locked, await body.text(), body.body.locked],
  begun: async (body) => {
    const reader = body.body.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    return [value.length > 0, await body.text().catch((e) => e.name)];
  },
  lag: async (body) => {
    const other = body.clone();
    const length = (await body.bytes()).length;
    return [length, await other.text().catch((e) => `${e.name} ${e.message}`)];
  },
  byob: async (body) => {
    const reader = body.body.getReader({ mode: "byob" });
    for (let sum = 0, view = new Uint8Array(1000); ;) {
      const { value, done } = await reader.read(view);
      if (done) return sum;
      for (let i = 0; i < value.length; i++) sum += value[i];
      view = new Uint8Array(value.buffer);
    }
  },
  sink: async (body) => {
    let size = 0, writing = 0, most = 0;
    await body.body.pipeTo(new WritableStream({ async write(chunk) {
      most = Math.max(most, ++writing);
      await new Promise((resolve) => setTimeout(resolve, 1));
      size += chunk.length;
      writing--;
    } }));
    return [size, most];
  },
  ahead: async (body) => {
    const other = body.clone();
    let length = 0;
    for await (const chunk of body.body) length += chunk.length;
    return [length, await other.text().catch((e) => `${e.name} ${e.message}`)];
  },
  pace: async (body) => {
    const other = body.clone();
    const [mine, yours] = [body.body.getReader(), other.body.getReader()];
    for (let sum = 0; ;) {
      const { value, done } = await mine.read();
      if (done) return [sum, (await yours.read()).done];
      for (let had = 0; had < value.length; sum += (await yours.read()).value.length, had = value.length);
    }
  },
};
export default { async fetch(request) {
  const [kind, base] = request.headers.get("x-way").split(" ");
  try {
    return Response.json(await read[kind](base ? await fetch(base) : request));
  } catch (error) {
    return Response.json({ error: `${error.name}: ${error.message}`, code: error.cause?.code });
  }
} };
"""


class WholeTests(FetchTestCase):
    """
    Of requests, and of responses of servers.
    """

    async def app_with(self, **keys: Any) -> IsolateHost:
        """The app."""
        host = await self.start(APP, **keys)
        host.outbound = OutboundSource(reactor).make("app")
        return host

    async def read(self, host: IsolateHost, way: str, body: Any = None, **headers: bytes) -> Any:
        """What one way of reading a body comes to."""
        given = [(b"x-way", way.encode()), *((name.replace("_", "-").encode(), v) for name, v in headers.items())]
        sink: FakeSink = await self.fetch(host, method="POST", headers=given, body=body)
        self.assertEqual(sink.status, 200, sink.error)
        return json.loads(sink.body)

    async def both(self, host: IsolateHost, kind: str, *pieces: bytes) -> Any:
        """What a body comes to as that of a request, and as that of a response, which must be the same."""
        base, _ = self.serve(lambda server, number: server.answer(b"".join(pieces)))
        of_request = await self.read(host, kind, FakeBody(pieces))
        self.assertEqual(of_request, await self.read(host, f"{kind} {base}"), kind)
        return of_request

    async def test_text(self) -> None:
        """Text of any kind, whatever the sizes of the pieces, also where a character is cut."""
        host = await self.app_with()
        text = "aé日\U0001f600" * 30_000
        data = text.encode()
        self.assertEqual(await self.both(host, "text", data[:100_001], data[100_001:]), text)
        self.assertEqual(await self.both(host, "json", json.dumps([text]).encode()), [text])
        marked = await self.both(host, "text", b"\xef\xbb", b"\xbf\xef\xbb\xbfa\xff" + b"b" * 70_000)
        self.assertEqual((marked[:4], len(marked)), ("\ufeffa\ufffdb", 70_003))
        self.assertEqual(await self.both(host, "text"), "")

    async def test_bytes(self) -> None:
        """What is no text comes as before."""
        host = await self.app_with()
        data = bytes(range(256)) * 1000
        self.assertEqual(await self.both(host, "bytes", data), [0, 1, 2])
        self.assertEqual(await self.both(host, "arrayBuffer", data), len(data))
        self.assertEqual(await self.both(host, "blob", b"x" * 100_000), "x" * 100_000)
        form = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n" + b"x" * 100_000 + b"\r\n--b--\r\n"
        found = await self.read(host, "formData", FakeBody([form]), content_type=b"multipart/form-data; boundary=b")
        self.assertEqual(found, ["a"])

    async def test_states(self) -> None:
        """What was read is used up and locked; what somebody looked at is read all the same, what was begun is not."""
        host = await self.app_with()
        text = "x" * 100_000
        self.assertEqual(await self.both(host, "twice", text.encode()), [text, True, True, "TypeError"])
        self.assertEqual(await self.both(host, "looked", text.encode()), [False, text, True])
        self.assertEqual(await self.both(host, "begun", text.encode()), [True, "TypeError"])

    async def test_streams(self) -> None:
        """What is read into buffers of the reader's, and what goes to a sink that takes its time."""
        host = await self.app_with()
        data = bytes(range(256)) * 1000
        self.assertEqual(await self.both(host, "byob", data[:70_001], data[70_001:]), sum(data))
        self.assertEqual(await self.both(host, "sink", data[:70_001], data[70_001:]), [len(data), 1])

    async def test_malformed(self) -> None:
        """What is no JSON is a SyntaxError."""
        host = await self.app_with()
        error = await self.both(host, "json", b"[" * 100_000)
        self.assertTrue(error["error"].startswith("SyntaxError: "), error)

    async def test_broken(self) -> None:
        """A body that breaks off, as text and as bytes."""

        class Broken(FakeBody):
            def _flow(self) -> None:
                self.consumer.write(b"x" * 100_000)
                self.consumer.fail("why")

        def truncated(server: ScriptedServer, number: int) -> None:
            server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100_000)
            server.transport.loseConnection()

        host = await self.app_with()
        base, _ = self.serve(truncated)
        for kind in ("text", "bytes"):
            self.assertEqual((await self.read(host, kind, Broken()))["error"], "TypeError: why")
            self.assertEqual((await self.read(host, f"{kind} {base}"))["code"], "ERR_BODY_INCOMPLETE")

    async def test_too_large(self) -> None:
        """More than may be buffered is a TypeError, whichever way it would be read; as a stream it can be read."""
        host = await self.app_with(max_buffer_size_mb=1)
        base, _ = self.serve(lambda server, number: server.answer(b"x" * (2**20 + 1)))
        for kind in ("text", "json", "bytes", "arrayBuffer", "blob"):
            body = FakeBody([b"x" * 65536] * 64)
            for way, given in ((kind, body), (f"{kind} {base}", None)):
                answer = await self.read(host, way, given)
                self.assertIn("more than 1048576 bytes", answer["error"], way)
                self.assertTrue(answer["error"].startswith("TypeError: "), way)
            self.assertEqual(body.calls[-1], "stop")
        self.assertEqual(await self.both(host, "arrayBuffer", b"x" * 2**20), 2**20)
        self.assertEqual(len(await self.both(host, "text", b"x" * 2**20)), 2**20)

    async def test_lagging_branch(self) -> None:
        """A clone that is not read while the other is fails beyond what may be buffered; one that keeps up does not."""
        host = await self.app_with(max_buffer_size_mb=1)
        half = [b"x" * 65536] * 8
        self.assertEqual(await self.both(host, "lag", *half), [2**19, "x" * 2**19])
        base, _ = self.serve(lambda server, number: server.answer(b"x" * 3 * 2**20))
        lagging = await self.read(host, f"ahead {base}")
        self.assertEqual(
            lagging, [3 * 2**20, "TypeError One branch of a body is more than 1048576 bytes ahead of the other."]
        )
        self.assertIn("more than 1048576 bytes", (await self.read(host, f"lag {base}"))["error"])
        self.assertEqual(await self.read(host, f"pace {base}"), [3 * 2**20, True])
