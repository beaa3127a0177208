"""Every query of ``sql/queries`` is a statement this schema takes, and gives exactly what its row class holds."""

import dataclasses
import importlib
import pkgutil
from typing import Any

import asyncpg
import pytest

import sql.rows
from sql.loader import Query, parse, queries
from sql.union import union

pytestmark = pytest.mark.postgres
EVERY = [pytest.param(query, id=name) for name, query in queries().items()]
LISTS = [pytest.param(query, id=name) for name, query in queries().items() if query.order]


def row_classes() -> dict[str, Any]:
    """The dataclasses of ``sql.rows`` by name; two of one name would make `returns` ambiguous."""
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(sql.rows.__path__, "sql.rows."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if dataclasses.is_dataclass(value) and value.__module__ == module.name:
                assert name not in found, f"two row classes are called {name}"
                found[name] = value
    return found


async def columns(connection: asyncpg.Connection, text: str) -> list[str]:
    """The names of the columns a statement gives, as the server says."""
    return [attribute.name for attribute in (await connection.prepare(text)).get_attributes()]


def fields(query: Query) -> list[str]:
    """The names of the fields its row class has; none where it returns nothing."""
    if query.returns is None:
        return []
    return [field.name for field in dataclasses.fields(row_classes()[query.returns])]


@pytest.mark.parametrize("query", EVERY)
async def test_its_columns_are_its_row_classs_fields(shared_database_url: str, query: Query) -> None:
    """Rows are made by position, so names and order must agree. A lock's row is nobody's."""
    if query.returns is None and query.text.endswith("FOR NO KEY UPDATE"):
        return
    connection = await asyncpg.connect(shared_database_url)
    try:
        assert await columns(connection, query.text) == fields(query)
    finally:
        await connection.close()


@pytest.mark.parametrize("query", LISTS)
async def test_a_list_can_be_merged_over_trains(shared_database_url: str, query: Query) -> None:
    """A query that names its order composes into one statement for several trains, with the same columns."""
    connection = await asyncpg.connect(shared_database_url)
    try:
        assert await columns(connection, union(query, 3)) == fields(query)
    finally:
        await connection.close()


def test_a_query_needs_a_name_and_a_sentence() -> None:
    """What nobody explained is not loaded; a statement is kept as written, without its semicolon."""
    assert list(
        parse("-- name: a\n-- Says\n-- one.\n-- returns: One\n-- order: n DESC\nSELECT 1 -- one\n  AS n;\n")
    ) == [Query("a", "Says one.", "SELECT 1 -- one\n  AS n", "One", "n DESC")]
    for text in ("-- name: a\nSELECT 1", "-- name: A\n-- Says.\nSELECT 1", "-- name: a\n-- Says.\n", "SELECT 1"):
        with pytest.raises(ValueError, match="quer"):
            list(parse(text))


def test_a_narrower_query_is_the_whole_one_with_a_condition_more() -> None:
    """What it returns, its order and its parameters are those of the query it narrows; only an AND can narrow."""
    statement = "SELECT n FROM t WHERE n < $1\nORDER BY n DESC\nLIMIT $2;\n"
    whole = f"-- name: a\n-- All.\n-- returns: One\n-- order: n DESC\n{statement}"
    narrow = "-- name: b\n-- Some.\n-- narrows: a\nAND n > 0;\n"
    text = "SELECT n FROM t WHERE n < $1\n    AND n > 0\nORDER BY n DESC\nLIMIT $2"
    assert list(parse(whole + narrow))[1] == Query("b", "Some.", text, "One", "n DESC")
    for wrong in (
        narrow,
        whole + narrow.replace("AND", "OR"),
        whole + narrow.replace("-- narrows", "-- order: n\n-- narrows"),
    ):
        with pytest.raises(ValueError, match="b must be an AND"):
            list(parse(wrong))
