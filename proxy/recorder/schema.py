"""Whether this version may write to the database: asked before writing, at most every two seconds."""

from collections.abc import Callable

from sql.database import Database
from sql.migrator import check

AGAIN_SECONDS = 2.0


class Schema:
    """The schema's fitness, remembered for a moment: a migration may run beside us at any time."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._fit_until = 0.0

    async def require(self) -> None:
        """Raises SchemaMismatchError where the schema is another version's, DatabaseAwayError where none answers."""
        if self._monotonic() < self._fit_until:
            return
        await check(self._database)
        self._fit_until = self._monotonic() + AGAIN_SECONDS
