"""A list over several trains: one keyset query per train, joined by UNION ALL and merged.

A single ``train = ANY(…) ORDER BY id LIMIT`` would walk other trains' rows or sort all of one's own; this way each
train gives its first rows from its own index (storage.md, keys).
"""

import re
from functools import lru_cache

from sql.loader import Query

_PARAMETER = re.compile(r"\$(\d+)")


@lru_cache(maxsize=512)
def union(query: Query, trains: int) -> str:
    """One statement for so many trains.

    $1 stays the first train, the shared parameters keep their numbers, the other trains follow behind them; the last
    shared parameter is the limit of each train and of the whole. Raises ValueError for a query without an order.
    """
    return _merged(query, trains, "*")


@lru_cache(maxsize=512)
def counted(query: Query, trains: int) -> str:
    """How many rows the list of so many trains has, counted no further than its limit."""
    return f"SELECT count(*) FROM (\n{_merged(query, trains, '1')}\n) AS counted"  # noqa: S608  # as in _merged


@lru_cache(maxsize=512)
def projected(query: Query, trains: int, column: str) -> str:
    """One column of the list of so many trains as an array. Raises ValueError for what is no plain name."""
    if not column.isidentifier():
        raise ValueError(f"{column!r} is no column")
    return f"SELECT array_agg({column}) FROM (\n{_merged(query, trains, column)}\n) AS projected"  # noqa: S608  # as in _merged


def _merged(query: Query, trains: int, columns: str) -> str:
    """The list with these columns: forty that nobody reads would be made null row by row, a third of the time."""
    if query.order is None:
        raise ValueError(f"{query.name} has no `-- order:` and cannot be merged")
    last = max(int(number) for number in _PARAMETER.findall(query.text))
    parts = [query.text, *(_for_train(query.text, last + n) for n in range(1, trains))]
    merged = "\nUNION ALL\n".join(f"({part})" for part in parts)
    # All of it is our own text from sql/queries: no value ever enters it.
    return f"SELECT {columns} FROM (\n{merged}\n) AS merged ORDER BY {query.order} LIMIT ${last}"  # noqa: S608


def _for_train(text: str, parameter: int) -> str:
    return _PARAMETER.sub(lambda found: f"${parameter}" if found[1] == "1" else found[0], text)
