"""What a recorder raises in the transaction that causes it: a model without a price, a call put aside."""

from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from core.alerts.kinds import Kind, Tone
from core.alerts.told import Alert, Told
from core.alerts.watch import key
from core.alerts.watch_words import moment, plain
from core.models import Recording
from core.pricing import NO_PRICE_THEN, UNKNOWN_MODEL, Bill, Unpriced

PUT_ASIDE = "recorder"
"""The subject of all calls put aside."""
LONGEST_MODEL = 160
_PRICELESS = frozenset({UNKNOWN_MODEL, NO_PRICE_THEN})


def priceless(recording: Recording | None, bill: Bill) -> str | None:
    """The model of a call that used tokens nobody knows the price of; None of any other call."""
    if recording is None or not isinstance(bill, Unpriced) or bill.reason not in _PRICELESS:
        return None
    if not (recording.usage.input_tokens or recording.usage.output_tokens):
        return None
    return recording.answered_model or recording.model


def unknown_model(train: int, name: str, model: str, now: datetime) -> Alert:
    """A train uses a model that has no price."""
    shown = plain(model, LONGEST_MODEL)
    told = Told(
        title=f"Model without a price: {shown}",
        cause="Its calls are recorded, but every cost is without them until a price is added.",
        fields=(("Train", name), ("Model", shown), ("First seen", moment(now))),
        path="/prices",
        page="Add a price",
    )
    subject = f"{name}/{shown}"
    return Alert(Kind.UNKNOWN_MODEL, subject, key(Kind.UNKNOWN_MODEL, subject, 0, now), Tone.WARNING, told, train=train)


def put_aside(node: str, train: str, sqlstate: str | None, shown: UUID | None, now: datetime) -> Alert:
    """The database refuses a call; one alert for all of an hour. Never quotes it. ``shown``: it has a page."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    told = Told(
        title="A call was put aside: the database refuses it",
        cause="It is kept whole in the table dead_letters. Further ones of this hour are not told one by one.",
        fields=(
            ("Train", plain(train, 128)),
            ("Recorder of", plain(node, 128)),
            ("Postgres says", sqlstate or "nothing"),
            ("At", moment(now)),
        ),
        path="/requests?" + urlencode({"trainId": train}) if shown is None else f"/requests/{shown}",
        page="The train's calls" if shown is None else "What is left of it",
    )
    return Alert(Kind.DEAD_LETTERS, PUT_ASIDE, key(Kind.DEAD_LETTERS, PUT_ASIDE, 0, hour), Tone.DANGER, told)
