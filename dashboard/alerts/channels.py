"""Channels as people set them: their secrets go in sealed and never come out of here."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, cast

from core.access import Principal
from core.alerts.kinds import KINDS, Kind
from core.alerts.told import Told
from core.errors import BadSettingError
from core.settings import Settings, check_webhook
from dashboard.alerts.answers import ChannelAnswer, ChannelChange, ChannelGiven
from dashboard.alerts.log import needs_whole
from dashboard.notifier.target import NOT_SET, is_listed, listed_hosts
from dashboard.problems import Problem
from dashboard.sealing import seal
from dashboard.secret import sealing_key
from dashboard.trains import visible_trains
from sql.database import Database
from sql.rows.alerts_deliver import NotifiersDiffer
from sql.rows.alerts_pages import AccountNumber, AlertNumber, ChannelNumber, ChannelRow

NONE: Final = "there is no such channel, or it is not yours to see"
UNSEALABLE: Final = (
    "this installation has no secret key yet, so nothing can be sealed: start the proxy once, which makes one in the "
    "data folder, or set FOOTPLATE_SECRET_KEY, then start the dashboard again"
)
PATH: Final = "/alerts/channels"
SHOWN_OF_A_SECRET: Final = 4
LEAST_TO_SHOW: Final = 24
"""Characters a secret must have before its end is shown: of a short one that would be too much of it."""
_TOKEN: Final = re.compile(r"xoxb-[A-Za-z0-9-]{10,200}")
LONGEST_URL: Final = 1000
BY_HAND: Final = "switched off by"
"""How the reason begins where a person switched a channel off, not Slack."""


async def channels_seen(database: Database, principal: Principal) -> list[ChannelRow]:
    """The channels: all, or for one who sees some trains only those of theirs and of the installation."""
    found = await database.fetch("channels_shown", ChannelRow, None)
    # The row of a SLACK_WEBHOOK_URL that was taken out of the environment stays for the log; it is no channel any more.
    rows = [row for row in found if not (row.origin == "environment" and row.off_reason == NOT_SET)]
    if principal.trains is None:
        return rows
    return [row for row in rows if row.account is None and (row.train is None or row.train_name in principal.trains)]


async def webhooks_differ(database: Database) -> bool:
    """Whether the dashboards that run now have different webhooks of the environment."""
    found = await database.fetch_one("notifiers_differ", NotifiersDiffer)
    return found is not None and found.differ


async def add(database: Database, settings: Settings, principal: Principal, given: ChannelGiven) -> ChannelRow:
    """A new channel. Raises Problem 404 for a train or account that is not to be seen, 409, 422 with the field."""
    secret = given.secret.get_secret_value().strip()
    if given.train_id and given.account_id:
        raise _refused("account_id", "a channel is of a train, or of an account, or of the whole installation")
    masked = masked_webhook(_checked(secret, settings)) if given.kind == "webhook" else masked_token(secret)
    if (given.kind == "bot") != (given.destination is not None):
        raise _refused("destination", "a bot needs the id of the Slack channel it writes to, as C0123456789; else none")
    train, account = await _place(database, principal, given)
    key = _key(settings)
    async with database.transaction() as inside:
        number = await inside.fetch_one("channel_number", ChannelNumber)
        assert number is not None  # noqa: S101  a sequence always has a next number
        sealed = seal(secret, f"channels|{number.channel}|sealed", key)
        made = await inside.fetch_one(
            "channel_put", ChannelNumber, number.channel, given.name.strip(), given.kind, sealed, masked,
            given.destination, train, account, principal.name,
        )  # fmt: skip
        if made is None:
            raise Problem(409, "a channel of this name, or one of this place, is there: delete that one first")
    return await _one(database, number.channel)


async def change(database: Database, principal: Principal, number: int, given: ChannelChange) -> ChannelRow:
    """Another name, or switched on or off. Raises Problem 404, 409 where the name is taken."""
    await channel_seen(database, principal, number)
    name = (given.name or "").strip()
    if name and await database.fetch_one("channel_rename", ChannelNumber, number, name) is None:
        raise Problem(409, "another channel has this name")
    if given.on is not None:
        reason = None if given.on else f"{BY_HAND} {principal.name}"
        await database.fetch("channel_switch", ChannelNumber, number, reason)
    return await _one(database, number)


async def delete(database: Database, principal: Principal, number: int) -> None:
    """A channel is no more. Raises Problem 404, 409 for the environment's."""
    row = await channel_seen(database, principal, number)
    if row.origin == "environment":
        raise Problem(
            409, "this channel is that of SLACK_WEBHOOK_URL: take it out of the environment, or switch it off"
        )
    await database.fetch("channel_delete", ChannelNumber, number)


