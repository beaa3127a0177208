"""``/api/token-usage`` and ``/api/usage``: sums by day, hour, account and model, from the roll-ups by time."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from core.access import Permission
from dashboard.problems import Problem
from dashboard.routing import Call, route
from dashboard.totals.slots import five_minutes_of, hour_of
from dashboard.trains import visible_trains
from dashboard.usage import answers, reading, shape
from dashboard.usage.query import AccountsQuery, DailyQuery, HourlyQuery, SeriesQuery
from dashboard.usage.reading import Stretch
from sql.rows.directory import AccountUseRow
from sql.rows.usage import UsageRow

DEFAULT_SERIES = timedelta(days=7)
Hour = TypeVar("Hour", answers.RequestHour, answers.TokenHour)
MOST_HOURS = timedelta(days=366)
"""Of a series by the hour."""


@route(
    "GET",
    "/api/token-usage/daily",
    permission=Permission.READ_STATISTICS,
    query=DailyQuery,
    returns=answers.DailyAnswer,
    errors=(400, 503),
)
async def show_daily_usage(call: Call[DailyQuery]) -> answers.DailyAnswer:
    """Usage and cost of each of the last days, by model."""
    zone = call.query.zone
    first, over = reading.last_days(datetime.now(UTC), zone, call.query.days)
    rows = await reading.rows_of(call, over, "day", "model")
    of_day: dict[object, list[UsageRow]] = {}
    for row in rows:
        of_day.setdefault(row.starts_at.astimezone(zone).date(), []).append(row)
    days = []
    for n in range(call.query.days):
        day = first + timedelta(days=n)
        own = of_day.get(day, [])
        days.append(answers.Day(date=day, by_model=shape.by_model(own), **shape.sum_fields(own)))
    period = answers.UsagePeriod(start=over.start, end=over.end)
    return answers.DailyAnswer(
        account_id=call.query.account_id, tz=call.query.tz, period=period, days=days, totals=shape.sums(rows)
    )


@route(
    "GET",
    "/api/token-usage/time-series",
    permission=Permission.READ_STATISTICS,
    query=SeriesQuery,
    returns=answers.SeriesAnswer,
    errors=(400, 503),
)
async def show_usage_series(call: Call[SeriesQuery]) -> answers.SeriesAnswer:
    """Usage and cost by steps of time: hours, or days, weeks and months of a zone."""
    query, now = call.query, datetime.now(UTC)
    over = _stretch(query, now)
    if query.bucket == "hour" and over.end - over.start > MOST_HOURS:
        raise Problem(400, "a series by the hour is of a year at most")
    rows = await reading.rows_of(call, over, query.bucket, "none", query.model, query.request_type)
    return answers.SeriesAnswer(
        account_id=query.account_id,
        bucket=query.bucket,
        tz=query.tz,
        period=answers.UsagePeriod(start=over.start, end=over.end),
        points=[answers.Point(starts_at=row.starts_at, **shape.sum_fields([row])) for row in rows],
    )


@route(
    "GET",
    "/api/token-usage/accounts",
    permission=Permission.READ_STATISTICS,
    query=AccountsQuery,
    returns=answers.AccountUsageAnswer,
    errors=(400, 503),
)
async def list_account_usage(call: Call[AccountsQuery]) -> answers.AccountUsageAnswer:
    """Usage and cost of each account, the most used first."""
    over = reading.last_hours(datetime.now(UTC), call.query.days)
    trains = await visible_trains(call.database, call.principal, call.query.train_id)
    rows = await call.database.fetch("accounts_all", AccountUseRow, False, sorted(trains), over.start)
    used = [
        answers.AccountUsage(
            account_id=row.account_id,
            display_name=row.display_name,
            kind=row.kind,
            requests=row.requests,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            total_tokens=row.input_tokens + row.output_tokens,
            estimated_cost=float(row.cost_usd),
            unpriced_requests=row.unpriced,
            last_active_hour=row.last_hour,
        )
        for row in rows
    ]
    used.sort(key=lambda one: (-one.total_tokens, -one.requests, one.account_id))
    return answers.AccountUsageAnswer(period=answers.UsagePeriod(start=over.start, end=over.end), accounts=used)


@route(
    "GET",
    "/api/usage/requests/hourly",
    permission=Permission.READ_STATISTICS,
    query=HourlyQuery,
    returns=answers.RequestHoursAnswer,
    errors=(400, 503),
)
async def show_requests_by_hour(call: Call[HourlyQuery]) -> answers.RequestHoursAnswer:
    """Requests of each hour and how they ended."""
    period, hours = await _hours(call, answers.RequestHour)
    return answers.RequestHoursAnswer(period=period, hours=hours)


@route(
    "GET",
    "/api/usage/tokens/hourly",
    permission=Permission.READ_STATISTICS,
    query=HourlyQuery,
    returns=answers.TokenHoursAnswer,
    errors=(400, 503),
)
async def show_tokens_by_hour(call: Call[HourlyQuery]) -> answers.TokenHoursAnswer:
    """Tokens of each hour as the API reported them."""
    period, hours = await _hours(call, answers.TokenHour)
    return answers.TokenHoursAnswer(period=period, hours=hours)


async def _hours(call: Call[HourlyQuery], answer: type[Hour]) -> tuple[answers.UsagePeriod, list[Hour]]:
    """Every hour, the fields of its answer out of the row of that hour; zeros where there is none."""
    over = reading.last_hours(datetime.now(UTC), call.query.days)
    rows = {row.starts_at: row for row in await reading.rows_of(call, over, "hour", "none")}
    names = [name for name in answer.model_fields if name != "hour"]
    hours = [
        answer(hour=hour, **{name: getattr(rows[hour], name) if hour in rows else 0 for name in names})
        for hour in (over.start + timedelta(hours=n) for n in range(24 * call.query.days))
    ]
    return answers.UsagePeriod(start=over.start, end=over.end), hours


def _stretch(query: SeriesQuery, now: datetime) -> Stretch:
    end = query.until or now
    since = query.since or end - DEFAULT_SERIES
    start = hour_of(since) if query.bucket == "hour" else five_minutes_of(since)
    if start > end:
        raise Problem(400, "since lies behind until")
    return Stretch(start, end)
