"""Words from outside that become columns: a label is short text that every Postgres text column and index can hold."""

from typing import Any, Final

from core.bodies import joined

LABEL: Final = 256
"""Characters of a name, id or type; an index entry of Postgres holds 2,700 bytes at most."""
SENTENCE: Final = 4000
"""Characters of an error message."""


def label(value: Any, limit: int = LABEL) -> str | None:
    """The text cut to ``limit`` characters; None where it is not a text or empty.

    NUL and lone surrogates, which Postgres refuses, show as U+FFFD; the raw bytes stay exact elsewhere.
    """
    if not isinstance(value, str) or not value:
        return None
    if len(value) <= limit and value.isascii() and "\0" not in value:  # as nearly all
        return value
    return joined(value[:limit].replace("\0", "\ufffd"))
