"""What a response says: the message, its end, its error; read from decoded bytes, leniently, never raising."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from core.bodies import read_repaired, storable_object, well_formed
from core.errors import BrokenOffError, LimitExceededError
from core.headers import first
from core.message import MessageBuilder
from core.models import Headers
from core.sse import Event, EventDecoder
from core.valueclass import valueclass

_CONTENT_EVENTS: Final = frozenset({"content_block_start", "content_block_delta"})
_SLICE: Final = 256 << 10


@valueclass(frozen=True, slots=True)
class Answer:
    """What was read of one response."""

    message: dict[str, Any] | None = None
    complete: bool = False
    """Whether the answer is whole: a stream with its ``message_stop``, a body that is JSON."""
    error: dict[str, Any] | None = None
    """The error body or the ``error`` event, whole."""
    event_count: int | None = None
    """None where it is no stream."""
    first_content: int | None = None
    """How many bytes of the stream it took to complete the first content event; None before one came."""
    parse_error: str | None = None
    broken_off: bool = False
    """Whether it is the beginning of a JSON text: what the connection's end, or another proxy, has cut."""

    @property
    def is_stream(self) -> bool:
        """Whether the response was an event stream."""
        return self.event_count is not None


def is_event_stream(headers: Headers) -> bool:
    """Whether a response is a stream of server-sent events, by its content type."""
    return media_type(headers) == "text/event-stream"


def media_type(headers: Headers) -> str:
    """The content type without its parameters, in lower case; empty where there is none."""
    return _media_type(first(headers, "content-type") or "")


@lru_cache(maxsize=256)  # servers repeat themselves
def _media_type(given: str) -> str:
    return given.partition(";")[0].strip().lower()


def read_stream(stream: bytes) -> Answer:
    """The answer of an event stream, cut or whole. The first event that had to be repaired or skipped is named."""
    builder, first_content, parse_error = MessageBuilder(), None, None
    count = 0
    for number, event in enumerate(_events(stream)):
        count = number + 1
        try:
            payload, fault = event.repaired()
        except ValueError as exc:
            # The rest that a cut left is no parse error: the outcome says that the stream was cut.
            if event.terminated and parse_error is None:
                parse_error = f"event {number}: {exc}"
            continue
        if fault is not None and parse_error is None:
            parse_error = f"event {number}: {fault}"
        kind = payload.get("type")
        if first_content is None and isinstance(kind, str) and kind in _CONTENT_EVENTS:
            first_content = event.end
        builder.add(payload)
    message, error = builder.message(), builder.error
    if parse_error is not None:
        # Only now: the halves of a character may have come in two events.
        message, error = well_formed(message), well_formed(error)
    return Answer(message, builder.stopped, error, count, first_content, parse_error)


def _events(stream: bytes) -> Iterator[Event]:
    """One slice after the other: the events of a long stream are never all in memory at once."""
    decoder = EventDecoder()
    for at in range(0, len(stream), _SLICE):
        yield from decoder.feed(stream[at : at + _SLICE])
    yield from decoder.finish()


def read_body(body: bytes) -> Answer:
    """The answer of a JSON body: a message, an error, or neither. Complete is what is JSON, whatever it says."""
    try:
        value, fault = read_repaired(body)
    except LimitExceededError as exc:
        return Answer(complete=True, parse_error=str(exc))
    except ValueError as exc:
        return Answer(parse_error=str(exc), broken_off=isinstance(exc, BrokenOffError))
    try:
        value = storable_object(value if fault is None else well_formed(value), body)
    except ValueError as exc:
        return Answer(complete=True, parse_error=str(exc))
    message = value if value.get("type") == "message" else None
    error = value if isinstance(value.get("error"), dict) else None
    return Answer(message, complete=True, error=error, parse_error=fault)


def error_fields(error: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """Type and message of an error body or event, as they stand there."""
    inner = error.get("error") if error is not None else None
    return (inner.get("type"), inner.get("message")) if isinstance(inner, dict) else (None, None)


def stopped_blocks(stream: bytes) -> frozenset[int]:
    """The indexes of the content blocks that an event stream brought to their end."""
    stopped = set()
    for event in _events(stream):
        if b"content_block_stop" not in event.data:
            continue
        try:
            payload = event.payload()
        except ValueError:
            continue
        if payload.get("type") == "content_block_stop" and type(payload.get("index")) is int:
            stopped.add(payload["index"])
    return frozenset(stopped)
