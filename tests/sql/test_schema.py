"""``sql/schema.sql`` is what the migrations give, on every server."""

from pathlib import Path

import asyncpg
import pytest

from deploy.postgres_binaries import find
from tests.sql.schema_dump import SCHEMA, dump

pytestmark = pytest.mark.postgres

# What a schema means, without what a day, a server version or its build adds: partitions, NOT NULL as named constraints
# (18), compression methods.
CATALOG = """
WITH ours AS (
    SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND NOT relispartition
)
SELECT format('relation %s %s %s', relname, relkind, pg_get_partkeydef(oid)) AS line
FROM ours
UNION ALL
SELECT format('column %s.%s %s %s %s %s %s %s', relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
    attidentity, attgenerated, pg_get_expr(adbin, adrelid))
FROM ours
JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
SELECT format('constraint %s.%s %s', relname, conname, pg_get_constraintdef(c.oid))
FROM ours JOIN pg_constraint AS c ON conrelid = ours.oid
WHERE contype <> 'n'
UNION ALL
SELECT 'index ' || pg_get_indexdef(indexrelid) FROM ours JOIN pg_index ON indrelid = ours.oid
UNION ALL
SELECT 'view ' || relname || ' ' || pg_get_viewdef(oid) FROM ours WHERE relkind = 'v'
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid)
FROM ours JOIN pg_trigger AS t ON tgrelid = ours.oid
WHERE NOT tgisinternal
UNION ALL
SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
ORDER BY line
"""


async def described(url: str) -> list[str]:
    """What a database's schema is, as the server tells it."""
    connection = await asyncpg.connect(url)
    try:
        return [row["line"] for row in await connection.fetch(CATALOG)]
    finally:
        await connection.close()


async def test_the_file_makes_the_same_schema_as_the_migrations(
    empty_database_url: str, shared_database_url: str
) -> None:
    """Executed on an empty database it gives the same relations, columns, constraints, indexes, views and functions."""
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(SCHEMA.read_text(encoding="utf-8"))
    finally:
        await connection.close()
    assert await described(empty_database_url) == await described(shared_database_url)


def test_the_file_is_what_is_written_today(shared_database_url: str, postgres_programs: Path | None) -> None:
    """Nobody edits it: `python -m tests.sql.schema_dump` after a migration."""
    if postgres_programs is not None:
        pytest.skip("the embedded server's pg_dump writes the file")
    assert SCHEMA.read_text(encoding="utf-8") == dump(find().folder, shared_database_url)
