"""No credential passes: not in a header, not in a target, not in a shown text; everything else stays as it was."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redact import NOT_KEPT, credential, digest, find_secrets, keep_headers, keep_target

KEY = b"installation secret, 32 bytes...."
API = "sk-ant-api03-" + "A1b2" * 20
OAT = "sk-ant-oat01-" + "Z9y8" * 20
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


def kept(name, value):
    """What is recorded of one header's value."""
    ((same_name, recorded),) = keep_headers([(name, value)], KEY)
    assert same_name == name
    return recorded


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("anthropic-version", "2023-06-01"),
        ("Anthropic-Beta", "claude-code-20250219,oauth-2025-04-20"),
        ("anthropic-ratelimit-tokens-remaining", "80000"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-20T08:00:00Z"),
        ("content-type", "application/json"),
        ("Content-Encoding", "gzip"),
        ("user-agent", "claude-cli/2.1.328 (external, sdk-cli)"),
        ("x-stainless-retry-count", "0"),
        ("x-app", "cli"),
        ("X-Claude-Code-Session-Id", "30580e93-267d-4d6c-8f12-92b90a27e630"),
        ("request-id", "req_01"),
        ("retry-after", "30"),
        ("date", "Fri, 20 Nov 2026 08:00:00 GMT"),
        ("server", "cloudflare"),
        ("cf-ray", "abc-FRA"),
    ],
)
def test_allow_listed_headers_stay_as_they_are(name, value):
    """The allow-list goes first: even a name with `tokens` in it stays."""
    assert kept(name, value) == value


@pytest.mark.parametrize(
    "name",
    [
        "authorization", "Authorization", "proxy-authorization", "x-api-key", "X-API-Key", "x-footplate-key", "cookie",
        "Set-Cookie", "x-auth-token", "x-my-secret-thing", "goog-api-key", "x_api_key", "x-password-hint",
    ],
)  # fmt: skip
def test_secret_looking_headers_become_the_start_of_their_hmac(name):
    """Nothing of the value is left but eight hex digits."""
    wanted = hmac.digest(KEY, b"s3cret-value", "sha256").hex()[:8]
    assert kept(name, "s3cret-value") == f"[redacted:{wanted}]"


@pytest.mark.parametrize(
    "name",
    ["anthropic-session-token", "content-secret", "x-stainless-api-key", "X-Claude-Code-Token", "anthropic-password"],
)
def test_a_secret_looking_name_is_secret_whatever_it_begins_with(name):
    """Only the family anthropic-ratelimit-* may speak of tokens."""
    assert kept(name, "s3cret-value").startswith("[redacted:")


@pytest.mark.parametrize(
    "value",
    [
        "/v1/files?token=topsecret",
        "https://a.example/x?b=1&api_key=topsecret#c",
        "https://a.example/x#access_token=topsecret",
        "https://a.example/x?next=%2Fy%3Ftoken%3Dtopsecret",
        "/v1/files;password=topsecret/x",
    ],
)
def test_an_address_in_an_allow_listed_header_loses_its_secrets(value):
    """Like the target of a request."""
    recorded = kept("content-location", value)
    assert "topsecret" not in recorded
    assert "[redacted:" in recorded
    assert kept("content-location", "/v1/files?limit=20#a=b") == "/v1/files?limit=20#a=b"
    assert kept("content-type", "multipart/form-data; boundary=a=b%20c") == "multipart/form-data; boundary=a=b%20c"


def test_of_all_other_headers_only_the_name_is_kept():
    """Order, spelling and repetition of names survive."""
    headers = [("Host", "h"), ("X-Team", "blue"), ("x-team", "red"), ("forwarded", "for=1.2.3.4")]
    assert keep_headers(headers, KEY) == tuple((name, NOT_KEPT) for name, _ in headers)


def test_the_same_key_looks_the_same_as_bearer_and_as_api_key():
    """A reader can tell equal keys from different ones."""
    assert kept("authorization", f"Bearer {API}") == kept("x-api-key", API) != kept("x-api-key", OAT)


