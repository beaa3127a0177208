"""The roll-ups once more, computed from the rows of requests here in Python: whatever happened, both are equal."""

import math
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sql.loader import queries

TOKENS = (
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "thinking_tokens", "web_search_requests",
)  # fmt: skip
SUMS = (*TOKENS, "cost_usd")
HOURLY = ("train", "hour", "account", "model", "request_type")
DAILY = ("train", "day", "account", "model", "request_type")
SLOTS = ("train", "account", "slot", "model", "request_type")
KEYED = ("requests", "input_tokens", "output_tokens", "cost_usd", "unpriced")
ZONES = ("Europe/Zurich", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")

Row = dict[str, Any]


async def check_usage(connection: Any) -> None:
    """Every roll-up equals what the rows say."""
    rows = [dict(row) for row in await connection.fetch("SELECT * FROM requests WHERE outcome IS NOT NULL")]
    parts = [dict(row) for row in await connection.fetch("SELECT * FROM batch_usage")]
    given = _given(rows, parts)
    assert await _table(connection, "usage_hourly", HOURLY) == _summed(given, HOURLY, tuple(given[0]) if given else ())
    assert await _table(connection, "usage_daily", DAILY) == _summed(given, DAILY, tuple(given[0]) if given else ())
    slots = await _table(connection, "usage_five_minutes", SLOTS)
    plain = {key: {name: n for name, n in slot.items() if name != "first_at"} for key, slot in slots.items()}
    assert plain == _summed(given, SLOTS, tuple(given[0]) if given else ())
    firsts: dict[Any, Any] = {}
    for one in sorted(given, key=lambda one: one["started_at"]):
        firsts.setdefault(tuple(one[name] for name in SLOTS), one["started_at"])
    assert {key: slot["first_at"] for key, slot in slots.items()} == firsts
    keyed = [one for one in given if one["key_id"] is not None]
    assert await _table(connection, "key_usage", KEY) == _summed(keyed, KEY, KEYED)
    for zone in ZONES if given else ():
        await _check_days(connection, given, zone)
    latency = await connection.fetch("SELECT * FROM latency_hourly")
    assert {tuple(row)[:4]: tuple(row)[4:] for row in latency} == _latency(rows)
    talks = await connection.fetch(
        "SELECT train, conversation_id, cost_usd, unpriced_count, estimated_count FROM conversations"
    )
    assert {tuple(row)[:2]: tuple(row)[2:] for row in talks} == _talks(rows)


KEY = ("train", "key_id", "quarter")
_PLACE = {"train", "started_at", "hour", "day", "slot", "quarter", "account", "model", "request_type", "key_id"}


async def _check_days(connection: Any, given: list[Row], zone: str) -> None:
    """Days of a zone, which the pages and the API cut out of the roll-ups."""
    train, sums = given[0]["train"], defaultdict[Any, Counter[str]](Counter)
    for one in given:
        if one["train"] == train:
            day = one["started_at"].astimezone(ZoneInfo(zone)).date()
            sums[day, one["model"]].update({name: one[name] for name in ("requests", *SUMS)})
    text, ever = queries()["usage_series"].text, (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    rows = await connection.fetch(text, [train], *ever, "day", zone, "model", None, None, None)
    found = {
        (row["starts_at"].astimezone(ZoneInfo(zone)).date(), row["part"]): {
            name: row[name] for name in ("requests", *SUMS)
        }
        for row in rows
    }
    assert found == {place: dict(counted) for place, counted in sums.items()}, zone


async def _table(connection: Any, table: str, key: tuple[str, ...]) -> dict[Any, Row]:
    found = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - our own names
    return {tuple(row[name] for name in key): {n: v for n, v in row.items() if n not in key} for row in found}


def _given(rows: list[Row], parts: list[Row]) -> list[Row]:
    """What each request adds; of a counted batch its messages are booked by model, not as requests."""
    by_id = {(row["train"], row["id"]): row for row in rows}
    given = []
    for row in rows:
        ok = row["outcome"] == "ok"
        own = row["batch_id"] is None
        given.append(
            _place(row) | {name: (row[name] or 0) if own else 0 for name in SUMS} | {
                "requests": 1, "ok": ok, "cancelled": row["outcome"] == "client_cancelled",
                "rejected": row["outcome"] == "rejected", "priced": row["cost_usd"] is not None,
                "unpriced": _unpriced(row), "estimated": bool(row["cost_estimated"]),
                "ok_duration_us": row["duration_us"] if ok else 0,
            }
        )  # fmt: skip
    nothing = dict.fromkeys(given[0].keys() - _PLACE, 0) if given else {}
    for part in parts:
        place = _place(by_id[part["train"], part["request"]]) | {"model": part["model"]}
        given.append(nothing | place | {name: part[name] for name in SUMS})
    return given


def _place(row: Row) -> Row:
    start = row["started_at"]
    hour = start.replace(minute=0, second=0, microsecond=0)
    return {
        "train": row["train"], "started_at": start, "hour": hour, "day": hour.replace(hour=0),
        "slot": hour + timedelta(minutes=start.minute // 5 * 5),
        "quarter": hour + timedelta(minutes=start.minute // 15 * 15),
        "account": row["account"] or 0, "model": _model(row), "request_type": row["request_type"] or "",
        "key_id": row["key_id"],
    }  # fmt: skip


def _summed(given: list[Row], key: tuple[str, ...], names: tuple[str, ...]) -> dict[Any, Row]:
    sums: dict[Any, Counter[str]] = defaultdict(Counter)
    wanted = [name for name in names if name not in _PLACE]
    for one in given:
        sums[tuple(one[name] for name in key)].update({name: one[name] for name in wanted})
    return {place: {name: counted[name] for name in wanted} for place, counted in sums.items()}


def _model(row: Row) -> str:
    return row["answered_model"] or row["model"] or ""


def _unpriced(row: Row) -> bool:
    return row["cost_usd"] is None and row["cost_reason"] is not None


def bucket(us: int) -> int:
    """The bucket of a duration: half octaves from 1 ms on."""
    return min(math.floor(2 * math.log(max(us, 1000) / 1000) / math.log(2)), 47)


def _latency(rows: list[Row]) -> dict[Any, tuple[int, int]]:
    buckets: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row["outcome"] == "ok":
            for place, us in enumerate((row["duration_us"], row["ttft_us"])):
                if us is not None:
                    buckets[row["train"], _place(row)["hour"], _model(row), bucket(us)][place] += 1
    return {key: (durations, first) for key, (durations, first) in buckets.items()}


def _talks(rows: list[Row]) -> dict[Any, tuple[Any, ...]]:
    talks: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        if row["conversation_id"] is not None:
            talks[row["train"], row["conversation_id"]].append(row)
    found = {}
    for key, of in talks.items():
        costs = [one["cost_usd"] for one in of if one["cost_usd"] is not None]
        cost = sum(costs, Decimal(0)) if costs else None
        found[key] = (cost, sum(map(_unpriced, of)), sum(bool(one["cost_estimated"]) for one in of))
    return found
