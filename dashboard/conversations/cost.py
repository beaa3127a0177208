"""What one conversation cost: request by request, by branch, by model and by class of token. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.totals.sums import Sums, together
from sql.rows.conversations import ConversationRequestRow

MAIN = "main"


@dataclass(frozen=True, slots=True)
class Part:
    """Some of its requests together: a branch or a model. ``first`` is the place of the first of them."""

    name: str
    sums: Sums
    first: int


@dataclass(frozen=True, slots=True)
class Step:
    """Requests that follow one another and share a bar: places from ``first`` to ``last``, sums by branch."""

    first: int
    last: int
    sums: Mapping[str, Sums]

    @property
    def total(self) -> Sums:
        """All of them."""
        return together(self.sums.values())


def sums_of_request(row: ConversationRequestRow) -> Sums:
    """One request as sums; what is unknown counts nothing, and a cost that should be known is counted as unpriced."""
    ended = row.outcome is not None
    return Sums(
        requests=1,
        ok=int(row.outcome == "ok"),
        cancelled=int(row.outcome == "client_cancelled"),
        rejected=int(row.outcome == "rejected"),
        input_tokens=row.input_tokens or 0,
        output_tokens=row.output_tokens or 0,
        cache_creation_input_tokens=row.cache_creation_input_tokens or 0,
        cache_read_input_tokens=row.cache_read_input_tokens or 0,
        ephemeral_5m_input_tokens=row.ephemeral_5m_input_tokens or 0,
        ephemeral_1h_input_tokens=row.ephemeral_1h_input_tokens or 0,
        cost_usd=row.cost_usd or Decimal(0),
        priced=int(row.cost_usd is not None),
        unpriced=int(ended and row.cost_usd is None and row.cost_reason is not None),
        estimated=int(bool(row.cost_estimated)),
    )


def branch_of(row: ConversationRequestRow) -> str:
    """The branch a request is on; side calls stand apart."""
    return row.branch_id or (f"side call: {row.side_call}" if row.side_call else MAIN)


def model_of(row: ConversationRequestRow) -> str:
    """The model that answered; where none did, the one asked for."""
    return row.answered_model or row.model or ""


def parts(rows: Sequence[ConversationRequestRow], name: Callable[[ConversationRequestRow], str]) -> list[Part]:
    """The requests by what ``name`` says of them, the dearest first."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(name(row), []).append(place)
    made = [Part(one, together(sums_of_request(rows[place]) for place in own), own[0]) for one, own in places.items()]
    return sorted(made, key=lambda part: (-part.sums.cost_usd, -part.sums.tokens, part.first))


def steps(rows: Sequence[ConversationRequestRow], most: int) -> list[Step]:
    """The requests in order as at most so many steps of equal length; up to ``most`` requests have one each."""
    length = max(1, -(-len(rows) // most))
    return [_step(rows, first, min(first + length, len(rows))) for first in range(0, len(rows), length)]


def _step(rows: Sequence[ConversationRequestRow], first: int, end: int) -> Step:
    sums = {part.name: part.sums for part in parts(rows[first:end], branch_of)}
    return Step(first, end - 1, sums)


def dearest(rows: Sequence[ConversationRequestRow], most: int) -> list[int]:
    """The places of the requests that cost the most, the dearest first."""
    priced: Iterable[int] = (place for place, row in enumerate(rows) if row.cost_usd)
    return sorted(priced, key=lambda place: (-(rows[place].cost_usd or 0), place))[:most]
