"""Budgets: what may be used in a day, a week or a month of a zone, and how much of it has been. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Final

WARNINGS: Final = (Decimal(75), Decimal(95), Decimal(100))
"""Per cent of a budget at which it warns; at the last it is used up."""


class Unit(StrEnum):
    """What is counted: USD of priced requests, or input and output tokens."""

    USD = "usd"
    TOKENS = "tokens"


class Length(StrEnum):
    """For how long a budget lasts; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Budget:
    """So much, each period, from midnight to midnight of its zone."""

    unit: Unit
    amount: Decimal
    length: Length
    zone: tzinfo
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """What the roll-ups say of a period."""

    cost_usd: Decimal
    tokens: int
    unpriced: int
    """Requests that cost something unknown: of a budget in USD more may be used than is known."""


@dataclass(frozen=True, slots=True)
class State:
    """How a budget stands."""

    used: Decimal
    remaining: Decimal
    """Never below 0."""
    percent: Decimal
    warning: int | None
    """The highest warning reached: 75, 95 or 100."""
    refuses: bool
    """Whether what comes now is to be refused: it is hard, and used up."""
    unpriced: int


def running(length: Length, zone: tzinfo, now: datetime) -> tuple[datetime, datetime]:
    """The period that a moment lies in, in UTC: from its first instant up to but without the first behind it.

    A day of a zone may have 23 or 25 hours.
    """
    today = now.astimezone(zone).date()
    first = today
    if length is Length.WEEK:
        first = today - timedelta(days=today.weekday())
    elif length is Length.MONTH:
        first = today.replace(day=1)
    return _midnight(first, zone), _midnight(_next(first, length), zone)


def state(budget: Budget, used: Used) -> State:
    """How a budget stands when so much was used in its period."""
    amount = used.cost_usd if budget.unit is Unit.USD else Decimal(used.tokens)
    percent = 100 * amount / budget.amount
    reached = [warning for warning in WARNINGS if percent >= warning]
    return State(
        used=amount,
        remaining=max(budget.amount - amount, Decimal(0)),
        percent=percent,
        warning=int(reached[-1]) if reached else None,
        refuses=budget.hard and percent >= WARNINGS[-1],
        unpriced=used.unpriced if budget.unit is Unit.USD else 0,
    )


def _next(first: date, length: Length) -> date:
    if length is Length.DAY:
        return first + timedelta(days=1)
    if length is Length.WEEK:
        return first + timedelta(days=7)
    return (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
