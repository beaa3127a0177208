"""The one question of access: a permission held, and a train that may be seen."""

import pytest

from core.access import ANONYMOUS, LOCAL_USER, KeyLock, Permission, Principal, host_name, may, shown_keys

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


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"), ("LOCALHOST:3000", "localhost"), ("[::1]:3000", "::1"), ("127.0.0.1", "127.0.0.1"),
        ("localhost.evil.test", "localhost.evil.test"), ("", None), ("[::1", None), ("::1", None),
        ("x@localhost", None), ("localhost/x", None), ("localhost#", None), ("localhost\\@evil.test", None),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(host, name):
    """Without port and brackets; what only looks like a name of this machine is none."""
    assert host_name(host) == name


def test_keys_are_found_wherever_callers_put_them():
    """Fields of their own first, then bearer tokens; other schemes are no keys."""
    fields = [
        ("Authorization", "Bearer  c "),
        ("X-API-Key", "b"),
        ("x-dashboard-key", "a"),
        ("authorization", "Basic x"),
    ]
    assert list(shown_keys(fields)) == ["a", "b", "c"]


def test_a_lock_opens_to_its_key_only():
    """Without a key it opens to nobody, not even to an empty one; odd bytes are compared like others."""
    assert KeyLock("k\udcff").opens_with("k\udcff")
    assert not KeyLock("key").opens_with("kez")
    for none in (None, ""):
        assert not KeyLock(none).has_key
        assert not KeyLock(none).opens_with("")
