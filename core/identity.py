"""What linking must know of one recorded call, read from the stored bytes of that call alone (conversations.md)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from core import recognition
from core.bodies import read_json
from core.chain import START, chain, digest, thread_start
from core.errors import LimitExceededError
from core.labels import label
from core.launches import Launch, Pair, launches, pairs, prompt_key
from core.models import Origin
from core.normal_form import USER, Item, clean
from core.recognition import Purpose
from core.reply import Reply, Said, fold, prefill_of, said, summary_of
from core.tools import ToolResult, results
from core.valueclass import valueclass
from core.walk import Walk, walk

_BILLING: Final = "x-anthropic-billing-header:"
_REMEMBERED: Final = 64 << 10
"""Characters of a system prompt beyond which it is not remembered what it says."""


@valueclass(frozen=True, slots=True)
class Call:
    """One message request as linking remembers it without its body; what groups of requests are decided by."""

    id: UUID
    started_us: int
    """Unix wall clock."""
    client: str
    """The client key that was presented, else the account that paid; empty where neither is known."""
    session_id: str | None
    agent_id: str | None
    parent_agent_id: str | None
    retry_count: int | None
    lane: bytes
    """16 bytes that name session and agent; without a session, the client."""
    state: bytes
    """``current_message_hash``, 32 bytes: of the request's own items; of a thread continuation without its past."""
    messages: int
    """How many user and assistant messages were sent."""
    rivals: bytes
    """16 bytes: equal for requests that may be attempts of one another (state, lane; without a session more)."""
    side_call: str | None
    """Its kind (title, quota …), where it is no part of the session's conversations."""
    summariser: bool
    continuation: bool
    """Whether the transcript begins with the summary of another."""
    prompt: bytes | None
    """16 bytes that name the first user text; None where there is none."""
    previous_message_id: str | None
    """The answer that a thread continues."""
    failed_at_us: int | None
    """When its client could know that the call failed, unix µs; None while it runs and where it did not fail."""
    launches: tuple[Launch, ...]
    """The sub-agents that its answer asks for."""


@valueclass(frozen=True, slots=True)
class Facts:
    """Everything about one recorded call that linking needs."""

    call: Call
    items: tuple[Item, ...]
    states: tuple[bytes, ...]
    """The chain state after each item; the last is the call's."""
    said: tuple[Said, ...]
    """The answer as the client may send it back; empty while there is none, and without items."""
    complete: bool
    """Whether the whole answer is there."""
    message_id: str | None
    pairs: tuple[Pair, ...]
    summary: str | None
    """What a continuation of this call will contain, white space folded; None where it stands for no transcript."""
    system_hash: bytes
    tools_hash: bytes
    results: tuple[ToolResult, ...] = ()
    """The results of tools that it brings since the last answer; of no meaning for linking."""

    @property
    def replies(self) -> tuple[bytes, ...]:
        """The reply states; the first is the plain one."""
        return replies(self.begin, self.states, self.said)

    @property
    def begin(self) -> bytes:
        """The state before the first item."""
        thread = self.call.previous_message_id
        return START if thread is None else thread_start(thread)

    @property
    def answered(self) -> bool:
        """Whether the answer is whole and has items."""
        return self.complete and bool(self.said)

    @property
    def continued(self) -> str:
        """The words that a continuation begins with, white space folded."""
        first = self.items[0]
        if first.text is not None:
            return fold(first.text)
        content = orjson.loads(first.data).get("block", {}).get("content")
        return fold(content) if isinstance(content, str) else ""


class Caller(NamedTuple):
    """Which call it is, and who made it."""

    request_id: UUID
    started_us: int
    origin: Origin
    client: str
    """The client key, else the account."""


class System(NamedTuple):
    """What is known of a request by its system prompt."""

    hash: bytes
    purpose: Purpose


@valueclass(frozen=True, slots=True)
class Terms:
    """What a message request asks beside its messages; the same from turn to turn, as a rule."""

    system: System
    tools_hash: bytes
    tools: int
    thread: str | None
    """The answer that is continued."""
    model: str | None
    max_tokens: Any


def read(
    request_id: UUID, started_us: int, body: bytes, origin: Origin, client: str, reply: Reply | None = None
) -> Facts | None:
    """The facts of a message request, given its inflated body; None where the body can not be parsed.

    Without a reply the call is still running. ``client`` is the client key, else the account.
    """
    try:
        request = read_json(body)
        if not isinstance(request, dict):
            return None
        messages = request.get("messages")
        messages = messages if isinstance(messages, list) else []
        return of_transcript(Caller(request_id, started_us, origin, client), messages, terms(request), reply)
    except ValueError:
        return None


def terms(request: Mapping[str, Any]) -> Terms:
    """The terms of a parsed request. Raises LimitExceededError where they nest too deep."""
    system, tools, thread = _texts(request.get("system")), request.get("tools"), request.get("thread")
    continues = isinstance(thread, dict) and thread.get("type") == "continue"
    return Terms(
        system=_remembered(system) if sum(map(len, system)) <= _REMEMBERED else _system(system),
        tools_hash=tools_key(tools) if tools else _NO_TOOLS,
        tools=len(tools) if isinstance(tools, list) else 0,
        thread=label(thread.get("previous_message_id")) if isinstance(thread, dict) and continues else None,
        model=label(request.get("model")),
        max_tokens=request.get("max_tokens"),
    )


