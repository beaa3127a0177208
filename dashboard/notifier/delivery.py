"""Telling one claimed alert, and noting what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.alerts import summary
from core.alerts.kinds import KINDS, Kind, Tone
from core.alerts.message import Telling, for_bot, for_webhook
from core.alerts.told import Told
from core.settings import Settings
from dashboard import log
from dashboard.notifier.answers import Answer
from dashboard.notifier.posting import Slack
from dashboard.notifier.rules import rules_now
from dashboard.notifier.target import NoTargetError, Target, target_of
from dashboard.notifier.turn import Claimed
from sql.database import Database
from sql.errors import DatabaseError
from sql.rows.alerts_deliver import AlertNoted, SummedRow

PAUSE_SECONDS: Final = 1.0
LAST_SECONDS: Final = 0.4
"""How long a notifier that is stopped still tries to note what it did."""
NO_WORDS: Final = "this alert could not be put into words; the log says where"

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What telling an alert needs. ``clock`` says the time, ``pause`` waits for seconds."""

    database: Database
    settings: Settings
    slack: Slack
    clock: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]]

    async def tell(self, claimed: Claimed) -> None:
        """Tell a claimed alert. Whatever stops it, what is known of it is noted, or its claim runs out."""
        payload: Payload = {}
        try:
            answer, payload = await self._ask(claimed)
        except asyncio.CancelledError:
            await self._at_last(self._give_back(claimed))
            raise
        if answer is not None:
            await self._surely_note(claimed, answer, payload)

    async def _ask(self, claimed: Claimed) -> tuple[Answer | None, Payload]:
        row = claimed.row
        try:
            target = target_of(row, self.settings)
            tone, told = await self._words(claimed)
            payload = await self._payload(claimed, target, tone, told)
        except NoTargetError as exc:
            return Answer("never", str(exc), off=True), {}
        except DatabaseError:
            raise
        except Exception as exc:  # noqa: BLE001  one alert that cannot be said must not hold up all behind it
            log.write_failure(exc, request_id=None, route="notifier")
            return Answer("never", NO_WORDS), {}
        words = told.model_dump(mode="json")
        sending = await self.database.fetch_one(
            "notifier_sending", AlertNoted, row.alert, claimed.claim, self.clock(), str(tone), words
        )
        if sending is None:
            await self._give_back(claimed)
            return None, {}
        return await self.slack.post(target, payload), payload

    async def _words(self, claimed: Claimed) -> tuple[Tone, Told]:
        row = claimed.row
        if row.kind != Kind.SUMMARY:
            return Tone(row.tone), Told.model_validate(row.told)
        now = self.clock()
        rows = await self.database.fetch("notifier_summed", SummedRow, row.alert, now)
        return summary.told([_summed(one) for one in rows if one.kind in set(Kind)], claimed.channel, now)

    async def _payload(self, claimed: Claimed, target: Target, tone: Tone, told: Told) -> Payload:
        row = claimed.row
        rules = await rules_now(self.database)
        dashboard = self.settings.public_url or f"http://127.0.0.1:{self.settings.dashboard_port}"
        kind = Kind(row.kind)
        telling = Telling(kind, tone, told, row.raised_at, dashboard, rules[kind].zone)
        return for_bot(telling) if target.is_bot else for_webhook(telling)

    async def _surely_note(self, claimed: Claimed, answer: Answer, payload: Payload) -> None:
        """Note it, again and again until the claim runs out: where the note is lost Slack is asked once more."""
        try:
            while True:
                with suppress(DatabaseError):
                    return await self._note(claimed, answer, payload)
                if self.clock() >= claimed.until:
                    return None
                await self.pause(PAUSE_SECONDS)
        except asyncio.CancelledError:
            await self._at_last(self._note(claimed, answer, payload))
            raise

    async def _note(self, claimed: Claimed, answer: Answer, payload: Payload) -> None:
        known = (claimed.row.alert, claimed.claim, self.clock())
        detail, status = answer.detail[:400], answer.status
        if answer.outcome == "sent":
            await self.database.execute("notifier_sent", *known, answer.ts, payload, status, detail)
        elif answer.outcome == "again":
            await self.database.execute("notifier_again", *known, status, detail, answer.wait)
        else:
            await self.database.execute("notifier_never", *known, status, detail, answer.off, payload or None)

    async def _give_back(self, claimed: Claimed) -> None:
        await self.database.execute("notifier_give_back", claimed.row.alert, claimed.claim)

    async def _at_last(self, noting: Awaitable[None]) -> None:
        """A last statement of a notifier that is stopped; where it fails the claim runs out."""
        with suppress(DatabaseError, TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await noting


def _summed(row: SummedRow) -> summary.Summed:
    lasts = KINDS[Kind(row.kind)].lasts
    return summary.Summed(
        Kind(row.kind),
        row.why,
        row.count,
        row.first_at,
        row.last_at,
        row.still_open if lasts else 0,
        [Tone(tone) for tone in row.tones] if lasts else [],
        [title for title in row.titles if title],
    )
