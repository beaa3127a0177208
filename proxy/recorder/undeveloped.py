"""A recording of a call that could not be derived: what was taped, exactly, and the reason."""

from core import origin
from core.exchange import Taped, digest, encodings
from core.kept import Kept
from core.models import AccountEvidence, Head, Origin, Outcome, Recording, Usage


def undeveloped(taped: Taped, reason: str) -> Recording:
    """The raw bytes with ``parse_error``; only headers are read, so nothing is guessed."""
    who, account = _who(taped)
    return Recording(
        start=taped.start,
        head=taped.head,
        end=taped.end,
        outcome=_outcome(taped),
        request_body=taped.request_body,
        response_body=taped.response_body,
        response_decoded=None,
        chunks=taped.chunks,
        decoded_sizes=None,
        request_sha256=digest(taped.request_body, taped.request_kept),
        response_sha256=digest(taped.response_body, taped.response_kept),
        request_type=None,
        model=None,
        answered_model=None,
        stream=None,
        message=None,
        message_id=None,
        stop_reason=None,
        usage=Usage(),
        error_type=None,
        error_message=None,
        parse_error=reason,
        upstream_request_id=None,
        origin=who,
        account=account,
        ttft_us=None,
        duration_us=taped.end.timings.end_us,
    )


def _who(taped: Taped) -> tuple[Origin, AccountEvidence | None]:
    start, head = taped.start, taped.head
    try:
        who = origin.read(start.headers, None)
        answered = () if head is None else head.headers
        return who, origin.account(start.credential_kind, start.credential_hmac, None, answered)
    except Exception:  # noqa: BLE001 - perhaps this is what could not be derived
        return Origin(), None


def _outcome(taped: Taped) -> Outcome:
    """What can be said without parsing; a stream whose last event is not to be seen must not look complete."""
    if taped.end.outcome is not Outcome.OK or taped.head is None or taped.head.ours:
        return taped.end.outcome
    if taped.head.status >= 400:
        return Outcome.UPSTREAM_ERROR
    if taped.response_kept is not Kept.WHOLE:
        return Outcome.OK
    unended = _is_plain_stream(taped.head) and b"message_stop" not in taped.response_body[-4096:]
    return Outcome.UPSTREAM_INCOMPLETE if unended else Outcome.OK


def _is_plain_stream(head: Head) -> bool:
    fields = {name.lower(): value for name, value in head.headers}
    return fields.get("content-type", "").startswith("text/event-stream") and not encodings(head.headers)
