"""What each tab of a request shows: values for its template, made off the event loop from stored bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from core.kept import Cause, Kept, cause
from dashboard.recordings.detail import Bodies, request_kept, too_large
from dashboard.render import json_view, long_text, messages, stream, waterfall
from dashboard.render.image import decoded, recognised
from dashboard.render.messages import Message, Talk
from dashboard.render.prompt import Prompt, whole_prompt
from dashboard.render.recipes import Asked, NotRepeatableError, Recipes, recipes
from dashboard.render.secrets import Mask, masked
from dashboard.render.steps import Step, as_it_came, steps_of
from sql.rows.requests import RequestDetailRow, ResponseBodyRow


@dataclass(frozen=True, slots=True)
class Body:
    """A body as a tree, or as text with the reason why it is none. ``state`` says why there is nothing to see."""

    state: str
    """``shown``, ``empty``, ``missing``, ``not_recorded``, ``running`` or ``too_large``."""
    octets: int | None = None
    tree: Markup | None = None
    text: Markup | None = None
    fault: str | None = None
    left_out: int = 0
    masked: int = 0
    encoded: bool = False
    """Whether what is shown is the inflated copy."""
    partial: bool = False
    """Whether a part of it was lost."""
    lost: int = 0
    """Frames of the call that are missing on the tape."""
    cause: Cause = Cause.FULL
    """Why they are missing."""


@dataclass(frozen=True, slots=True)
class Context:
    """How much of the transcript is read: all of it from message ``first``, or what the parent did not have."""

    whole: bool
    first: int | None
    parent_items: int | None
    """Items of the parent's transcript, with which this one begins; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Readable:
    """What is new in the request, and the answer; ``body`` is the answer where it is no message."""

    asked: Talk | None
    asked_body: Body
    answer: Message | None
    body: Body
    masked: int


@dataclass(frozen=True, slots=True)
class Chunks:
    """A window of the stream."""

    body: Body
    lines: list[stream.ChunkLine]
    total: int
    first: int
    last: int
    arrival: waterfall.Arrival | None
    bars: Sequence[stream.BlockBar] = ()
    masked: int = 0
    events: bool = False
    """Whether the stream has events, so that it can be replayed."""


def readable(row: RequestDetailRow, bodies: Bodies, pictures: str, context: Context) -> Readable:
    """The tab people read: what is new, or all that was sent, and the answer."""
    mask = Mask()
    body = bodies.request.body if bodies.request else None
    asked_body = _request_state(row, bodies)
    asked = _asked(body, pictures, context) if body else None
    if body and (asked is None or not asked.total):
        asked_body, asked = _drawn(body, asked_body), None
    answer = messages.answer(bodies.response.message, pictures, mask) if bodies.response else None
    shown = response(row, bodies) if answer is None else _kept_as(Body("shown"), row, bodies.response_kept)
    hidden = mask.hidden + (asked.masked if asked else asked_body.masked) + shown.masked
    return Readable(asked, asked_body, answer, shown, hidden)


def _asked(body: bytes, pictures: str, context: Context) -> Talk | None:
    try:
        if context.whole:
            return messages.whole_talk(body, pictures, context.first)
        return messages.new_messages(body, pictures, context.parent_items)
    except ValueError:
        return None


def prompt(
    row: RequestDetailRow, bodies: Bodies, pictures: str, first: int | None, first_tool: int
) -> tuple[Prompt | None, Body]:
    """System, tools and transcript, or the state of a body that has none."""
    body = bodies.request.body if bodies.request else None
    state = _request_state(row, bodies)
    if not body:
        return None, state
    try:
        message = bodies.response.message if bodies.response else None
        return whole_prompt(body, pictures, first, first_tool, message), state
    except ValueError:
        return None, _drawn(body, state)


def request(row: RequestDetailRow, bodies: Bodies) -> Body:
    """The request's bytes as JSON tree or text."""
    body = bodies.request.body if bodies.request else None
    state = _request_state(row, bodies)
    return _drawn(body, state) if body else state


def response(row: RequestDetailRow, bodies: Bodies) -> Body:
    """The response's bytes, inflated where they were encoded, as JSON tree or text."""
    kept = bodies.response
    size = max(bodies.sizes.response_size or 0, bodies.sizes.decoded_size or 0)
    body = None if kept is None else kept.raw
    state = _kept_as(_state(row, body, bodies.response_too_large, size, answers=True), row, bodies.response_kept)
    if kept is None or not kept.raw:
        return state
    encoded = kept.decoded is not None
    whole = kept.raw if kept.decoded is None else kept.decoded
    made = steps_of(kept) if row.stream else []
    return replace(_drawn_stream(whole, made, state) if made else _drawn(whole, state), encoded=encoded)


