"""Rows of ``queries/migrations.sql``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A migration this database has."""

    number: int
    name: str
    sha256: str
    """64 hex characters, of the file as it was applied."""
