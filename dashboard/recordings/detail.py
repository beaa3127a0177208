"""One request among the trains a principal may see, and its bodies."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from core.access import Principal
from core.errors import FootplateError
from core.kept import Kept, kept
from dashboard.problems import Problem
from dashboard.recordings.bodies import MOST_SHOWN_BYTES
from dashboard.trains import account_names, visible_trains
from sql.database import Database
from sql.rows.directory import AccountRow
from sql.rows.requests import BodySizesRow, RequestBodyRow, RequestDetailRow, ResponseBodyRow


class CorruptBodyError(FootplateError):
    """Stored bytes do not give the hash that was stored with them; nobody may take them for what was sent."""


@dataclass(frozen=True, slots=True)
class Found:
    """A request with what its train and account are called."""

    row: RequestDetailRow
    train: str
    account: AccountRow | None


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies of a request that are small enough to show. Sizes are of the stored bytes; None: no body yet."""

    request: RequestBodyRow | None
    response: ResponseBodyRow | None
    sizes: BodySizesRow
    request_kept: Kept = Kept.WHOLE
    response_kept: Kept = Kept.WHOLE
    """Whether all of what crossed the wire is stored; a train without bodies, or retention, is no loss."""

    @property
    def request_too_large(self) -> bool:
        """Whether the request's body is there and was left out."""
        return too_large(self.sizes.request_size)

    @property
    def response_too_large(self) -> bool:
        """Whether the response's body is there and was left out."""
        return max(self.sizes.response_size or 0, self.sizes.decoded_size or 0) > MOST_SHOWN_BYTES

    @property
    def chunks_left_out(self) -> int:
        """Chunks of a response that was too large to show."""
        return (self.sizes.chunks or 0) if self.response_too_large else 0


def too_large(size: int | None) -> bool:
    """Whether a stored body of this size is left where it is."""
    return (size or 0) > MOST_SHOWN_BYTES


async def find_request(database: Database, principal: Principal, request_id: UUID) -> Found | None:
    """The request of this id, or None where there is none, or none that the principal may see."""
    trains = await visible_trains(database, principal)
    row = await database.fetch_one("request_by_id", RequestDetailRow, sorted(trains), request_id)
    if row is None:
        return None
    accounts = await account_names(database, [] if row.account is None else [row.account])
    return Found(row, trains[row.train], accounts.get(row.account or 0))


async def bodies_of(database: Database, row: RequestDetailRow) -> Bodies:
    """The bodies of a found request, those that are too large to show left where they are."""
    key = (row.train, row.id)
    sizes = await database.fetch_one("body_sizes_of", BodySizesRow, *key) or BodySizesRow(None, None, None, None)
    bodies = Bodies(None, None, sizes, request_kept(row, sizes.request_size), response_kept(row, sizes.response_size))
    request, response = bodies.request, bodies.response
    if not bodies.request_too_large:
        request = await database.fetch_one("request_body_of", RequestBodyRow, *key)
    if not bodies.response_too_large:
        response = await database.fetch_one("response_body_of", ResponseBodyRow, *key)
    return replace(bodies, request=request, response=response)


async def response_of(database: Database, row: RequestDetailRow) -> ResponseBodyRow | None:
    """The stored answer; None where there is none. Raises Problem 413 where it is too large to show."""
    sizes = await database.fetch_one("body_sizes_of", BodySizesRow, row.train, row.id)
    if sizes is not None and max(sizes.response_size or 0, sizes.decoded_size or 0) > MOST_SHOWN_BYTES:
        raise Problem(413, f"the answer is too large for this; /api/requests/{row.id}/raw/response has its bytes")
    return await database.fetch_one("response_body_of", ResponseBodyRow, row.train, row.id)


def request_kept(row: RequestDetailRow, stored: int | None) -> Kept:
    """How much of the request's body was recorded, of which ``stored`` bytes are there."""
    return kept(row.request_bytes, stored, row.lost_frames, row.outcome)


def response_kept(row: RequestDetailRow, stored: int | None) -> Kept:
    """How much of the response's body was recorded, of which ``stored`` bytes are there."""
    return kept(row.response_bytes, stored, row.lost_frames, row.outcome)


async def exact_request(database: Database, row: RequestDetailRow) -> bytes | None:
    """The request's body as it crossed the wire; None where none is stored. Raises CorruptBodyError."""
    stored = await database.fetch_one("request_body_of", RequestBodyRow, row.train, row.id)
    if stored is None:
        return None
    if stored.body is None:
        raise CorruptBodyError("a piece of the body is missing")
    return await asyncio.to_thread(_proved, stored.body, stored.sha256)


async def exact_response(database: Database, row: RequestDetailRow) -> bytes | None:
    """The response's body as it crossed the wire, still encoded; None where none is stored. Raises CorruptBodyError."""
    stored = await database.fetch_one("response_body_of", ResponseBodyRow, row.train, row.id)
    return None if stored is None else await asyncio.to_thread(_proved, stored.raw, stored.sha256)


def _proved(body: bytes, sha256: bytes) -> bytes:
    if hashlib.sha256(body).digest() != sha256:
        raise CorruptBodyError("the stored bytes do not match the hash stored with them")
    return body
