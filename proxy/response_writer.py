"""An answer on its way to the client: its head, then each piece as it comes, framed as this client can take it."""

from typing import TYPE_CHECKING

from proxy.headers import response_head

if TYPE_CHECKING:
    from proxy.connection import ClientConnection, Incoming
    from proxy.response_parser import ResponseHead

SMALL = 16 * 1024
"""Below this, copying bytes together is cheaper than a second write."""


class ResponseWriter:
    """``begin`` with the head, ``piece`` for each piece of the body, ``end`` when all of it came."""

    __slots__ = (
        "_close_delimited",
        "_connection",
        "_incoming",
        "_to_chunk",
        "_transport",
        "_unsent",
        "keep",
        "written",
    )

    def __init__(self, incoming: "Incoming") -> None:
        self._incoming = incoming
        self._connection: ClientConnection = incoming.connection
        self._transport = incoming.connection.transport
        self._unsent = b""
        self._to_chunk = False
        self._close_delimited = False
        self.keep = False
        """Whether the client's connection outlives this answer."""
        self.written = 0
        """Bytes written to the client, head and framing included."""

    def begin(self, head: "ResponseHead", *, to_head: bool, request_is_through: bool, with_body: bool) -> None:
        """Write the head; where the beginning of the body is there already, together with that, as one packet.

        ``to_head``: it answers HEAD, and no body follows.
        """
        modern = self._incoming.message.version == (1, 1)
        unknown_length = head.framing in {"chunked", "eof"}
        self._to_chunk = unknown_length and modern
        self._close_delimited = unknown_length and not modern
        closing = self._incoming.last or self._connection.ending
        self.keep = modern and not closing and request_is_through
        would_chunk = to_head and head.framing == "none" and modern and _would_chunk(head)
        chunked = self._to_chunk or would_chunk
        self._unsent = response_head(head.status, head.reason, head.headers, chunked=chunked, close=not self.keep)
        if self._close_delimited:
            self._connection.end_only_by_reset()
        if not with_body:
            self._write(b"")

    def announce(self, head: "ResponseHead") -> None:
        """Pass an interim head on, as a proxy must (RFC 9110 §15.2), but not to HTTP/1.0, which knows none."""
        if self._incoming.message.version == (1, 1):
            self._write(response_head(head.status, head.reason, head.headers, chunked=False, close=False))

    def piece(self, data: bytes, chunk: bytes = b"") -> None:
        """Write a piece of the body; ``chunk`` is the same with a chunk's framing, where somebody has it."""
        if not self._to_chunk:
            self._write(data)
        elif chunk:
            self._write(chunk)
        elif len(data) >= SMALL:
            self._write(b"%x\r\n" % len(data))
            self._write(data)
            self._write(b"\r\n")
        else:
            self._write(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        """Say that this was all, as far as the framing can."""
        if self._to_chunk:
            self._write(b"0\r\n\r\n")
        if self._close_delimited:
            await self._connection.all_taken()
        if not self.keep:
            self._connection.say_goodbye()

    def _write(self, data: bytes) -> None:
        if self._unsent:
            data, self._unsent = self._unsent + data, b""
        self.written += len(data)
        try:
            if self._transport is not None:
                self._transport.write(data)
        except RuntimeError:
            # uvloop's: the client has gone and the call is about to be told; what came is for the tape yet.
            return


def _would_chunk(head: "ResponseHead") -> bool:
    """Whether the answer to HEAD says that the body GET would get comes in chunks."""
    return any(name.lower() == b"transfer-encoding" for name, _ in head.headers)
