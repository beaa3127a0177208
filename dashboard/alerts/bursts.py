"""Bursts of errors: of a train, and of an account whose calls break in more than one train.

Where all that broke of an account is of one train that is told of anyway, or was until a moment ago, it is not told
twice; the train's alert names the account then, and goes to its channel where the train has none.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from core.alerts.kinds import Kind, Tone
from core.alerts.told import Told
from core.alerts.watch import Measure
from core.alerts.watch_words import plain
from dashboard.alerts.look import Found, Given, found
from dashboard.render import figures
from dashboard.totals.wording import percent
from dashboard.trains import account_names
from sql.database import Database
from sql.rows.alerts_watch import AlertBurstOver, AlertCalls, AlertFailure
from sql.rows.directory import AccountRow

KINDS: Final = (Kind.BURST,)
WITHIN: Final = timedelta(minutes=10)
LONGEST: Final = timedelta(minutes=30)
"""Calls that began earlier are not looked at: a stream that stalled may have run so long."""
MOST: Final = 2000
"""Calls of a train that are looked at."""
LEAST_SHARE: Final = 0.2
OVER_SHARE: Final = 0.1
"""Below this share of the calls a burst is over, as it is below half of its number."""
GRAVE_SHARE: Final = 0.5
_WORDS: Final[Mapping[str, str]] = {
    "stream_error": "error in the stream", "upstream_reset": "connection reset", "upstream_incomplete": "broken off",
    "upstream_timeout": "stalled", "upstream_unreachable": "not reached", "proxy_crash": "broken by a crash",
}  # fmt: skip


@dataclass(slots=True)
class Burst:
    """What broke of a train or of an account."""

    failures: int = 0
    calls: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    trains: set[int] = field(default_factory=set)
    accounts: set[int] = field(default_factory=set)
    first_at: datetime | None = None

    def add(self, row: AlertFailure) -> None:
        """Count some in."""
        self.failures += row.failures
        said = str(row.status_code) if row.outcome == "upstream_error" else _WORDS.get(row.outcome, row.outcome)
        self.kinds[said] += row.failures
        self.trains.add(row.train)
        self.accounts.add(row.account or 0)
        self.first_at = row.first_at if self.first_at is None else min(self.first_at, row.first_at)

    @property
    def share(self) -> float:
        """Of the calls; the sums count by when a call began, the failures by when it ended."""
        return self.failures / max(self.failures, self.calls)

    @property
    def loud(self) -> bool:
        """Whether these are enough of all calls."""
        return self.share >= LEAST_SHARE


async def look(database: Database, given: Given) -> Found:
    """What broke in the last minutes. Raises sql's errors."""
    since = given.now - WITHIN
    rows = await database.fetch("alert_failures", AlertFailure, sorted(given.trains), given.now - LONGEST, since, MOST)
    numbers = sorted({row.train for row in rows})
    until = given.now + WITHIN  # the clocks of proxies may be ahead
    counted = await database.fetch("alert_calls", AlertCalls, sorted(given.trains), since, until) if numbers else []
    accounts = await account_names(database, {row.account for row in rows if row.account})
    trains, by_account = _of_trains(rows, counted), _of_accounts(rows, counted, accounts)
    least = min(given.rules[Kind.BURST].thresholds, default=1.0)
    told = {train for train, burst in trains.items() if burst.loud and burst.failures >= least}
    told |= {row.train for row in given.open_of(Kind.BURST) if row.train is not None}
    over = await _over(database, since) if by_account else {}
    measures = [(burst, _train(given, train, burst, accounts)) for train, burst in trains.items()]
    worth = [measure for burst, measure in measures if burst.loud]
    # A name is one account, whatever numbers it was filed under.
    for name, burst in by_account.items():
        measures.append((burst, _account(given, name, burst, accounts)))
        if burst.loud and not _is_told(burst, told, over):
            worth.append(measures[-1][1])
    every = [measure for _, measure in measures]
    return found(given, Kind.BURST, every, worth, gone="None broke for 10 minutes.")


