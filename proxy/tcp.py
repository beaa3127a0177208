"""What the kernel says of a connection (``tcp_info``, Linux), and how it ends when nobody is left to end it."""

import asyncio
import socket
import struct
from contextlib import suppress

PEER_CLOSED = 8
"""CLOSE_WAIT: the peer said it sends no more, and has not said that it reads no more."""
_UNACKNOWLEDGED, _BYTES_ACKNOWLEDGED = 24, 120
"""Offsets in ``struct tcp_info``."""


def state(transport: asyncio.Transport) -> tuple[int, int]:
    """State and number of unacknowledged segments."""
    info = _info(transport, 32)
    return info[0], struct.unpack_from("I", info, _UNACKNOWLEDGED)[0]


def bytes_taken(transport: asyncio.Transport) -> int:
    """How many bytes the peer has acknowledged; what only grows while the peer takes anything at all.

    The write buffer is no measure: it moves only when a third of the kernel's own buffer is free again.
    """
    info = _info(transport, 128)
    if len(info) < _BYTES_ACKNOWLEDGED + 8:
        return -transport.get_write_buffer_size()
    return int(struct.unpack_from("Q", info, _BYTES_ACKNOWLEDGED)[0])


def end_hard(transport: asyncio.Transport, *, hard: bool) -> None:
    """Whether the connection ends with a reset, even where this process is killed, or as a clean end."""
    sock = transport.get_extra_info("socket")
    with suppress(OSError):  # just closed
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1 if hard else 0, 0))


def _info(transport: asyncio.Transport, size: int) -> bytes:
    sock = transport.get_extra_info("socket")
    try:
        return bytes(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size))
    except OSError:  # just closed
        return bytes(size)
