"""What was said of accounts' windows, put into the tables by the recorder's own statements, for tests of readers.

account = await number(connection, "acct-2", kind="oauth")
await say(connection, account, "5h", [(NOW - 5 * MINUTE, 0.2), (NOW, 0.25)], reset=NOW + HOUR)
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from sql.loader import queries


async def number(connection: Any, account_id: str, kind: str = "oauth", merged_into: int | None = None) -> int:
    """The number of an account, which is made where there is none."""
    strength = "account_uuid" if kind == "oauth" else "api_key"
    await connection.execute(
        "INSERT INTO accounts (account_id, kind, strength, merged_into) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        account_id,
        kind,
        strength,
        merged_into,
    )
    found: int = await connection.fetchval("SELECT account FROM accounts WHERE account_id = $1", account_id)
    return found


async def say(
    connection: Any,
    account: int,
    window: str,
    samples: Sequence[tuple[datetime, float | None]],
    *,
    reset: datetime | None = None,
    status: str | None = "allowed",
    source: str = "reported",
    **more: str,
) -> None:
    """Observations of a window, one for each (moment, utilisation)."""
    members = orjson.dumps({name.replace("_", "-"): value for name, value in more.items()}).decode() if more else None
    rows = [(account, window, source, at, used, status, reset, members) for at, used in samples]
    columns = [list(column) for column in zip(*rows, strict=True)]
    for query in ("record_window_observations", "record_account_windows"):
        await connection.execute(queries()[query].text, *columns)


async def limit(connection: Any, account: int, model: str, name: str, quota: int, remaining: int, at: datetime) -> None:
    """A per-minute limit of an API key."""
    row = ([account], [model], [name], [quota], [remaining], [at], [at])
    await connection.execute(queries()["record_rate_limits"].text, *row)
