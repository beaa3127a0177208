"""The upstream's answers, bytes in, head and body out, on httptools.

httptools waits for a body after HEAD, gives 1xx as a complete message and has no call for EOF; the first two are met
here, the third where the connection ends.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import httptools

from proxy.repeated_length import END, repeats, said_once

Framing = Literal["none", "length", "chunked", "eof"]


class ResponseHead(NamedTuple):
    """The upstream's response head, as bytes in its order."""

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    framing: Framing


Announce = Callable[[ResponseHead], None]
"""Takes an interim head (1xx): it announces an answer and is none."""

_NOT_PASSED_ON = frozenset({100, 101})
"""Answers to wishes of the hop before: we meet expectations ourselves and upgrade to nothing."""


class ResponseParser:
    """One answer after the other: ``begin``, then ``feed`` until ``complete`` or ``broken``."""

    __slots__ = (
        *("_announce", "_bodyless", "_framing", "_head_bytes", "_headers", "_parser", "_pieces", "_reason", "_repeats"),
        *("between", "broken", "complete", "head", "keep"),
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin(bodyless=False)

    def begin(self, *, bodyless: bool, announce: Announce | None = None) -> None:
        """Expect the next answer. ``bodyless``: the one to HEAD has no body, whatever it says."""
        self._announce = announce
        self._bodyless = bodyless
        self._headers: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._framing: Framing = "none"
        self._pieces: list[bytes] = []
        self._head_bytes = bytearray()
        self._repeats = False
        self.head: ResponseHead | None = None
        """The final head, once it is whole."""
        self.complete = False
        """Whether the answer has ended as its framing says, or as the connection's end says."""
        self.broken = False
        """Whether what came is no HTTP/1.1; what came before the broken byte still counts."""
        self.keep = False
        """Whether the connection can take another request after this answer."""
        self.between = False
        """Whether the next byte begins a chunk: then ``one_chunk`` may take a read that the parser need not see."""

    @property
    def head_size(self) -> int:
        """Bytes of a head that is not whole yet."""
        return len(self._head_bytes)

    def feed(self, data: bytes) -> bytes:
        """Take one read of the socket; returns what it held of the body, without framing."""
        if self.head is None:
            self._feed_head(data)
        else:
            self._feed(data)
        pieces, self._pieces = self._pieces, []
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.between = data.endswith(b"\n\r\n") and self._chunk_ended(piece)
        return piece

    def _chunk_ended(self, piece: bytes) -> bool:
        """Whether a read that ends in LF, CR, LF and held this of the body ends with a chunk's end.

        That is so after an event of a stream, and httptools would tell only by a call for each chunk. A line that says
        a chunk's length has no LF before its end; and inside a chunk the piece itself would end in CR, LF.
        """
        going_on = self._framing == "chunked" and not self.complete and not self.broken
        return going_on and piece != b"" and not piece.endswith(b"\r\n")

    def _feed_head(self, data: bytes) -> None:
        self._head_bytes += data
        if not self._repeats:
            self._feed(data)
        if self._repeats and END in self._head_bytes:
            self._repeats = False
            self._read_again()

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._repeats = self.head is None and repeats(bytes(self._head_bytes))
            if not self._repeats:
                self._break()

    def _read_again(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._reason = [], b""
        once = said_once(bytes(self._head_bytes))
        if once is None:
            self._break()
        else:
            self._feed(once)
            self._repeats = False

    def _break(self) -> None:
        self.keep = False
        if not self.complete:
            self.broken = True

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A second message behind a complete one: nobody asked for it."""
        self._headers = []
        self._reason = b""
        if self.complete:
            self.keep = False

    def on_status(self, status: bytes) -> None:
        """The reason phrase; it may come in parts."""
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field; trailers come here too, behind the head, and are dropped."""
        if self.head is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The final head, or one that announces it."""
        status = self._parser.get_status_code()
        if self.head is not None:
            return
        if status < 200:
            if self._announce is not None and status not in _NOT_PASSED_ON:
                self._announce(ResponseHead(status, self._reason, self._headers, "none"))
            return
        self._framing = self._read_framing(status)
        if self.broken:
            return
        self.keep = self._parser.should_keep_alive() and self._framing != "eof"
        self.head = ResponseHead(status, self._reason, self._headers, self._framing)
        self._head_bytes.clear()
        if self._framing == "none":
            # Whatever the head says of a body, none comes; so this parser is at a loss and is not used again.
            self.complete = True
            self._parser = httptools.HttpResponseParser(self)

    def _read_framing(self, status: int) -> Framing:
        if self._bodyless or status in {204, 304}:
            return "none"
        framing: Framing = "eof"
        for name, value in self._headers:
            lowered = name.lower()
            if lowered == b"transfer-encoding":
                if value.strip().lower() != b"chunked":
                    self._break()
                return "chunked"
            if lowered == b"content-length":
                framing = "length"
        return framing

    def on_body(self, body: bytes) -> None:
        """A part of the body, without its framing."""
        if not self.complete:
            self._pieces.append(body)
        else:
            self.keep = False

    def on_message_complete(self) -> None:
        """The end of the body as its framing says."""
        if self.head is not None and self._framing != "eof":
            self.complete = True


def one_chunk(data: bytes) -> bytes:
    """What the one chunk holds that these bytes are, written as ``proxy.response_writer`` would; else nothing."""
    end = data.find(b"\r\n", 1, 9)
    if data[:end] != b"%x" % (len(data) - end - 4) or not data.endswith(b"\r\n"):
        return b""
    return data[end + 2 : -2]
