"""One JSON line an event on stderr, of listed fields only: nothing that was recorded or sent in gets here."""

import sys
import traceback
from datetime import UTC, datetime
from typing import Final

import orjson

FIELDS: Final = frozenset({"address", "at_line", "error", "id", "port", "route", "version"})


def write(event: str, **fields: str | int | None) -> None:
    """Write one line. Raises ValueError for a field that is not listed: a mistake in our code."""
    if not FIELDS.issuperset(fields):
        raise ValueError("a log field that is not on the list")
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
    sys.stderr.write(orjson.dumps(line).decode() + "\n")
    sys.stderr.flush()


def write_failure(exc: BaseException, *, request_id: str | None, route: str | None) -> None:
    """An error nobody foresaw: its class and place. Never its text, which may quote what was recorded."""
    frames = traceback.extract_tb(exc.__traceback__)[-4:]
    places = " ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames)
    write("unforeseen_error", error=type(exc).__name__, id=request_id, route=route, at_line=places)
