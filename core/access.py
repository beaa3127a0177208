"""Who may do what: permissions, principals, and the one question ``may``.

Every route of the proxy and of the dashboard declares the permission it needs; one middleware asks ``may``.
Today there is one principal, the local user; client keys, people and roles fill the same places later.
"""

from dataclasses import dataclass
from enum import StrEnum


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
