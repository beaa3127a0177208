"""What a recorder raises itself, in the transaction that causes it. Without anything to raise it asks nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.alerts.kinds import Kind
from core.alerts.outbox import columns
from core.alerts.told import Alert
from core.alerts.watch import unknown
from core.alerts.watch_feed import Turn, turn
from core.alerts.watch_recorder import priceless, put_aside, unknown_model
from proxy import log
from proxy.recorder.clock import ServerClock
from proxy.recorder.columns import Row
from proxy.recorder.readable import moment
from sql.database import Transaction
from sql.errors import DatabaseError
from sql.rows.alerts import RunningAlert
from sql.rows.record import TrainLock

MOST_MODELS = 1000
"""Remembered: what is forgotten costs a look into the outbox, not a second alert."""


@dataclass(slots=True)
class Alerts:
    """The alerts of one tape's writer."""

    clock: ServerClock
    _models: set[tuple[int, str]] = field(default_factory=set)
    """Trains and models without a price that are told of."""
    _changes: int = 0
    """The change of prices that this holds for."""
    _new: set[tuple[int, str]] = field(default_factory=set)

    async def follow(self, transaction: Transaction, lock: TrainLock, train: str, news: Sequence[Row]) -> None:
        """Raise what rows that became complete in this transaction give cause for. Raises sql's errors."""
        self._new.clear()
        raised = await self._unknown_models(transaction, lock, train, news)
        if lock.feed_since is not None:
            raised += _turns(lock.train, train, news, lock.feed_since)
        if raised:
            await transaction.execute("alerts_raise", *columns(raised))

    def committed(self) -> None:
        """The transaction of the last ``follow`` is committed: what it raised is not raised again."""
        if len(self._models) > MOST_MODELS:
            self._models.clear()
        self._models |= self._new

    async def put_aside(
        self, transaction: Transaction, node: str, train: str, exc: Exception, shown: UUID | None
    ) -> None:
        """Raise that a call was put aside, in the transaction that does it; ``shown``: it has a row.

        Raises sql's errors.
        """
        sqlstate = exc.sqlstate if isinstance(exc, DatabaseError) else None
        alert = put_aside(node, train, sqlstate, shown, await self.clock.now())
        await transaction.execute("alerts_raise", *columns([alert]))

    async def _unknown_models(
        self, transaction: Transaction, lock: TrainLock, train: str, news: Sequence[Row]
    ) -> list[Alert]:
        if lock.price_changes != self._changes:
            # Somebody changed prices: what had none may have had one meanwhile.
            self._models.clear()
            self._changes = lock.price_changes
        used = {(lock.train, model) for row in news if (model := priceless(row.recording, row.bill)) is not None}
        self._new |= used - self._models
        if not self._new:
            return []
        now = await self.clock.now()
        alerts = [unknown_model(number, train, model, now) for number, model in sorted(self._new)]
        # The train's row is held, so nobody else raises the same between this look and the commit.
        subjects = [alert.subject for alert in alerts]
        kind = [str(Kind.UNKNOWN_MODEL)]
        return unknown(alerts, await transaction.fetch("record_alerts_open", RunningAlert, kind, subjects))


def _turns(train: int, name: str, news: Sequence[Row], since: datetime) -> list[Alert]:
    """The turns of users that these calls ended since a moment."""
    found = []
    for row in news:
        if row.recording is None:
            continue
        ended = moment(row.start.at_us + max(row.recording.end.timings.end_us, 0))
        if ended < since:
            continue
        try:
            found.append(turn(Turn(train, name, row.id, row.recording, row.facts, row.link, ended)))
        except Exception as exc:  # noqa: BLE001 - a mistake in how a turn is told must not stop the tape
            log.write_failure("feed_failed", exc)
    return [one for one in found if one is not None]
