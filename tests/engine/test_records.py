"""
Tests for `nano.engine.records`: as data, and against its twin nano/runtime/records.js in a real V8.
"""

from __future__ import annotations

import atexit
import itertools
import json
import re
import struct
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from nano.engine import records
from nano.engine.events import WINDOW
from nano.engine.records import (
    Inward,
    Outward,
    Record,
    RecordDecoder,
    RecordError,
    encode,
    pack_value,
    unpack_value,
)
from nano.engine.v8 import V8Function
from tests.engine.scripts import link, runtime_modules, runtime_source

LIMIT = 2**20

# write: records, as [type, flags, small, id, head, tail in hex], into a memory of so many bytes -> pieces in hex.
# read: pieces in hex -> records as [type, flags, small, id, payload in hex].
# pack, unpack: values with buffers.
TWIN = """
(get) => {
  const Reader = get("records.js", "RecordReader"), Writer = get("records.js", "RecordWriter");
  const packValue = get("host.js", "packValue"), unpackValue = get("host.js", "unpackValue");
  const commands = {
    write({ memory, start, records, flush }) {
      const bytes = new Uint8Array(memory), pieces = [];
      const writer = new Writer(bytes, start, (end) => pieces.push(bytes.subarray(start, end).toHex()));
      for (const [type, flags, small, id, head, tail] of records) {
        writer.write(type, flags, small, id, head, tail === null ? null : Uint8Array.fromHex(tail));
        if (flush) writer.flush();
      }
      writer.flush();
      return { pieces, empty: writer.empty };
    },
    read({ pieces }) {
      const records = [];
      const reader = new Reader((type, flags, small, id, bytes, start, end) =>
        records.push([type, flags, small, id, bytes.slice(start, end).toHex()]));
      for (const piece of pieces) {
        // As in the inbox: the stream stands behind a length, and what is behind the piece is of another time.
        const inbox = Uint8Array.fromHex("deadbeef" + piece + "ffffffffffff");
        reader.feed(inbox, 4, inbox.length - 6);
        inbox.fill(0xee);
      }
      return records;
    },
    pack: ({ value, buffers }) => packValue(value, buffers.map((hex) => Uint8Array.fromHex(hex))).toHex(),
    unpack({ payload }) {
      const bytes = Uint8Array.fromHex("aabb" + payload);
      const { value, buffers } = unpackValue(bytes, 2, bytes.length);
      return { value, buffers: buffers.map((buffer) => buffer.toHex()) };
    },
    constants() {
      const names = ["REQUEST_HAS_BODY", "REQUEST_BODY_INLINE", "RESPONSE_HAS_BODY", "RESPONSE_COMPLETE",
        "RESPONSE_SETTLED", "OP_FAILED", "OP_FORGET"];
      return {
        Inward: get("records.js", "Inward"), Outward: get("records.js", "Outward"),
        flags: Object.fromEntries(names.map((name) => [name, get("records.js", name)])),
      };
    },
  };
  return (name, text) => JSON.stringify(commands[name](JSON.parse(text)));
}
"""


@cache
def _twin() -> V8Function:
    script = link(("records.js", "host.js"), TWIN)
    twin = V8Function(script, 2**30)
    atexit.register(twin.free)
    return twin


def twin(command: str, **arguments: Any) -> Any:
    """Ask the JavaScript half."""
    return json.loads(_twin()(command, json.dumps(arguments)))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """*data* in pieces, cut at some of the places."""
    at = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(at)]


def decode(pieces: list[bytes], limit: int = LIMIT) -> list[Record]:
    """What the Python half reads from pieces."""
    decoder = RecordDecoder(limit)
    return [record for piece in pieces for record in decoder.feed(piece)]


u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
payloads = st.binary(max_size=200) | st.binary(min_size=200, max_size=3000)
places = st.lists(st.integers(0, 10000), max_size=12)
inward = st.builds(Record, st.sampled_from([*Inward]).map(int), u8, u16, u32, payloads)
outward = st.builds(Record, st.sampled_from([*Outward]).map(int), u8, u16, u32, payloads)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53), 2.0**53) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=12,
)
# Surrogates that stand alone are fine in JavaScript strings and in JSON, and must survive in both directions.
any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)


