"""The price list as pages compute with it: that which comes with the program, and the installation's own before it."""

from dataclasses import asdict
from functools import cache
from importlib.resources import files

from core.prices import PriceList, own_price, parse
from sql.database import Database
from sql.rows.prices import PriceRow


@cache
def listed() -> PriceList:
    """The list that comes with the program: it does not change while it runs. Raises BadSettingError."""
    return parse(files("core").joinpath("prices.toml").read_bytes())


async def prices_now(database: Database) -> PriceList:
    """All prices that hold. One query."""
    return listed().with_own(map(own_price, map(asdict, await database.fetch("prices_own", PriceRow))))
