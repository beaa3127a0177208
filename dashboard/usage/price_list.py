"""The price list as pages compute with it: that which comes with the program, and the installation's own before it."""

from functools import cache
from importlib.resources import files

from core.prices import RATES, Price, PriceList, parse
from sql.database import Database
from sql.rows.prices import PriceRow


@cache
def listed() -> PriceList:
    """The list that comes with the program: it does not change while it runs. Raises BadSettingError."""
    return parse(files("core").joinpath("prices.toml").read_bytes())


async def prices_now(database: Database) -> PriceList:
    """All prices that hold. One query."""
    return listed().with_own(map(_own, await database.fetch("prices_own", PriceRow)))


def _own(row: PriceRow) -> Price:
    return Price(
        id=f"own/{row.price}",
        model=row.model,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        min_prompt=row.min_prompt,
        max_prompt=row.max_prompt,
        speed=row.speed,
        unconfirmed=frozenset(row.unconfirmed),
        source=row.source or "own",
        **{name: getattr(row, name) for name in RATES},
    )