def encode_record(record: Record) -> bytes:
    return encode(record.type, record.id, record.payload, record.flags, record.small)


class EncodingTests(SynchronousTestCase):
    """
    The form of a record.
    """

    def test_form(self) -> None:
        """A record is twelve bytes of header, little-endian, and its payload."""
        self.assertEqual(
            encode(Inward.REQUEST, 0x01020304, b"xyz", 5, 0x0607),
            b"\x03\0\0\0" + b"\x02" + b"\x05" + b"\x07\x06" + b"\x04\x03\x02\x01" + b"xyz",
        )

    def test_same_numbers_in_both_halves(self) -> None:
        """Types and flags have the same numbers in Python and JavaScript."""
        constants = twin("constants")
        self.assertEqual(constants["Inward"], {kind.name: kind.value for kind in Inward})
        self.assertEqual(constants["Outward"], {kind.name: kind.value for kind in Outward})
        self.assertEqual(constants["flags"], {name: getattr(records, name) for name in constants["flags"]})

    def test_window_is_the_same_in_both_halves(self) -> None:
        """The runtime starts with the credit that events.py knows without a record, and grants no more than that."""
        found = [
            (name, number)
            for name in runtime_modules()
            for number in re.findall(r"\bWINDOW = (\d+);", runtime_source(name))
        ]
        self.assertGreaterEqual(len(found), 1)
        self.assertEqual({number for _, number in found}, {str(WINDOW)}, found)


class DecoderTests(SynchronousTestCase):
    """
    The reading end in Python.
    """

    @given(st.lists(outward, max_size=8), places)
    def test_any_cut(self, records: list[Record], where: list[int]) -> None:
        """Where a stream is cut makes no difference."""
        stream = b"".join(map(encode_record, records))
        self.assertEqual(decode(cut(stream, where)), records)

    @given(st.lists(outward, max_size=4))
    @settings(max_examples=30)
    def test_one_byte_at_a_time(self, records: list[Record]) -> None:
        """A stream may arrive byte by byte."""
        stream = b"".join(map(encode_record, records))
        self.assertEqual(decode([bytes([byte]) for byte in stream]), records)

    def test_record_comes_with_its_last_byte(self) -> None:
        """A record is given as soon as it is whole, not later."""
        decoder = RecordDecoder(LIMIT)
        stream = encode(Outward.CHUNK, 1, b"abc")
        for end in range(len(stream) - 1):
            self.assertEqual(list(decoder.feed(stream[end : end + 1])), [])
        self.assertEqual(list(decoder.feed(stream[-1:])), [Record(Outward.CHUNK, 0, 0, 1, b"abc")])

    def test_large_payload_is_joined_once(self) -> None:
        """A payload in thousands of pieces is not copied for each of them."""
        payload = b"x" * (20 * 2**20)
        decoder = RecordDecoder(2**26)
        stream = encode(Outward.LOG, 0, payload)
        pieces = [stream[at : at + 4096] for at in range(0, len(stream), 4096)]
        found = [record for piece in pieces for record in decoder.feed(piece)]
        self.assertEqual([len(record.payload) for record in found], [len(payload)])
        self.assertEqual(found[0].payload, payload)

    def test_limit(self) -> None:
        """A payload of the limit is read; one byte more is an error."""
        self.assertEqual(len(decode([encode(Outward.LOG, 0, b"x" * 100)], 100)), 1)
        self.assertRaises(RecordError, decode, [encode(Outward.LOG, 0, b"x" * 101)], 100)

    def test_limit_is_checked_with_the_header(self) -> None:
        """A length above the limit is refused before any byte of the payload has come, and however it is cut."""
        header = struct.pack("<IBBHI", LIMIT + 1, Outward.LOG, 0, 0, 0)
        self.assertRaises(RecordError, decode, [header])
        for at in range(1, len(header)):
            self.assertRaises(RecordError, decode, [header[:at], header[at:]])

    def test_unknown_type(self) -> None:
        """A type that does not exist is an error."""
        for kind in (0, max(Outward) + 1, 255):
            self.assertRaises(RecordError, decode, [struct.pack("<IBBHI", 0, kind, 0, 0, 0)])

    def test_records_before_the_malformed_one(self) -> None:
        """What came before the malformed record is given."""
        decoder = RecordDecoder(LIMIT)
        found: list[Record] = []
        with self.assertRaises(RecordError):
            for record in decoder.feed(encode(Outward.END, 3) + b"\xff" * 12):
                found.append(record)
        self.assertEqual(found, [Record(Outward.END, 0, 0, 3, b"")])

    @given(st.lists(st.binary(max_size=300), max_size=10))
    @settings(max_examples=200)
    def test_arbitrary_bytes(self, pieces: list[bytes]) -> None:
        """Whatever comes, either records come out that are within bounds, or a RecordError."""
        decoder = RecordDecoder(1000)
        try:
            for piece in pieces:
                for record in decoder.feed(piece):
                    self.assertIn(record.type, [*Outward])
                    self.assertLessEqual(len(record.payload), 1000)
        except RecordError:
            pass

    @given(st.lists(outward, min_size=1, max_size=5), st.lists(st.tuples(st.integers(0), u8), max_size=4), places)
    @settings(max_examples=100)
    def test_damaged_streams(self, records: list[Record], damage: list[tuple[int, int]], where: list[int]) -> None:
        """A stream with some bytes changed is read the same however it is cut, errors included."""
        stream = bytearray(b"".join(map(encode_record, records)))
        for at, byte in damage:
            stream[at % len(stream)] = byte

        def outcome(pieces: list[bytes]) -> tuple[list[Record], bool]:
            decoder, found = RecordDecoder(LIMIT), []
            try:
                for piece in pieces:
                    for record in decoder.feed(piece):
                        found.append(record)
            except RecordError:
                return found, True
            return found, False

        self.assertEqual(outcome(cut(bytes(stream), where)), outcome([bytes(stream)]))


