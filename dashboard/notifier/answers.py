"""What an answer of Slack means: the message was taken, is to be sent again, or never will be taken, and whose fault.

Nothing of an answer is kept but Slack's own name of what is wrong: a body, or an error's text, can quote a webhook's
address or a token.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp

from dashboard.notifier.connections import NotAllowedError, RedirectedError

TIMEOUT_SECONDS: Final = 10.0
RATE_LIMITED_SECONDS: Final = 30.0
"""Where a 429 does not say how long."""
LONGEST_WAIT_SECONDS: Final = 7 * 86_400.0
_CODE: Final = re.compile(r"[a-z][a-z_]{1,60}")

_WEBHOOK_GONE: Final = (
    "Slack does not know this webhook any more: it was taken back, or its app was removed. Add a new one"
)
_BOT_GONE: Final = (
    "Slack does not take this bot's token any more. Install the app again and add the bot with its new token"
)
_NOT_ALLOWED: Final = "Slack does not let this channel be written to: ask an administrator of the Slack workspace"
_ARCHIVED: Final = "the Slack channel is archived. Restore it, or add a channel for another one"
_TEAM: Final = "the Slack workspace is gone, or this app has no part in it any more"

OFF: Final[Mapping[str, str]] = {
    "no_service": _WEBHOOK_GONE,
    "no_service_id": _WEBHOOK_GONE,
    "no_active_hooks": _WEBHOOK_GONE,
    "invalid_token": _WEBHOOK_GONE,
    "no_team": _TEAM,
    "team_disabled": _TEAM,
    "team_access_not_granted": _TEAM,
    "channel_is_archived": _ARCHIVED,
    "is_archived": _ARCHIVED,
    "action_prohibited": _NOT_ALLOWED,
    "posting_to_general_channel_denied": _NOT_ALLOWED,
    "restricted_action": _NOT_ALLOWED,
    "restricted_action_read_only_channel": _NOT_ALLOWED,
    "restricted_action_thread_only_channel": _NOT_ALLOWED,
    "access_denied": _NOT_ALLOWED,
    "no_permission": _NOT_ALLOWED,
    "ekm_access_denied": _NOT_ALLOWED,
    "invalid_auth": _BOT_GONE,
    "not_authed": _BOT_GONE,
    "account_inactive": _BOT_GONE,
    "token_revoked": _BOT_GONE,
    "token_expired": _BOT_GONE,
    "org_login_required": _BOT_GONE,
    "not_allowed_token_type": "this is no bot's token. Add the bot with its token that begins with xoxb-",
    "missing_scope": "the bot may not write: give its app the scope chat:write and install it again",
    "channel_not_found": "Slack does not know this channel, or the bot may not see it: check its id and invite the bot",
    "not_in_channel": "the bot is not in the Slack channel: invite it there, then try the channel",
}
"""By Slack's name of it, why a channel is of no use any more, and what to do."""

UNKNOWN_ADDRESS: Final = f"{_WEBHOOK_GONE} (HTTP 404)"
GONE: Final = f"{_WEBHOOK_GONE} (HTTP 410)"
REFUSED: Final = "what is at this address refuses every message (HTTP 401 or 403). Add a new webhook"
ELSEWHERE: Final = (
    "this address leads on to another one (a redirect), which we do not follow. Add the webhook that it leads to"
)
_BY_STATUS: Final = {404: UNKNOWN_ADDRESS, 410: GONE, 401: REFUSED, 403: REFUSED}
_AGAIN: Final = frozenset(
    {"ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error", "service_unavailable"}
    | {"request_timeout", "rollup_error", "team_added_to_org", "accesslimited"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try. ``detail`` is in words, without anything secret.

    ``wait`` is after how many seconds Slack wants to be asked again, where it said so; ``off`` that it never will take
    anything on this channel.
    """

    outcome: Literal["sent", "again", "never"]
    detail: str
    status: int | None = None
    wait: float | None = None
    off: bool = False
    ts: str | None = None


def reason(code: str) -> str:
    """Why a channel is off, with Slack's name of it."""
    return f"{OFF[code]} ({code})"


def reasons() -> list[str]:
    """Every reason for which Slack's answers switch a channel off."""
    return [*map(reason, OFF), *dict.fromkeys(_BY_STATUS.values()), ELSEWHERE]


def of_status(status: int, body: str, retry_after: str | None) -> Answer:
    """What a webhook's answer means."""
    if 200 <= status < 300:
        return Answer("sent", "sent", status)
    return of_code(body.strip(), status, retry_after)


def of_redirect(status: int) -> Answer:
    """What it means that a webhook leads elsewhere: nobody takes that back, as a rule, and it never is followed."""
    return Answer("never", ELSEWHERE, status, off=True)


def of_code(given: str, status: int, retry_after: str | None) -> Answer:
    """What it means that Slack did not take a message; ``given`` is Slack's name of why, where it is one."""
    code = given if _CODE.fullmatch(given) else ""
    shown = f" ({code})" if code else ""
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        wait = _seconds(retry_after)
        return Answer("again", f"Slack wants to be left alone for {wait:g} s (HTTP 429)", status, wait)
    if code in OFF:
        return Answer("never", reason(code), status, off=True)
    if status >= 500 or status in {408, 425} or code in _AGAIN:
        return Answer("again", f"Slack answered with a failure of its own: HTTP {status}{shown}", status)
    if status in _BY_STATUS:
        return Answer("never", _BY_STATUS[status], status, off=True)
    return Answer("never", f"Slack refused this message: HTTP {status}{shown}", status)


def of_failure(exc: Exception) -> Answer:
    """What it means that no answer came. By class only: texts of errors quote addresses."""
    os_error = exc.os_error if isinstance(exc, aiohttp.ClientConnectorError) else None
    if isinstance(os_error, NotAllowedError):
        detail = "its host has an address in a private network, and is not named in FOOTPLATE_WEBHOOK_HOSTS"
    elif isinstance(exc, RedirectedError):
        detail = f"what answered is not Slack's API: it sent us elsewhere (HTTP {exc.status}), and we do not follow"
    elif isinstance(exc, TimeoutError):
        detail = f"no answer within {TIMEOUT_SECONDS:g} s"
    elif isinstance(exc, aiohttp.ClientConnectorDNSError):
        detail = "the name of its host could not be resolved"
    elif isinstance(exc, aiohttp.ClientSSLError):
        detail = "its certificate was not accepted"
    elif isinstance(exc, aiohttp.ClientConnectorError):
        detail = "it could not be reached"
    else:
        detail = f"the call failed ({type(exc).__name__})"
    return Answer("again", detail)


def _seconds(retry_after: str | None) -> float:
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return RATE_LIMITED_SECONDS
    return min(seconds, LONGEST_WAIT_SECONDS) if math.isfinite(seconds) and seconds >= 0 else RATE_LIMITED_SECONDS