def of_transcript(
    caller: Caller, messages: Sequence[Any], asked: Terms, reply: Reply | None = None, head: Walk | None = None
) -> Facts:
    """The facts of a request, given its parsed messages; those after ``head`` where their beginning was walked before.

    A head is cut where a run of assistant messages begins behind a user message, and no thread has one. Raises
    LimitExceededError.
    """
    reply = reply or Reply()
    head = head or Walk(START if asked.thread is None else thread_start(asked.thread))
    walked, normaliser = walk(messages, head)
    blocks = reply.blocks()
    call = _call(caller, asked, walked, None if reply.complete else reply.failed_at_us, blocks)
    in_talk = call.session_id is not None and call.side_call is None
    return Facts(
        call=call,
        items=walked.items,
        states=walked.states,
        said=said(walked.items, prefill_of(messages), blocks, normaliser),
        complete=reply.complete,
        message_id=reply.message_id,
        pairs=pairs(messages, whole=asked.thread is None) if in_talk else (),
        summary=summary_of(blocks, summariser=call.summariser),
        system_hash=asked.system.hash,
        tools_hash=asked.tools_hash,
        results=results(messages),
    )


def _call(caller: Caller, asked: Terms, walked: Walk, failed_at_us: int | None, blocks: Sequence[Any]) -> Call:
    """The call by what was asked, when it failed, and the blocks of its answer."""
    origin, session, items = caller.origin, caller.origin.session_id, walked.items
    last, purpose, side = _last_words(items), asked.system.purpose, None
    if session is not None:
        side = recognition.side_call(last, purpose, asked.max_tokens, asked.tools)
    lane = lane_key(session, origin.agent_id, caller.client)
    rivals = [b"rivals", lane, walked.state, (side or "").encode()]
    if session is None:
        # A thread takes system and tools from the call it continues.
        terms = () if asked.thread is not None else (asked.system.hash, asked.tools_hash)
        rivals += [orjson.dumps(asked.model), *terms]
    return Call(
        id=caller.request_id,
        started_us=caller.started_us,
        client=caller.client,
        session_id=session,
        agent_id=origin.agent_id,
        parent_agent_id=origin.parent_agent_id,
        retry_count=origin.retry_count,
        lane=lane,
        state=walked.state,
        messages=walked.messages,
        rivals=digest(*rivals),
        side_call=side,
        summariser=side is None and recognition.is_summariser(last, purpose),
        continuation=bool(items) and recognition.is_continuation(items[0].kind, items[0].text),
        prompt=prompt_key(walked.first_text) if walked.first_text is not None else None,
        previous_message_id=asked.thread,
        failed_at_us=failed_at_us,
        launches=() if side else launches(blocks),
    )


def _last_words(items: Sequence[Item]) -> str | None:
    """The last text of the user."""
    for item in reversed(items):
        if item.text is not None and item.role == USER:
            return item.text
    return None


def replies(begin: bytes, states: tuple[bytes, ...], ways: tuple[Said, ...]) -> tuple[bytes, ...]:
    """The state of a transcript after its answer, for each way that the answer may be sent back."""
    return tuple(chain(states[keep - 1] if keep else begin, items)[-1] for keep, items in ways)


def lane_key(session_id: str | None, agent_id: str | None, client: str) -> bytes:
    """16 bytes that name a lane: session and agent, or without a session the client."""
    if session_id is None:
        return digest(b"client", client.encode(errors="replace"), b"")
    return digest(b"session", session_id.encode(errors="replace"), (agent_id or "").encode(errors="replace"))


def system_key(texts: tuple[str, ...]) -> bytes:
    """The hash of a system prompt, without the line that changes with each release of Claude Code."""
    return digest(b"system", *(clean(text).encode(errors="replace") for text in texts))


def tools_key(tools: Any) -> bytes:
    """The hash of a tool list. A client sends it again as it was: only key order and marks may vary."""
    if isinstance(tools, list):
        tools = [_without_mark(tool) if isinstance(tool, dict) else tool for tool in tools]
    try:
        return digest(b"tools", orjson.dumps(tools or [], option=orjson.OPT_SORT_KEYS))
    except orjson.JSONEncodeError as exc:
        raise LimitExceededError("nested too deep") from exc


def _without_mark(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in tool.items() if name != "cache_control"}


_NO_TOOLS: Final = tools_key(None)


def _texts(system: Any) -> tuple[str, ...]:
    """The texts of a system prompt, without the billing header."""
    blocks = [system] if isinstance(system, str) else system if isinstance(system, list) else []
    texts = [block.get("text") if isinstance(block, dict) else block for block in blocks]
    said = [text.partition("\n")[2] if text.startswith(_BILLING) else text for text in texts if isinstance(text, str)]
    return tuple(text for text in said if text)


def _system(texts: tuple[str, ...]) -> System:
    return System(system_key(texts), recognition.purpose(texts))


_remembered: Final = lru_cache(maxsize=64)(_system)  # calls of one client bring the same