@pytest.mark.parametrize(
    "value",
    [
        f"curl {API}",
        f"Bearer {API}",
        "agent; bearer   abc.def",
        f"BEARER\t{JWT}",
        "BEARER abc.def",
        "a bEARer abc.def",
        f"a,{OAT},b",
        f"fp_live_{'a' * 60}",
    ],
)
def test_a_credential_inside_an_allow_listed_header_is_masked(value):
    """An allowed name does not carry a secret through."""
    recorded = kept("user-agent", value)
    assert "[redacted:" in recorded
    assert not find_secrets(recorded)
    assert "abc.def" not in recorded


@pytest.mark.parametrize(
    ("target", "secret"),
    [
        ("/v1/messages?api-key=topsecret", "topsecret"),
        ("/v1/messages?api_key=topsecret&beta=true", "topsecret"),
        ("/v1/messages?beta=true&%61ccess%5Ft%6Fken=topsecret", "topsecret"),
        ("/v1/messages?beta=true;password=topsecret", "topsecret"),
        ("/v1/messages?a=1?token=topsecret", "topsecret"),
        ("/v1/messages?X-API-Key=topsecret=tail", "topsecret=tail"),
        (f"/v1/messages?note={API}", API),
        (f"/v1/messages?{API}", API),
        (f"/v1/messages?{API}=1", API),
        ("/v1/messages?note=" + API.replace("-", "%2D"), API.replace("-", "%2D")),
        (f"/v1/files/{API}/content", API),
        ("/v1/files/" + API.replace("k", "%6b", 1), "ant-api03"),
        ("/v1/files;token=topsecret/x", "topsecret"),
        ("/v1/files;v=1;api_key=topsecret?beta=true", "topsecret"),
        ("/v1/x%3Ftoken%3Dtopsecret", "topsecret"),
        ("/v1/x?api.key=topsecret", "topsecret"),
        ("/v1/x?api+key=topsecret", "topsecret"),
        ("/v1/x?api%20key=topsecret", "topsecret"),
        ("/v1/x?t%256fken=topsecret", "topsecret"),
        ("/v1/x?t%25256fken=topsecret", "topsecret"),
        ("/v1/x?a=1%26token=topsecret", "topsecret"),
        ("/v1/x?a=1%26token%3Dtopsecret", "topsecret"),
        ("/v1/x?next=%2Fy%3Ftoken%3Dtopsecret", "topsecret"),
        ("/v1/x?next=%252Fy%253Fapi_key%253Dtopsecret", "topsecret"),
        ("/v1/x?next=/y%3Fa=1%3Btoken=topsecret", "topsecret"),
        ("/v1/x?filter=password=topsecret", "topsecret"),
        ("/v1/x?" + API.replace("-", "%252D"), "api03"),
    ],
)
def test_secrets_leave_the_target(target, secret):
    """By the name of the query key or by their own shape, percent-encoded or not."""
    recorded = keep_target(target, KEY)
    assert secret not in recorded
    assert "[redacted:" in recorded
    assert recorded.startswith("/v1/")


@pytest.mark.parametrize(
    "target",
    [
        "/v1/x;v=1;w?next=%2Fy%3Fa%3D1", "/v1/x?a+b=c+d&e=%25%25", "/v1/x=y=z",
        "/v1/messages", "/v1/messages?beta=true", "/v1/files?limit=20&after_id=file_01", "/v1/messages/count_tokens",
        "/v1/messages?", "/v1/messages?&&==&a", "/v1/models/claude%2Dhaiku?x=%zz", "/?a=b?c", "/v1/x?token",
    ],
)  # fmt: skip
def test_a_target_without_a_secret_stays_byte_for_byte(target):
    """Odd spellings too."""
    assert keep_target(target, KEY) == target


