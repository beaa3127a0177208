"""The rules as they are now, by kind."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.alerts.kinds import Kind
from core.alerts.rules import Quiet, Rule, complete
from sql.database import Database, Transaction
from sql.rows.alerts import AlertRuleRow


async def rules_now(database: Database | Transaction) -> Mapping[Kind, Rule]:
    """A rule for every kind."""
    rows = await database.fetch("alert_rules_changed", AlertRuleRow)
    return complete(_rule(row) for row in rows if row.kind in set(Kind))


def _rule(row: AlertRuleRow) -> Rule:
    quiet = None
    if row.quiet_from is not None and row.quiet_until is not None:
        quiet = Quiet(row.quiet_from, row.quiet_until)
    return Rule(
        Kind(row.kind), row.enabled, tuple(row.thresholds), row.minimum_interval, quiet, _zone(row.zone), changed=True
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC  # a server without this zone's file must not stop telling
