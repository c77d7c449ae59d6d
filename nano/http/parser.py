# -*- test-case-name: tests.http.test_parser -*-
"""
HTTP/1.1 requests from bytes, without I/O: llhttp reads the grammar, this module holds requests to the rest of RFC 9112.

llhttp is used with all its leniencies off, as httptools leaves them.  It then refuses bare CR and LF, NUL and other
control bytes, folded lines, spaces before a colon, `Content-Length` beside `Transfer-Encoding`, repeated or odd
lengths, bad chunks, and bytes beyond ASCII in the request target.  What it would let pass is decided here: the version,
Host, codings other than chunked, the size of heads, trailers and chunk extensions, and bodies of requests with an
`Upgrade`, which llhttp takes for the next request.

A parser cannot be stopped within a piece of input, so one piece may yield several requests.  They stand in `requests`,
in their order and with what has come of their bodies.
"""

from __future__ import annotations

from collections import deque

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from nano.errors import HeadersTooLargeError, InvalidRequestError, NanoError, UnsupportedMethodError
from nano.exchange import Header

__all__ = ["Request", "RequestParser"]

#: Spellings that clients use, so that most names need not be lowered and are shared by all requests.
_COMMON = (
    b"Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control Connection Content-Encoding "
    b"Content-Length Content-Type Cookie DNT Date Expect Host If-Match If-Modified-Since If-None-Match If-Range "
    b"Keep-Alive Origin Pragma Priority Range Referer Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User TE "
    b"Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent Via X-Forwarded-For X-Forwarded-Host "
    b"X-Forwarded-Proto X-Request-ID X-Request-Id X-Requested-With"
).split()
_LOWER = {name.lower(): name.lower() for name in _COMMON}
_NAMES = _LOWER | {name: _LOWER[name.lower()] for name in _COMMON}

#: Fields that mean something to the front end.  They are kept apart and do not reach the app by themselves.
_SPECIAL = frozenset(
    (
        b"connection",
        b"content-length",
        b"expect",
        b"forwarded",
        b"host",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-request-id",
    )
)
#: Fields of which a second one makes a request ambiguous.
_ONCE = frozenset((b"content-length", b"host", b"transfer-encoding"))
#: Parsed by llhttp, but of other protocols, or meant for proxies; RFC 9110 9.1 wants 501.
_UNSUPPORTED = frozenset(
    b"CONNECT TRACE PRI SOURCE DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD "
    b"FLUSH".split()
)
#: Bytes that framing may cost per chunk, beyond which only `max_header_bytes` more are borne with.
_CHUNK_OVERHEAD = 32


