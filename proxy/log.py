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
_OURS = frozenset({"core", "proxy", "sql"})
"""Packages whose frames say more than those of a library they called."""
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
    """A failure by its class and the place in our code where it came from; never its text, which may hold input."""
    where, trace = "", exc.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if not where or module.partition(".")[0] in _OURS:
            where = f" at {module}.{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
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