class ValueTests(SynchronousTestCase):
    """
    `pack_value` and `unpack_value`.
    """

    @given(json_values, st.lists(st.binary(max_size=100), max_size=4))
    def test_round_trip(self, value: Any, buffers: list[bytes]) -> None:
        """What is packed comes out again."""
        self.assertEqual(unpack_value(pack_value(value, buffers)), (value, buffers))

    @given(st.binary(max_size=200))
    @settings(max_examples=200)
    def test_arbitrary_bytes(self, payload: bytes) -> None:
        """Whatever the payload is, nothing but RecordError is raised."""
        try:
            unpack_value(payload)
        except RecordError:
            pass

    @given(st.binary(max_size=60), st.binary(max_size=40))
    @settings(max_examples=200)
    def test_arbitrary_text(self, text: bytes, rest: bytes) -> None:
        """The text may be anything, and anything may follow it."""
        try:
            unpack_value(struct.pack("<I", len(text)) + text + rest)
        except RecordError:
            pass

    def test_malformed(self) -> None:
        """Lengths that lead astray, text that is no JSON, nesting without end."""
        for payload in (
            b"",
            b"\0\0\0",
            b"\0\0\0\0",
            b"\xff\xff\xff\xff",
            b"\x05\0\0\0null",
            pack_value(None)[:-1],
            pack_value(None) + b"\x01",
            pack_value(None) + b"\x02\0\0\0x",
            b"\x02\0\0\0\xff\xff",
            struct.pack("<I", 200000) + b"[" * 200000,
            struct.pack("<I", 5000) + b"1" * 5000,
            struct.pack("<I", 400000) + b'{"a":' * 80000,
        ):
            self.assertRaises(RecordError, unpack_value, payload)

    def test_numbers_that_are_none(self) -> None:
        """NaN and infinities, which Python would read and JavaScript never writes, are refused."""
        for text in (b"NaN", b"Infinity", b"-Infinity", b"[1,NaN]", b"1e999", b"[-1e999]"):
            self.assertRaises(RecordError, unpack_value, struct.pack("<I", len(text)) + text)


