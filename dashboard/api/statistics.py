"""``/api/stats`` and ``/api/train-ids``: sums from the roll-ups by time."""

from datetime import UTC, datetime, timedelta

from pydantic import Field

from core.access import Permission
from dashboard.problems import Problem
from dashboard.recordings.answers import Answer
from dashboard.recordings.query import Moment, Texts
from dashboard.routing import Call, Query, route
from dashboard.totals.slots import HOUR, five_minutes_of, hour_of
from dashboard.trains import visible_trains
from sql.rows.directory import TrainRow
from sql.rows.statistics import StatisticsRow, SubtasksRow, TotalsRow

DEFAULT_PERIOD = timedelta(hours=24)


class StatsQuery(Query):
    """What to sum up."""

    since: Moment | None = Field(None, description="Start of the period, ISO 8601; default 24 hours ago")
    train_id: Texts = Field((), description="Trains, separated by commas; default all that the caller may see")


class Period(Answer):
    """The time that sums are over."""

    start: datetime = Field(description="Start of the five minutes that `since` is in: sums are kept by these")
    end: datetime


class StatsAnswer(Answer):
    """Sums over a period; zeros where nothing was recorded."""

    total_requests: int
    total_tokens: int = Field(description="input + output as reported")
    active_trains: int
    total_subtasks: int = Field(
        description="Sub-agents launched in the period, by when the call began that launched them"
    )
    success_rate: float = Field(description="Percent: ok / (all - client_cancelled - rejected)")
    average_latency: float = Field(description="Mean response time of ok requests, milliseconds")
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    estimated_cost: float = Field(description="USD of the requests that have a price")
    estimated_requests: int = Field(description="Requests in estimated_cost whose cost is an estimate")
    unpriced_requests: int = Field(description="Requests that cost something unknown; not in estimated_cost")
    period: Period


class TrainSummary(Answer):
    """A train and how much it was used."""

    train_id: str = Field(alias="trainId")
    created_at: datetime
    total_requests: int
    last_active_hour: datetime | None


class TrainIdsAnswer(Answer):
    """The trains the caller may see."""

    train_ids: list[str]
    trains: list[TrainSummary]


@route(
    "GET",
    "/api/stats",
    permission=Permission.READ_STATISTICS,
    query=StatsQuery,
    returns=StatsAnswer,
    errors=(400, 503),
)
async def show_stats(call: Call[StatsQuery]) -> StatsAnswer:
    """Requests, tokens, success and latency of a period, the last 24 hours by default."""
    end = datetime.now(UTC)
    since = call.query.since or end - DEFAULT_PERIOD
    if since > end:
        raise Problem(400, "since lies in the future")
    start = five_minutes_of(since)
    trains = await visible_trains(call.database, call.principal, call.query.train_id)
    # Of the running hour all, which is one row where its parts are many.
    until = hour_of(end) + HOUR
    row = await call.database.fetch_one("statistics_of_period", StatisticsRow, sorted(trains), start, until)
    launched = await call.database.fetch_one("subtasks_of_period", SubtasksRow, sorted(trains), start, end)
    subtasks = 0 if launched is None else launched.subtasks
    return stats_answer(row or StatisticsRow(0, 0, 0, 0, 0, 0, 0), subtasks, Period(start=start, end=end))


def stats_answer(row: StatisticsRow, subtasks: int, period: Period) -> StatsAnswer:
    """Sums as the API gives them."""
    counted = row.requests - row.cancelled - row.rejected
    return StatsAnswer(
        total_requests=row.requests,
        total_tokens=row.total_tokens,
        active_trains=row.trains,
        total_subtasks=subtasks,
        success_rate=100 * row.ok / counted if counted else 0.0,
        average_latency=row.ok_duration_us / row.ok / 1000 if row.ok else 0.0,
        cache_creation_input_tokens=row.cache_creation_input_tokens,
        cache_read_input_tokens=row.cache_read_input_tokens,
        estimated_cost=float(row.cost_usd),
        estimated_requests=row.estimated,
        unpriced_requests=row.unpriced,
        period=period,
    )


@route("GET", "/api/train-ids", permission=Permission.READ_STATISTICS, returns=TrainIdsAnswer, errors=(503,))
async def list_trains(call: Call[Query]) -> TrainIdsAnswer:
    """The trains the caller may see, by name."""
    trains = await visible_trains(call.database, call.principal)
    rows = await call.database.fetch("trains_named", TrainRow, sorted(trains.values()))
    totals = await call.database.fetch("totals_by_train", TotalsRow, sorted(trains))
    summaries = []
    for row in rows:
        own = [total for total in totals if total.train == row.train]
        summaries.append(
            TrainSummary(
                train_id=row.name,
                created_at=row.created_at,
                total_requests=sum(total.requests for total in own),
                last_active_hour=max((total.last_hour for total in own), default=None),
            )
        )
    return TrainIdsAnswer(train_ids=[row.name for row in rows], trains=summaries)