async def _over(database: Database, since: datetime) -> dict[int, datetime]:
    """When trains' bursts were over: one ends also where others' calls are so many that its share is small."""
    return {row.train: row.over_at for row in await database.fetch("alert_bursts_over", AlertBurstOver, since)}


def _is_told(burst: Burst, told: Collection[int], over: Mapping[int, datetime]) -> bool:
    """Whether all that broke of an account is of one train that is told of, or of which some of it was told."""
    if len(burst.trains) != 1:
        return False
    [train] = burst.trains
    return train in told or (train in over and burst.first_at is not None and burst.first_at <= over[train])


def _of_trains(rows: Sequence[AlertFailure], counted: Sequence[AlertCalls]) -> dict[int, Burst]:
    found: dict[int, Burst] = {}
    for row in rows:
        found.setdefault(row.train, Burst()).add(row)
    for one in counted:
        if one.train in found:
            found[one.train].calls += one.calls
    return found


def _of_accounts(
    rows: Sequence[AlertFailure], counted: Sequence[AlertCalls], accounts: Mapping[int, AccountRow]
) -> dict[str, Burst]:
    found: dict[str, Burst] = {}
    for row in rows:
        if row.account is not None and row.account in accounts:
            found.setdefault(accounts[row.account].account_id, Burst()).add(row)
    for one in counted:
        if one.account in accounts:
            found[accounts[one.account].account_id].calls += one.calls
    return found


def _train(given: Given, train: int, burst: Burst, accounts: Mapping[int, AccountRow]) -> Measure:
    name = given.trains[train]
    ids = sorted({accounts[one].account_id for one in burst.accounts if one in accounts})
    fields = (("Train", name), *((("Account", plain(", ".join(ids), 200)),) if ids else ()))
    told = _told(given, name, burst, fields, {"trainId": name})
    only = burst.accounts if len(ids) == 1 and 0 not in burst.accounts else ()
    return _measure(f"train {name}", burst, told, train=train, account=min(only, default=None))


def _account(given: Given, name: str, burst: Burst, accounts: Mapping[int, AccountRow]) -> Measure:
    number = min(one for one in burst.accounts if one in accounts)
    title = plain(accounts[number].display_name or name, 128)
    trains = ", ".join(sorted(given.trains[one] for one in burst.trains))
    told = _told(given, title, burst, (("Account", title), ("Trains", plain(trains, 200))), {"accountId": name})
    return _measure(f"account {name}", burst, told, account=number)


def _told(
    given: Given, name: str, burst: Burst, fields: tuple[tuple[str, str], ...], wanted: Mapping[str, str]
) -> Told:
    first = burst.first_at or given.now
    kinds = ", ".join(f"{number} × {kind}" for kind, number in burst.kinds.most_common(6))
    since = (first - WITHIN).astimezone(UTC).replace(microsecond=0, tzinfo=None)
    return Told(
        title=f"{name}: {figures.plural(burst.failures, 'call')} broke within 10 minutes",
        cause=f"That is {percent(burst.share)} of the calls. The first broke at {given.moment(first, Kind.BURST)}.",
        fields=(*fields, ("What broke", kinds)),
        path="/requests?" + urlencode({"outcome": "failed", **wanted, "since": f"{since.isoformat()}Z"}),
        page="The failed calls",
    )


def _measure(
    subject: str, burst: Burst, told: Told, *, train: int | None = None, account: int | None = None
) -> Measure:
    return Measure(
        Kind.BURST,
        subject,
        float(burst.failures) if burst.share >= OVER_SHARE else 0.0,
        told,
        f"{burst.failures} of {figures.plural(max(burst.failures, burst.calls), 'call')} within 10 minutes",
        train,
        account,
        tone=Tone.DANGER if burst.share >= GRAVE_SHARE else Tone.WARNING,
    )
