"""``/api/windows``: the usage windows of accounts, their past, and where they lead."""

from datetime import UTC, datetime

from core.access import Permission
from dashboard.problems import Problem
from dashboard.routing import Call, Query, route
from dashboard.windows import answers, reading, shape
from dashboard.windows.accounts import View, view_of
from dashboard.windows.query import AccountQuery, ForecastQuery, HistoryQuery
from dashboard.windows.reading import Now


@route("GET", "/api/windows", permission=Permission.READ_STATISTICS, returns=answers.WindowsAnswer, errors=(503,))
async def list_windows(call: Call[Query]) -> answers.WindowsAnswer:
    """Windows and per-minute limits of every account, as each source says them, and our own estimate beside it."""
    now = datetime.now(UTC)
    found = await reading.all_accounts(call.database, call.principal, now)
    return answers.WindowsAnswer(accounts=[_account(one, now) for one in found], timestamp=now)


@route(
    "GET",
    "/api/windows/forecast",
    permission=Permission.READ_STATISTICS,
    query=ForecastQuery,
    returns=answers.ForecastsAnswer,
    errors=(400, 404, 503),
)
async def forecast_windows(call: Call[ForecastQuery]) -> answers.ForecastsAnswer:
    """When the running windows will be used up, with the range that holds it in 80 of 100 cases.

    What one per cent costs, and how good forecasts were, is told of one account only.
    """
    query = call.query
    if query.calibration and query.account_id is None:
        raise Problem(400, "calibration is told of one account: give its accountId")
    now, brief = datetime.now(UTC), query.account_id is None
    view = await view_of(call.database, call.principal)
    made = []
    for one in await _wanted(call, view, now):
        outlooks = await reading.outlooks(call.database, view, one, now, calibrated=query.calibration, brief=brief)
        made.append((one, outlooks))
    accounts = [
        answers.AccountForecast(
            account_id=one.account.account_id,
            display_name=one.account.display_name,
            outlooks=[shape.outlook_answer(*told) for told in outlooks],
        )
        for one, outlooks in made
    ]
    pool = reading.pool([told for _, outlooks in made for told in outlooks])
    return answers.ForecastsAnswer(accounts=accounts, pool=pool, timestamp=now)


@route(
    "GET",
    "/api/windows/{account}",
    permission=Permission.READ_STATISTICS,
    query=AccountQuery,
    returns=answers.AccountWindowsAnswer,
    errors=(400, 404, 503),
)
async def show_windows(call: Call[AccountQuery]) -> answers.AccountWindowsAnswer:
    """One account's windows in full: also who and what used the running one, moved ends, rate and forecast."""
    now = datetime.now(UTC)
    view = await view_of(call.database, call.principal)
    account = await reading.found_account(call.database, view, call.request.match_info["account"])
    one = await reading.one_account(call.database, view, account, now)
    key_and_row = reading.chosen(one.said, call.query.window, now)
    row = key_and_row[1] if key_and_row is not None else None
    use = await reading.use_since(call.database, view, one, row, now)
    moved = await reading.moves_of(call.database, one, key_and_row[0], now) if key_and_row is not None else ()
    outlooks = await reading.outlooks(call.database, view, one, now)
    return answers.AccountWindowsAnswer(
        **dict(_account(one, now)),
        use=shape.use_answer(use, view),
        moves=shape.moves(moved),
        outlooks=[shape.outlook_answer(*told) for told in outlooks],
    )


@route(
    "GET",
    "/api/windows/{account}/history",
    permission=Permission.READ_STATISTICS,
    query=HistoryQuery,
    returns=answers.HistoryAnswer,
    errors=(400, 404, 503),
)
async def show_window_history(call: Call[HistoryQuery]) -> answers.HistoryAnswer:
    """An account's windows of some days: how full each became, where its end was moved, and the curve."""
    now = datetime.now(UTC)
    wanted = call.request.match_info["account"]
    found = await reading.history(call.database, call.principal, wanted, call.query, now)
    return reading.history_answer(found, now)


async def _wanted(call: Call[ForecastQuery], view: View, now: datetime) -> list[Now]:
    if call.query.account_id is None:
        return await reading.all_accounts(call.database, call.principal, now)
    account = await reading.found_account(call.database, view, call.query.account_id)
    return [await reading.one_account(call.database, view, account, now)]


def _account(one: Now, now: datetime) -> answers.AccountWindows:
    return shape.account_fields(one.account, one.said, one.limits, one.estimate, now)
