# -*- test-case-name: tests.ops.test_encoding -*-
"""
Host half of nano/runtime/legacy_decoders.js: the indexes of the legacy encodings.

Python's codecs know nearly all of what the Encoding Standard has in them; the differences are
written down here, and the tests hold the result against digests of the standard's own files.
A table is built when some isolate first asks for it, and kept for all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

from nano.ops.registry import host_question

__all__ = ["encoding_table"]

_NOTHING = "\ufffd"

_SINGLE_BYTE_CODECS = {
    "ibm866": "cp866",
    **{f"iso-8859-{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    "iso-8859-8-i": "iso8859-8",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
    **{f"windows-{n}": f"cp{n}" for n in range(1250, 1259)},
    "x-mac-cyrillic": "mac-cyrillic",
}

# Pointer to the characters that stand there and behind it.
_SINGLE_BYTE_DIFFERENCES = {
    "koi8-u": {46: "\u045e", 62: "\u040e"},
    "windows-1255": {74: "\u05ba"},
}
_JIS0212_DIFFERENCES = {116: "\uff5e"}
_GB18030_DIFFERENCES = {
    6555: "\u3000",
    7182: "\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16",
    7201: "\ufe17\ufe18",
    7208: "\ufe19",
    7533: "\u1e3f",
    23775: "\u9fb4",
    23783: "\u9fb5",
    23788: "\u9fb6\u9fb7",
    23795: "\u9fb8",
    23812: "\u9fb9",
    23829: "\u9fba",
    23845: "\u9fbb",
}
_BIG5_DIFFERENCES = {
    1000: (
        "\u3875\U00021d53\U0002369e\U00026021\u3eec\U000258de\u3af5\u7afc\u9f97\U00024161"
        "\U0002890d\U000231ea\U00020a8a\U0002325e\u430a\u8484\u9f96\u942f\u4930\u8613"
        "\u5896\u974a\u9218\u79d0\u7a32\u6660\u6a29\u889d\u744c\u7bc5"
        "\u6782\u7a2c\u524f\u9046\u34e6\u73c4\U00025db9\u74c6\u9fc7\u57b3"
        "\u492f\u544c\u4131\U0002368e\u5818\u7a72\U00027b65\u8b8f\u46ae\U00026e88"
        "\u4181\U00025d99\u7bae\U000224bc\u9fc8\U000224c1\U000224c9\U000224cc\u9fc9\u8504"
        "\U000235bb\u40b4\u9fca\u44e1\U0002adff\u62c1\u706e\u9fcb"
    ),
    2082: "\u7bb8",
    2088: "\u7c06",
    2103: "\u7cce",
    2114: "\u7dd2",
    2123: "\u7e1d",
    2148: "\u8005",
    2151: "\u8028",
    2221: "\u83c1",
    2239: "\u84a8",
    2244: "\u840f",
    2303: "\u89a6\u89a9",
    2354: "\u8d77",
    2400: "\u90fd",
    2413: "\u92b9",
    2477: "\u975c",
    2498: "\u97ff",
    2605: "\u9f16",
    2673: "\u8503",
    2746: "\u5159\u515b\u515d\u515e",
    2771: "\u936e",
    2780: "\u7479",
    2990: "\u6d67",
    3087: "\u799b",
    3259: "\u9097",
    3301: "\u975d",
    3436: "\u701e",
    3451: "\u5b28",
    4136: "\u7201",
    4138: "\u77d7",
    4141: "\u7e87",
    4182: "\u99d6",
    4206: "\u91d4",
    4220: "\u60de",
    4230: "\u6fb6",
    4241: "\u8f36",
    4258: "\u4fbb",
    4273: "\u71df",
    4279: "\u9104",
    4282: "\u9df0",
    4294: "\u83cf",
    4329: "\u5c10\u79e3",
    4349: "\u5a67",
    4419: "\u8f0b",
    4422: "\u7b51",
    4494: "\u62d0",
    4624: "\u6062",
    4694: "\u75f9",
    4708: "\u6c4a",
    4742: "\u9b2e",
    4748: "\u9f17",
    4815: "\u50ed",
    4828: "\u5f0c",
    4902: "\u880f",
    4922: "\u62ce",
    4982: "\u7468",
    4992: "\u7162",
    4997: "\u7250",
    5029: "\u2027",
    5038: "\ufe51",
    5120: "\u00af",
    5153: "\uff5e",
    5168: "\u2295\u2299",
    5182: "\u2215\ufe68",
    5185: "\uffe5",
    5187: "\uffe0\uffe1",
    5432: (
        "\u2400\u2401\u2402\u2403\u2404\u2405\u2406\u2407\u2408\u2409"
        "\u240a\u240b\u240c\u240d\u240e\u240f\u2410\u2411\u2412\u2413"
        "\u2414\u2415\u2416\u2417\u2418\u2419\u241a\u241b\u241c\u241d"
        "\u241e\u241f\u2421\u20ac"
    ),
    10942: "\u5ef4",
    10946: "\u65e0",
    10948: "\u7676",
    10950: "\u96b6",
    10957: "\u3003\u4edd",
    19028: "\u5029",
    19035: "\u507d",
    19088: "\u5305",
    19096: "\u5344",
    19112: "\u537f",
    19162: "\u5605",
    19240: "\u5a77",
    19299: "\u5e75",
    19305: "\u5ed0",
    19326: "\u5f58",
    19355: "\u60a4",
    19398: "\u6490",
    19439: "\u6674",
    19454: "\u675e",
    19553: "\u6c9c\u6e1d",
    19557: "\u6e2f",
    19611: "\u716e",
    19643: "\u732a",
    19672: "\u745c",
    19697: "\u74e9",
    19748: "\u7809",
}


def _decode(data: bytes, codec: str) -> str:
    """
    The one character that *data* stands for, or the mark for nothing.
    """
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return _NOTHING
    return text if len(text) == 1 else _NOTHING


def _build(
    size: int,
    codec: str,
    to_bytes: Callable[[int], bytes],
    differences: dict[int, str] | None = None,
) -> str:
    characters = [_decode(to_bytes(pointer), codec) for pointer in range(size)]
    for start, text in (differences or {}).items():
        characters[start : start + len(text)] = text
    return "".join(characters)


def _single_byte(name: str) -> str:
    codec = _SINGLE_BYTE_CODECS[name]
    differences = _SINGLE_BYTE_DIFFERENCES.get(name)
    table = _build(128, codec, lambda i: bytes([i + 128]), differences)
    if not name.startswith("windows-"):
        return table
    # Windows decodes what it has no character for in 0x80 to 0x9F to the control characters there.
    return "".join(
        chr(0x80 + i) if i < 32 and character == _NOTHING else character for i, character in enumerate(table)
    )


def _big5() -> str:
    def to_bytes(pointer: int) -> bytes:
        lead, trail = divmod(pointer, 157)
        return bytes([lead + 0x81, trail + (0x40 if trail < 0x3F else 0x62)])

    return _build(19782, "big5hkscs", to_bytes, _BIG5_DIFFERENCES)


def _euc_kr() -> str:
    return _build(23940, "cp949", lambda p: bytes([p // 190 + 0x81, p % 190 + 0x41]))


def _gb18030() -> str:
    def to_bytes(pointer: int) -> bytes:
        lead, trail = divmod(pointer, 190)
        return bytes([lead + 0x81, trail + (0x40 if trail < 0x3F else 0x41)])

    return _build(23940, "gb18030", to_bytes, _GB18030_DIFFERENCES)


def _jis0208() -> str:
    def to_bytes(pointer: int) -> bytes:
        lead, trail = divmod(pointer, 188)
        return bytes([lead + (0x81 if lead < 0x1F else 0xC1), trail + (0x40 if trail < 0x3F else 0x41)])

    # Windows' user-defined area is no part of the index: the decoder computes it.
    differences = {8836: _NOTHING * (10715 - 8836 + 1)}
    return _build(11280, "cp932", to_bytes, differences)


def _jis0212() -> str:
    def to_bytes(pointer: int) -> bytes:
        return bytes([0x8F, pointer // 94 + 0xA1, pointer % 94 + 0xA1])

    return _build(8836, "euc_jp", to_bytes, _JIS0212_DIFFERENCES)


def _gb18030_ranges() -> str:
    """
    The four-byte sequences, as a JSON list of pointer, code point, pointer, code point, ….
    """
    ranges: list[int] = []
    previous = -1
    for pointer in range(39420):
        second, rest = divmod(pointer, 1260)
        data = bytes([second // 10 + 0x81, second % 10 + 0x30, rest // 10 + 0x81, rest % 10 + 0x30])
        point = ord(_decode(data, "gb18030"))
        if point != previous + 1:
            ranges += [pointer, point]
        previous = point
    return json.dumps([*ranges, 189000, 0x10000])


_BUILDERS: dict[str, Callable[[], str]] = {
    "big5": _big5,
    "euc-kr": _euc_kr,
    "gb18030": _gb18030,
    "gb18030-ranges": _gb18030_ranges,
    "jis0208": _jis0208,
    "jis0212": _jis0212,
}


@cache
def _table(name: str) -> bytes:
    if name in _SINGLE_BYTE_CODECS:
        return _single_byte(name).encode()
    return _BUILDERS[name]().encode()


@host_question("encoding.table")
def encoding_table(question: bytes) -> bytes:
    """
    The index *question* in UTF-8: one character for each pointer, U+FFFD where there is none; the
    ranges of gb18030 as JSON.  Nothing for a name that is none.  Runs on the isolate's thread.
    """
    name = question.decode("utf-8", "replace")
    return _table(name) if name in _SINGLE_BYTE_CODECS or name in _BUILDERS else b""
