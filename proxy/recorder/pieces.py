"""Which pieces of request bodies a train's month lacks, and writing them.

Asked is level by level: where a list node is there, everything under it is too (they are written in one transaction and
swept together), so a turn of a long conversation asks for some thirty keys, not thousands, and sends only what is new.
That the train's row is locked makes the answer hold until the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.ids import uuid7_month
from core.pieces import Division, children, divide
from sql.database import Transaction
from sql.rows.record import PieceCheck, PieceKey

BYTES = 8 << 20
"""Of one statement, nearly."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's body, in pieces, and the id it is filed under."""

    id: UUID
    body: bytes
    division: Division


async def write(
    transaction: Transaction, train: int, requests: Sequence[Request]
) -> tuple[list[Request], list[PieceCheck]]:
    """Write the pieces that are missing. Returns the requests with the divisions that are now in the database."""
    months: dict[int, list[Request]] = {}
    for request in requests:
        months.setdefault(uuid7_month(request.id), []).append(request)
    checks: list[PieceCheck] = []
    written: list[Request] = []
    for month, of_month in months.items():
        stored, missing = await _missing(transaction, train, month, of_month)
        written += stored
        for keys, bodies in _statements(missing):
            checks += await transaction.fetch("record_pieces", PieceCheck, train, month, keys, bodies)
    return written, checks


async def _missing(
    transaction: Transaction, train: int, month: int, requests: Sequence[Request]
) -> tuple[list[Request], dict[bytes, bytes]]:
    """The pieces and nodes to write. Where a piece is gone that a lane's memory took for written, all are looked at."""
    fresh: dict[bytes, bytes] = {}
    asked: dict[bytes, int] = {}
    for request in requests:
        fresh |= request.division.fresh
        asked |= request.division.levels()
    missing: dict[bytes, bytes] = {}
    while asked:
        keys = [key.hex() for key in asked]
        found = await transaction.fetch("record_missing_pieces", PieceKey, train, month, keys)
        lacking = [row.hash.bytes for row in found]
        if not all(key in fresh for key in lacking):
            return await _missing(transaction, train, month, [_complete(request) for request in requests])
        missing |= {key: fresh[key] for key in lacking}
        asked = {
            child: asked[key] - 1
            for key in lacking
            if asked[key]
            for child in children(fresh[key])
            if child not in missing
        }
    return list(requests), missing


def _complete(request: Request) -> Request:
    return request if request.division.complete else replace(request, division=divide(request.body))


def _statements(missing: dict[bytes, bytes]) -> list[tuple[list[str], list[bytes]]]:
    """Keys in order and their bytes, in portions a statement may carry."""
    portions: list[tuple[list[str], list[bytes]]] = []
    room = 0
    for key, piece in sorted(missing.items()):
        if room <= 0:
            portions.append(([], []))
            room = BYTES
        portions[-1][0].append(key.hex())
        portions[-1][1].append(piece)
        room -= len(piece)
    return portions
