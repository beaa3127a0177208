"""What a message request asks for: read from its body, leniently, never raising.

Only ``POST /v1/messages`` and ``POST /v1/messages/count_tokens`` carry such a body; a batch holds many, and is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from core.bodies import read_repaired
from core.labels import label
from core.models import RequestType
from core.valueclass import valueclass

MESSAGES: Final = "/v1/messages"
COUNT_TOKENS: Final = "/v1/messages/count_tokens"


@valueclass(frozen=True, slots=True)
class Transcript:
    """The fields of a message request that are recorded by name; all None where the body could not be parsed."""

    request_type: RequestType | None = None
    model: str | None = None
    stream: bool | None = None
    """Whether a stream was asked for; False where the field is absent."""
    user_id: str | None = None
    """``metadata.user_id``, whole."""
    parse_error: str | None = None
    """What is wrong with the body, in the parser's words; never its content. What could be read is read."""


def is_message_call(method: str, target: str) -> bool:
    """Whether this asks for a message: its answer is a message or a stream of one."""
    return method == "POST" and _path(target) == MESSAGES


def has_transcript(method: str, target: str) -> bool:
    """Whether the body is a message request."""
    return method == "POST" and _path(target) in {MESSAGES, COUNT_TOKENS}


@lru_cache(maxsize=256)  # clients repeat themselves, and each call is asked for it several times
def _path(target: str) -> str:
    return target.partition("?")[0].rstrip("/")


def read(body: bytes) -> Transcript:
    """The transcript of a request body. What cannot be parsed has a ``parse_error`` and nothing else."""
    return parsed(body)[1]


def parsed(body: bytes) -> tuple[dict[str, Any] | None, Transcript]:
    """The request that a body is, repaired where need be, and its transcript; None where it is no JSON object."""
    try:
        request, fault = read_repaired(body)
    except ValueError as exc:
        return None, Transcript(parse_error=str(exc))
    if not isinstance(request, dict):
        return None, Transcript(parse_error="not a JSON object")
    return request, fields(request, request_type(request), fault)


def fields(request: Mapping[str, Any], kind: RequestType | None = None, fault: str | None = None) -> Transcript:
    """What a request says beside its messages, and what is known of it by them."""
    metadata = request.get("metadata")
    return Transcript(
        request_type=kind,
        model=label(request.get("model")),
        stream=request.get("stream") is True,
        user_id=label(metadata.get("user_id"), limit=4096) if isinstance(metadata, dict) else None,
        parse_error=fault,
    )


def request_type(request: Mapping[str, Any]) -> RequestType:
    """The label of a request (product.md): by its last user text, else by how many parts its system prompt has."""
    messages = _list(request.get("messages"))
    return type_of(prompts(request) + prompts_within(messages), is_quota=bool(is_quota(messages)))


def type_of(parts: int, *, is_quota: bool) -> RequestType:
    """The label of a request by how many parts its system prompt has, and whether it is the probe of a quota."""
    if is_quota:
        return RequestType.QUOTA
    return RequestType.QUERY_EVALUATION if parts <= 1 else RequestType.INFERENCE


def prompts(request: Mapping[str, Any]) -> int:
    """How many parts the system prompt of a request has, beside those among its messages."""
    system = request.get("system")
    return 1 if isinstance(system, str) else len(_list(system))


def prompts_within(messages: Iterable[Any]) -> int:
    """How many of these messages are parts of the system prompt."""
    return len([one for one in messages if isinstance(one, dict) and one.get("role") == "system"])


def is_quota(messages: Sequence[Any]) -> bool | None:
    """Whether the last user text is that of a quota's probe; None where there is none."""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            text = _last_text(message.get("content"))
            if text is not None:
                # Only a short text can be the probe: a long one is not copied to lower case.
                return len(text) < 1024 and text.strip().lower() == "quota"
    return None


def _last_text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    for block in reversed(content) if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
            text: str = block["text"]
            return text
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
