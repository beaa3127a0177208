"""What answers said of their account's windows and limits, kept as calls become complete."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from core.ids import uuid7_ms
from core.models import Recording
from core.transcript import is_message_call
from core.windows import polled, reported
from core.windows.reading import Reading, Source
from proxy.recorder.columns import Row
from proxy.recorder.readable import jsonb, moment
from sql.database import Transaction

LARGEST_POLLED: Final = 256 << 10
"""Bytes beyond which an answer is no answer of the usage endpoint."""
NAME: Final = 256


class Observed(NamedTuple):
    """A reading as it is stored."""

    account: int
    window: str
    source: Source
    at: datetime
    utilization: float | None
    status: str | None
    reset_at: datetime | None
    more: str | None


class Limited(NamedTuple):
    """A per-minute limit as it is stored."""

    account: int
    model: str
    name: str
    quota: int | None
    remaining: int | None
    reset_at: datetime | None
    at: datetime


async def write(transaction: Transaction, news: Sequence[Row]) -> None:
    """Write what complete rows say of windows; may be done twice. Raises sql's errors."""
    observed: list[Observed] = []
    limited: list[Limited] = []
    for row in news:
        if row.recording is not None and row.account is not None:
            report, told = _report(row.recording), _polled(row.recording)
            if not (report.readings or report.limits or told):
                continue
            at = observed_at(row, row.recording)
            observed += _observed(row.account, at, report.readings, Source.REPORTED)
            observed += _observed(row.account, at, told, Source.POLLED)
            limited += _limited(row.account, at, row.recording, report)
    if observed:
        columns = [list(column) for column in zip(*observed, strict=True)]
        await transaction.execute("record_window_observations", *columns)
        await transaction.execute("record_account_windows", *columns)
    if limited:
        await transaction.execute("record_rate_limits", *map(list, zip(*limited, strict=True)))


def observed_at(row: Row, recording: Recording) -> datetime:
    """When the answer's head came; by the id, which is filed where a clock was not far off."""
    timings = recording.end.timings
    later = (timings.head_us, timings.first_byte_us, timings.end_us)
    return moment(uuid7_ms(row.id) * 1000 + max(next((us for us in later if us is not None), 0), 0))


def _report(recording: Recording) -> reported.Report:
    """What the answer's headers say; those of our own answers say nothing."""
    return reported.Report() if recording.head is None else reported.read(recording.head.headers)


def _polled(recording: Recording) -> tuple[Reading, ...]:
    """What a client that asked the usage endpoint was told."""
    head = recording.head
    if head is None or head.status != 200 or recording.start.target.partition("?")[0] != polled.PATH:
        return ()
    body = recording.response_body if recording.response_decoded is None else recording.response_decoded
    return polled.read(body) if len(body) <= LARGEST_POLLED else ()


def _observed(account: int, at: datetime, readings: Iterable[Reading], source: Source) -> Iterator[Observed]:
    for one in readings:
        more = jsonb(dict(one.more)) if one.more else None
        yield Observed(account, one.window, source, at, one.utilization, one.status, one.reset_at, more)


def _limited(account: int, at: datetime, recording: Recording, report: reported.Report) -> Iterator[Limited]:
    # Other endpoints (counting tokens, batches) have limits of their own under the same names.
    if not is_message_call(recording.start.method, recording.start.target):
        return
    model = (recording.answered_model or recording.model or "")[:NAME]
    for one in report.limits:
        yield Limited(account, model, one.name, one.quota, one.remaining, one.reset_at, at)
