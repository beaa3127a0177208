"""What headers and the usage endpoint say of windows: read by the family's prefix, kept whole, never raising."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.windows import polled, reported
from core.windows.reading import Reading, length_of, moment, name_of, share
from core.windows.reported import RateLimit

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RESET = "1795176000"
WEEK = "1795608000"
SUBSCRIPTION = {
    "status": "allowed_warning",
    "reset": RESET,
    "5h-status": "allowed_warning",
    "5h-utilization": "0.88",
    "5h-reset": RESET,
    "7d-status": "allowed",
    "7d-utilization": "0.62",
    "7d-reset": WEEK,
    "7d-surpassed-threshold": "0.5",
    "7d_opus-utilization": "1.02",
    "7d_opus-reset": WEEK,
    "overage-status": "rejected",
    "overage-disabled-reason": "org_level_disabled",
    "representative-claim": "five_hour",
    "fallback-percentage": "0.5",
}


def unified(members: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The members as headers."""
    return tuple((f"Anthropic-RateLimit-Unified-{name}", value) for name, value in members.items())


def said(members: dict[str, str]) -> dict[str, Reading]:
    """The readings by window."""
    return {one.window: one for one in reported.read(unified(members)).readings}


def test_a_subscriptions_answer_is_read_whole() -> None:
    """Every window, the word on all of them, and what has no field here."""
    read = said(SUBSCRIPTION)
    assert set(read) == {"unified", "5h", "7d", "7d_opus", "overage"}
    assert read["5h"] == Reading("5h", 0.88, "allowed_warning", NOON)
    assert read["7d"] == Reading("7d", 0.62, "allowed", NOON + timedelta(days=5), {"surpassed-threshold": "0.5"})
    assert read["7d_opus"] == Reading("7d_opus", 1.02, None, NOON + timedelta(days=5))
    assert read["overage"] == Reading("overage", None, "rejected", None, {"disabled-reason": "org_level_disabled"})
    assert read["unified"] == Reading(
        "unified", None, "allowed_warning", NOON, {"representative-claim": "five_hour", "fallback-percentage": "0.5"}
    )


@pytest.mark.parametrize(
    ("members", "window", "expected"),
    [
        ({"5h-utilization": "0"}, "5h", Reading("5h", 0.0)),
        ({"5h-utilization": "1.4"}, "5h", Reading("5h", 1.4)),
        ({"5h-utilization": "1e-05"}, "5h", Reading("5h", 1e-05)),
        ({"5h-utilization": "-0.1"}, "5h", Reading("5h", more={"utilization": "-0.1"})),
        ({"5h-utilization": "nan"}, "5h", Reading("5h", more={"utilization": "nan"})),
        ({"5h-utilization": "1_0"}, "5h", Reading("5h", more={"utilization": "1_0"})),
        ({"5h-utilization": "9" * 400}, "5h", Reading("5h", more={"utilization": "9" * 200})),
        ({"5h-reset": "2026-11-20T12:00:00Z"}, "5h", Reading("5h", reset_at=NOON)),
        ({"5h-reset": "2026-11-20T12:00:00"}, "5h", Reading("5h", more={"reset": "2026-11-20T12:00:00"})),
        ({"5h-reset": "soon"}, "5h", Reading("5h", more={"reset": "soon"})),
        ({"5h-reset": "99999999999"}, "5h", Reading("5h", more={"reset": "99999999999"})),
        ({"30m-utilization": "0.5"}, "30m", Reading("30m", 0.5)),
        ({"7d-opus-utilization": "0.5", "7d-utilization": "0.1"}, "7d-opus", Reading("7d-opus", 0.5)),
        ({"7d-opus-utilization": "0.5", "7d-utilization": "0.1"}, "7d", Reading("7d", 0.1)),
        # An older form: only the claim says which window it was.
        ({"status": "rejected", "reset": RESET, "representative-claim": "five_hour"}, "5h",
         Reading("5h", status="rejected", reset_at=NOON)),
        ({"status": "rejected", "representative-claim": "seven_day_opus", "7d_opus-utilization": "1"}, "7d_opus",
         Reading("7d_opus", 1.0, "rejected")),
        ({"status": "rejected", "representative-claim": "five_hour", "5h-status": "allowed"}, "5h",
         Reading("5h", status="allowed")),
    ],
)  # fmt: skip
def test_one_member_after_another(members: dict[str, str], window: str, expected: Reading) -> None:
    """What can be read is, what cannot is kept as it came; nothing is guessed."""
    assert said(members)[window] == expected


def test_a_refusal_that_names_no_window_is_nobodys() -> None:
    """Without a claim only the whole is rejected; a per-minute 429 rejects no window at all."""
    assert set(said({"status": "rejected"})) == {"unified"}
    minutely = (("retry-after", "3"), ("anthropic-ratelimit-requests-remaining", "0"))
    assert reported.read(minutely).readings == ()


