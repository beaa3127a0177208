"""A walk along a transcript: its items and their chain, which the next turn can go on from (storage.md, bodies)."""

from collections.abc import Sequence
from typing import Any, Final

from core.chain import START, chain
from core.errors import LimitExceededError
from core.normal_form import ASSISTANT, USER, Item, Normaliser
from core.valueclass import valueclass

MAX_ITEMS: Final = 200_000
"""Items of one transcript. The API takes 100,000 messages; a body of small blocks could hold millions."""


@valueclass(frozen=True, slots=True)
class Walk:
    """What the first messages of a transcript come to."""

    begin: bytes = START
    """The state before the first item."""
    messages: int = 0
    """How many user and assistant messages there were."""
    items: tuple[Item, ...] = ()
    states: tuple[bytes, ...] = ()
    """The state after each item."""
    first_text: str | None = None
    """The first words of the user, in normal form: the last text block of the first user message that has one."""
    seen: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    """The ids of tool uses and of results that went by."""

    @property
    def state(self) -> bytes:
        """The state after the last item."""
        return self.states[-1] if self.states else self.begin


def walk(messages: Sequence[Any], head: Walk) -> tuple[Walk, Normaliser]:
    """Go on from a head over the messages after it; the normaliser that comes with the result knows all that was seen.

    Raises LimitExceededError.
    """
    normaliser = Normaliser(*head.seen)
    items: list[Item] = []
    first_text, count = head.first_text, head.messages
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in (USER, ASSISTANT):
            continue
        count += 1
        found = normaliser.content(message["role"], message.get("content"))
        if first_text is None and message["role"] == USER:
            first_text = last_text(found)
        items += found
        if len(head.items) + len(items) > MAX_ITEMS:
            raise LimitExceededError("too many items")
    states = chain(head.state, items)
    return Walk(
        head.begin, count, (*head.items, *items), (*head.states, *states), first_text, normaliser.seen
    ), normaliser


def last_text(items: Sequence[Item]) -> str | None:
    """The text of the last item that has one; None where none has."""
    for item in reversed(items):
        if item.text is not None:
            return item.text
    return None


def cut(messages: Sequence[Any], most: int | None = None) -> int:
    """How many of these messages can be the head that the next turn goes on from: all before the last but one answer.

    An answer right behind a user message, and ``most`` messages at most: clients rewrite the last of a transcript. 0
    where there is no such place.
    """
    answers = 0
    for at in range(len(messages) - 1, 0, -1):
        if _role(messages[at]) == ASSISTANT and _role(messages[at - 1]) == USER:
            answers += 1
            if answers > 1 and (most is None or at <= most):
                return at
    return 0


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None
