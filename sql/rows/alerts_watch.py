"""Rows that the watcher of alerts reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlertWatchLock:
    """That the lock is held."""

    locked: bool


@dataclass(frozen=True, slots=True)
class AlertAccount:
    """An account and its number."""

    account: int
    account_id: str


@dataclass(frozen=True, slots=True)
class AlertTape:
    """A tape: seconds its rows are behind, seconds its recorder is silent, how full it is where that is known."""

    node: str
    lag_bytes: int
    behind: float
    silent: float
    tape_bytes: int | None
    tape_max_bytes: int | None


@dataclass(frozen=True, slots=True)
class AlertLetters:
    """Seconds since the last dead letter."""

    quiet: float | None