class TwinTests(SynchronousTestCase):
    """
    Both halves against each other.
    """

    @given(st.lists(inward, max_size=6), places)
    @settings(max_examples=60)
    def test_python_writes_javascript_reads(self, records: list[Record], where: list[int]) -> None:
        """JavaScript reads what Python has written, wherever it is cut."""
        stream = b"".join(map(encode_record, records))
        found = twin("read", pieces=[piece.hex() for piece in cut(stream, where)])
        self.assertEqual([Record(a, b, c, d, bytes.fromhex(hexed)) for a, b, c, d, hexed in found], records)

    def test_javascript_reads_one_byte_at_a_time(self) -> None:
        """JavaScript reads a stream that comes byte by byte."""
        records = [
            Record(Inward.LOAD, 0, 0, 0, b""),
            Record(Inward.CREDIT, 255, 65535, 2**32 - 1, b"abcd"),
            Record(Inward.TIMER, 0, 0, 0, b""),
        ]
        stream = b"".join(map(encode_record, records))
        found = twin("read", pieces=[f"{byte:02x}" for byte in stream])
        self.assertEqual([Record(a, b, c, d, bytes.fromhex(hexed)) for a, b, c, d, hexed in found], records)

    heads = st.none() | st.text(st.characters(max_codepoint=255), max_size=300)

    @given(
        st.lists(st.tuples(st.sampled_from([*Outward]), u8, u16, u32, heads, st.none() | payloads), max_size=6),
        st.integers(16, 2000),
        st.sampled_from([0, 8]),
        st.booleans(),
    )
    @settings(max_examples=100)
    def test_javascript_writes_python_reads(self, written: Any, memory: int, start: int, flush: bool) -> None:
        """Python reads what JavaScript has written, whatever the size of the memory in between."""
        records = [
            [int(kind), flags, small, id_, head, None if tail is None else tail.hex()]
            for kind, flags, small, id_, head, tail in written
        ]
        # A header must fit: the memory of the product has a quarter of a megabyte.
        answer = twin("write", memory=memory + start, start=start, records=records, flush=flush)
        pieces = [bytes.fromhex(piece) for piece in answer["pieces"]]
        self.assertTrue(answer["empty"])
        self.assertTrue(all(0 < len(piece) <= memory for piece in pieces))
        expected = [
            Record(
                int(kind),
                flags,
                small,
                id_,
                (b"" if head is None else struct.pack("<I", len(head)) + head.encode("latin-1")) + (tail or b""),
            )
            for kind, flags, small, id_, head, tail in written
        ]
        self.assertEqual(decode(pieces), expected)

    def test_record_that_just_fits(self) -> None:
        """Records that fill the memory to the byte, or miss it by one, are the same to the reader."""
        for size in range(100 - 12 - 3, 100 - 12 + 3):
            records = [[Outward.CHUNK, 0, 0, 7, None, "ab" * size]] * 3
            answer = twin("write", memory=108, start=8, records=records, flush=False)
            found = decode([bytes.fromhex(piece) for piece in answer["pieces"]])
            self.assertEqual([record.payload for record in found], [b"\xab" * size] * 3)

    @given(json_values | any_text, st.lists(st.binary(max_size=100), max_size=4))
    @settings(max_examples=60)
    def test_values_to_javascript(self, value: Any, buffers: list[bytes]) -> None:
        """JavaScript unpacks what Python has packed."""
        answer = twin("unpack", payload=pack_value(value, buffers).hex())
        self.assertEqual(answer, {"value": value, "buffers": [buffer.hex() for buffer in buffers]})

    @given(json_values | any_text, st.lists(st.binary(max_size=100), max_size=4))
    @settings(max_examples=60)
    def test_values_to_python(self, value: Any, buffers: list[bytes]) -> None:
        """Python unpacks what JavaScript has packed."""
        payload = bytes.fromhex(twin("pack", value=value, buffers=[buffer.hex() for buffer in buffers]))
        self.assertEqual(unpack_value(payload), (value, buffers))
