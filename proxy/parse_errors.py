"""What it means when the HTTP parser gives up: the reason of our own answer, told by class and constant phrase only."""

from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from core.refusals import Reason
from proxy.admission import MAX_TARGET


class SlowHeadError(BadHttpMessage):
    """A request head was not complete in time."""


class LongHeadError(BadHttpMessage):
    """A request head is longer than we take."""


# The beginnings of aiohttp's and llhttp's own phrases; what follows them is input and is not looked at.
_PHRASES: tuple[tuple[str, Reason], ...] = (
    ("Request has invalid `Transfer-Encoding`", Reason.TRANSFER_ENCODING),
    ("Invalid `Transfer-Encoding` header value", Reason.TRANSFER_ENCODING),
    ("Too many headers received", Reason.HEAD_TOO_LARGE),
    ("Bad status line:\n  Invalid HTTP version", Reason.HTTP_VERSION),
    ("Pause on PRI/Upgrade", Reason.HTTP_VERSION),
    ("Missing 'Host'", Reason.BAD_HOST),
    ("Duplicate 'Host'", Reason.BAD_HOST),
    ("Duplicate '", Reason.DUPLICATE_HEADER),
)
_CLASSES: tuple[tuple[type[BaseException], Reason], ...] = (
    (SlowHeadError, Reason.SLOW_REQUEST),
    (LongHeadError, Reason.HEAD_TOO_LARGE),
)


def reason_of(exc: BaseException | None) -> Reason:
    """Why what could not be read is refused."""
    if not isinstance(exc, BadHttpMessage):
        return Reason.INTERNAL
    for kind, reason in _CLASSES:
        if isinstance(exc, kind):
            return reason
    if isinstance(exc, LineTooLong):
        return Reason.TARGET_TOO_LONG if exc.args[1] == MAX_TARGET else Reason.HEAD_TOO_LARGE
    return next((reason for phrase, reason in _PHRASES if exc.message.startswith(phrase)), Reason.BAD_REQUEST)
