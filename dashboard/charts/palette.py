"""Which colour, pattern and letter a name has: the same on every chart that shows it beside the same others."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

OTHER = 7
"""Of what is summed up as "other" and of what has no name: grey."""
LAST_RESORT = 6
"""Red: what is wrong looks like that, so it is taken when nothing else is left."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a name is shown: number of its colour and pattern, and the letter of the key."""

    hue: int
    letter: str

    @property
    def fill(self) -> str:
        """The paint of its marks."""
        return f"url(#p{self.hue})"


def looks(names: Sequence[str], *, others: bool = False) -> tuple[Look, ...]:
    """A look for each name, most important first. A name keeps its own colour unless a greater one has it.

    With ``others`` the last one is the grey of everything else. More than seven names repeat colours; letters do not.
    """
    taken: set[int] = set()
    found = []
    for place, name in enumerate(names):
        last = others and place == len(names) - 1
        hue = OTHER if last or not name else _free(_own(name), taken)
        taken.add(hue)
        found.append(Look(hue, ascii_uppercase[place % len(ascii_uppercase)]))
    return tuple(found)


def _own(name: str) -> int:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[0] % LAST_RESORT


def _free(wanted: int, taken: set[int]) -> int:
    turns = [(wanted + step) % LAST_RESORT for step in range(LAST_RESORT)]
    return next((hue for hue in (*turns, LAST_RESORT) if hue not in taken), wanted)
