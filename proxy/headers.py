"""What of a head may cross, and how it is written: bytes in, bytes out, order and repetition kept."""

from core.models import Headers

RawHeader = tuple[bytes, bytes]

# RFC 9110 §7.6.1; framing is written anew.
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"}
)
_CLOSE = frozenset({b"close", b"keep-alive"})


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
    dropped = _named(headers)
    lines = [b"HTTP/1.1 %d %b" % (status, reason)]
    for name, value in headers:
        lowered = name.lower()
        if lowered in _HOP_BY_HOP or lowered.startswith(b"proxy-"):
            continue
        if (dropped and lowered in dropped) or (chunked and lowered == b"content-length"):
            continue
        lines.append(name + b": " + value)
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    if close:
        lines.append(b"connection: close")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def _named(headers: list[RawHeader]) -> set[bytes]:
    """The fields that ``connection`` names; it may not take the body's framing or type with it."""
    named = {
        token.strip().lower()
        for name, value in headers
        if name.lower() == b"connection" and value.lower() not in _CLOSE
        for token in value.split(b",")
    }
    return {name for name in named if not name.startswith(b"content-")}


def readable(headers: tuple[RawHeader, ...] | list[RawHeader]) -> Headers:
    """Header fields as text: UTF-8 where they are, else Latin-1, as HTTP once said."""
    return tuple([(_text(name), _text(value)) for name, value in headers])


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
