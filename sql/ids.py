"""Ids as the driver makes them: equal to those of the standard library, but compared and hashed in C."""

from uuid import UUID

from asyncpg.pgproto import pgproto


def quick_id(text: str) -> UUID:
    """The id that a text is. Raises ValueError where it is none, TypeError where it is no text."""
    if not isinstance(text, str):
        raise TypeError("an id is a text")
    made: UUID = pgproto.UUID(text)
    return made
