"""Arrays on their way to the server."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from asyncpg.protocol import protocol

from sql.arrays import ASKED_OF_EACH, ask_quickly, trimmed
from sql.connection import Connector
from sql.database import Database
from sql.rows.linking import LinkBegin


def test_what_the_driver_asks_of_an_element_is_asked_in_c() -> None:
    """The driver has the names we replace: where it loses one, each element costs twice as much again."""
    Connector()
    assert {name: getattr(protocol, name) for name in ASKED_OF_EACH} == ASKED_OF_EACH


def test_a_driver_without_these_names_is_left_alone() -> None:
    """Nothing is added to what the driver has."""
    names: dict[str, Any] = {"IterableABC": Iterable, "another": 1}
    ask_quickly(names)
    assert names == {"IterableABC": list, "another": 1}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["a", None, "b"], ["a", None, "b"]),
        ([], []),
        ([["a", "b"], ["c", "d"]], [["a", "b"], ["c", "d"]]),
    ],
)
async def test_arrays_arrive_as_they_were_given(shared_database_url: str, given: Any, found: list[Any]) -> None:
    """Lists, and arrays in arrays."""
    connection = await asyncpg.connect(shared_database_url)
    Connector()
    try:
        assert await connection.fetchval("SELECT $1::text[]", given) == found
    finally:
        await connection.close()


async def test_a_tuple_is_an_array_at_our_door(database: Database) -> None:
    """A statement's caller may have either."""
    numbers = uuid4(), uuid4()
    async with database.transaction() as transaction:
        await transaction.fetch("linking_begin", LinkBegin, 1, numbers)


async def test_what_is_no_array_is_refused(shared_database_url: str) -> None:
    """A text is not an array of its characters, a set has no order; a tuple is made a list before (``as_list``)."""
    connection = await asyncpg.connect(shared_database_url)
    Connector()
    try:
        for wrong in ("ab", {"a"}, {"a": 1}, ("a",)):
            with pytest.raises(asyncpg.DataError):
                await connection.fetchval("SELECT $1::text[]", wrong)
    finally:
        await connection.close()


def test_a_column_is_cut_behind_its_last_value() -> None:
    """What is NULL at its end is not sent."""
    assert trimmed([None, 1, None, None]) == [None, 1]
    assert trimmed([None]) == []
    assert trimmed([1, None, 2]) == [1, None, 2]
