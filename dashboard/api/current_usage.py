"""``/api/token-usage/current``: what an account uses just now."""

from datetime import UTC, datetime, timedelta

from core.access import Permission
from core.windows.reading import Source
from dashboard.routing import Call, route
from dashboard.windows import answers, reading, shape
from dashboard.windows.accounts import Account, account_called, view_of
from dashboard.windows.estimate import NAMES
from dashboard.windows.query import CurrentQuery
from dashboard.windows.reading import Now
from dashboard.windows.said import named, running
from sql.rows.windows import WindowNow


@route(
    "GET",
    "/api/token-usage/current",
    permission=Permission.READ_STATISTICS,
    query=CurrentQuery,
    returns=answers.CurrentAnswer,
    errors=(400, 503),
)
async def show_current_usage(call: Call[CurrentQuery]) -> answers.CurrentAnswer:
    """Tokens an account used in the last minutes, and how full its window is by the most trusted source.

    An account that nobody knows has used nothing.
    """
    now, length = datetime.now(UTC), timedelta(minutes=call.query.window)
    view = await view_of(call.database, call.principal)
    found = await account_called(call.database, view, call.query.account_id)
    account = found or Account(call.query.account_id, "api_key", None, ())
    one = await reading.one_account(call.database, view, account, now, length)
    name = NAMES.get(length)
    return _answer(one, running(one.said, name, now) if name is not None else None, now)


def _answer(one: Now, row: WindowNow | None, now: datetime) -> answers.CurrentAnswer:
    inferred = shape.inferred_answer(one.estimate)
    windows = [shape.window_answer(one.said[key], now) for key in named(one.said)]
    used = row.utilization if row is not None else inferred.utilization
    reset = row.reset_at if row is not None and row.reset_at is not None else inferred.reset_at
    return answers.CurrentAnswer(
        account_id=one.account.account_id,
        window_minutes=inferred.window_minutes,
        source=Source(row.source) if row is not None else Source.INFERRED,
        usage=answers.CurrentUsage(
            tokens_used=inferred.sum.total_tokens,
            limit=inferred.limit,
            percentage=shape.percent(used),
            reset_at=reset,
        ),
        requests=_requests(one, inferred.sum.requests),
        period=inferred.period,
        windows=windows,
        inferred=inferred,
    )


def _requests(one: Now, count: int) -> answers.CurrentRequests:
    by_type: dict[answers.RequestKind, int] = {"inference": 0, "query_evaluation": 0, "quota": 0}
    for row in one.estimate.rows:
        for kind in by_type:
            if row.request_type == kind:
                by_type[kind] += row.requests
    return answers.CurrentRequests(count=count, by_type=by_type)