def rebuilt(bodies: Bodies) -> Body | None:
    """The message that the stream's events make together; None where there is none."""
    message = bodies.response.message if bodies.response else None
    if message is None:
        return None
    drawn = json_view.tree(message)
    return Body("shown", tree=drawn.html, left_out=drawn.left_out, masked=drawn.masked)


def chunks(row: RequestDetailRow, bodies: Bodies, first: int) -> Chunks:
    """The stream's chunks from number ``first`` (1-based)."""
    kept = bodies.response
    if kept is None or not kept.chunk_sizes:
        return Chunks(response(row, bodies), [], 0, 0, 0, None)
    made = steps_of(kept)
    lines = stream.lines(made, kept.chunk_sizes, kept.chunk_at_us, first)
    last = lines[-1].number if lines else 0
    hidden = stream.secrets_in(made, lines)
    bars = stream.bars(made)
    return Chunks(
        Body("shown"), lines, len(kept.chunk_sizes), first, last, arrival(kept), bars, hidden, bool(made and row.stream)
    )


@dataclass(frozen=True, slots=True)
class Code:
    """The call as commands; ``fault`` says why there are none, ``state`` what is to be known of its body."""

    recipes: Recipes | None
    state: Body
    fault: str = ""


def code(row: RequestDetailRow, body: bytes | None, size: int | None) -> Code:
    """The call as something to run again."""
    state = _kept_as(_state(row, body, too_large(size), size), row, request_kept(row, size))
    recorded = row.request_headers if isinstance(row.request_headers, list) else []
    try:
        return Code(recipes(Asked(row.method, row.path, row.query, recorded, body, size)), state)
    except NotRepeatableError as exc:
        return Code(None, state, str(exc))


def arrival(kept: ResponseBodyRow | None) -> waterfall.Arrival | None:
    """How the answer's bytes came."""
    return None if kept is None else waterfall.arrival(kept.chunk_sizes, kept.chunk_at_us)


def picture(bodies: Bodies, place: str) -> tuple[bytes, str] | None:
    """Bytes and type of the image block at a place (``m3.1.0``: message 3, block 1, part 0; ``r.0`` in the answer).

    None when nothing is there, or nothing that is a picture by its bytes.
    """
    try:
        block = _block_at(bodies, place)
        data = block["source"]["data"]
    except (ValueError, LookupError, TypeError):
        return None
    content = decoded(data) if isinstance(data, str) else b""
    known = recognised(content)
    return None if known is None else (content, known.content_type)


def _block_at(bodies: Bodies, place: str) -> Any:
    root, *path = place.split(".")
    block: Any
    if root == "r":
        block = bodies.response.message if bodies.response else None
    else:
        sent = json_view.plain((bodies.request.body if bodies.request else None) or b"")
        block = {"content": sent["system"]} if root == "s" else sent["messages"][int(root.removeprefix("m"))]
    for step in path:
        content = block["content"]
        block = content[int(step)] if isinstance(content, list) else {"type": "text", "text": content}
    return block


def _state(
    row: RequestDetailRow, body: bytes | None, too_large: bool, size: int | None, *, answers: bool = False
) -> Body:
    if too_large:
        return Body("too_large", size)
    if body is None:
        return Body("running" if row.outcome is None else "missing")
    if not body:
        return Body("running" if answers and row.outcome is None else "empty", 0)
    return Body("shown", len(body))


def _request_state(row: RequestDetailRow, bodies: Bodies) -> Body:
    body = bodies.request.body if bodies.request else None
    state = _state(row, body, bodies.request_too_large, bodies.sizes.request_size)
    return _kept_as(state, row, bodies.request_kept)


def _kept_as(body: Body, row: RequestDetailRow, of: Kept) -> Body:
    """What the tape lost is not missing or empty, and a part of a body is not the body."""
    if of is Kept.WHOLE:
        return body
    lost = Body("not_recorded") if of is Kept.NOTHING else replace(body, partial=True)
    return replace(lost, lost=row.lost_frames, cause=cause(row.note, row.outcome))


def _drawn_stream(body: bytes, made: Sequence[Step], state: Body) -> Body:
    """A stream as text; secrets are masked that no single line of it shows."""
    mask = Mask(len(set().union(*(step.secrets for step in made))))
    text = masked(as_it_came(body, made), mask)
    return replace(state, octets=len(body), text=long_text.shown(text), masked=mask.hidden)


def _drawn(body: bytes, state: Body) -> Body:
    """The body drawn, with what its ``state`` says of how much of it there is."""
    mask = Mask()
    try:
        drawn = json_view.tree(json_view.parsed(body))
    except ValueError as exc:
        text = long_text.shown(masked(body.decode("utf-8", "replace"), mask))
        return replace(state, octets=len(body), text=text, fault=str(exc), masked=mask.hidden)
    return replace(state, octets=len(body), tree=drawn.html, left_out=drawn.left_out, masked=drawn.masked)
