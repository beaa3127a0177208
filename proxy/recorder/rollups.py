"""Writing the roll-ups of conversations: what ``core.rollup`` made of all their requests."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from core.rollup import Rollup
from proxy.recorder.readable import moment
from sql.arrays import trimmed
from sql.database import Transaction


async def write(
    transaction: Transaction,
    train: int,
    made: Sequence[Rollup],
    emptied: Sequence[UUID],
    gone: Sequence[tuple[UUID, str]],
) -> None:
    """Write these conversations and their branches, and forget those that are empty. Raises sql's errors.

    ``gone`` are branches that are no more, of conversations that are not ``whole``.
    """
    if gone:
        await transaction.execute("rollup_drop_branches", train, [one for one, _ in gone], [name for _, name in gone])
    if emptied:
        await transaction.execute("rollup_drop_conversations", train, list(emptied))
    if made:
        await _write_conversations(transaction, train, made)
    await _write_branches(transaction, train, made, emptied)


async def _write_conversations(transaction: Transaction, train: int, made: Sequence[Rollup]) -> None:
    await transaction.execute(
        "rollup_conversations",
        train,
        [one.conversation_id for one in made],
        [one.title for one in made],
        trimmed([one.side_call for one in made]),
        [one.account for one in made],
        [moment(one.first_us) for one in made],
        [moment(one.last_us) for one in made],
        [one.message_count for one in made],
        [one.attempt_count for one in made],
        [one.error_count for one in made],
        [one.in_flight for one in made],
        [one.branch_count for one in made],
        [one.subtask_count for one in made],
        [one.compaction_count for one in made],
        [one.input_tokens for one in made],
        [one.output_tokens for one in made],
        [one.cache_creation_input_tokens for one in made],
        [one.cache_read_input_tokens for one in made],
        [orjson.dumps(one.models).decode() for one in made],
        [orjson.dumps(one.session_ids).decode() for one in made],
        [one.latest_request for one in made],
        [one.latest_status for one in made],
        [one.latest_model for one in made],
        [orjson.dumps(one.shape).decode() for one in made],
        [one.cost_usd for one in made],
        [one.unpriced_count for one in made],
        [one.estimated_count for one in made],
        [moment(one.latest_us) for one in made],
        [orjson.dumps(one.subtask_slots, option=orjson.OPT_NON_STR_KEYS).decode() for one in made],
    )


async def _write_branches(
    transaction: Transaction, train: int, made: Sequence[Rollup], emptied: Sequence[UUID]
) -> None:
    rows = [(one.conversation_id, branch) for one in made for branch in one.branches]
    await transaction.execute(
        "rollup_branches",
        train,
        [*(one.conversation_id for one in made if one.whole), *emptied],
        [conversation for conversation, _ in rows],
        [branch.branch_id for _, branch in rows],
        trimmed([branch.parent_hash for _, branch in rows]),
        [branch.first_request for _, branch in rows],
        [moment(branch.created_us) for _, branch in rows],
        [branch.message_count for _, branch in rows],
    )
