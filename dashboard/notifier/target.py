"""Where a message goes: a channel with its secret opened, which stays in memory only as long as one message takes."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

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
NOT_LISTED: Final = "the host of this webhook is not listed in FOOTPLATE_WEBHOOK_HOSTS"
BROKEN: Final = "this webhook is no address that messages can be sent to: add it again"
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
        host = check_webhook(secret, "webhook").hostname
    except ValueError:
        raise NoTargetError(BROKEN) from None
    if host not in listed_hosts(settings):
        raise NoTargetError(NOT_LISTED)
    return Target(secret)


def listed_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that webhooks of the page may name."""
    return frozenset(host.strip().lower() for host in settings.webhook_hosts.split(",") if host.strip())


def trusted_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that the environment names: they may be of a private network. Slack's own, by default, may not."""
    urls = [settings.slack_api_url, *filter(None, [settings.slack_webhook_url])]
    named = {urlsplit(url).hostname or "" for url in urls} | listed_hosts(settings)
    return frozenset(named - {"slack.com", "hooks.slack.com"})


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
