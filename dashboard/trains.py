"""Which trains a principal may see: the explicit predicate that every query on train-owned tables carries."""

from collections.abc import Collection, Mapping

from core.access import Principal
from sql.database import Database
from sql.rows.directory import AccountRow, TrainRow


async def visible_trains(database: Database, principal: Principal, wanted: Collection[str] = ()) -> dict[int, str]:
    """Numbers and names of the trains a principal may see, of ``wanted`` ones where any are named.

    A train that is not there and one that is not his look the same: missing from the answer.
    """
    names = set(wanted) or None
    if principal.trains is not None:
        names = set(principal.trains) if names is None else names & principal.trains
    rows = await database.fetch("trains_named", TrainRow, None if names is None else sorted(names))
    return {row.train: row.name for row in rows}


async def wanted_trains(
    database: Database, principal: Principal, wanted: Collection[str], known: Mapping[int, str] | None = None
) -> dict[int, str]:
    """``visible_trains``, from what was read before where it is ``known``."""
    if known is None:
        return await visible_trains(database, principal, wanted)
    return {train: name for train, name in known.items() if not wanted or name in wanted}


async def account_names(database: Database, numbers: Collection[int]) -> dict[int, AccountRow]:
    """The accounts behind numbers, as they are called now."""
    if not numbers:
        return {}
    rows = await database.fetch("accounts_numbered", AccountRow, sorted(set(numbers)))
    return {row.account: row for row in rows}
