"""The answer of `/token-stats`: rows of the roll-up added up by train and by model."""

from collections.abc import Iterable
from typing import Any

from sql.rows.token_stats import TokenStatsRow

UNKNOWN = "unknown"
"""The model of calls that name none, such as a list of models."""


def add_up(rows: Iterable[TokenStatsRow]) -> dict[str, Any]:
    """The shape api.md fixes: all time, all trains."""
    stats: dict[str, Any] = _sums() | {"by_train": {}, "by_model": {}}
    stats["total_requests"], stats["total_tokens"] = stats.pop("requests"), stats.pop("tokens")
    for row in rows:
        train = stats["by_train"].setdefault(row.train, _sums() | {"by_type": {"inference": 0, "query_evaluation": 0}})
        model = stats["by_model"].setdefault(row.model or UNKNOWN, _sums())
        stats["total_requests"] += row.requests
        for part in (train, model):
            part["requests"] += row.requests
        if row.request_type:
            train["by_type"][row.request_type] = train["by_type"].get(row.request_type, 0) + row.requests
        for tokens in (stats["total_tokens"], train["tokens"], model["tokens"]):
            tokens["input"] += row.input_tokens
            tokens["output"] += row.output_tokens
            tokens["total"] += row.input_tokens + row.output_tokens
    return stats


def _sums() -> dict[str, Any]:
    return {"requests": 0, "tokens": {"input": 0, "output": 0, "total": 0}}
