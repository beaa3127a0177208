"""Our own errors have the API's shape, by one table (wire.md, errors that we generate)."""

from datetime import UTC, datetime

import orjson
import pytest

from core.refusals import PHRASES, REFUSALS, Reason, answer

KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The type of an error by its status; of all others it is ``invalid_request_error``."""


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_answer(reason: Reason) -> None:
    """Type by status, a constant sentence, our id in head and body, a phrase for the status line, no field twice."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC).isoformat(timespec="milliseconds")
    status, fields, body = answer(reason, "req_1", now)
    said = orjson.loads(body)
    assert said.pop("error") == {
        "type": KINDS.get(status, "invalid_request_error"),
        "message": REFUSALS[reason].message,
    }
    assert said == {"type": "error", "request_id": "req_1", "timestamp": now}
    assert status in PHRASES
    names = [name for name, _ in fields]
    assert names[:3] == ["content-type", "content-length", "request-id"]
    assert len(set(names)) == len(names)
    assert (dict(fields)["content-type"], dict(fields)["content-length"]) == ("application/json", str(len(body)))


def test_who_is_to_come_again_is_told_when() -> None:
    """A full tape and a crowd pass; a method that is not taken says which are."""
    told = {reason: dict(refusal.headers) for reason, refusal in REFUSALS.items() if refusal.headers}
    assert told[Reason.TAPE_FULL] == {"retry-after": "30"}
    assert told[Reason.OVERLOADED] == {"retry-after": "1"}
    assert set(told) == {Reason.TAPE_FULL, Reason.OVERLOADED, Reason.METHOD_NOT_ALLOWED}
