"""What linking decides of a request: its edge, and the place in the conversation that follows from it."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from core.valueclass import valueclass


class Method(StrEnum):
    """The evidence that an edge rests on, strongest first; shown in words on the page."""

    MANUAL = "manual"
    THREAD = "thread"
    REPLY = "reply"
    TURN = "turn"
    PREFIX = "prefix"
    COMPACTION = "compaction"
    SUBAGENT = "subagent"


class Evidence(NamedTuple):
    """The best evidence in a request's own transcript; none of it is what groups of requests decide."""

    parent: UUID | None
    """None only where a person said that there is none."""
    method: Method
    place: int
    """How many items of the transcript lie before the place it points at."""


class Past(NamedTuple):
    """What a thread continuation is, with the past that its parent brings."""

    state: bytes
    replies: tuple[bytes, ...]


class LaunchRef(NamedTuple):
    """One launch: the request whose answer asks for it, and its number among that answer's launches.

    Sub-agents that fork without a launch count after their parent's launches.
    """

    request: UUID
    block: int


@valueclass(frozen=True, slots=True)
class Link:
    """Everything that linking says of one request."""

    id: UUID
    conversation_id: UUID
    parent_request_id: UUID | None
    link_method: Method | None
    """None for roots."""
    branch_id: str
    is_subtask: bool = False
    parent_task_request_id: UUID | None = None
    attempt_of: UUID | None = None
    parent_message_hash: str | None = None
    """The parent's current_message_hash, 64 hex; None for roots."""
    side_call: str | None = None
    evidence: Evidence | None = None
    """The request's own, whatever became of it."""
    launch: LaunchRef | None = None
    """The launch of the sub-agent that begins here."""
    past: Past | None = None
    claims: UUID | None = None
    """The failed request whose next attempt this is; ``attempt_of`` is the first of all."""