def test_of_two_headers_of_one_name_the_first_counts() -> None:
    """As everywhere where one value is wanted."""
    headers = unified({"5h-utilization": "0.1"}) + unified({"5h-utilization": "0.9"})
    assert reported.read(headers).readings == (Reading("5h", 0.1),)


def test_an_api_keys_limits() -> None:
    """Each limit with its three members, of all names; unknown figures are unknown."""
    headers = [
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-requests-reset", "2026-11-20T12:00:00Z"),
        ("anthropic-ratelimit-input-tokens-limit", "2000000"),
        ("anthropic-ratelimit-input-tokens-remaining", "many"),
        ("anthropic-ratelimit-priority-output-tokens-limit", "10"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-20T12:00:00Z"),
        ("anthropic-ratelimit-", "1"),
        ("x-anthropic-ratelimit-requests-limit", "1"),
    ]
    report = reported.read(tuple(headers))
    assert report.readings == ()
    assert report.limits == (
        RateLimit("input-tokens", 2_000_000),
        RateLimit("priority-output-tokens", 10),
        RateLimit("requests", 4000, 3999, NOON),
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "unified-", "unified-5h-", "requests-", "UNIFIED-7d_x-"]),
            st.one_of(st.sampled_from(["utilization", "status", "reset", "limit", "remaining"]), st.text(max_size=30)),
            st.text(max_size=60),
        ),
        max_size=80,
    )
)
def test_no_headers_make_it_raise(pieces: list[tuple[str, str, str]]) -> None:
    """Whatever is in them: bounded numbers, plain words, nothing Postgres would refuse."""
    report = reported.read(tuple((f"anthropic-ratelimit-{a}{b}", value) for a, b, value in pieces))
    assert len(report.readings) <= reported.MOST + 2
    assert len(report.limits) <= reported.MOST
    for one in report.readings:
        assert 0 < len(one.window) <= 64
        assert one.utilization is None or 0 <= one.utilization <= 1000
        assert len(one.more) <= reported.MOST
        text = json.dumps([one.window, one.status, dict(one.more)], ensure_ascii=False)
        assert "\0" not in text
        text.encode()


@given(st.text(max_size=50))
def test_values_are_read_or_not(text: str) -> None:
    """A share is a plausible share, a moment one with a zone, and everything else is unknown."""
    used, at = share(text), moment(text)
    assert used is None or 0 <= used <= 1000
    assert at is None or at.utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("name", "hours"),
    [("5h", 5), ("7d", 168), ("7d_opus", 168), ("7d-sonnet", 168), ("30m", 0.5), ("1w", 168), ("5hours", None),
     ("overage", None), ("unified", None), ("h5", None), ("0005h", None)],
)  # fmt: skip
def test_a_name_says_how_long_a_window_is(name: str, hours: float | None) -> None:
    """A number and a unit at the front; other names say nothing."""
    assert length_of(name) == (None if hours is None else timedelta(hours=hours))


def test_the_endpoint_and_claims_call_windows_otherwise() -> None:
    """One name each, so that sources can be compared line by line."""
    names = ("five_hour", "seven_day", "seven_day_opus", "overage", "seven_days")
    assert [name_of(name) for name in names] == ["5h", "7d", "7d_opus", "overage", "seven_days"]


def test_the_usage_endpoints_answer() -> None:
    """Per cent become shares; windows without figures are left out; the newer list adds what it alone has."""
    body = {
        "five_hour": {"utilization": 6.0, "resets_at": "2026-11-20T11:59:59.943648+00:00"},
        "seven_day": {"utilization": 35, "resets_at": None},
        "seven_day_opus": None,
        "seven_day_oauth_apps": {"utilization": None, "resets_at": None},
        "extra_usage": {"is_enabled": False, "utilization": None},
        "limits": [
            {"kind": "session", "percent": 99, "resets_at": None},
            {
                "kind": "weekly_scoped",
                "percent": 12,
                "severity": "normal",
                "scope": {"model": {"display_name": "Opus"}},
            },
            {"kind": "weekly_scoped", "percent": True, "scope": None},
            "what",
        ],
    }
    assert polled.read(json.dumps(body).encode()) == (
        Reading("5h", 0.06, None, datetime(2026, 11, 20, 11, 59, 59, 943648, tzinfo=UTC)),
        Reading("7d", 0.35),
        Reading("7d_opus", 0.12, "normal"),
    )


@given(st.one_of(st.binary(max_size=60), st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["five_hour", "limits", "utilization", "resets_at", "kind", "scope", "model",
                                       "percent"]), inner, max_size=5),
    max_leaves=20,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_no_answer_makes_the_endpoints_reader_raise(body: bytes) -> None:
    """Odd JSON and no JSON alike."""
    for one in polled.read(body):
        assert one.utilization is None or 0 <= one.utilization <= 1000
