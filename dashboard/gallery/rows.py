"""Lines of the list of requests: one for each way a call can end, and one that runs."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.models import Outcome
from sql.rows.directory import AccountRow
from sql.rows.requests import RequestRow

MOMENT = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)
ACCOUNT = AccountRow(1, "key-0123456789ab", None)
CODES = {
    Outcome.OK: 200,
    Outcome.UPSTREAM_ERROR: 529,
    Outcome.STREAM_ERROR: 200,
    Outcome.UPSTREAM_UNREACHABLE: 502,
    Outcome.UPSTREAM_TIMEOUT: 504,
    Outcome.REJECTED: 401,
}


def every_row() -> list[RequestRow]:
    """Newest first: the running one, then each outcome; the last carries hostile and endless words."""
    rows = [_row(0, outcome=None, ended_at=None, duration_us=None, stop_reason=None)]
    rows += [_row(number, **_ended(outcome)) for number, outcome in enumerate(Outcome, 1)]
    hostile = "<script>alert(1)</script>\u202e" + "long" * 40
    return [*rows, _row(99, model=hostile, client=hostile, stop_reason=hostile, input_tokens=987_654_321)]


def _ended(outcome: Outcome) -> dict[str, Any]:
    ended: dict[str, Any] = {"outcome": outcome.value, "status_code": CODES.get(outcome)}
    if outcome is not Outcome.OK:
        ended |= {"stop_reason": None, "error_type": "overloaded_error", "cost_usd": None, "output_tokens": None}
    return ended


def _row(number: int, **given: Any) -> RequestRow:
    at = MOMENT - timedelta(seconds=17 * number)
    usual: dict[str, Any] = {
        "train": 1,
        "id": UUID(int=(0x0199AAAA_0000_7000_8000 << 48) + number),
        "account": 1,
        "method": "POST",
        "path": "/v1/messages",
        "request_type": "inference",
        "model": "claude-opus-5-5",
        "client": "claude-code",
        "client_version": "2.1.284",
        "outcome": "ok",
        "status_code": 200,
        "stop_reason": "end_turn",
        "input_tokens": 120,
        "output_tokens": 4_512,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 141_208,
        "cost_usd": Decimal("0.1212"),
        "started_at": at,
        "updated_at": at,
        "ended_at": at,
        "ttft_us": 1_130_000,
        "duration_us": 8_400_000,
        "tape_wait_us": 640,
        "is_subtask": False,
    }
    return RequestRow(**{field.name: None for field in fields(RequestRow)} | usual | given)
