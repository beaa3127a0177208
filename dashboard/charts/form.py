"""Pieces of a drawing: markup of ours with places for numbers and words."""

from decimal import Decimal

from markupsafe import Markup, escape

_NUMBERS = (int, float, Decimal)


class Form:
    """Markup with the places of ``str.format``. As safe as ``Markup.format`` and three times as fast.

    Words are escaped whole before they are put in. That one escapes what each place gives, by a formatter in Python:
    12 µs where this takes 4, and an overview has four hundred pieces.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """``text`` is our own; nothing that was recorded is ever a form."""
        self._text = text

    def format(self, *values: object) -> Markup:
        """The piece with these values in its places."""
        safe = [value if isinstance(value, _NUMBERS) else escape(value) for value in values]
        return Markup(self._text.format(*safe))  # noqa: S704  the form is ours, its values are escaped above
