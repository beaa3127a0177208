"""The zone that times are drawn in: set around the rendering of one page, UTC otherwise.

A variable of the context and no argument: a template's macros are imported without its values, and a zone is needed
wherever a time stands.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo

_ZONE: ContextVar[tzinfo] = ContextVar("zone", default=UTC)


@contextmanager
def drawn_in(zone: tzinfo) -> Iterator[None]:
    """Within the block times are drawn in this zone."""
    token = _ZONE.set(zone)
    try:
        yield
    finally:
        _ZONE.reset(token)


def there(moment: datetime) -> datetime:
    """The moment in the zone."""
    return moment.astimezone(_ZONE.get())


def is_utc() -> bool:
    """Whether the zone is UTC itself."""
    return str(_ZONE.get()) == "UTC"


def abbreviation(moment: datetime) -> str:
    """What the zone is called at that moment: ``CET``; where it has no letters, ``UTC+03``."""
    name = there(moment).tzname() or ""
    return name if name.isalpha() else f"UTC{name}"
