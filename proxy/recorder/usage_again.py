"""Usage and cost of recorded requests, written once more: rows and roll-ups change together, so they never differ."""

from collections.abc import Sequence
from typing import Final

from core.prices import PriceList
from proxy.recorder import batch_results, usage_sums
from proxy.recorder.columns import COLUMNS, Row
from proxy.recorder.price_book import billed
from proxy.recorder.stored import Redeveloped
from sql.database import Transaction

NAMES: Final = (
    "request_type", "model", "answered_model", "stream", "message_id", "stop_reason", "input_tokens", "output_tokens",
    "cache_creation_input_tokens", "cache_read_input_tokens", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens",
    "thinking_tokens", "web_search_requests", "web_fetch_requests", "code_execution_requests", "service_tier",
    "inference_geo", "speed", "usage", "usage_complete", "cost_usd", "price_id", "cost_estimated", "cost_reason",
    "batch_id", "deriver_version",
)  # fmt: skip
"""The columns of ``rebuild_usage``, in its order."""
_COLUMNS: Final = [next(column for column in COLUMNS if column.name == name) for name in NAMES]


def row(told: Redeveloped, prices: PriceList) -> Row:
    """A stored call as it is written today; of its columns only ``NAMES`` are true."""
    recording = told.recording
    bill = billed(recording, prices)
    return Row(
        recording.start.request_id, None, "", told.account, recording.start, recording, recording.origin, bill=bill
    )


async def write(transaction: Transaction, train: int, given: Sequence[Row], prices: PriceList) -> None:
    """Write usage and cost of these rows anew, and correct the roll-ups by time. Raises sql's errors."""
    if not given:
        return
    rows = await batch_results.decide(transaction, train, given)
    ids = [one.id for one in rows]
    await usage_sums.take_back(transaction, train, ids)
    await batch_results.write(transaction, train, rows, prices)
    await transaction.execute("rebuild_usage", train, ids, *([c.fitted(one) for one in rows] for c in _COLUMNS))
    await usage_sums.add(transaction, train, ids)
