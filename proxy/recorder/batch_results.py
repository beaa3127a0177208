"""Fetched results of message batches: counted once in a train, for the first request that fetched them whole."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from core import batches
from core.models import BatchResults, Recording, Usage
from core.prices import PriceList
from core.pricing import Cost, cost, total
from core.valueclass import replace
from proxy.recorder import usage_sums
from proxy.recorder.columns import TOKENS, Row
from proxy.recorder.readable import moment
from sql.database import Transaction
from sql.rows.record import BatchCounted, BatchPart

SUMS: Final = (
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "thinking_tokens", "web_search_requests",
)  # fmt: skip


async def decide(transaction: Transaction, train: int, rows: Sequence[Row]) -> list[Row]:
    """The rows as they count: results that another request brought before are no usage of this one."""
    wanted = {row.recording.batch.batch_id for row in rows if row.recording is not None and row.recording.batch}
    if not wanted:
        return list(rows)
    found = await transaction.fetch("batches_counted", BatchCounted, train, sorted(wanted))
    counted = {one.batch_id: one.request for one in found}
    for row in rows:
        batch = None if row.recording is None else row.recording.batch
        if batch is not None and batch.whole:
            counted.setdefault(batch.batch_id, row.id)
    return [_decided(row, row.recording, counted) for row in rows]


def _decided(row: Row, recording: Recording | None, counted: dict[str, UUID]) -> Row:
    batch = None if recording is None else recording.batch
    if recording is None or batch is None:
        return row
    if counted.get(batch.batch_id) == row.id:
        return replace(row, batch_id=batch.batch_id)
    # What is fetched in part is unknown until somebody fetches it whole; what is counted elsewhere is no news.
    bare = replace(recording, usage=Usage(), answered_model=None)
    return replace(row, recording=bare, bill=None if batch.batch_id in counted else row.bill)


async def write(transaction: Transaction, train: int, news: Sequence[Row], prices: PriceList) -> None:
    """Write the messages of batches that count, by model; before the roll-ups are written. Raises sql's errors."""
    whole = []
    for row in news:
        if row.batch_id is not None and row.recording is not None and row.recording.batch is not None:
            whole.append(row.batch_id)
            await transaction.execute("batch_count", train, row.batch_id, row.id)
            await _write_usage(transaction, train, row, row.recording.batch, prices)
    if whole:
        await _settle_parts(transaction, train, whole, [row.id for row in news])


async def _settle_parts(transaction: Transaction, train: int, whole: Sequence[str], news: Sequence[UUID]) -> None:
    """What was fetched in part before is known now: it is booked on the request that brought it whole."""
    parts = await transaction.fetch("batch_parts", BatchPart, train, whole, news)
    if parts:
        ids = [part.id for part in parts]
        await usage_sums.take_back(transaction, train, ids)
        await transaction.execute("batch_parts_settle", train, ids)
        await usage_sums.add(transaction, train, ids)


async def _write_usage(
    transaction: Transaction, train: int, row: Row, results: BatchResults, prices: PriceList
) -> None:
    of_models = batches.by_model(results)
    sums = [batches.add_up(message.usage for message in of) for of in of_models.values()]
    at = moment(row.start.at_us)
    bills = [total(cost(one.usage, one.model, at, prices) for one in of) for of in of_models.values()]
    await transaction.execute(
        "batch_usage_put",
        train,
        row.id,
        list(of_models),
        [len(of) for of in of_models.values()],
        *([min(one[name] or 0, TOKENS) for one in sums] for name in SUMS),
        [bill.usd if isinstance(bill, Cost) else 0 for bill in bills],
    )
