"""The memory for headers never changes what is recorded, and never holds a secret."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from core import redact
from proxy import admission, headers
from proxy.headers import MAX_REMEMBERED, HeaderKeeper, readable

KEY = b"k" * 32
SECRET = (b"X-Api-Key", b"authorization", b"Authorization", b"x-my-token", b"Cookie", b"set-cookie")
PLAIN = (b"content-type", b"anthropic-beta", b"anthropic-ratelimit-tokens-remaining", b"User-Agent")
NAMES = st.sampled_from([*SECRET, *PLAIN, b"Host", b"host", b"Accept", b"X-Unknown"])
KEYS = (b"Bearer sk-ant-oat01-aaaaaaaaaaaaaaaa", b"sk-ant-api03-bbbbbbbbbbbbbbbb", b"Bearer opaque")
VALUES = st.sampled_from([*KEYS, b"", b"a", b"oauth-2025-04-20", b"\xff", b"application/json", b"x" * 400])
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@given(st.lists(FIELDS, max_size=12))
def test_it_remembers_right(calls: list[list[tuple[bytes, bytes]]]) -> None:
    """Call after call, the answers are those of ``core.redact``."""
    keeper = HeaderKeeper(KEY)
    for fields in calls:
        assert keeper.keep(fields) == redact.keep_headers(readable(fields), KEY)
        assert keeper.credential(fields) == redact.credential(readable(fields), KEY)


def test_it_remembers_no_secret_and_not_too_much() -> None:
    """After many calls the memory is bounded and has no secret in it."""
    keeper = HeaderKeeper(KEY)
    for number in range(3 * MAX_REMEMBERED):
        fields = [
            (b"x-api-key", b"canary-%d" % number),
            (b"X-Unknown", b"canary-%d" % number),
            (b"user-agent", b"Bearer canary%d" % number),
            (b"request-id", b"%d" % number),
        ]
        keeper.keep(fields)
        keeper.credential(fields)
    memories = [getattr(keeper, name) for name in HeaderKeeper.__slots__]
    assert b"canary" not in pickle.dumps(memories)
    assert all(len(memory) <= MAX_REMEMBERED for memory in memories)


def test_long_names_are_not_remembered() -> None:
    """A name may be as long as a head: thousands of such would hold a hundred megabytes."""
    keeper = HeaderKeeper(KEY)
    for number in range(100):
        name = b"%d" % number + b"x" * 10_000
        keeper.keep([(name, b"a"), (name + b"-token", b"a"), (b"anthropic-" + name, b"a")])
        admission._look(name)
        headers.response_head(200, b"OK", [(name, b"a")], chunked=False, close=False)
    memories = [getattr(keeper, name) for name in HeaderKeeper.__slots__]
    assert len(pickle.dumps([memories, list(admission._known), list(headers._crossings)])) < 1_000_000
