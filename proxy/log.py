"""One JSON line an event on stderr, from an allow-list of fields: no byte of any input ever gets here.

Nothing is written per request. A line of a kind that strangers can cause (noise on the port) comes at most once a
second; the counters keep the exact numbers.
"""

import sys
import time
from datetime import UTC, datetime
from typing import Final

import orjson

FIELDS: Final = frozenset(
    {
        "address",
        "count",
        "error",
        "level",
        "node",
        "outcome",
        "port",
        "reason",
        "seconds",
        "slot",
        "upstream",
        "version",
    }
)
_last: dict[str, float] = {}


def write(event: str, **fields: str | float | None) -> None:
    """Write one line. Raises ValueError for a field that is not on the list: a mistake in our code."""
    if not FIELDS.issuperset(fields):
        raise ValueError("a log field that is not on the list")
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
    sys.stderr.write(orjson.dumps(line).decode() + "\n")
    sys.stderr.flush()


def write_seldom(event: str, **fields: str | float | None) -> None:
    """Like ``write``, at most once a second for each event."""
    now = time.monotonic()
    if now - _last.get(event, -1.0) >= 1.0:
        _last[event] = now
        write(event, **fields)


def write_failure(event: str, exc: BaseException) -> None:
    """A failure by its class and the place in our code where it was raised; never its text, which may hold input."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" at {trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
    write_seldom(event, error=type(exc).__name__ + where)
