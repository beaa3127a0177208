"""``/api/sessions``: the runs of clients, and what was talked about in them."""

from core.access import Permission
from dashboard.conversations.answers import SessionAnswer, SessionsAnswer
from dashboard.conversations.listing import TALKS_SHOWN, Page, find_sessions, talks_of
from dashboard.conversations.query import SessionsQuery
from dashboard.conversations.shape import cursor_page, session_answer
from dashboard.problems import Problem
from dashboard.recordings.query import MOST_PER_PAGE
from dashboard.routing import Call, Query, route
from dashboard.trains import account_names, visible_trains
from sql.rows.conversations import SessionRow


@route(
    "GET",
    "/api/sessions",
    permission=Permission.READ_BODIES,
    query=SessionsQuery,
    returns=SessionsAnswer,
    errors=(400, 503),
)
async def list_sessions(call: Call[SessionsQuery]) -> SessionsAnswer:
    """Sessions, last active first, each with its longest conversations.

    Numbered pages end at row 2000; `before=<next_cursor>` goes on from there at the same cost.
    """
    page = await find_sessions(call.database, call.principal, call.query)
    talks = await talks_of(call.database, page.trains, page.rows)
    return SessionsAnswer(
        sessions=[session_answer(page, row, talks[row.train, row.session_id], TALKS_SHOWN) for row in page.rows],
        pagination=cursor_page(page, call.query),
    )


@route(
    "GET",
    "/api/sessions/{id}",
    permission=Permission.READ_BODIES,
    returns=SessionAnswer,
    errors=(404, 503),
)
async def show_session(call: Call[Query]) -> SessionAnswer:
    """One session with its conversations and side calls, at most 200.

    Where several trains had a session of this id, the one that was last active answers.
    """
    trains = await visible_trains(call.database, call.principal)
    wanted = call.request.match_info["id"].replace("\0", "")
    row = await call.database.fetch_one("session_found", SessionRow, sorted(trains), wanted)
    if row is None:
        raise Problem(404, "there is no such session, or it is not yours to see")
    accounts = await account_names(call.database, [] if row.account is None else [row.account])
    page = Page([row], trains, accounts, 1, total_capped=False, more=False)
    talks = await talks_of(call.database, {row.train: trains[row.train]}, [row], MOST_PER_PAGE + 1)
    return session_answer(page, row, talks[row.train, row.session_id], MOST_PER_PAGE)
