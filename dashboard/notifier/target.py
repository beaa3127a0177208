"""Where a message goes: a channel with its secret opened, which stays in memory only as long as one message takes."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from core.errors import BadSettingError, FootplateError
from core.settings import Settings, check_webhook
from dashboard.sealing import SealBrokenError, unseal
from dashboard.secret import sealing_key
from sql.rows.alerts_deliver import AlertClaimed

NOT_SET: Final = "SLACK_WEBHOOK_URL is not set"
NO_KEY: Final = (
    "the installation's secret cannot be read, so this channel's cannot be opened: restore FOOTPLATE_SECRET_KEY"
)
OTHER_KEY: Final = "this channel's secret was sealed under another FOOTPLATE_SECRET_KEY: add the channel again"
NOT_LISTED: Final = "the host of this webhook, with its port, is not listed in FOOTPLATE_WEBHOOK_HOSTS"
BROKEN: Final = "this webhook is no address that messages can be sent to: add it again"
PORTS: Final = {"https": 443, "http": 80}
"""Those that a host is listed for where no port is said."""
REASONS: Final = (NOT_SET, NO_KEY, OTHER_KEY, NOT_LISTED, BROKEN)


class NoTargetError(FootplateError):
    """The channel cannot be used as it is; the text says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's address, or the token of a bot and the Slack conversation it writes to."""

    secret: str = field(repr=False)
    destination: str | None = None
    thread: str | None = None
    """The message to answer in its thread."""

    @property
    def is_bot(self) -> bool:
        """Whether it is a bot's."""
        return self.destination is not None


def target_of(claimed: AlertClaimed, settings: Settings) -> Target:
    """Where a claimed alert goes. Raises NoTargetError."""
    if claimed.origin == "environment":
        if settings.slack_webhook_url is None:
            raise NoTargetError(NOT_SET)
        return Target(settings.slack_webhook_url)
    secret = _opened(claimed, settings)
    if claimed.channel_kind == "bot":
        return Target(secret, claimed.destination, claimed.thread)
    try:
        parts = check_webhook(secret, "webhook")
    except ValueError:
        raise NoTargetError(BROKEN) from None
    if not is_listed(parts, settings):
        raise NoTargetError(NOT_LISTED)
    return Target(secret)


def is_listed(parts: SplitResult, settings: Settings) -> bool:
    """Whether a webhook of the page may go there: a host that is listed, at the usual port or one listed with it."""
    host, usual, listed = parts.hostname or "", PORTS.get(parts.scheme), listed_hosts(settings)
    port = parts.port or usual
    names = {host, f"[{host}]"}
    return any(f"{name}:{port}" in listed or (port == usual and name in listed) for name in names)


def listed_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that webhooks of the page may name, some with a port, as the setting has them."""
    return frozenset(host.strip().lower() for host in settings.webhook_hosts.split(",") if host.strip())


def trusted_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that the environment names: they may be of a private network. Slack's own, by default, may not."""
    urls = [settings.slack_api_url, *filter(None, [settings.slack_webhook_url])]
    named = {urlsplit(url).hostname or "" for url in urls}
    named |= {name for host in listed_hosts(settings) for name in _names(host)}
    return frozenset(named - {"slack.com", "hooks.slack.com"})


def _names(listed: str) -> tuple[str, ...]:
    """The host of an entry of the setting, with or without its port; an address of IPv6 has colons of its own."""
    host, _, port = listed.rpartition(":")
    return (listed, host.strip("[]")) if port.isdigit() and host else (listed.strip("[]"),)


def _opened(claimed: AlertClaimed, settings: Settings) -> str:
    try:
        key = sealing_key(settings)
    except BadSettingError:
        key = None
    if key is None:
        raise NoTargetError(NO_KEY)
    try:
        return unseal(claimed.sealed or b"", f"channels|{claimed.channel}|sealed", key)
    except SealBrokenError:
        raise NoTargetError(OTHER_KEY) from None
