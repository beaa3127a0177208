"""What of a head may cross, how it is written, what of it is recorded: bytes in, order and repetition kept.

Names and whole fields repeat from call to call, so what was decided about them is remembered, within bounds.
"""

import os
from collections.abc import Iterable
from enum import Enum, auto
from hashlib import blake2b
from typing import TypeVar

from core import redact
from core.models import CredentialKind, Headers

K = TypeVar("K")
V = TypeVar("V")
RawHeader = tuple[bytes, bytes]

MAX_REMEMBERED = 2048
MAX_REMEMBERED_NAME = 128
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
_CREDENTIAL_FIELDS = frozenset({b"authorization", b"x-api-key", b"anthropic-beta"})
"""What ``redact.credential`` looks at."""
_crossings: dict[bytes, _Crossing] = {}


def _crossing(name: bytes) -> _Crossing:
    lowered = name.lower()
    crossing = _RESPONSE.get(lowered, _Crossing.DROP if lowered.startswith(b"proxy-") else _Crossing.PASS)
    if len(name) <= MAX_REMEMBERED_NAME:
        _remember(_crossings, name, crossing)
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
    """``redact.keep_headers`` and ``redact.credential`` with a memory.

    HMACs let go of the interpreter's lock, which the tape's thread then takes: they cost far more than their
    arithmetic. Secrets are remembered under a keyed digest only, never as they are.
    """

    __slots__ = ("_credentials", "_digest_key", "_hmac_key", "_kept", "_name_only", "_secret", "_secret_names")

    def __init__(self, hmac_key: bytes) -> None:
        self._hmac_key = hmac_key
        self._digest_key = os.urandom(32)
        self._kept: dict[RawHeader, tuple[str, str]] = {}
        self._name_only: dict[bytes, tuple[str, str]] = {}
        self._secret_names: dict[bytes, bool] = {}
        self._secret: dict[bytes, tuple[str, str]] = {}
        self._credentials: dict[bytes, tuple[CredentialKind, str] | None] = {}

    def keep(self, headers: Iterable[RawHeader]) -> Headers:
        """The fields as they may be recorded."""
        kept, name_only = self._kept, self._name_only
        return tuple([kept.get(field) or name_only.get(field[0]) or self._look(field) for field in headers])

    def credential(self, headers: Iterable[RawHeader]) -> tuple[CredentialKind, str] | None:
        """Kind and HMAC of the Anthropic credential among the fields, or None."""
        fields = [field for field in headers if field[0].lower() in _CREDENTIAL_FIELDS]
        if not fields:
            return None
        digest = self._digest(fields)
        if digest not in self._credentials:
            found = redact.credential(readable(fields), self._hmac_key)
            _remember(self._credentials, digest, found)
        return self._credentials[digest]

    def _look(self, field: RawHeader) -> tuple[str, str]:
        name, value = field
        digest = self._digest([field]) if name in self._secret_names else b""
        if digest and (known := self._secret.get(digest)):
            return known
        text = _text(name), _text(value)
        (kept,) = redact.keep_headers((text,), self._hmac_key)
        if len(name) > MAX_REMEMBERED_NAME:
            return kept
        if kept == text:
            if len(value) <= MAX_REMEMBERED_VALUE:
                _remember(self._kept, field, kept)
        elif kept[1] == redact.NOT_KEPT:
            _remember(self._name_only, name, kept)
        else:
            _remember(self._secret_names, name, value=True)
            _remember(self._secret, self._digest([field]), kept)
        return kept

    def _digest(self, fields: list[RawHeader]) -> bytes:
        text = b"\n".join([part for field in fields for part in field])
        return blake2b(text, key=self._digest_key, digest_size=32).digest()


def _remember(memory: dict[K, V], key: K, value: V) -> None:
    if len(memory) >= MAX_REMEMBERED:
        memory.clear()
    memory[key] = value
