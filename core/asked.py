"""What a message request asks, parsed once for all who want to know; and what the next turn need not parse again.

A body is read in two parts, its messages and the rest around them. Either part may be known from the turn before: the
rest where not a byte of it is another, and of the messages the ``Head``, which was walked then. So only the middle is
parsed. Whatever is known, what is read is what a reading of the whole body gives.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from core import transcript
from core.bodies import read_json
from core.errors import LimitExceededError
from core.identity import Caller, Facts, Terms, of_transcript, terms
from core.models import Recording
from core.normal_form import ASSISTANT
from core.reply import reply_of
from core.transcript import Transcript, is_message_call
from core.valueclass import replace, valueclass
from core.walk import Walk, cut, walk

LAST: Final = 4
"""Messages at the end that the next turn may write differently."""


class Shell(NamedTuple):
    """A request without its messages."""

    transcript: Transcript
    """Its fields, without what depends on messages."""
    prompts: int
    """How many parts the system prompt has."""
    terms: Terms | None
    """None where they nest too deep."""


@valueclass(frozen=True, slots=True)
class Head:
    """The first messages of a transcript, as many as the next turn will repeat."""

    walk: Walk = Walk()
    messages: int = 0
    """How many, of any role."""
    prompts: int = 0
    """How many of them are system prompts."""
    is_quota: bool | None = None
    """Whether their last user text is the probe of a quota; None where they have none."""


NOTHING: Final = Head()


@valueclass(frozen=True, slots=True)
class Asked:
    """A request's body, read. ``messages`` are those behind the head."""

    transcript: Transcript
    terms: Terms | None = None
    """None where it can take no part in conversations."""
    messages: Sequence[Any] = ()
    head: Head = NOTHING


def read(body: bytes) -> Asked:
    """A body of which nothing is known. No bytes make it raise; what it says of what is wrong is in the transcript."""
    request, said = transcript.parsed(body)
    if request is None or said.parse_error is not None:
        return Asked(said)
    messages = request.get("messages")
    return _folded(Asked(said, _terms(request), messages if isinstance(messages, list) else (), NOTHING))


def shell(before: bytes, sha256: bytes, behind: bytes) -> Shell | None:
    """What stands around the messages; None where it cannot be read, or they are not what its ``messages`` are.

    ``sha256`` is the body's: in the place of the messages it tells whether another key of that name goes before, since
    no body can contain its own hash.
    """
    stamp = sha256.hex()
    try:
        request = read_json(b'%b"%b"%b' % (before, stamp.encode(), behind))
    except ValueError:
        return None
    if not isinstance(request, dict) or request.get("messages") != [stamp]:
        return None
    return Shell(transcript.fields(request), transcript.prompts(request), _terms(request))


def begin(around: Shell, body: bytes) -> Asked | None:
    """A body of whose messages nothing is known; ``around`` says that they are what its ``messages`` are.

    None where it is no JSON.
    """
    try:
        messages = read_json(body)["messages"]
    except ValueError:
        return None
    return _said(around, messages, NOTHING)


def go_on(around: Shell, middle: bytes | memoryview, head: Head) -> Asked | None:
    """A body whose messages are those of a head and those of the middle, JSON values with commas between.

    None where that cannot be said: the middle is no JSON, nothing in it is an answer, or it continues a thread.
    """
    if head.messages and around.terms is not None and around.terms.thread is not None:
        return None
    try:
        # At the depth that they have in the body.
        (messages,) = read_json(b"".join((b"[[", middle, b"]]")))
    except ValueError:
        return None
    if head.messages and not any(_role(message) == ASSISTANT for message in messages):
        return None
    return _said(around, messages, head)


def _said(around: Shell, messages: Sequence[Any], head: Head) -> Asked:
    said = _folded(Asked(around.transcript, around.terms, messages, head))
    is_quota = transcript.is_quota(said.messages)
    kind = transcript.type_of(
        around.prompts + said.head.prompts + transcript.prompts_within(said.messages),
        is_quota=bool(said.head.is_quota if is_quota is None else is_quota),
    )
    return replace(said, transcript=replace(around.transcript, request_type=kind))


def facts(recording: Recording, asked: Asked, client: str | None = None) -> Facts | None:
    """What linking must know of a recorded call that asked this; None where it takes no part.

    Only ``POST /v1/messages`` with a body that can be parsed takes part. ``client`` is what its client was called when
    it was recorded, where that is known.
    """
    start = recording.start
    if asked.terms is None or not is_message_call(start.method, start.target):
        return None
    if client is None:
        client = start.key_id or (recording.account.account_id if recording.account is not None else "")
    caller = Caller(start.request_id, start.at_us, recording.origin, client)
    head = asked.head.walk if asked.head.messages else None
    try:
        return of_transcript(caller, asked.messages, asked.terms, reply_of(recording), head)
    except LimitExceededError:
        return None


def _terms(request: Mapping[str, Any]) -> Terms | None:
    try:
        return terms(request)
    except LimitExceededError:
        return None


def _folded(asked: Asked) -> Asked:
    """The same with as many messages in the head as the next turn will repeat. A thread has no head."""
    if asked.terms is None or asked.terms.thread is not None:
        return asked
    head, messages = asked.head, asked.messages
    at = cut(messages, len(messages) - LAST)
    if not at:
        return asked
    try:
        walked, _ = walk(messages[:at], head.walk)
    except LimitExceededError:
        return replace(asked, terms=None)
    folded, is_quota = messages[:at], transcript.is_quota(messages[:at])
    after = Head(
        walked,
        head.messages + at,
        head.prompts + transcript.prompts_within(folded),
        head.is_quota if is_quota is None else is_quota,
    )
    return replace(asked, messages=messages[at:], head=after)


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None
