"""Request bodies as lists of pieces: which pieces a train's month lacks, and writing them with the lists.

A body that goes on with its lane sends what is not in the lane's memory, and names the rest, to be sure of it. One that
is divided from its beginning asks first, level by level: where a list node is there, everything under it is too (they
are written in one transaction and swept together), so it asks for some thirty keys, not thousands, and sends only what
is missing. That the train's row is locked makes every answer hold until the commit.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from core.ids import uuid7_month
from core.pieces import Division, children, divide
from core.valueclass import valueclass
from sql.arrays import trimmed
from sql.database import Transaction
from sql.rows.record import BodyTrouble, PieceKey


@valueclass(frozen=True, slots=True)
class Request:
    """A request's body, in pieces, and the id it is filed under."""

    id: UUID
    body: bytes
    division: Division


async def write(transaction: Transaction, train: int, requests: Sequence[Request]) -> bool:
    """Write bodies and the pieces they need; whether the server found all of them as they should be."""
    months: dict[int, list[Request]] = {}
    for request in requests:
        months.setdefault(uuid7_month(request.id), []).append(request)
    exact = True
    for month, of_month in months.items():
        trouble = await _write(transaction, train, month, of_month)
        if any(found.missing for found in trouble):
            # Swept meanwhile, or of another month: nothing is taken for known any more.
            trouble = await _write(transaction, train, month, [_complete(request) for request in of_month])
        exact = exact and not trouble
    return exact


async def _write(transaction: Transaction, train: int, month: int, requests: Sequence[Request]) -> list[BodyTrouble]:
    divisions = [request.division for request in requests if request.division.keys is not None]
    sent = await _missing(transaction, train, month, [division for division in divisions if division.complete])
    needed: set[bytes] = set()
    for division in divisions:
        if not division.complete:
            sent |= division.fresh
            needed |= _needed(division)
    keys = sorted(sent)
    return await transaction.fetch(
        "record_request_bodies",
        BodyTrouble,
        train,
        month,
        [key.hex() for key in keys],
        [sent[key] for key in keys],
        [key.hex() for key in needed.difference(sent)],
        [request.id for request in requests],
        trimmed([request.body if request.division.keys is None else None for request in requests]),
        trimmed([request.division.keys for request in requests]),
        trimmed([None if request.division.keys is None else request.division.folded for request in requests]),
        [request.division.size for request in requests],
        [request.division.sha256 for request in requests],
    )


async def _missing(
    transaction: Transaction, train: int, month: int, divisions: Sequence[Division]
) -> dict[bytes, bytes]:
    """The pieces and nodes of complete divisions that are not there."""
    fresh: dict[bytes, bytes] = {}
    asked: dict[bytes, int] = {}
    for division in divisions:
        fresh |= division.fresh
        asked |= division.levels()
    missing: dict[bytes, bytes] = {}
    while asked:
        keys = [key.hex() for key in asked]
        found = await transaction.fetch("record_missing_pieces", PieceKey, train, month, keys)
        lacking = {row.hash.bytes: asked[row.hash.bytes] for row in found}
        missing |= {key: fresh[key] for key in lacking}
        below = {child: level - 1 for key, level in lacking.items() if level for child in children(fresh[key])}
        asked = {key: level for key, level in below.items() if key not in missing}
    return missing


def _needed(division: Division) -> set[bytes]:
    """What the list and its new nodes name."""
    named: set[bytes] = set()
    level = dict(division.levels())
    while level:
        named |= level.keys()
        level = {
            child: height - 1
            for key, height in level.items()
            if height and key in division.fresh
            for child in children(division.fresh[key])
        }
    return named


def _complete(request: Request) -> Request:
    return request if request.division.complete else replace(request, division=divide(request.body))
