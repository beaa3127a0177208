"""``/api/budgets``: what trains and client keys may use, and how much of it they have."""

from collections.abc import Sequence
from datetime import UTC, datetime

from core.access import Permission
from dashboard.problems import Problem
from dashboard.routing import Call, Query, body_of, route
from dashboard.trains import visible_trains
from dashboard.usage import change
from dashboard.usage.answers import BudgetAnswer, BudgetChange, BudgetGiven, BudgetsAnswer, Done
from dashboard.usage.reading import standings
from dashboard.usage.shape import budget_answer
from sql.rows.budgets import BudgetRow


@route("GET", "/api/budgets", permission=Permission.READ_STATISTICS, returns=BudgetsAnswer, errors=(503,))
async def list_budgets(call: Call[Query]) -> BudgetsAnswer:
    """Budgets with what was used of each in its running period."""
    trains = await visible_trains(call.database, call.principal)
    rows = await call.database.fetch("budgets_of", BudgetRow, sorted(trains))
    return BudgetsAnswer(budgets=await _answers(call, rows, trains))


@route(
    "POST",
    "/api/budgets",
    permission=Permission.ADMINISTER,
    body=BudgetGiven,
    returns=BudgetAnswer,
    errors=(400, 404, 409, 422, 503),
)
async def add_budget(call: Call[Query]) -> BudgetAnswer:
    """Give a train, or one client key of it, a budget; it has one at most of each unit and period."""
    row = await change.add(call.database, call.principal, await body_of(BudgetGiven, call.request))
    trains = await visible_trains(call.database, call.principal)
    return (await _answers(call, [row], trains))[0]


@route(
    "PUT",
    "/api/budgets/{id}",
    permission=Permission.ADMINISTER,
    body=BudgetChange,
    returns=BudgetAnswer,
    errors=(400, 404, 422, 503),
)
async def change_budget(call: Call[Query]) -> BudgetAnswer:
    """Change a budget's amount, zone or hardness."""
    given = await body_of(BudgetChange, call.request)
    number = change.number_of(call.request.match_info["id"])
    trains = await visible_trains(call.database, call.principal)
    row = await call.database.fetch_one(
        "budget_change", BudgetRow, sorted(trains), number, given.amount, given.tz, given.hard
    )
    if row is None:
        raise Problem(404, change.NONE)
    return (await _answers(call, [row], trains))[0]


@route("DELETE", "/api/budgets/{id}", permission=Permission.ADMINISTER, returns=Done, errors=(404, 503))
async def delete_budget(call: Call[Query]) -> Done:
    """Take a budget back."""
    await change.take_back(call.database, call.principal, call.request.match_info["id"])
    return Done()


async def _answers(call: Call[Query], rows: Sequence[BudgetRow], trains: dict[int, str]) -> list[BudgetAnswer]:
    found = await standings(call.database, rows, datetime.now(UTC))
    return [budget_answer(one, trains[one.row.train]) for one in found]
