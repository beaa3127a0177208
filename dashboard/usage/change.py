"""Setting budgets and taking them back, as the API and the page do it."""

from core.access import Principal
from dashboard.problems import Problem
from dashboard.trains import visible_trains
from dashboard.usage.answers import BudgetGiven
from sql.database import Database
from sql.rows.budgets import BudgetRow

NONE = "there is no such budget, or it is not yours to see"


async def add(database: Database, principal: Principal, given: BudgetGiven) -> BudgetRow:
    """A new budget. Raises Problem 404 for a train that is not to be seen, 409 where it has one already."""
    trains = await visible_trains(database, principal, [given.train_id])
    if not trains:
        raise Problem(404, "there is no such train, or it is not yours to see")
    row = await database.fetch_one(
        "budget_put",
        BudgetRow,
        next(iter(trains)),
        given.key_id,
        given.unit,
        given.amount,
        given.period,
        given.tz,
        given.hard,
        principal.name,
    )
    if row is None:
        raise Problem(409, "there is a budget of this unit and period: change that one")
    return row


async def take_back(database: Database, principal: Principal, number: str) -> None:
    """A budget is no more. Raises Problem 404 where there is none."""
    trains = await visible_trains(database, principal)
    if await database.fetch_one("budget_delete", BudgetRow, sorted(trains), number_of(number)) is None:
        raise Problem(404, NONE)


def number_of(text: str) -> int:
    """A budget's number in an address. Raises Problem 404 for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Problem(404, NONE)
    return int(text)
