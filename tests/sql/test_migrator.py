"""Migrations: applied once, in order, by one at a time; a changed file or a foreign schema is refused."""

from sql.database import Database
from sql.migrator import check, migrate
from sql.rows.migrations import AppliedMigration


async def test_a_migrated_database_has_this_versions_schema(database: Database) -> None:
    """The template every test copies passes the check that guards the recorder."""
    await check(database)
    applied = await database.fetch("applied_migrations", AppliedMigration)
    assert [row.number for row in applied] == list(range(1, len(applied) + 1))


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    """Every start migrates; a database that is up to date is left as it is."""
    assert await migrate(database_url) == ()
