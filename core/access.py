"""Who may do what: permissions, principals, and the one question ``may``.

Every route of the proxy and of the dashboard declares the permission it needs; one middleware asks ``may``.
Today there is one principal, the local user; client keys, people and roles fill the same places later.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit


class Permission(StrEnum):
    """What a route needs. ``PUBLIC`` routes say nothing of any train."""

    PUBLIC = "public"
    READ_REQUESTS = "read_requests"
    READ_BODIES = "read_bodies"
    READ_STATISTICS = "read_statistics"
    READ_METRICS = "read_metrics"
    FORWARD = "forward"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in. ``trains`` is the list of train names he may see; None is all of them."""

    name: str
    permissions: frozenset[Permission]
    trains: frozenset[str] | None = None


LOCAL_USER = Principal("local user", frozenset(Permission))
ANONYMOUS = Principal("anonymous", frozenset({Permission.PUBLIC}), frozenset())


def may(principal: Principal, permission: Permission, train: str | None = None) -> bool:
    """Whether this principal holds the permission and, where a train is named, may see that train."""
    if permission not in principal.permissions:
        return False
    return train is None or principal.trains is None or train in principal.trains


LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine. Under any other a web page may have rebound its own name to 127.0.0.1 (security.md)."""
KEY_FIELDS: Final = ("x-dashboard-key", "x-api-key")
"""Header fields in which a caller may show the dashboard's key; as bearer token too."""

_NOT_OF_A_HOST: Final = frozenset("/?#@\\")


def host_name(host: str) -> str | None:
    """The name in a Host header without port and brackets, lower case; None where it is no name."""
    if not _NOT_OF_A_HOST.isdisjoint(host):
        return None
    try:
        return urlsplit("//" + host).hostname
    except ValueError:  # a bracket that nothing closes
        return None


def shown_keys(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The keys that a caller shows: first those in fields of their own, then bearer tokens."""
    listed = [(name.lower(), value) for name, value in fields]
    for wanted in KEY_FIELDS:
        yield from (value for name, value in listed if name == wanted)
    for name, value in listed:
        scheme, _, token = value.partition(" ")
        if name == "authorization" and scheme.lower() == "bearer":
            yield token.strip()


class KeyLock:
    """Opens to one key. It knows the key as a hash only, so that every wrong key takes the same time."""

    __slots__ = ("_hash",)

    def __init__(self, key: str | None) -> None:
        self._hash = _hash(key) if key else None

    @property
    def has_key(self) -> bool:
        """Whether a key was set; without one it opens to nobody."""
        return self._hash is not None

    def opens_with(self, key: str) -> bool:
        """Whether this is the key."""
        return self._hash is not None and hmac.compare_digest(_hash(key), self._hash)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
