"""Looks once a minute at what is worth an alert and at what is over, and puts both into the outbox.

Any number of watchers may look beside one another: whoever writes holds a lock and sees what others wrote, so an
incident is raised once, and raised again only when it was over. A part that fails does not stop the others. What was
told long ago is deleted behind them, some of it each time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from core.alerts.kinds import KINDS as ABOUT
from core.alerts.kinds import Kind
from core.alerts.outbox import columns
from core.alerts.watch import recoveries, unknown
from dashboard import log
from dashboard.alerts import budgets, bursts, digests, models, recorders, windows
from dashboard.alerts.look import Found, Given
from dashboard.notifier.rules import rules_now
from sql.database import Database
from sql.errors import DatabaseAwayError
from sql.rows.alerts import RunningAlert
from sql.rows.directory import TrainRow

FIRST: Final = timedelta(seconds=3)
EVERY: Final = timedelta(minutes=1)
MOST_FORGOTTEN: Final = 1000
"""Alerts that one look deletes; in a day more than anybody is told of."""
LASTING: Final = sorted(str(kind) for kind in Kind if ABOUT[kind].lasts)


class Part(Protocol):
    """A module that watches some kinds."""

    @property
    def KINDS(self) -> Sequence[Kind]:  # noqa: N802 - a constant of the module
        """Whose alerts it raises or sees end."""

    async def look(self, database: Database, given: Given) -> Found:
        """What it finds. Raises sql's errors."""


PARTS: Final[Mapping[str, Part]] = {
    "windows": windows,
    "budgets": budgets,
    "bursts": bursts,
    "recorders": recorders,
    "models": models,
    "digests": digests,
}

Clock = Callable[[], datetime]
Wait = Callable[[timedelta], Awaitable[None]]


def _now() -> datetime:
    return datetime.now(UTC)


async def _wait(span: timedelta) -> None:
    await asyncio.sleep(span.total_seconds())


async def run(database: Database, keep: timedelta, *, clock: Clock = _now, wait: Wait = _wait) -> None:
    """Look for ever, and keep for so long what was told; ends when it is cancelled.

    A database that is away is asked again the next minute.
    """
    began = clock()
    await wait(FIRST)
    while True:
        try:
            now = clock()
            await look(database, now, watched=now - began)
            await forget(database, now - keep)
        except DatabaseAwayError:
            pass
        except Exception as exc:  # noqa: BLE001 - the next look may go well; the dashboard goes on meanwhile
            log.write_failure(exc, request_id=None, route="alerts")
        await wait(EVERY)


async def look(database: Database, now: datetime, *, watched: timedelta = timedelta.max) -> None:
    """One look, by a watcher that has watched so long. Raises sql's errors where not even the rules can be read."""
    rules = await rules_now(database)
    kinds = [str(kind) for part in PARTS.values() for kind in part.KINDS]
    opened = await database.fetch("alerts_open", RunningAlert, kinds)
    trains = {row.train: row.name for row in await database.fetch("trains_named", TrainRow, None)}
    given = Given(now, rules, opened, trains, watched)
    for name, part in PARTS.items():
        try:
            await settle(database, await part.look(database, given), now)
        except DatabaseAwayError:
            raise
        except Exception as exc:  # noqa: BLE001 - one part's trouble is not the others'
            log.write_failure(exc, request_id=None, route=f"alerts {name}")
    # Behind the parts: what is over by now is not told any more.
    await database.execute("alerts_wake", LASTING, now)


async def settle(database: Database, found: Found, now: datetime) -> None:
    """Put what was found into the outbox, but for what another watcher put there meanwhile. Raises sql's errors."""
    if not found.alerts and not found.over:
        return
    why = {one.alert: one.why for one in found.over}
    async with database.transaction() as transaction:
        await transaction.execute("alerts_watch_lock")
        ended = await transaction.fetch("alerts_over", RunningAlert, sorted(why)) if why else []
        kinds = sorted({str(one.kind) for one in found.alerts})
        opened = await transaction.fetch("alerts_open", RunningAlert, kinds) if kinds else []
        raised = [*unknown(found.alerts, opened), *recoveries(ended, why, now)]
        if raised:
            await transaction.execute("alerts_raise", *columns(raised))


async def forget(database: Database, before: datetime) -> None:
    """Delete a part of what was raised before a moment and matters to nobody any more. Raises sql's errors."""
    await database.execute("alerts_forget", before, LASTING, MOST_FORGOTTEN)