class Request:
    """
    One request, as far as it has come.

    Attributes:
        method: as sent.
        target: as sent, ASCII.
        headers: the fields an app gets to see; names in lower case.
        special: the fields that the front end looks at, each once.
        http10: whether the client speaks HTTP/1.0.
        keep_alive: whether the client wants to use the connection again.
        has_body: whether there is one, be it empty in the end.
        length: of the body in bytes, None when it is chunked.
        pieces: what has come of the body and was not taken yet; None when nobody wants it.
        buffered: how many bytes `pieces` holds.
        received: how many bytes of body have come.
        complete: whether nothing is to come.
        error: why this is no request, or why its body breaks off; nothing can follow it on the connection.
    """

    __slots__ = (
        "buffered",
        "complete",
        "error",
        "has_body",
        "headers",
        "http10",
        "keep_alive",
        "length",
        "method",
        "pieces",
        "received",
        "special",
        "target",
    )

    def __init__(self, method: bytes, target: bytes, headers: list[Header], special: dict[bytes, bytes]) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.special = special
        self.http10 = False
        self.keep_alive = True
        self.has_body = False
        self.length: int | None = 0
        self.pieces: list[bytes] | None = None
        self.buffered = 0
        self.received = 0
        self.complete = False
        self.error: NanoError | None = None

    def take(self) -> bytes:
        """What has come of the body since the last time."""
        pieces = self.pieces
        if not pieces:
            return b""
        self.pieces, self.buffered = [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def discard(self) -> None:
        """Drop the body, what has come of it and what is to come."""
        self.pieces, self.buffered = None, 0


class RequestParser:
    """
    Reads the requests of one connection.

    Args:
        max_header_bytes: how large a request line and its header block may be together.

    Attributes:
        requests: what was read and not taken yet.
        in_head: whether a request has begun whose head is not complete.
        closed: whether input is ignored, after an error or a request that is the connection's last.
    """

    def __init__(self, max_header_bytes: int) -> None:
        self.requests: deque[Request] = deque()
        self.in_head = False
        self.closed = False
        self._max_header_bytes = max_header_bytes
        self._parser = HttpRequestParser(self)
        self._target = b""
        self._headers: list[Header] = []
        self._special: dict[bytes, bytes] = {}
        self._doubled = b""
        self._request: Request | None = None
        #: Of the head under way: at least so many bytes, and at most.
        self._head_bytes = self._seen = 0
        self._overhead = 0

    def feed(self, data: bytes) -> None:
        """Take input; `requests` and their bodies are the result, errors included."""
        if self.closed:
            return
        in_head, request, known = self.in_head, self._request, len(self.requests)
        before = request.received if request is not None else 0
        self._seen = self._seen + len(data) if in_head else len(data)
        try:
            self._feed(data)
        except HttpParserError as error:
            self._fail(InvalidRequestError(str(error)))
            return
        if self.in_head:
            # Where a head begins within a piece is not known; then the piece does not count.
            if in_head or (request is None and len(self.requests) == known):
                self._head_bytes += len(data)
            if self._head_bytes > self._max_header_bytes:
                self._fail(self._too_large())
        elif request is not None and request is self._request and request.length is None:
            self._overhead += len(data) - (request.received - before)
            if self._overhead > self._max_header_bytes:
                self._fail(InvalidRequestError("chunk extensions or trailers are too large"))

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                # llhttp stops after the head of a request with an Upgrade, which we ignore as RFC 9110 7.8 allows.
                data = data[upgrade.args[0] :]
                self._go_on()
                if data and not self.closed:
                    continue
            return

    def _go_on(self) -> None:
        """Read the body of the request with an Upgrade, as llhttp would have without it."""
        request = self._request
        if request is None or self.closed:
            return
        framing = b"transfer-encoding: chunked" if request.length is None else b"content-length: %d" % request.length
        self._parser = HttpRequestParser(self)
        self._parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n\r\n" % framing)
        self.requests.pop()
        self._request, self.closed = request, False

    def _too_large(self) -> NanoError:
        return HeadersTooLargeError(f"the request's head is larger than {self._max_header_bytes} bytes")

    def _fail(self, error: NanoError) -> None:
        if self.closed:
            return
        self.closed = True
        request, self._request = self._request, None
        if request is None:
            request = Request(b"", b"", [], {})
            self.requests.append(request)
        self.in_head = False
        request.error = error
        request.keep_alive = False

    # Called by llhttp.

    def on_message_begin(self) -> None:
        """A request begins."""
        self.in_head = True
        self._target = self._doubled = b""
        self._headers, self._special = [], {}
        self._head_bytes = 0

    def on_url(self, data: bytes) -> None:
        """A piece of the request target."""
        self._target += data

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of the trailer; values have lost their leading white space only."""
        name = _NAMES.get(name) or name.lower()
        value = value.rstrip(b" \t")
        if name not in _SPECIAL:
            self._headers.append((name, value))
        elif name not in self._special:
            self._special[name] = value
        elif name in _ONCE:
            self._doubled = name
        else:
            self._special[name] += b", " + value

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self.in_head = False
        special = self._special
        request = Request(self._parser.get_method(), self._target, self._headers, special)
        self.requests.append(request)
        # Trailer fields are read into containers of their own, and dropped.
        self._headers, self._special = [], {}
        self._request = request
        request.error = self._judge(request)
        if request.error is not None:
            self._request, self.closed = None, True
            request.keep_alive = False
            return
        if b"content-length" in special or b"transfer-encoding" in special:
            self._expect_body(request)
        connection = special.get(b"connection")
        if connection is not None:
            _heed_connection(request, connection.lower())
        else:
            request.keep_alive = not request.http10

    def _judge(self, request: Request) -> NanoError | None:
        """Why *request* is none that we serve."""
        version = self._parser.get_http_version()
        if version != "1.1":
            if version != "1.0":
                return InvalidRequestError(f"HTTP version {version}")
            request.http10 = True
        if self._doubled:
            return InvalidRequestError(f"more than one {self._doubled.decode('ascii')} field")
        if b"host" not in request.special:
            return InvalidRequestError("no Host header")
        if request.method in _UNSUPPORTED:
            return UnsupportedMethodError(f"method {request.method.decode('ascii')}")
        return self._judge_size(request)

    def _judge_size(self, request: Request) -> NanoError | None:
        if self._seen <= self._max_header_bytes:
            return None
        # "POST … HTTP/1.1", and four bytes per field for colon, space and CRLF.
        fields = [*request.headers, *request.special.items()]
        size = len(request.method) + len(request.target) + 11 + 4 * len(fields)
        size += sum(len(name) + len(value) for name, value in fields)
        return self._too_large() if size > self._max_header_bytes else None

    def _expect_body(self, request: Request) -> None:
        coding = request.special.get(b"transfer-encoding")
        if coding is None:
            request.length = int(request.special[b"content-length"])
        elif coding.lower() != b"chunked" or request.http10:
            self._request, self.closed = None, True
            request.error = InvalidRequestError(f"Transfer-Encoding {coding!r}")
            request.keep_alive = False
            return
        else:
            request.length = None
            self._overhead = 0
        request.has_body = request.length != 0
        request.pieces = []

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        request = self._request
        if request is None:
            return
        request.received += len(data)
        if request.pieces is not None:
            request.pieces.append(data)
            request.buffered += len(data)

    def on_chunk_header(self) -> None:
        """The size of a chunk."""
        self._overhead -= _CHUNK_OVERHEAD

    def on_message_complete(self) -> None:
        """The request is complete, or llhttp takes what follows an Upgrade for something else."""
        request = self._request
        if request is None:
            return
        if request.length != request.received and self._parser.should_upgrade():
            return
        request.complete = True
        self._request = None
        if not request.keep_alive:
            self.closed = True


def _heed_connection(request: Request, connection: bytes) -> None:
    """Strip what Connection names, and tell whether the connection goes on (RFC 9112 9.3)."""
    if connection == b"keep-alive":
        return
    options = {option.strip() for option in connection.split(b",")}
    request.keep_alive = b"close" not in options and (not request.http10 or b"keep-alive" in options)
    named = options - {b"close", b"keep-alive"}
    if named:
        request.headers = [header for header in request.headers if header[0] not in named]
