"""Who sent a call and who paid for it, from its headers and ``metadata.user_id`` (wire.md, security.md)."""

import re
from functools import lru_cache
from typing import Any, Final

from core.bodies import read_json
from core.headers import first
from core.labels import label
from core.models import AccountEvidence, CredentialKind, Headers, Origin

ORGANIZATION: Final = "anthropic-organization-id"
"""The response header that names the organisation a credential belongs to."""

# How the user agents of known clients begin, and what we call them; others go by their own product name.
_CLIENTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"claude-cli/([^\s(]+)"), "claude-code"),
    (re.compile(r"(?:Async)?Anthropic[A-Za-z]*/Python ([^\s(]+)"), "anthropic-python"),
    (re.compile(r"Anthropic[A-Za-z]*/JS ([^\s(]+)"), "anthropic-js"),
)
_OF_CLIENTS: Final = ("user-agent", "x-stainless-lang", "x-stainless-package-version", "x-app")
_PRODUCT = re.compile(r"([^\s/(]{1,64})(?:/([^\s(]{1,64}))?")
# Claude Code before 2.1.100; the account is empty for an API key.
_OLD_USER_ID = re.compile(r"user_[0-9a-zA-Z]*_account_([0-9a-zA-Z-]*)_session_([0-9a-zA-Z-]+)")
_MAX_RETRIES: Final = 10_000
# A caller chooses what stands in metadata.user_id: it must not pass for one of the names that we give.
_ACCOUNT = re.compile(r"(?!key-|oauth-)[0-9A-Za-z._:@-]{1,128}")


def read(headers: Headers, user_id: str | None) -> Origin:
    """The origin of a call; headers go before ``metadata.user_id``. Never raises, unknown is None."""
    given = {name.lower(): value for name, value in reversed(headers)}  # of two the first counts
    account, session = _from_user_id(user_id)
    client, version = _client(*map(given.get, _OF_CLIENTS))
    return Origin(
        client=client,
        client_version=version,
        session_id=label(given.get("x-claude-code-session-id")) or session,
        agent_id=label(given.get("x-claude-code-agent-id")),
        parent_agent_id=label(given.get("x-claude-code-parent-agent-id")),
        account_uuid=account,
        retry_count=_retry_count(given.get("x-stainless-retry-count", "")),
    )


def account(
    kind: CredentialKind | None, credential_hmac: str | None, account_uuid: str | None, response_headers: Headers
) -> AccountEvidence | None:
    """What this call says of the account that paid (security.md); None where it brought no credential.

    Tokens of a login rotate, so a login goes by its account, else its organisation, and by its HMAC only at last.
    """
    if kind is None or not credential_hmac:
        return None
    if kind == "api_key":
        return AccountEvidence(f"key-{credential_hmac[:12]}", kind, credential_hmac, "api_key")
    if account_uuid:
        return AccountEvidence(account_uuid, kind, credential_hmac, "account_uuid")
    organization = _account(first(response_headers, ORGANIZATION))
    if organization:
        return AccountEvidence(organization, kind, credential_hmac, "organization")
    return AccountEvidence(f"oauth-{credential_hmac[:12]}", kind, credential_hmac, "hmac")


def _from_user_id(user_id: str | None) -> tuple[str | None, str | None]:
    """Account and session of both forms of ``metadata.user_id``; anything else says nothing."""
    if user_id is None:
        return None, None
    if user_id.startswith("{"):
        fields = _object(user_id)
        return _account(fields.get("account_uuid")), label(fields.get("session_id"))
    old = _OLD_USER_ID.fullmatch(user_id)
    return (_account(old[1]), label(old[2])) if old else (None, None)


def _account(value: Any) -> str | None:
    return value if isinstance(value, str) and _ACCOUNT.fullmatch(value) else None


def _object(text: str) -> dict[str, Any]:
    try:
        value = read_json(text.encode(errors="replace"))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@lru_cache(maxsize=256)  # clients repeat themselves
def _client(
    agent: str | None, language: str | None, package: str | None, app: str | None
) -> tuple[str | None, str | None]:
    agent = (agent or "").strip()
    for pattern, name in _CLIENTS:
        found = pattern.match(agent)
        if found:
            return name, label(found[1])
    if language:  # an SDK under a user agent of the application's own
        return label(f"anthropic-{language.lower()}"), label(package)
    product = _PRODUCT.match(agent)
    if product:
        return label(product[1].lower()), label(product[2])
    return label(app), None


def _retry_count(text: str) -> int | None:
    if not text.isascii() or not text.isdecimal() or len(text) > 5:
        return None
    count = int(text)
    return count if count <= _MAX_RETRIES else None
