"""Where a request stands in its conversation: what it follows, what repeats it, what follows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.conversation_tree import CARRIED
from dashboard.render import links
from sql.rows.conversations import LinkRow
from sql.rows.requests import RequestDetailRow


@dataclass(frozen=True, slots=True)
class Place:
    """The requests beside one, each in start order. ``why`` says in a sentence why it stands there."""

    why: str
    parent: LinkRow | None
    earlier: list[LinkRow]
    """Attempts of the same request before this one."""
    later: list[LinkRow]
    """Attempts of the same request after this one."""
    children: list[LinkRow]
    launched_by: UUID | None
    """The request whose answer launched the sub-agent that this one belongs to."""


def place_of(row: RequestDetailRow, beside: Sequence[LinkRow]) -> Place | None:
    """Where a request stands; None where it is in no conversation."""
    if row.conversation_id is None:
        return None
    parent = next((other for other in beside if other.id == row.parent_request_id), None)
    first = row.attempt_of or row.id
    attempts = [other for other in beside if first in (other.id, other.attempt_of)]
    children = [other for other in beside if other.parent_request_id == row.id]
    why = links.why(row.link_method, attempt=row.attempt_of is not None, has_parent=parent is not None)
    launched_by = row.parent_task_request_id if row.parent_task_request_id != row.parent_request_id else None
    earlier = [other for other in attempts if other.id < row.id]
    later = [other for other in attempts if other.id > row.id]
    return Place(why, parent, earlier, later, children, launched_by)


def parent_items(row: RequestDetailRow, place: Place | None) -> int | None:
    """How many items of the transcript are the parent's, as the evidence of the link says; None where it does not."""
    if place is None or place.parent is None or row.link_method not in CARRIED:
        return None
    return place.parent.item_count
