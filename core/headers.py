"""Header fields by their names. Calls have some twenty each way, and are asked for single ones again and again."""

from core.models import Headers


def first(headers: Headers, name: str) -> str | None:
    """The value of the first field of that name, which is given in lower case; None where there is none."""
    size = len(name)
    for given, value in headers:
        if len(given) == size and given.lower() == name:
            return value
    return None
