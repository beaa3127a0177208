"""Rows as the JSON API gives them."""

from collections.abc import Sequence
from typing import Any

from core.budgets import Length, Unit
from core.prices import RATES, Price, PriceList
from dashboard.usage.answers import BudgetAnswer, ModelUsage, ModifierAnswer, PriceAnswer, PricesAnswer, Sums
from dashboard.usage.reading import Standing
from sql.rows.prices import PriceRow
from sql.rows.usage import UsageRow

UNKNOWN = "unknown"
"""The model of calls that name none, such as a list of models."""
AS_IS = (
    "requests", "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "thinking_tokens", "web_search_requests",
)  # fmt: skip


def sum_fields(rows: Sequence[UsageRow]) -> dict[str, Any]:
    """The fields of ``Sums``."""
    sums: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in AS_IS}
    return sums | {
        "total_tokens": sums["input_tokens"] + sums["output_tokens"],
        "total_input_tokens": sums["input_tokens"]
        + sums["cache_creation_input_tokens"]
        + sums["cache_read_input_tokens"],
        # One sum of exact decimals, rounded once.
        "estimated_cost": float(sum(row.cost_usd for row in rows)),
        "estimated_requests": sum(row.estimated for row in rows),
        "unpriced_requests": sum(row.unpriced for row in rows),
    }


def sums(rows: Sequence[UsageRow]) -> Sums:
    """Several rows as one."""
    return Sums(**sum_fields(rows))


def by_model(rows: Sequence[UsageRow]) -> dict[str, ModelUsage]:
    """Rows whose parts are models."""
    return {
        row.part or UNKNOWN: ModelUsage(
            requests=row.requests,
            tokens=row.total_tokens,
            estimated_cost=float(row.cost_usd),
            unpriced_requests=row.unpriced,
        )
        for row in rows
    }


def prices_answer(listed: PriceList, own: Sequence[PriceRow]) -> PricesAnswer:
    """All prices."""

    def modifiers(given: Any) -> dict[str, ModifierAnswer]:
        return {
            name: ModifierAnswer(factor=float(one.factor), models=sorted(one.models)) for name, one in given.items()
        }

    return PricesAnswer(
        own=[own_answer(row) for row in reversed(own)],
        listed=[_listed(price) for prices in listed.prices.values() for price in prices],
        batch_factor=float(listed.batch),
        web_search_usd=float(listed.web_search_usd),
        geo=modifiers(listed.geo),
        speed=modifiers(listed.speed),
        context_limits=dict(listed.context),
    )


def own_answer(row: PriceRow) -> PriceAnswer:
    """An own price."""
    return PriceAnswer(
        id=f"own/{row.price}",
        unconfirmed=row.unconfirmed,
        source=row.source or "own",
        created_by=row.created_by,
        created_at=row.created_at,
        **_price_fields(row),
    )


def _listed(price: Price) -> PriceAnswer:
    return PriceAnswer(id=price.id, unconfirmed=sorted(price.unconfirmed), source=price.source, **_price_fields(price))


def _price_fields(given: Price | PriceRow) -> dict[str, Any]:
    names = ("model", "valid_from", "valid_to", "min_prompt", "max_prompt", "speed")
    return {name: getattr(given, name) for name in names} | {name: float(getattr(given, name)) for name in RATES}


def budget_answer(one: Standing, train: str) -> BudgetAnswer:
    """A budget and how it stands."""
    row = one.row
    return BudgetAnswer(
        id=row.budget,
        train_id=train,
        key_id=row.key_id,
        unit=Unit(row.unit),
        amount=float(row.amount),
        period=Length(row.period),
        tz=row.zone,
        hard=row.hard,
        starts_at=one.period.start,
        ends_at=one.period.end,
        used=float(one.state.used),
        remaining=float(one.state.remaining),
        percent=float(one.state.percent),
        warning=one.state.warning,
        unpriced_requests=one.state.unpriced,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
