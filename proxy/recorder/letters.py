"""What the database can never take is put aside whole: its frames, which ``core.tape`` can read again."""

from uuid import UUID

from core.exchange import Taped
from core.frames import encode_end, encode_head, encode_start
from core.tape import MAX_PAYLOAD, Kind, encode, seed_of

SEGMENT = UUID(int=0)
"""Dead letters are written as if they were a segment of this id."""


def frames_of(taped: Taped) -> bytes:
    """The frames of a call, as on the tape but one after another."""
    parts: list[bytes] = []
    at = 0
    seed = seed_of(SEGMENT)

    def put(kind: Kind, mono_us: int, payload: bytes) -> None:
        nonlocal at
        parts.extend((encode(kind, taped.start.request_id.bytes, at, mono_us, payload, seed), payload))
        at += 1

    put(Kind.START, 0, encode_start(taped.start))
    for offset in range(0, len(taped.request_body), MAX_PAYLOAD):
        put(Kind.BODY, 0, taped.request_body[offset : offset + MAX_PAYLOAD])
    if taped.head is not None:
        put(Kind.HEAD, taped.end.timings.head_us or 0, encode_head(taped.head))
    offset = 0
    for chunk in taped.chunks:
        put(Kind.CHUNK, chunk.at_us, taped.response_body[offset : offset + chunk.size])
        offset += chunk.size
    put(Kind.END, taped.end.timings.end_us, encode_end(taped.end))
    return b"".join(parts)
