"""Calls of tools as rows: asked for by an answer, settled by the first later request that brings the result."""

from collections.abc import Sequence
from uuid import UUID

from core.identity import Facts
from core.models import Recording
from core.tools import uses
from sql.database import Transaction

Told = tuple[UUID, Recording, Facts]
"""A call that became complete: its id, what was recorded and what linking knows of it."""


async def write(transaction: Transaction, train: int, told: Sequence[Told]) -> None:
    """Write what calls that became complete say of tools, in whatever order they come. Raises sql's errors."""
    asked = [(request, use) for request, recording, _ in told for use in uses(recording.message)]
    if asked:
        await transaction.execute(
            "tool_calls_asked",
            train,
            [request for request, _ in asked],
            [use.block_index for _, use in asked],
            [use.tool_use_id for _, use in asked],
            [use.name for _, use in asked],
            [use.input_size for _, use in asked],
        )
    brought = [(facts.call, result) for _, _, facts in told for result in facts.results]
    if brought:
        await transaction.execute(
            "tool_calls_answered",
            train,
            [result.tool_use_id for _, result in brought],
            [call.id for call, _ in brought],
            [result.is_error for _, result in brought],
            [result.size for _, result in brought],
            [call.started_us for call, _ in brought],
        )
    settled = {use.tool_use_id for _, use in asked} | {result.tool_use_id for _, result in brought}
    if settled:
        await transaction.execute("tool_calls_settle", train, sorted(settled))
