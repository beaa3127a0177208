"""Alerts as the outbox takes them, and as it gives them back."""

from collections.abc import Iterable
from typing import Any

from core.alerts.told import Alert


def columns(alerts: Iterable[Alert]) -> tuple[list[Any], ...]:
    """The parameters of ``alerts_raise``: one list a column, one place an alert; of one dedupe key the first."""
    first: dict[str, Alert] = {}
    for alert in alerts:
        first.setdefault(alert.dedupe_key, alert)
    # In one order everywhere: two writers that raise the same alerts never wait for one another in a circle.
    given = [first[key] for key in sorted(first)]
    return (
        [str(one.kind) for one in given],
        [one.subject for one in given],
        [one.dedupe_key for one in given],
        [str(one.tone) for one in given],
        [one.train for one in given],
        [one.account for one in given],
        [one.told.model_dump_json() for one in given],
        [one.expires_at for one in given],
        [one.recovery_of for one in given],
    )
