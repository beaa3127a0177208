"""One recorded call: what was taped becomes one frozen ``Recording``. Pure, and no bytes make it raise."""

from hashlib import sha256
from itertools import accumulate
from typing import Final

from core import answer, batches, origin, transcript, usage
from core.answer import Answer
from core.headers import first
from core.kept import Kept, kept
from core.labels import SENTENCE, label
from core.models import ANSWERED_EARLY, BatchResults, Chunk, End, Head, Headers, Outcome, Recording, Start
from core.transcript import Transcript
from core.valueclass import valueclass

# What ends a call after the upstream may have said that it failed: the first that happened decides (tape.md), so an
# upstream's error goes before them. Not what the proxy answered itself, and nothing that came before an answer.
_AFTER_THE_ANSWER: Final = frozenset(
    {
        Outcome.OK,
        Outcome.UPSTREAM_RESET,
        Outcome.UPSTREAM_TIMEOUT,
        Outcome.CLIENT_CANCELLED,
        Outcome.CLIENT_TIMEOUT,
        Outcome.PROXY_SHUTDOWN,
        Outcome.PROXY_CRASH,
    }
)

_CODED: Final = len("content-encoding")


@valueclass(frozen=True, slots=True)
class Taped:
    """One call as it came off the tape, whole. ``chunks`` cut ``response_body`` as it was received."""

    start: Start
    request_body: bytes
    head: Head | None
    response_body: bytes
    chunks: tuple[Chunk, ...]
    end: End

    @property
    def request_kept(self) -> Kept:
        """How much of the request's body is on the tape."""
        return kept(self.end.request_bytes, len(self.request_body), self.end.lost_frames, self.end.outcome)

    @property
    def response_kept(self) -> Kept:
        """How much of the response's body is on the tape."""
        return kept(self.end.response_bytes, len(self.response_body), self.end.lost_frames, self.end.outcome)


@valueclass(frozen=True, slots=True)
class Inflated:
    """Copies of the bodies without their ``content-encoding``; None where none was set or it could not be undone."""

    request: bytes | None = None
    response: bytes | None = None
    response_sizes: tuple[int, ...] | None = None
    """Parallel to the chunks: how many inflated bytes each gave."""
    error: str | None = None


def derive(
    taped: Taped, inflated: Inflated, request_sha256: bytes | None = None, asked: Transcript | None = None
) -> Recording:
    """Everything that is recorded of a call. What cannot be parsed sets ``parse_error`` and is recorded raw.

    ``request_sha256`` is the hash of the request's body on the tape, ``asked`` what its text says, where these are
    known already.
    """
    start, head, end = taped.start, taped.head, taped.end
    asked = asked or _transcript(taped, inflated)
    said = _answer(taped, inflated)
    outcome = _outcome(taped, said)
    message = said.message or {}
    error_type, error_message = answer.error_fields(said.error)
    response_headers: Headers = head.headers if head is not None else ()
    who = origin.read(start.headers, asked.user_id)
    batch = _batch(taped, inflated)
    asked_kept, said_kept = taped.request_kept, taped.response_kept
    used = usage.read(message.get("usage"), complete=said.complete and said_kept is Kept.WHOLE)
    return Recording(
        start=start,
        head=head,
        end=end,
        outcome=outcome,
        request_body=taped.request_body,
        response_body=taped.response_body,
        response_decoded=inflated.response,
        chunks=taped.chunks,
        decoded_sizes=inflated.response_sizes,
        request_sha256=digest(taped.request_body, asked_kept, request_sha256),
        response_sha256=digest(taped.response_body, said_kept),
        request_type=asked.request_type,
        model=asked.model,
        answered_model=label(message.get("model")) if batch is None else batches.model(batch),
        stream=asked.stream,
        message=said.message,
        message_id=label(message.get("id")),
        stop_reason=label(message.get("stop_reason")),
        usage=used if batch is None else batches.total(batch),
        error_type=label(error_type),
        error_message=label(error_message, SENTENCE),
        parse_error=_parse_error(taped, inflated, asked, said),
        upstream_request_id=None if head is None or head.ours else _request_id(response_headers, said),
        origin=who,
        account=origin.account(start.credential_kind, start.credential_hmac, who.account_uuid, response_headers),
        ttft_us=_ttft_us(taped, inflated, said),
        duration_us=max(end.timings.end_us, 0),
        event_count=said.event_count,
        batch=batch,
    )


def digest(body: bytes, of: Kept, known: bytes | None = None) -> bytes | None:
    """The SHA-256 of a body, computed where it is not known; None where not all of it is there to be hashed."""
    return (known or sha256(body).digest()) if of is Kept.WHOLE else None


def encodings(headers: Headers) -> tuple[str, ...]:
    """The codings of ``content-encoding`` in the order they were applied, in lower case, without ``identity``."""
    values = [value for name, value in headers if len(name) == _CODED and name.lower() == "content-encoding"]
    if not values:  # as nearly always
        return ()
    codings = [coding.strip().lower() for value in values for coding in value.split(",")]
    return tuple(coding for coding in codings if coding not in {"", "identity"})