@pytest.mark.parametrize(
    ("headers", "kind", "secret"),
    [
        ([("X-Api-Key", API)], "api_key", API),
        ([("Authorization", f"Bearer {API}")], "api_key", API),
        ([("authorization", f"bearer {OAT}")], "oauth", OAT),
        ([("x-api-key", OAT)], "oauth", OAT),
        ([("x-api-key", "anything")], "api_key", "anything"),
        ([("x-api-key", API), ("authorization", f"Bearer {OAT}")], "api_key", API),
        ([("x-api-key", "fp_live_abc"), ("authorization", f"Bearer {OAT}")], "oauth", OAT),
        ([("authorization", "Bearer oat-t"), ("anthropic-beta", "a,oauth-2025-04-20")], "oauth", "oat-t"),
        ([("authorization", "Bearer other")], "api_key", "other"),
    ],
)
def test_a_credential_is_its_kind_and_the_hmac_of_its_bare_value(headers, kind, secret):
    """Wherever it stands and however it is written."""
    assert credential(headers, KEY) == (kind, hmac.digest(KEY, secret.encode(), "sha256").hex()[:32])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-api-key", " ")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer fp_live_x")],
        [("host", "h")],
    ],
)
def test_no_credential_is_none(headers):
    """Our own client key is not an Anthropic credential."""
    assert credential(headers, KEY) is None


@pytest.mark.parametrize(
    "secret",
    [
        API,
        OAT,
        JWT,
        PEM,
        *(f"gh{kind}_" + "a1B2" * 9 for kind in "pousr"),
        "github_pat_" + "a_1B" * 9,
        *(f"xox{kind}-" + "12345-a1B2" * 3 for kind in "abeoprs"),
        "hooks.slack.com/services/T0" + "A1" * 4 + "/B0" + "A1" * 4 + "/" + "a1B2" * 6,
        "AKIAIOSFODNN7EXAMPLE",
    ],
)
@pytest.mark.parametrize("around", ["{}", "key: {}.", '{{"a":"{}"}}', "x\\n{} y", "({})"])
def test_a_secret_in_a_text_is_found_whole(secret, around):
    """Whatever stands around it, a JSON escape included."""
    text = around.format(secret)
    ((start, end),) = find_secrets(text)
    assert text[start:end].startswith(secret)
    assert start == text.index(secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk-ant-",
        "risk-ant-hill",
        "gh",
        "ghp_short",
        "xoxo",
        "xoxb-short",
        "hooks.slack.com/",
        "AKIA",
        "eyJ",
        "eyJhbGci.",
        "-----BEGIN CERTIFICATE-----\nMII",
    ],
)
def test_what_only_looks_alike_is_left(text):
    """Prefixes alone are no secrets."""
    assert find_secrets(text) == []


@pytest.mark.parametrize(
    "bait",
    [
        "eyJ", "eyJaaaaaaaa.", "sk-ant-", "fp_live_", "gh", "ghp_", "github_pat_", "xoxb-", "xox",
        "hooks.slack.com/", "AKIA", "-----BEGIN ", "- ",
        "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n",
    ],
)  # fmt: skip
def test_no_text_takes_more_than_linear_time(bait):
    """A megabyte of beginnings that never become a secret, or always do: a quadratic search would not come back."""
    text = bait * (1_000_000 // len(bait))
    assert all(start < end for start, end in find_secrets(text))


@given(st.text(alphabet="sk-antgh_peyJ.AKIA -BEGIN\\n", max_size=400))
def test_spans_are_ordered_and_apart(text):
    """So that a page can cut the text along them."""
    ends = 0
    for start, end in find_secrets(text):
        assert ends <= start < end <= len(text)
        ends = end


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60))), st.text(max_size=80))
def test_no_input_raises(headers, target):
    """Lone surrogates and control characters included: this runs before anything else is known of a call."""
    assert [name for name, _ in keep_headers(headers, KEY)] == [name for name, _ in headers]
    keep_target(target, KEY)
    credential(headers, KEY)
    assert len(digest(target, KEY)) == 32


def test_secrets_beside_and_inside_one_another():
    """Each is found; one inside another is hidden with it, from the first to the last character."""
    beside = "AKIAIOSFODNN7EXAMPLE sk-ant-api03-aaaaaaaaaaaa"
    assert find_secrets(beside) == [(0, 20), (21, len(beside))]
    key = "-----BEGIN PRIVATE KEY-----\nAKIAIOSFODNN7EXAMPLE\n-----END PRIVATE KEY-----"
    assert find_secrets(f"{beside} {key}") == [
        (0, 20),
        (21, len(beside)),
        (len(beside) + 1, len(beside) + 1 + len(key)),
    ]
