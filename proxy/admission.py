"""The check of a request head: what is forwarded, as whom, with which headers; everything else is refused here.

One pass over the header fields as they came (bytes, order and repetition kept). The table of bad inputs in wire.md
is what these rules come from; what the HTTP parser refuses by itself never gets here.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol
from urllib.parse import unquote, urlsplit

from core.errors import FootplateError
from core.redact import find_secrets
from core.refusals import Reason
from core.settings import is_loopback

RawHeaders = tuple[tuple[bytes, bytes], ...]

MAX_HEAD = 32 * 1024
MAX_FIELDS = 128
MAX_TARGET = 8 * 1024
MIB = 1 << 20
DEFAULT_LIMIT = 32 * MIB
LIMITS = (("/v1/messages/batches", 256 * MIB), ("/v1/files", 500 * MIB))
"""Body limits in bytes by the beginning of the path (wire.md, Limits)."""

TRAIN = re.compile(r"[a-zA-Z0-9._:-]{1,128}")
_TARGET = re.compile(r"/(?:[\x21\x22\x24-\x2e\x30-\x7e][\x21\x22\x24-\x7e]*)?")
"""Origin form in visible ASCII, no fragment, the second character no slash."""


class RefusedError(FootplateError):
    """The request is answered by us and goes nowhere."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Message(Protocol):
    """What the HTTP parser says of a request head."""

    method: str
    path: str
    version: tuple[int, int]
    raw_headers: RawHeaders
    chunked: bool
    should_close: bool
    upgrade: bool


@dataclass(slots=True)
class Admitted:
    """A request that may go on."""

    method: str
    target: str
    """Path and query without the train's prefix."""
    path: str
    train: str
    headers: list[tuple[bytes, bytes]]
    """As they go upstream, without framing; ``host`` has lost its value and keeps its place."""
    host: str
    length: int | None
    """Bytes of the body where the client said so; None under chunked framing or without a body."""
    limit: int
    expects: bool
    """The client waits for ``100 Continue``."""
    own: bool
    """For one of our own routes; nothing is forwarded."""
    foreign: bool
    """Sent by a browser for a page of another site, without a credential."""


class _Field(Enum):
    DROP = auto()
    ONCE = auto()
    HOST = auto()
    LENGTH = auto()
    CONNECTION = auto()
    CODING = auto()
    EXPECT = auto()
    TRAIN = auto()
    BROWSER = auto()


# RFC 9110 §7.6.1, and what is ours.
_FIELDS: dict[bytes, _Field] = {
    **dict.fromkeys(
        (
            *(b"keep-alive", b"te", b"trailer", b"upgrade", b"http2-settings", b"forwarded"),
            *(b"x-footplate-key", b"x-account", b"msl-account"),
        ),
        _Field.DROP,
    ),
    **dict.fromkeys((b"authorization", b"x-api-key", b"anthropic-version", b"content-encoding"), _Field.ONCE),
    b"host": _Field.HOST,
    b"content-length": _Field.LENGTH,
    b"connection": _Field.CONNECTION,
    b"transfer-encoding": _Field.CODING,
    b"expect": _Field.EXPECT,
    b"x-train-id": _Field.TRAIN,
    b"msl-train-id": _Field.TRAIN,
    **dict.fromkeys((b"origin", b"sec-fetch-site", b"access-control-request-headers"), _Field.BROWSER),
}
_DROPPED_PREFIXES = (b"proxy-", b"x-forwarded-")
_MAX_REMEMBERED = 2048
_MAX_REMEMBERED_NAME = 128
_known: dict[bytes, tuple[bytes, _Field | None]] = {}
"""Names as clients write them: lowered, and what they are. Clients repeat themselves."""
_PROTECTED = frozenset({b"host", b"content-length", b"content-type", b"authorization", b"x-api-key"})
_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
_HARMLESS = frozenset({b"keep-alive", b"close", b"Keep-Alive", b"Close"})


def admit(message: Message, own_paths: frozenset[str]) -> Admitted:
    """What to do with a request head. Raises RefusedError."""
    if message.version not in {(1, 0), (1, 1)}:
        raise RefusedError(Reason.HTTP_VERSION)
    if message.method in {"CONNECT", "TRACE"}:
        raise RefusedError(Reason.METHOD_NOT_ALLOWED)
    target, train = _target(message.path)
    path = target.partition("?")[0]
    fields = _Fields()
    fields.read(message.raw_headers)
    own = train is None and path in own_paths
    if not own and not _forwards(message.method, path):
        raise RefusedError(Reason.NOT_FOUND)
    if message.chunked and message.version == (1, 0):
        raise RefusedError(Reason.BAD_FRAMING)
    limit = _limit(path)
    if fields.length is not None and fields.length > limit:
        raise RefusedError(Reason.BODY_TOO_LARGE)
    return Admitted(
        method=message.method,
        target=target,
        path=path,
        train=train or _train_of(fields) or "default",
        headers=fields.kept,
        host=fields.host,
        length=fields.length,
        limit=limit,
        expects=fields.expects and message.version == (1, 1),
        own=own,
        foreign=fields.foreign and not fields.brings_credential(message.method),
    )


def _target(target: str) -> tuple[str, str | None]:
    if not _TARGET.fullmatch(target):
        raise RefusedError(Reason.BAD_TARGET)
    if ("." in target or "%" in target) and _climbs(target.partition("?")[0]):
        raise RefusedError(Reason.BAD_TARGET)
    train = None
    if target.startswith("/t/"):
        head, mark, query = target.partition("?")
        train, slash, rest = head[3:].partition("/")
        _check_train(train)
        target = f"/{rest}{mark}{query}" if slash else f"/{mark}{query}"
        if rest.startswith("/"):
            raise RefusedError(Reason.BAD_TARGET)
    return target, train


