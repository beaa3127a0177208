"""The top of every page: which trains and which period it is about, as links that keep all else of its address."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from core.access import Permission
from dashboard.access import declared_route
from dashboard.period import OFFERED, Period, label_of
from dashboard.routing import DATABASE, PERIOD, PRINCIPAL
from dashboard.trains import visible_trains

TRAINS = web.RequestKey("trains", dict[int, str])
"""Numbers and names of the trains the reader may see, on pages that are about a period."""
PLACE = frozenset({"before", "cursor", "trail", "page", "offset"})
"""Where in a list somebody is: another train or period begins at its top again."""
OTHER_TIMES = frozenset({"range", "from", "to", "since", "until", "dateFrom", "dateTo"})
MOST_NAMED = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of a menu."""

    words: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class Header:
    """What the top of a page offers; a page without trains or period leaves these out."""

    period: Period | None
    ranges: list[Choice]
    frozen: str
    rest: list[tuple[str, str]]
    """The fields that the form of two dates sends along."""
    path: str
    trains: list[Choice]
    train: str

    @property
    def first_day(self) -> str:
        """The first day as an input of dates takes it."""
        day = None if self.period is None else self.period.first_day
        return "" if day is None else day.isoformat()

    @property
    def last_day(self) -> str:
        """The last day as an input of dates takes it."""
        return "" if self.period is None or self.period.since is None else self.period.last_day.isoformat()


@web.middleware
async def know_trains(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read which trains there are before a page that is about some of them. The page needs the database anyway."""
    declared = declared_route(request)
    offers = declared is not None and declared.kind == "page" and declared.period is not None
    if offers and declared is not None and declared.permission is not Permission.PUBLIC:
        request[TRAINS] = await visible_trains(request.app[DATABASE], request[PRINCIPAL])
    return await handler(request)


def header_of(request: web.Request) -> Header:
    """The header of the page that answers this request."""
    given = list(request.query.items())
    declared = declared_route(request)
    default = None if declared is None else declared.period
    period = None if default is None else request.get(PERIOD)
    wanted = wanted_trains(request)
    return Header(
        period=period,
        ranges=[] if period is None else list(_ranges(request.path, given, period, default or "all")),
        frozen="" if period is None else _with(request.path, given, {"range": period.frozen}, OTHER_TIMES),
        rest=[(name, value) for name, value in given if value and name not in PLACE | OTHER_TIMES],
        path=request.path,
        trains=list(_trains(request.path, given, request.get(TRAINS, {}).values(), wanted)),
        train=", ".join(wanted) if 0 < len(wanted) <= MOST_NAMED else f"{len(wanted)} trains" if wanted else "all",
    )


def kept_of(request: web.Request) -> Mapping[str, str]:
    """Train, period and zone of the address, for the links to other pages."""
    period = request.get(PERIOD)
    kept = {} if period is None else period.range | period.tz
    return {"trainId": ",".join(wanted_trains(request))} | kept


def wanted_trains(request: web.Request) -> list[str]:
    """The trains that the address names."""
    parts = [part.strip() for value in request.query.getall("trainId", []) for part in value.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def _ranges(path: str, given: list[tuple[str, str]], period: Period, default: str) -> Iterable[Choice]:
    for text in OFFERED:
        changed = {"range": "" if text == default else text}
        yield Choice(label_of(text), _with(path, given, changed, OTHER_TIMES), text == period.text)


def _trains(
    path: str, given: list[tuple[str, str]], names: Collection[str], wanted: Collection[str]
) -> Iterable[Choice]:
    if names:
        yield Choice("all trains", _with(path, given, {"trainId": ""}), not wanted)
    for name in sorted(names):
        yield Choice(name, _with(path, given, {"trainId": name}), name in wanted)


def _with(path: str, given: list[tuple[str, str]], changed: Mapping[str, str], gone: Collection[str] = ()) -> str:
    left = [(name, value) for name, value in given if value and name not in {*changed, *gone, *PLACE}]
    left += [(name, value) for name, value in changed.items() if value]
    return f"{path}?{urlencode(left)}" if left else path
