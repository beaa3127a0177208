"""Who sent a call and who paid is read from what the call itself says, strongest evidence first."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import origin
from core.models import AccountEvidence, Origin

SESSION = "30580e93-267d-4d6c-8f12-92b90a27e630"
ACCOUNT = "11111111-2222-3333-4444-555555555555"
NEW = json.dumps({"device_id": "d", "account_uuid": ACCOUNT, "session_id": SESSION})
OLD = f"user_{'a1' * 32}_account_{ACCOUNT}_session_{SESSION}"
HMAC = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("user_id", "account", "session"),
    [
        (NEW, ACCOUNT, SESSION),
        (OLD, ACCOUNT, SESSION),
        (NEW.replace(ACCOUNT, ""), None, SESSION),
        (OLD.replace(ACCOUNT, ""), None, SESSION),
        ('{"session_id":7,"account_uuid":[]}', None, None),
        ('{"account_uuid":"key-0123456789ab"}', None, None),
        ('{"account_uuid":"oauth-0123456789ab"}', None, None),
        ('{"account_uuid":"a b"}', None, None),
        ("user_abc", None, None),
        ("{", None, None),
        ("[]", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_both_forms_of_user_id(user_id, account, session):
    """JSON and the older one; anything else says nothing, and nobody can claim a name that we give."""
    assert origin.read((), user_id) == Origin(session_id=session, account_uuid=account)


def test_headers_go_before_the_user_id():
    """Session, agents and retries as Claude Code and the SDKs send them, in any spelling of the names."""
    headers = (
        ("X-Claude-Code-Session-Id", "s"),
        ("x-claude-code-agent-id", "a1"),
        ("X-Claude-Code-Parent-Agent-Id", "a0"),
        ("X-Stainless-Retry-Count", "2"),
        ("x-stainless-retry-count", "9"),
    )
    assert origin.read(headers, NEW) == Origin(None, None, "s", "a1", "a0", ACCOUNT, 2)


@pytest.mark.parametrize(
    ("headers", "client", "version"),
    [
        ({"user-agent": "claude-cli/2.1.328 (external, sdk-cli)", "x-stainless-lang": "js"}, "claude-code", "2.1.328"),
        ({"User-Agent": "Anthropic/Python 2.10.0", "x-stainless-lang": "python"}, "anthropic-python", "2.10.0"),
        ({"user-agent": "AsyncAnthropic/Python 2.10.0"}, "anthropic-python", "2.10.0"),
        ({"user-agent": "AnthropicBedrock/Python 2.1"}, "anthropic-python", "2.1"),
        ({"user-agent": "Anthropic/JS 1.10.0"}, "anthropic-js", "1.10.0"),
        (
            {"user-agent": "my-app", "x-stainless-lang": "go", "x-stainless-package-version": "1.2"},
            "anthropic-go",
            "1.2",
        ),
        ({"user-agent": "Bun/1.4.4"}, "bun", "1.4.4"),
        ({"user-agent": "node"}, "node", None),
        ({"user-agent": "curl/8.5.0 (x)"}, "curl", "8.5.0"),
        ({"user-agent": "(odd)", "x-app": "cli"}, "cli", None),
        ({"user-agent": ""}, None, None),
        ({}, None, None),
    ],
)
def test_the_client_and_its_version(headers, client, version):
    """By its user agent, else by what the SDKs say of themselves."""
    who = origin.read(tuple(headers.items()), None)
    assert (who.client, who.client_version) == (client, version)


@pytest.mark.parametrize("count", ["", "-1", "1.0", "x", "99999999999999", "99999", "²"])
def test_a_retry_count_that_is_none_is_unknown(count):
    """Unknown, not 0."""
    assert origin.read((("x-stainless-retry-count", count),), None).retry_count is None


ORGANIZATION = (("Anthropic-Organization-Id", "org-1"),)


@pytest.mark.parametrize(
    ("kind", "account_uuid", "headers", "name", "strength"),
    [
        ("api_key", None, (), "key-0123456789ab", "api_key"),
        ("api_key", ACCOUNT, ORGANIZATION, "key-0123456789ab", "api_key"),
        ("oauth", ACCOUNT, ORGANIZATION, ACCOUNT, "account_uuid"),
        ("oauth", None, ORGANIZATION, "org-1", "organization"),
        ("oauth", None, (("anthropic-organization-id", " "),), "oauth-0123456789ab", "hmac"),
        ("oauth", None, (), "oauth-0123456789ab", "hmac"),
    ],
)
def test_the_account_of_a_passed_on_credential(kind, account_uuid, headers, name, strength):
    """Keys go by themselves; logins rotate their tokens, so by account, organisation, and the token only at last."""
    assert origin.account(kind, HMAC, account_uuid, headers) == AccountEvidence(name, kind, HMAC, strength)


def test_without_a_credential_there_is_no_account():
    """Whatever else the call says."""
    assert origin.account(None, None, ACCOUNT, ORGANIZATION) is None


@given(st.lists(st.tuples(st.sampled_from(["user-agent", "x-app", "X-Claude-Code-Session-Id"]), st.text())), st.text())
def test_no_text_raises(headers, user_id):
    """Lone surrogates included; what comes out can be written as UTF-8."""
    who = origin.read(tuple(headers), user_id)
    origin.read((), "{" + user_id)
    for word in (who.client, who.client_version, who.session_id):
        assert word is None or "\0" not in word.encode().decode()
