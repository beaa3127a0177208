"""The one question of access: a permission held, and a train that may be seen."""

import pytest

from core.access import ANONYMOUS, LOCAL_USER, Permission, Principal, may

MEMBER = Principal("m", frozenset({Permission.READ_REQUESTS}), frozenset({"blue"}))


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("train", [None, "blue"])
def test_the_local_user_may_all(permission, train):
    """He owns the machine."""
    assert may(LOCAL_USER, permission, train)


@pytest.mark.parametrize("permission", Permission)
def test_a_stranger_may_only_what_is_public(permission):
    """And sees no train, not even with that."""
    assert may(ANONYMOUS, permission) is (permission is Permission.PUBLIC)
    assert not may(ANONYMOUS, permission, "blue")


def test_a_permission_counts_for_ones_own_trains_only():
    """Without the permission, not even there."""
    assert may(MEMBER, Permission.READ_REQUESTS)
    assert may(MEMBER, Permission.READ_REQUESTS, "blue")
    assert not may(MEMBER, Permission.READ_REQUESTS, "red")
    assert not may(MEMBER, Permission.READ_BODIES, "blue")
