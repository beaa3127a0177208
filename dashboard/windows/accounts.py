"""Accounts whose windows a principal may see, each with every number that calls were filed under."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.access import Principal
from core.labels import label
from dashboard.trains import visible_trains
from sql.database import Database
from sql.rows.windows import WindowAccount

LONGEST_ID: Final = 128
"""Characters an account's id has at most."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account under the id it bears now."""

    account_id: str
    kind: str
    """``api_key`` or ``oauth``."""
    display_name: str | None
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What a principal sees: trains by number; ``whole`` where that is all of them, so that sums are an account's."""

    trains: Mapping[int, str]
    whole: bool

    @property
    def numbers(self) -> list[int]:
        """The trains' numbers, as queries take them."""
        return sorted(self.trains)


async def view_of(database: Database, principal: Principal) -> View:
    """The view of a principal."""
    return View(await visible_trains(database, principal), whole=principal.trains is None)


async def accounts_in_use(database: Database, view: View, since: datetime) -> list[Account]:
    """The accounts that were used, or of whose windows something was said, since a moment; by id."""
    rows = await database.fetch("window_accounts", WindowAccount, view.numbers, since, view.whole)
    return _joined(rows)


async def account_called(database: Database, view: View, account_id: str) -> Account | None:
    """One account, by any id it was ever called; None where there is none the principal may see."""
    if label(account_id, LONGEST_ID) != account_id:
        return None  # a NUL, half an emoji: no text of the database
    rows = await database.fetch("window_account_numbers", WindowAccount, account_id, view.numbers, view.whole)
    return next(iter(_joined(rows)), None)


def _joined(rows: Iterable[WindowAccount]) -> list[Account]:
    of_id: dict[str, list[WindowAccount]] = {}
    for row in rows:
        of_id.setdefault(row.account_id, []).append(row)
    return [
        Account(name, of[0].kind, of[0].display_name, tuple(row.account for row in of)) for name, of in of_id.items()
    ]
