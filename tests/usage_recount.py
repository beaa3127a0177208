"""The roll-ups once more, computed from the rows of requests here in Python: whatever happened, both are equal."""

import math
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

SUMS = (
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "thinking_tokens", "web_search_requests", "cost_usd",
)  # fmt: skip
HOURLY = ("train", "hour", "account", "model", "request_type")
ROWS = "SELECT * FROM requests WHERE outcome IS NOT NULL ORDER BY train, id"


async def check_usage(connection: Any) -> None:
    """Every roll-up equals what the rows say."""
    rows = await connection.fetch(ROWS)
    found = {
        tuple(row[key] for key in HOURLY): dict(row) for row in await connection.fetch("SELECT * FROM usage_hourly")
    }
    assert found == _hourly(rows)
    latency = await connection.fetch("SELECT * FROM latency_hourly")
    assert {tuple(row)[:4]: tuple(row)[4:] for row in latency} == _latency(rows)
    slots = await connection.fetch("SELECT * FROM usage_five_minutes")
    assert {tuple(row)[:5]: dict(list(row.items())[5:]) for row in slots} == _slots(rows)
    keyed = await connection.fetch("SELECT * FROM key_usage_hourly")
    assert {tuple(row)[:3]: tuple(row)[3:] for row in keyed} == _keyed(rows)
    talks = await connection.fetch(
        "SELECT train, conversation_id, cost_usd, unpriced_count, estimated_count FROM conversations"
    )
    assert {tuple(row)[:2]: tuple(row)[2:] for row in talks} == _talks(rows)


def _hour(row: Any) -> Any:
    return row["started_at"].replace(minute=0, second=0, microsecond=0)


def _model(row: Any) -> str:
    return row["answered_model"] or row["model"] or ""


def _unpriced(row: Any) -> bool:
    return row["cost_usd"] is None and row["cost_reason"] is not None


def _hourly(rows: list[Any]) -> dict[Any, dict[str, Any]]:
    hours: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in rows:
        hour = hours[row["train"], _hour(row), row["account"] or 0, _model(row), row["request_type"] or ""]
        ok = row["outcome"] == "ok"
        hour.update({name: row[name] or 0 for name in SUMS})
        hour.update(
            requests=1, ok=ok, cancelled=row["outcome"] == "client_cancelled", rejected=row["outcome"] == "rejected",
            priced=row["cost_usd"] is not None, unpriced=_unpriced(row), estimated=bool(row["cost_estimated"]),
            ok_duration_us=row["duration_us"] if ok else 0,
        )  # fmt: skip
    return {key: dict(zip(HOURLY, key, strict=True)) | dict(hour) for key, hour in hours.items()}


def _slots(rows: list[Any]) -> dict[Any, dict[str, Any]]:
    slots: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        at = row["started_at"]
        slot = at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0)
        slots[row["train"], row["account"] or 0, slot, _model(row), row["request_type"] or ""].append(row)
    return {
        key: {
            "first_at": min(one["started_at"] for one in of),
            "requests": len(of),
            **{name: sum(one[name] or 0 for one in of) for name in (*SUMS[:4], "cost_usd")},
            "unpriced": sum(map(_unpriced, of)),
        }
        for key, of in slots.items()
    }


def bucket(us: int) -> int:
    """The bucket of a duration: half octaves from 1 ms on."""
    return min(math.floor(2 * math.log(max(us, 1000) / 1000) / math.log(2)), 47)


def _latency(rows: list[Any]) -> dict[Any, tuple[int, int]]:
    buckets: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row["outcome"] == "ok":
            for place, us in enumerate((row["duration_us"], row["ttft_us"])):
                if us is not None:
                    buckets[row["train"], _hour(row), _model(row), bucket(us)][place] += 1
    return {key: (durations, first) for key, (durations, first) in buckets.items()}


def _keyed(rows: list[Any]) -> dict[Any, tuple[Any, ...]]:
    keys: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, 0, Decimal(0), 0])
    for row in rows:
        if row["key_id"] is not None:
            given = (1, row["input_tokens"], row["output_tokens"], row["cost_usd"], _unpriced(row))
            sums = keys[row["train"], row["key_id"], _hour(row)]
            sums[:] = [a + (b or 0) for a, b in zip(sums, given, strict=True)]
    return {key: tuple(sums) for key, sums in keys.items()}


def _talks(rows: list[Any]) -> dict[Any, tuple[Any, ...]]:
    talks: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        if row["conversation_id"] is not None:
            talks[row["train"], row["conversation_id"]].append(row)
    return {
        key: (
            sum((one["cost_usd"] for one in of if one["cost_usd"] is not None), Decimal(0))
            if any(one["cost_usd"] is not None for one in of)
            else None,
            sum(map(_unpriced, of)),
            sum(bool(one["cost_estimated"]) for one in of),
        )
        for key, of in talks.items()
    }
