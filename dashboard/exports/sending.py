"""Sends a whole list: batches read by the list's own cursor, each written before the next is read."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel

from dashboard.exports import cells
from dashboard.recordings.query import Paged
from dashboard.render.pool import rendered
from sql.errors import DatabaseError

MOST_ROWS = 100_000
"""Rows of one file; what follows is in the next one, from the cursor that the last line names."""
BATCH = 500
KINDS = {"jsonl": "application/x-ndjson", "csv": "text/csv"}
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_NAME = 120


class Batch(Protocol):
    """A page of a list, wherever it comes from."""

    @property
    def rows(self) -> Sequence[Any]:
        """Its rows."""

    @property
    def next_cursor(self) -> object | None:
        """Where the list goes on; None at its end."""


Q = TypeVar("Q", bound=Paged)
B = TypeVar("B", bound=Batch)


@dataclass(frozen=True, slots=True)
class List(Generic[Q, B]):
    """A list that can be sent: how a page of it is found, and what its rows look like outside."""

    name: str
    model: type[BaseModel]
    find: Callable[[Q], Awaitable[B]]
    answers: Callable[[B], Awaitable[Callable[[], list[BaseModel]]]]
    """Reads what a batch needs beside its rows; what it returns makes the answers, off the event loop."""


def filename(name: str, chosen: Mapping[str, str], suffix: str) -> str:
    """The list's name, its filters and its period: ``requests-outcome_failed-range_24h.csv``."""
    parts = [name, *(f"{key}_{value}" for key, value in chosen.items())]
    return f"{'-'.join(_UNFIT.sub('_', part) for part in parts)[:LONGEST_NAME]}.{suffix}"


async def walked(of: List[Q, B], query: Q, most: int) -> AsyncIterator[B]:
    """The list in batches, up to so many rows."""
    at = query.model_copy(update={"page": 1, "limit": None, "offset": None})
    left = most
    while left > 0:
        found = await of.find(at.model_copy(update={"per_page": min(BATCH, left)}))
        yield found
        left -= len(found.rows)
        if found.next_cursor is None:
            return
        at = at.model_copy(update={"before": found.next_cursor})


async def send(
    request: web.Request, of: List[Q, B], query: Q, chosen: Mapping[str, str], *, suffix: str, bom: bool
) -> web.StreamResponse:
    """The whole list as a file. Where it is cut off its last line says so and where it goes on (N1).

    A list that cannot be read at all is an error in words: nothing is promised before its first batch is there.
    """
    headers = {
        "Content-Type": f"{KINDS[suffix]}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{filename(of.name, chosen, suffix)}"',
        "X-Row-Limit": str(MOST_ROWS),
    }
    async with aclosing(_pieces(request.app, of, query, suffix)) as pieces:
        first = await anext(pieces)
        answer = web.StreamResponse(headers=headers)
        answer.enable_compression()
        await answer.prepare(request)
        whole = False
        try:
            await answer.write((cells.BOM if bom and suffix == "csv" else b"") + first)
            async for piece in pieces:
                await answer.write(piece)
            await answer.write_eof()
            whole = True
        except DatabaseError as exc:
            raise ConnectionResetError("the list could not be read to its end") from exc
        finally:
            # Half a list must not look like a whole one: it ends with a reset.
            if not whole and request.transport is not None:
                request.transport.abort()
    return answer


async def _pieces(app: web.Application, of: List[Q, B], query: Q, suffix: str) -> AsyncGenerator[bytes]:
    """The file batch by batch; the first piece begins with the names of the columns, the last may say it is cut."""
    columns = [field.alias or name for name, field in of.model.model_fields.items()]
    before = cells.head(columns) if suffix == "csv" else b""
    cursor: object | None = None
    async for batch in walked(of, query, MOST_ROWS):
        make = await of.answers(batch)
        yield before + await rendered(app, _written, make, columns, suffix)
        before, cursor = b"", batch.next_cursor
    if cursor is not None:
        yield _cut(suffix, cursor)


def _written(make: Callable[[], list[BaseModel]], columns: Sequence[str], suffix: str) -> bytes:
    rows = [answer.model_dump(mode="json", by_alias=True) for answer in make()]
    if suffix == "csv":
        return cells.lines(columns, rows)
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def _cut(suffix: str, cursor: object) -> bytes:
    if suffix == "csv":
        return f"# cut after {MOST_ROWS} rows; goes on with before={cursor}\r\n".encode()
    return orjson.dumps({"cut_after_rows": MOST_ROWS, "before": str(cursor)}) + b"\n"