def _climbs(path: str) -> bool:
    # Seen through twice: some servers decode twice, and a path that only means ".." to them is no use to anybody else.
    segments = re.split(r"/|%2f|\\|%5c", path, flags=re.IGNORECASE)
    return any(".." in (segment, unquote(segment), unquote(unquote(segment))) for segment in segments)


def _forwards(method: str, path: str) -> bool:
    return path.startswith(("/v1/", "/api/")) or (path == "/" and method == "HEAD")


def _limit(path: str) -> int:
    for prefix, limit in LIMITS:
        if path == prefix or path.startswith(prefix + "/"):
            return limit
    return DEFAULT_LIMIT


def _train_of(fields: "_Fields") -> str | None:
    train = fields.train
    if train is not None:
        _check_train(train)
    return train


def _check_train(train: str) -> None:
    # A train's name is stored and shown: a key put in its place by mistake must not be.
    if not TRAIN.fullmatch(train) or find_secrets(train):
        raise RefusedError(Reason.BAD_TRAIN)


class _Fields:
    """The header fields, read once."""

    __slots__ = ("_asked_for", "_named", "_seen", "expects", "foreign", "host", "kept", "length", "train")

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, bytes]] = []
        self.host = ""
        self.length: int | None = None
        self.expects = False
        self.train: str | None = None
        self.foreign = False
        """A browser says that a page of another site asks."""
        self._asked_for = b""
        self._seen: set[bytes] = set()
        self._named: set[bytes] | None = None

    def read(self, raw: RawHeaders) -> None:
        """Sort the fields out. Raises RefusedError."""
        size = 0
        kept = self.kept
        for field in raw:
            name, value = field
            size += len(name) + len(value) + 4
            lowered, kind = _known.get(name) or _look(name)
            if not value.isascii():
                _check_utf8(value)
            if kind is None:
                kept.append(field)
            else:
                self._special(kind, lowered, field)
        if size > MAX_HEAD or len(raw) > MAX_FIELDS:
            raise RefusedError(Reason.HEAD_TOO_LARGE)
        if b"host" not in self._seen:
            raise RefusedError(Reason.BAD_HOST)
        if self._named:
            self.kept = [field for field in kept if field[0].lower() not in self._named]

    def _special(self, kind: _Field, lowered: bytes, field: tuple[bytes, bytes]) -> None:
        value = field[1]
        if kind is _Field.CONNECTION:
            self._connection(value)
        elif kind is _Field.BROWSER:
            self.kept.append(field)
            self._browser(lowered, value)
        elif kind is not _Field.DROP:
            if lowered in self._seen:
                raise RefusedError(_TWICE.get(kind, Reason.DUPLICATE_HEADER))
            self._seen.add(lowered)
            self._once(kind, lowered, field)

    def _once(self, kind: _Field, lowered: bytes, field: tuple[bytes, bytes]) -> None:
        value = field[1]
        if kind is _Field.ONCE:
            self.kept.append(field)
        elif kind is _Field.HOST:
            self.host = value.decode("utf-8")
            self.kept.append((field[0], b""))
        elif kind is _Field.LENGTH:
            self.length = int(value)
            self.kept.append(field)
        elif kind is _Field.CODING and value.lower() != b"chunked":
            raise RefusedError(Reason.TRANSFER_ENCODING)
        elif kind is _Field.EXPECT:
            if value.lower() != b"100-continue":
                raise RefusedError(Reason.EXPECTATION)
            self.expects = True
        elif kind is _Field.TRAIN and (lowered == b"x-train-id" or self.train is None):
            self.train = value.decode("utf-8")

    def _browser(self, lowered: bytes, value: bytes) -> None:
        if lowered == b"origin":
            self.foreign = self.foreign or not _is_local(value)
        elif lowered == b"sec-fetch-site":
            self.foreign = self.foreign or value.lower() == b"cross-site"
        else:
            self._asked_for = value.lower()

    def brings_credential(self, method: str) -> bool:
        """Whether the caller pays himself; a page's preflight (OPTIONS) only says in which field it will."""
        if not self._seen.isdisjoint(_CREDENTIALS):
            return True
        return method == "OPTIONS" and any(name in self._asked_for for name in _CREDENTIALS)

    def _connection(self, value: bytes) -> None:
        if value in _HARMLESS:
            return
        names = {token.strip().lower() for token in value.split(b",")}
        if names & _PROTECTED or any(name.startswith(b"anthropic-") for name in names):
            raise RefusedError(Reason.BAD_CONNECTION_HEADER)
        self._named = names | (self._named or set())


_TWICE = {
    _Field.HOST: Reason.BAD_HOST,
    _Field.LENGTH: Reason.BAD_FRAMING,
    _Field.CODING: Reason.TRANSFER_ENCODING,
    _Field.EXPECT: Reason.EXPECTATION,
}


def _look(name: bytes) -> tuple[bytes, _Field | None]:
    lowered = name.lower()
    kind = _FIELDS.get(lowered, _Field.DROP if lowered.startswith(_DROPPED_PREFIXES) else None)
    if len(name) <= _MAX_REMEMBERED_NAME:
        if len(_known) >= _MAX_REMEMBERED:
            _known.clear()
        _known[name] = lowered, kind
    return lowered, kind


def _is_local(origin: bytes) -> bool:
    try:
        host = urlsplit(origin.decode()).hostname or ""
    except ValueError:
        return False
    return is_loopback(host) or host.endswith(".localhost")


def _check_utf8(value: bytes) -> None:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError(Reason.BAD_REQUEST) from None
