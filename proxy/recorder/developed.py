"""What a call says: its recording, and what linking must know of it."""

from typing import NamedTuple

from core import asked as asking
from core.asked import Asked, Head
from core.exchange import Inflated, Taped, derive, request_text
from core.identity import Facts
from core.models import Recording
from core.transcript import Transcript
from proxy.inflate import inflate


class Developed(NamedTuple):
    """What a call says."""

    recording: Recording
    facts: Facts | None
    """What linking must know of it; None where it takes no part in conversations."""
    head: Head = asking.NOTHING
    """The messages that the next call of its lane will repeat."""


def developed(taped: Taped, *, client: str | None = None) -> Developed:
    """What a call says, here and now. ``client`` is who sent it, where that is known from elsewhere."""
    inflated = inflate(taped)
    text = request_text(taped, inflated)
    asked = Asked(Transcript()) if text is None else asking.read(text)
    return of_asked(taped, inflated, asked, client=client)


def of_asked(
    taped: Taped, inflated: Inflated, asked: Asked, request_sha256: bytes | None = None, *, client: str | None = None
) -> Developed:
    """What a call says that asked this. ``request_sha256`` as in ``core.exchange.derive``."""
    recording = derive(taped, inflated, request_sha256, asked.transcript)
    return Developed(recording, asking.facts(recording, asked, client), asked.head)
