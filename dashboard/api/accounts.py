"""``/api/accounts``: who pays, and what people call them."""

from datetime import UTC, datetime

from core.access import Permission
from dashboard.problems import Problem
from dashboard.routing import Call, Query, body_of, route
from dashboard.trains import visible_trains
from dashboard.usage.answers import AccountAnswer, AccountGiven, AccountsAnswer, NamedAccount
from sql.rows.directory import AccountRow, AccountUseRow

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@route("GET", "/api/accounts", permission=Permission.READ_STATISTICS, returns=AccountsAnswer, errors=(503,))
async def list_accounts(call: Call[Query]) -> AccountsAnswer:
    """The accounts that paid for requests, by the ids they bear now."""
    trains = await visible_trains(call.database, call.principal)
    whole = call.principal.trains is None
    rows = await call.database.fetch("accounts_all", AccountUseRow, whole, sorted(trains), BEGINNING)
    accounts = [
        AccountAnswer(
            account_id=row.account_id,
            kind=row.kind,
            display_name=row.display_name,
            created_at=row.created_at,
            total_requests=row.requests,
            last_active_hour=row.last_hour,
        )
        for row in rows
    ]
    return AccountsAnswer(accounts=accounts)


@route(
    "PUT",
    "/api/accounts/{id}",
    permission=Permission.ADMINISTER,
    body=AccountGiven,
    returns=NamedAccount,
    errors=(400, 404, 422, 503),
)
async def name_account(call: Call[Query]) -> NamedAccount:
    """Give an account a name, or take it back with null."""
    given = await body_of(AccountGiven, call.request)
    wanted = call.request.match_info["id"].replace("\0", "")
    row = await call.database.fetch_one("account_name", AccountRow, wanted, given.display_name)
    if row is None:
        raise Problem(404, "there is no such account")
    return NamedAccount(account_id=row.account_id, display_name=row.display_name)
