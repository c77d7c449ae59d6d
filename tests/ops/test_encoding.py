"""
The indexes of the legacy encodings, against the standard's own files.
"""

from __future__ import annotations

import hashlib
import json

from twisted.trial.unittest import SynchronousTestCase

from nano.ops.encoding import encoding_table

__all__ = ["EncodingTableTests"]

# Of the standard's index files (https://encoding.spec.whatwg.org/#indexes, 2026-05-21): the first
# half of the SHA-256 of the characters in the order of their pointers, U+FFFD for "null", in UTF-8.
DIGESTS = {
    "big5": "9dda3f7bddb4c40ca0b652f977b6026e",
    "euc-kr": "5c78f63b09bdb486c9173a02cdb80fb3",
    "gb18030": "85373408efe24c652c0a2f37997df8c6",
    "gb18030-ranges": "69e47077b6dba6b7eb774de339914f3a",
    "ibm866": "2e3f89d51df1d1b9a5e9f2a21d091978",
    "iso-8859-10": "129e084c5bc4da60e25ee6f6dc7d2dee",
    "iso-8859-13": "20a9bcd406361c31a5cdaaaa1df8cdb0",
    "iso-8859-14": "80050213abdb4257a88284b88a42448e",
    "iso-8859-15": "b9a4a2394ee585527d5f38c21d3801da",
    "iso-8859-16": "c2bb18a77fe0cd9028a06b913b3fe549",
    "iso-8859-2": "da4d3b2f8f06435d745a9ba3986ec349",
    "iso-8859-3": "c1d9ce25d3762a523ff6a4402163f0cb",
    "iso-8859-4": "54140e6e75ba62ce8fb842e58cc83ab7",
    "iso-8859-5": "53729815669580510f43b8ae03c822b3",
    "iso-8859-6": "2b716bc800e7bfe3e6e298d9082a1350",
    "iso-8859-7": "8d94b0308cf418c9f8deb0130c318a9f",
    "iso-8859-8": "ade2c0790e86ddc87ca4da98f52e4942",
    "jis0208": "887add8660bc990c223cf0b372c8f986",
    "jis0212": "5eea0e0164f2e9dfc266f9cfbeb3b2e6",
    "koi8-r": "25a9da95cf2db39e6391a15e1a2f8a11",
    "koi8-u": "79b0a6e96024f61a8bffaacc3d4bb6c4",
    "macintosh": "94dcdcc19412eb4810dbe4b212c44329",
    "windows-1250": "52665a0c49e77322078adee42a1ae0be",
    "windows-1251": "153baf169d84e2698c2bd4d34a0b0edd",
    "windows-1252": "9ba654722668eee979b3e1b274ff8bcb",
    "windows-1253": "fa630499b7db169e86f0f5723e94756c",
    "windows-1254": "612d01246f4b510671212ba0f18fb619",
    "windows-1255": "16925d6a9d5cff62868784ff2d6b1a8d",
    "windows-1256": "ae636a90722c9d75b8b82e9c5b4b6fb8",
    "windows-1257": "abd51531663d43f8706b93f5add4915e",
    "windows-1258": "ded84db6d51e31439d41415d9b673258",
    "windows-874": "4bb5efdc1a2832ec9edcb8e6546db635",
    "x-mac-cyrillic": "ab39a8a69bbbd008a940cbf904616a85",
}


class EncodingTableTests(SynchronousTestCase):
    """
    What the host answers to `encoding.table`.
    """

    def test_indexes_are_the_standards(self) -> None:
        """
        Every index has exactly the code points of the standard's file.
        """
        for name, digest in DIGESTS.items():
            table = encoding_table(name.encode())
            self.assertEqual(hashlib.sha256(table).hexdigest()[:32], digest, name)

    def test_hebrew_in_logical_order(self) -> None:
        """
        ISO-8859-8-I differs from ISO-8859-8 in its name only.
        """
        self.assertEqual(encoding_table(b"iso-8859-8-i"), encoding_table(b"iso-8859-8"))

    def test_ranges(self) -> None:
        """
        The ranges of gb18030 begin with its first four-byte character and end beyond the BMP.
        """
        ranges = json.loads(encoding_table(b"gb18030-ranges"))
        self.assertEqual(ranges[:2], [0, 0x80])
        self.assertEqual(ranges[-2:], [189000, 0x10000])

    def test_unknown_name(self) -> None:
        """
        A name that is no index, as only a script gone astray would send it, has nothing.
        """
        for name in (b"", b"utf-8", b"../../etc/passwd", b"\xff"):
            self.assertEqual(encoding_table(name), b"")