async def test(database: Database, principal: Principal, number: int) -> int:
    """Put a message that tries the channel into the outbox; returns its number. Raises Problem 404."""
    row = await channel_seen(database, principal, number)
    now = datetime.now(UTC)
    told = Told(
        title="Footplate can write here",
        cause=f"{principal.name} tried this channel at {now:%Y-%m-%d %H:%M} UTC. Nothing is wrong.",
        fields=(("Channel", row.name), ("For", of_words(row))),
        path=PATH,
        page="Open the channels",
    )
    matters = KINDS[Kind.TEST].matters_for or timedelta(minutes=5)
    raised = await database.fetch_one(
        "channel_test",
        AlertNumber,
        number,
        f"test:{number}:{secrets.token_hex(8)}",
        told.model_dump_json(),
        now + matters,
    )
    if raised is None:
        raise Problem(404, NONE)
    return raised.alert


async def channel_seen(database: Database, principal: Principal, number: int) -> ChannelRow:
    """One channel that a principal may change. Raises Problem 404, 403 where it is not of one of his trains."""
    row = await _one(database, number)
    if principal.trains is not None and row.train_name not in principal.trains:
        if row.train is None and row.account is None:
            needs_whole(principal)
        raise Problem(404, NONE)
    return row


def unsealable(settings: Settings) -> str:
    """Why no secret can be kept here, and what to do; nothing where it can."""
    try:
        _key(settings)
    except Problem as problem:
        return problem.message
    return ""


def off_by_hand(row: ChannelRow) -> bool:
    """Whether a person switched it off, so that nothing is wrong with it."""
    return (row.off_reason or "").startswith(BY_HAND)


def number_of(text: str) -> int:
    """A channel's number in an address. Raises Problem 404 for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Problem(404, NONE)
    return int(text)


def of_words(row: ChannelRow) -> str:
    """Whose messages go there."""
    if row.train_name is not None:
        return f"train {row.train_name}"
    if row.account is not None:
        return f"account {row.account_name or row.account_id}"
    return "the whole installation"


def masked_webhook(url: str) -> str:
    """What may be shown of a webhook: where it goes, and its end where that is a small part of it."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    end = path[-SHOWN_OF_A_SECRET:] if len(path) >= LEAST_TO_SHOW else ""
    return f"{scheme}://{host}/…{end}"[:200]


def masked_token(token: str) -> str:
    """What may be shown of a bot's token. Raises Problem 422 for what is none."""
    if not _TOKEN.fullmatch(token):
        raise _refused("secret", "a bot's token begins with xoxb-: Slack shows it under OAuth & Permissions")
    return f"xoxb-…{token[-SHOWN_OF_A_SECRET:]}" if len(token) >= LEAST_TO_SHOW else "xoxb-…"


def channel_answer(row: ChannelRow) -> ChannelAnswer:
    """A channel as the JSON API says it."""
    return ChannelAnswer(
        id=row.channel,
        name=row.name,
        kind=cast("Literal['webhook', 'bot']", row.kind),
        origin=cast("Literal['environment', 'page']", row.origin),
        masked=row.masked,
        destination=row.destination,
        train_id=row.train_name,
        account_id=row.account_id,
        on=row.off_at is None,
        off_reason=row.off_reason,
        off_at=row.off_at,
        not_before=row.not_before,
        failures=row.failures,
        last_sent_at=row.last_sent_at,
        last_test=row.test,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _checked(url: str, settings: Settings) -> str:
    """The webhook's address, checked; never quoted."""
    try:
        parts = check_webhook(url[: LONGEST_URL + 1], "the webhook")
    except ValueError as exc:
        # Said without what was sent; a webhook's address is its secret.
        raise _refused("secret", str(exc)) from None
    if not is_listed(parts, settings) or len(url) > LONGEST_URL:
        hosts = ", ".join(sorted(listed_hosts(settings))) or "none"
        raise _refused("secret", f"webhooks may go to these hosts only: {hosts} (FOOTPLATE_WEBHOOK_HOSTS)")
    return url


async def _place(database: Database, principal: Principal, given: ChannelGiven) -> tuple[int | None, int | None]:
    if given.train_id is not None:
        trains = await visible_trains(database, principal, [given.train_id])
        if not trains:
            raise Problem(
                404, "there is no such train, or it is not yours to see", [_detail("train_id", "no such train")]
            )
        return next(iter(trains)), None
    needs_whole(principal)
    if given.account_id is None:
        return None, None
    found = await database.fetch_one("account_bearing", AccountNumber, given.account_id)
    if found is None:
        raise Problem(404, "there is no such account", [_detail("account_id", "no such account")])
    return None, found.account


def _key(settings: Settings) -> bytes:
    try:
        key = sealing_key(settings)
    except BadSettingError as exc:
        raise Problem(409, str(exc)) from exc
    if key is None:
        raise Problem(409, UNSEALABLE)
    return key


async def _one(database: Database, number: int) -> ChannelRow:
    row = await database.fetch_one("channels_shown", ChannelRow, number)
    if row is None:
        raise Problem(404, NONE)
    return row


def _refused(field: str, words: str) -> Problem:
    return Problem(422, f"{field}: {words}", [_detail(field, words)])


def _detail(field: str, words: str) -> dict[str, str]:
    return {"field": field, "message": words}
