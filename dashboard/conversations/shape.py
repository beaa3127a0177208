"""From rows to the answers of the JSON API: words of others leave with their secrets masked."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from dashboard.conversations.answers import (
    BranchAnswer,
    ConversationAnswer,
    ConversationTree,
    CursorPage,
    LatestRequest,
    LaunchAnswer,
    RebuildAnswer,
    SessionAnswer,
    SessionTalk,
)
from dashboard.conversations.listing import Page
from dashboard.conversations.now import Now
from dashboard.recordings.query import Paged
from dashboard.recordings.shape import numbered_page
from dashboard.render.secrets import safe, said
from sql.rows.conversations import BranchRow, ConversationRequestRow, ConversationRow, SessionRow, SessionTalkRow
from sql.rows.directory import AccountRow

AS_IS = (
    "conversation_id", "title", "side_call", "message_count", "attempt_count", "error_count", "input_tokens",
     "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "total_input_tokens",
    "models", "session_ids", "subtask_count", "compaction_count", "unpriced_count", "estimated_count",
)  # fmt: skip
"""Fields of a conversation's row that the answer has under the same name."""

OURS = (
    "id", "parent_request_id", "link_method", "branch_id", "is_subtask", "parent_task_request_id", "attempt_of",
    "status_code", "outcome", "request_type", "input_tokens", "output_tokens", "total_tokens",
    "cache_creation_input_tokens", "cache_read_input_tokens", "thinking_tokens", "item_count", "current_message_hash",
    "parent_message_hash", "ended_at", "cost_estimated", "cost_reason",
)  # fmt: skip
"""Fields of a request's row that the answer has under the same name: numbers, and words that are our own."""

OTHERS = ("session_id", "agent_id", "error_type", "stop_reason", "preview")
"""Those with words of clients and of the API."""
_OURS, _OTHERS = attrgetter(*OURS), attrgetter(*OTHERS)


def conversation_fields(
    row: ConversationRow, train: str, account: AccountRow | None, branches: Sequence[BranchRow], now: Now
) -> dict[str, Any]:
    """What the API says of a conversation, with or without its tree."""
    latest = LatestRequest(
        id=row.latest_request,
        status_code=row.latest_status_code,
        model=said(row.latest_model),
        created_at=row.latest_started_at or row.last_at,
    )
    return {name: said(getattr(row, name)) for name in AS_IS} | {
        "train_id": train,
        "account_id": account.account_id if account is not None else None,
        "first_message_at": row.first_at,
        "last_message_at": row.last_at,
        "total_tokens": row.input_tokens + row.output_tokens,
        "cost_usd": _number(row.cost_usd),
        "in_flight": len(now.calls_of(row)),
        "branches": [_branch(branch) for branch in branches],
        "latest_request": latest,
        "has_subtasks": row.subtask_count > 0,
    }


def conversation_answer(
    page: Page[ConversationRow], row: ConversationRow, branches: Sequence[BranchRow], now: Now
) -> ConversationAnswer:
    """A line of a list as the API gives it."""
    return ConversationAnswer(**conversation_fields(row, page.trains[row.train], page.account(row), branches, now))


def rebuild_answers(now: Now) -> list[RebuildAnswer]:
    """The rebuilds on their way as the API gives them."""
    return [
        RebuildAnswer(
            train_id=one.train,
            requests=one.rebuilt,
            total_requests=one.total,
            percent=one.percent,
            started_at=one.started_at,
        )
        for one in now.rebuilding
    ]


def request_fields(row: ConversationRequestRow) -> dict[str, Any]:
    """What the API says of a request in its tree: the fields of ``ConversationRequest``."""
    fields = dict(zip(OURS, _OURS(row), strict=True))
    fields |= {name: word and safe(word) for name, word in zip(OTHERS, _OTHERS(row), strict=True)}
    model = row.answered_model or row.model
    return fields | {
        "model": model and safe(model),
        "cost_usd": _number(row.cost_usd),
        "response_time_ms": _ms(row.duration_us),
        "ttft_ms": _ms(row.ttft_us),
        "launches": [LaunchAnswer(**said(launch)).model_dump() for launch in row.launches or ()],
        "created_at": row.started_at,
    }


def tree_json(tree: ConversationTree, rows: Iterable[ConversationRequestRow]) -> bytes:
    """A conversation and its requests as the API gives them. Rows are written as they are: no model is made of each."""
    answer = tree.model_dump(mode="json", by_alias=True)
    answer["requests"] = [request_fields(row) for row in rows]
    return orjson.dumps(answer, default=_id, option=orjson.OPT_UTC_Z)


def _id(value: object) -> str:
    """The driver's UUIDs are a class of their own."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def session_answer(
    page: Page[SessionRow], row: SessionRow, talks: Sequence[SessionTalkRow], most: int
) -> SessionAnswer:
    """A session as the API gives it, with at most so many of its conversations."""
    account = page.account(row)
    return SessionAnswer(
        session_id=said(row.session_id),
        train_id=page.trains[row.train],
        account_id=account.account_id if account is not None else None,
        client=said(row.client),
        client_version=said(row.client_version),
        first_request_at=row.first_at,
        last_request_at=row.last_at,
        request_count=row.request_count,
        conversations=[_talk(talk) for talk in talks[:most]],
        conversations_omitted=len(talks) > most,
    )


def cursor_page(page: Page[Any], query: Paged) -> CursorPage:
    """Where the page stands."""
    return CursorPage(**numbered_page(page.total, query, capped=page.total_capped), next_cursor=page.next_cursor)


def _branch(row: BranchRow) -> BranchAnswer:
    return BranchAnswer(
        branch_id=row.branch_id, parent_hash=row.parent_hash, created_at=row.created_at, message_count=row.message_count
    )


def _talk(row: SessionTalkRow) -> SessionTalk:
    return SessionTalk(
        conversation_id=row.conversation_id,
        title=said(row.title),
        side_call=row.side_call,
        message_count=row.message_count,
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
