"""The address of a list: its filters, its cursor, and the way back through the pages that led here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dashboard.pages.shell import address
from dashboard.period import Period
from dashboard.recordings.query import Paged

LONGEST_TRAIL = 40

Chosen = dict[str, str]
"""The filters that are set, by their names in the address."""


def written(query: Paged, names: Iterable[str]) -> Chosen:
    """The filters of these names that are set."""
    given = {name: getattr(query, name) for name in names}
    fields = type(query).model_fields
    return {fields[name].alias or name: as_text(value) for name, value in given.items() if value not in (None, ())}


def as_text(value: Any) -> str:
    """A filter's value as it stands in an address."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def without(chosen: Chosen, key: str) -> dict[str, str]:
    """The other filters."""
    return {name: value for name, value in chosen.items() if name != key}


class ListAddress:
    """Where a list is and where its links lead."""

    def __init__(self, path: str, query: Paged, chosen: Chosen, period: Period) -> None:
        """``chosen`` are the filters; the period counts as one, the zone is kept whatever is removed."""
        self._path = path
        self._before = getattr(query, "before", None)
        self._period = period
        self.chosen = chosen | period.range
        self.size = {} if query.size == 50 else {"per_page": query.size}
        self.newest = self._to(self.chosen)
        self.cleared = self._to({})

    def chips(
        self, titles: Mapping[str, str], words: Mapping[str, Mapping[str, str]] | None = None
    ) -> list[tuple[str, str, str]]:
        """Each filter's title and value, and the address without it."""
        named = {**titles, "range": "Period"}
        known = {**(words or {}), "range": {self._period.text: self._period.label}}
        return [
            (named[key], known.get(key, {}).get(value, value), self._to(without(self.chosen, key)))
            for key, value in self.chosen.items()
        ]

    def hidden(self, shown: Collection[str]) -> list[tuple[str, str]]:
        """What a form of filters sends along besides the fields it shows."""
        rest = {**self.chosen, **self.size, **self._period.tz}
        return [(name, str(value)) for name, value in rest.items() if name not in shown]

    def changed(self, values: Mapping[str, str]) -> str:
        """The list with other filters of these names; empty ones are left out."""
        return self._to({**self.chosen, **values, **self.size})

    def links(self, trail: Sequence[str], cursor: object | None, shown: Collection[str]) -> dict[str, Any]:
        """What the template of a list draws around its rows: the ways on and back, the files, the form's rest."""
        return {
            "cleared": self.cleared,
            "hidden": self.hidden(shown),
            "newer": self.newer(trail),
            "older": self.older(trail, cursor),
            "newest": self.newest,
            "files": self.files,
        }

    @property
    def files(self) -> list[tuple[str, str]]:
        """The list as data: this page as JSON, all of it as JSON lines and as CSV."""
        here = {**self.chosen, **({"before": self._before} if self._before else {}), **self.size}
        return [
            ("JSON", address(f"{self._path}.json", here)),
            ("JSONL", address(f"{self._path}.jsonl", self.chosen)),
            ("CSV", address(f"{self._path}.csv", self.chosen)),
        ]

    def older(self, trail: Sequence[str], cursor: object | None) -> str | None:
        """The next page."""
        if cursor is None:
            return None
        more = (*trail, str(self._before or "newest"))[-LONGEST_TRAIL:]
        return self._to({**self.chosen, "before": cursor, "trail": ",".join(more), **self.size})

    def newer(self, trail: Sequence[str]) -> str | None:
        """The page before."""
        if self._before is None or not trail:
            return None
        *rest, before = trail
        back = {} if before == "newest" else {"before": before}
        return self._to({**self.chosen, **back, "trail": ",".join(rest), **self.size})

    def _to(self, values: Mapping[str, object]) -> str:
        return address(self._path, {**values, **self._period.tz})
