"""What a call says: its recording, and what linking must know of it."""

from typing import NamedTuple

from core import identity
from core.exchange import Inflated, Taped, derive, encodings
from core.identity import Facts
from core.models import Recording
from proxy.inflate import inflate


class Developed(NamedTuple):
    """What a call says."""

    recording: Recording
    facts: Facts | None
    """What linking must know of it; None where it takes no part in conversations."""


def developed(taped: Taped, request_sha256: bytes | None = None, *, client: str | None = None) -> Developed:
    """What a call says, here and now.

    ``request_sha256`` as in ``core.exchange.derive``. ``client`` is who sent it, where that is known from elsewhere.
    """
    inflated = inflate(taped)
    recording = derive(taped, inflated, request_sha256)
    return Developed(recording, _facts(taped, inflated, recording, client))


def _facts(taped: Taped, inflated: Inflated, recording: Recording, client: str | None) -> Facts | None:
    body = inflated.request
    if body is None and not encodings(taped.start.headers):
        body = taped.request_body
    return identity.of_recording(recording, body, client) if body else None