def request_text(taped: Taped, inflated: Inflated) -> bytes | None:
    """The request's body, if it is that of a message request and can be read; else None."""
    if not transcript.has_transcript(taped.start.method, taped.start.target) or taped.request_kept is Kept.NOTHING:
        return None
    if inflated.request is not None:
        return inflated.request
    return None if encodings(taped.start.headers) else taped.request_body


def _transcript(taped: Taped, inflated: Inflated) -> Transcript:
    text = request_text(taped, inflated)
    return Transcript() if text is None else transcript.read(text)


def _answer(taped: Taped, inflated: Inflated) -> Answer:
    head = taped.head
    body = inflated.response if inflated.response is not None else taped.response_body
    if head is None or taped.response_kept is Kept.NOTHING:
        return Answer()
    if inflated.response is None and encodings(head.headers):
        return Answer()
    if answer.is_event_stream(head.headers):
        return answer.read_stream(body)
    if head.status >= 400 or transcript.is_message_call(taped.start.method, taped.start.target):
        return answer.read_body(body)
    return Answer()


def _batch(taped: Taped, inflated: Inflated) -> BatchResults | None:
    """What a call that fetched a batch's results found in them."""
    head = taped.head
    batch_id = batches.batch_of(taped.start.method, taped.start.target, None if head is None else head.status)
    if batch_id is None or head is None:
        return None
    readable = inflated.response is not None or not encodings(head.headers)
    body = inflated.response if inflated.response is not None else taped.response_body
    whole = taped.response_kept is Kept.WHOLE and taped.end.outcome is Outcome.OK
    return batches.read(batch_id, body if readable else b"", kept=whole and readable)


def _outcome(taped: Taped, said: Answer) -> Outcome:
    """What the proxy saw, refined by what the bytes say."""
    outcome, head = taped.end.outcome, taped.head
    if head is None or head.ours or outcome not in _AFTER_THE_ANSWER:
        return outcome
    if head.status >= 400:
        return Outcome.UPSTREAM_ERROR
    if said.is_stream and said.error is not None:
        return Outcome.STREAM_ERROR
    if outcome is Outcome.OK and _is_broken_off(taped, said):
        return Outcome.UPSTREAM_INCOMPLETE
    return outcome


def _is_broken_off(taped: Taped, said: Answer) -> bool:
    """Whether an answer that HTTP calls whole lacks its end: no ``message_stop``, or JSON that stops half-way.

    A body without a length ends with the connection, so HTTP cannot tell, and a proxy on the way may have given a cut
    answer a length. JSON that has its end and that we cannot read, or another server's page, is not incomplete: it is
    ``ok`` with a ``parse_error``. What could not be inflated, or is not all on the tape, says nothing of its end.
    """
    if not transcript.is_message_call(taped.start.method, taped.start.target):
        return False
    if said.complete or taped.response_kept is not Kept.WHOLE:
        return False
    return said.is_stream or (said.broken_off and _media_type(taped) == "application/json")


def _media_type(taped: Taped) -> str:
    return "" if taped.head is None else answer.media_type(taped.head.headers)


def _parse_error(taped: Taped, inflated: Inflated, asked: Transcript, said: Answer) -> str | None:
    fault = _fault_of_answer(taped, said)
    if not (inflated.error or asked.parse_error or fault):  # as nearly always
        return None
    # Of what is not all on the tape that is said, not that it cannot be read.
    request_whole = taped.request_kept is Kept.WHOLE and taped.end.note != ANSWERED_EARLY
    response_whole = taped.response_kept is Kept.WHOLE
    found = [inflated.error] if inflated.error and request_whole and response_whole else []
    if asked.parse_error and request_whole:
        found.append(f"request: {asked.parse_error}")
    if fault and response_whole and not (found and said == Answer()):
        found.append(f"response: {fault}")
    return label("; ".join(found), SENTENCE)


def _fault_of_answer(taped: Taped, said: Answer) -> str | None:
    if said.is_stream:
        return said.parse_error
    # A body that was cut, or an error page of another server, need not be JSON: outcome and status say so already.
    if taped.end.outcome is not Outcome.OK or taped.head is None or taped.head.status >= 400:
        return None
    wanted = transcript.is_message_call(taped.start.method, taped.start.target) and taped.head.status == 200
    if not wanted or said.message is not None or said.error is not None:
        return said.parse_error
    json = _media_type(taped) == "application/json"
    return (said.parse_error if json else None) or "not a message"


def _request_id(headers: Headers, said: Answer) -> str | None:
    return label(first(headers, "request-id")) or label((said.error or {}).get("request_id"))


def _ttft_us(taped: Taped, inflated: Inflated, said: Answer) -> int | None:
    if not said.is_stream:
        if taped.response_kept is Kept.NOTHING and _media_type(taped) == "text/event-stream":
            return None
        first = taped.end.timings.first_byte_us
        return first if first is not None else next((chunk.at_us for chunk in taped.chunks), None)
    sizes = inflated.response_sizes or tuple(chunk.size for chunk in taped.chunks)
    if said.first_content is None:
        return None
    for chunk, reached in zip(taped.chunks, accumulate(sizes), strict=False):
        if reached >= said.first_content:
            return chunk.at_us
    return None
