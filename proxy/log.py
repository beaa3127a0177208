"""One JSON line an event on stderr, from an allow-list of fields: no byte of any input ever gets here.

Nothing is written per request. A line of a kind that strangers can cause (noise on the port) comes at most once a
second; the counters keep the exact numbers.
"""

import asyncio
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

import orjson

FIELDS: Final = frozenset(
    {
        "address",
        "changed",
        "count",
        "error",
        "level",
        "node",
        "outcome",
        "port",
        "reached",
        "reason",
        "seconds",
        "slot",
        "total",
        "train",
        "upstream",
        "usd_after",
        "usd_before",
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


class _LibraryHandler(logging.Handler):
    """Says that a library had something to say, not what: its text may hold input."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        write_seldom("library", error=error.__name__ if error else None, reason=record.name)


def mute_libraries() -> None:
    """Send what libraries log, from warnings on, through our lines."""
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler()], force=True)


def write_loop_failure(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The event loop's exception handler: a failed callback by its class and place."""
    del loop
    exc = context.get("exception")
    if isinstance(exc, BaseException):
        write_failure("callback failed", exc)
    else:
        write_seldom("callback failed")
