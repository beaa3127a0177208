"""What of a head may cross, how it is written, what of it is recorded: bytes in, order and repetition kept.

Names and whole fields repeat from call to call, so what was decided about them is remembered, within bounds.
"""

from collections.abc import Iterable
from enum import Enum, auto

from core import redact
from core.models import Headers

RawHeader = tuple[bytes, bytes]

MAX_REMEMBERED = 2048
MAX_REMEMBERED_VALUE = 256


class _Crossing(Enum):
    PASS = auto()
    DROP = auto()
    LENGTH = auto()
    CONNECTION = auto()


# RFC 9110 §7.6.1; framing is written anew.
_RESPONSE = {
    b"connection": _Crossing.CONNECTION,
    b"content-length": _Crossing.LENGTH,
    **dict.fromkeys((b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"), _Crossing.DROP),
    b"http2-settings": _Crossing.DROP,
}
_KEEPS_NOTHING = frozenset({b"close", b"keep-alive"})
_crossings: dict[bytes, _Crossing] = {}


def _crossing(name: bytes) -> _Crossing:
    lowered = name.lower()
    crossing = _RESPONSE.get(lowered, _Crossing.DROP if lowered.startswith(b"proxy-") else _Crossing.PASS)
    if len(_crossings) >= MAX_REMEMBERED:
        _crossings.clear()
    _crossings[name] = crossing
    return crossing


def request_head(method: str, target: str, host: bytes, headers: list[RawHeader], *, chunked: bool) -> bytes:
    """The head that goes upstream. The ``host`` field stands where the client had it and has our value."""
    lines = [f"{method} {target} HTTP/1.1".encode()]
    for name, value in headers:
        lines.append(name + b": " + (value or _empty(name, host)))
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def _empty(name: bytes, host: bytes) -> bytes:
    return host if name.lower() == b"host" else b""


def response_head(status: int, reason: bytes, headers: list[RawHeader], *, chunked: bool, close: bool) -> bytes:
    """The head that goes to the client: the upstream's without hop-by-hop fields, framed for this client."""
    lines = [b"HTTP/1.1 %d %b" % (status, reason)]
    named: set[bytes] = set()
    for name, value in headers:
        crossing = _crossings.get(name) or _crossing(name)
        if crossing is _Crossing.PASS or (crossing is _Crossing.LENGTH and not chunked):
            lines.append(name + b": " + value)
        elif crossing is _Crossing.CONNECTION:
            named |= _named(value)
    if named:
        lines[1:] = [line for line in lines[1:] if line.partition(b":")[0].lower() not in named]
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    if close:
        lines.append(b"connection: close")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def _named(connection: bytes) -> set[bytes]:
    """The fields that ``connection`` names; it may not take the body's framing or type with it."""
    names = {token.strip().lower() for token in connection.split(b",")} - _KEEPS_NOTHING
    return {name for name in names if not name.startswith(b"content-")}


def readable(headers: Iterable[RawHeader]) -> Headers:
    """Header fields as text: UTF-8 where they are, else Latin-1, as HTTP once said."""
    return tuple([(_text(name), _text(value)) for name, value in headers])


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


class HeaderKeeper:
    """``redact.keep_headers`` with a memory for fields that may be recorded as they are."""

    __slots__ = ("_hmac_key", "_known")

    def __init__(self, hmac_key: bytes) -> None:
        self._hmac_key = hmac_key
        self._known: dict[RawHeader, tuple[str, str]] = {}

    def keep(self, headers: Iterable[RawHeader]) -> Headers:
        """The fields as they may be recorded."""
        known = self._known
        return tuple([known.get(field) or self._look(field) for field in headers])

    def _look(self, field: RawHeader) -> tuple[str, str]:
        text = _text(field[0]), _text(field[1])
        (kept,) = redact.keep_headers((text,), self._hmac_key)
        # A value that is not kept may be a secret, and has no business in a memory either.
        if kept == text and len(field[1]) <= MAX_REMEMBERED_VALUE:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[field] = kept
        return kept
