"""The view Cost of a conversation: what each request added, by branch, model and class of token; the dearest ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from core.access import Permission
from core.conversation_tree import Tree
from dashboard.charts import bars, rise
from dashboard.charts.figure import ESTIMATED, Figure, Key
from dashboard.charts.palette import looks
from dashboard.charts.table import Column, Table, Value
from dashboard.conversations import cost
from dashboard.conversations.address import found_conversation
from dashboard.conversations.held import talk_of
from dashboard.pages.shell import address
from dashboard.pages.table_file import as_csv
from dashboard.render import figures
from dashboard.routing import Call, Query, route
from dashboard.totals.classes import CLASSES, split
from dashboard.totals.sums import Sums, together
from dashboard.totals.wording import (
    COST_FORMULA,
    MEASURES,
    count_cell,
    dollars,
    money_cell,
    percent,
    percent_cell,
    told,
)
from sql.rows.conversations import ConversationRequestRow

MOST_STEPS = 60
DEAREST = 10
OWN = 7
COST = ESTIMATED.told(COST_FORMULA)


@route(
    "GET",
    "/conversations/{id}/cost.csv",
    permission=Permission.READ_BODIES,
    kind="download",
    errors=(404, 503),
)
async def conversation_cost_csv(call: Call[Query]) -> web.Response:
    """Every request of a conversation with its tokens and cost."""
    found = await found_conversation(call)
    tree = (await talk_of(call, found.row)).tree
    return as_csv(table(tree), f"conversation-{found.id}")


def values(tree: Tree[ConversationRequestRow], path: str, purposes: Mapping[str, str]) -> dict[str, Any]:
    """What the template draws."""
    rows = tree.rows
    branches, models = cost.parts(rows, cost.branch_of), cost.parts(rows, cost.model_of)
    whole = together(part.sums for part in branches)
    cut = cost.steps(rows, MOST_STEPS)
    return {
        "whole": whole,
        "by_step": _by_step(cut, branches, whole, path),
        "rising": None if whole.cost is None else _rising(cut, path),
        "by_branch": _parts(branches, "Branch", whole),
        "by_model": _parts(models, "Model", whole),
        "by_class": split(whole, key="by-class"),
        "branches": [(part, purposes.get(part.name)) for part in branches],
        "dearest": [(place, rows[place]) for place in cost.dearest(rows, DEAREST)],
        "reasons": sorted({row.cost_reason for row in rows if row.cost_reason}),
        "cost_csv": address(f"{path}/cost.csv", {}),
    }


def table(tree: Tree[ConversationRequestRow]) -> Table:
    """Every request with its figures, for CSV."""
    columns = tuple(Column(name, name) for name in _FIELDS)
    total = 0
    rows: list[tuple[Value, ...]] = []
    for place, row in enumerate(tree.rows):
        total += row.cost_usd or 0  # type: ignore[assignment]  # 0 before the first Decimal
        rows.append((place + 1, str(row.id), *(getattr(row, name, None) for name in _READ), cost.branch_of(row), total))
    return Table(columns, tuple(rows))


_READ = ("started_at", "answered_model", "outcome", "input_tokens", "ephemeral_5m_input_tokens",
         "ephemeral_1h_input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens",
         "cost_usd", "cost_estimated", "cost_reason")  # fmt: skip
_FIELDS = ("number", "request_id", *_READ, "branch", "cumulative_cost_usd")


def _label(step: cost.Step) -> str:
    return f"{step.first + 1}" if step.first == step.last else f"{step.first + 1}–{step.last + 1}"


def _by_step(cut: Sequence[cost.Step], branches: Sequence[cost.Part], whole: Sums, path: str) -> Figure:
    own = branches if len(branches) <= OWN + 1 else branches[:OWN]
    rest = branches[len(own) :]
    titles = [part.name for part in own] + ([f"other ({len(rest)})"] if rest else [])
    groups = [[part] for part in own] + ([list(rest)] if rest else [])
    series = [
        bars.Series(title, look, tuple(_usd(step, {part.name for part in group}) for step in cut))
        for title, look, group in zip(titles, looks(titles, others=bool(rest)), groups, strict=True)
    ]
    buckets = [bars.Bucket(_label(step), f"request {_label(step)}") for step in cut]
    finding = _finding(cut, whole)
    drawing = bars.stacked(buckets, series, dollars, label=f"Cost by request. {finding}")
    keys = tuple(_key(each, group, path) for each, group in zip(series, groups, strict=True))
    columns = (
        Column("Requests", "requests", number=False),
        *(Column(each.name, each.name, money_cell) for each in series),
        Column("Together", "cost_usd", money_cell),
    )
    lines = tuple(
        (_label(step), *(each.values[place] for each in series), step.total.cost) for place, step in enumerate(cut)
    )
    return Figure(
        "by-step", "Cost by request and branch", finding, drawing, Table(columns, lines), COST, keys,
        "requests in the order in which they began", f"{path}/cost.csv",
    )  # fmt: skip


def _key(series: bars.Series, group: Sequence[cost.Part], path: str) -> Key:
    """A line of the key: a single branch leads to its newest request."""
    total = told(MEASURES["cost"], together(part.sums for part in group))
    return Key(series.name, series.look, total, address(path, {"branch": group[0].name}) if len(group) == 1 else None)


def _usd(step: cost.Step, names: set[str]) -> float | None:
    sums = together(sums for name, sums in step.sums.items() if name in names)
    return None if sums.cost is None else float(sums.cost)


def _finding(cut: Sequence[cost.Step], whole: Sums) -> str:
    if whole.cost is None:
        return f"No price is known for any of {figures.plural(whole.unpriced, 'request')}."
    best = max(cut, key=lambda step: step.total.cost_usd)
    share = percent(float(best.total.cost_usd / whole.cost_usd)) if whole.cost_usd else percent(None)
    which = (
        f"request {_label(best)} is the dearest"
        if best.first == best.last
        else f"requests {_label(best)} are the dearest"
    )
    unpriced = (
        f"; without {figures.plural(whole.unpriced, 'request')} that no price is known for" if whole.unpriced else ""
    )
    found = f"{figures.money(whole.cost)} in {figures.plural(whole.requests, 'request')}"
    return f"{found}; {which} with {share} of it{unpriced}."


def _rising(cut: Sequence[cost.Step], path: str) -> Figure:
    added = [float(step.total.cost_usd) for step in cut]
    half = _half(added)
    finding = f"Half of the cost was reached by request {cut[half].last + 1} of {cut[-1].last + 1}."
    words = [(place / len(cut), str(cut[place].first + 1)) for place in range(0, len(cut), max(1, len(cut) // 6))]
    drawing = rise.drawn(added, words, dollars, label=f"Cost added up. {finding}")
    sums, lines = 0.0, []
    for step, amount in zip(cut, added, strict=True):
        sums += amount
        lines.append((_label(step), amount, sums))
    columns = (
        Column("Requests", "requests", number=False),
        Column("Added", "added_usd", money_cell),
        Column("So far", "so_far_usd", money_cell),
    )
    return Figure(
        "rising", "Cost added up", finding, drawing, Table(columns, tuple(lines)), COST, csv=f"{path}/cost.csv"
    )


def _half(added: Sequence[float]) -> int:
    wanted, sums = sum(added) / 2, 0.0
    for place, amount in enumerate(added):
        sums += amount
        if sums >= wanted:
            return place
    return len(added) - 1


def _parts(parts: Sequence[cost.Part], title: str, whole: Sums) -> Table:
    columns = (
        Column(title, title.lower(), number=False),
        Column("Requests", "requests", count_cell),
        *(Column(each.title, each.key, count_cell, about=each.about) for each in CLASSES),
        Column("Cost", "cost_usd", money_cell, about=COST_FORMULA),
        Column("Share", "share", percent_cell),
        Column(
            "Estimated", "estimated", count_cell, about="Requests whose cost rests on a guess or an unconfirmed rate"
        ),
        Column("Unpriced", "unpriced", count_cell, about="Requests that no price is known for"),
    )
    return Table(columns, tuple(_line(part.name, part.sums, whole) for part in parts))


def _line(name: str, sums: Sums, whole: Sums) -> tuple[Value, ...]:
    share = float(sums.cost_usd / whole.cost_usd) if whole.cost_usd else None
    classes = (each.value(sums) for each in CLASSES)
    return (name or "no model named", sums.requests, *classes, sums.cost, share, sums.estimated, sums.unpriced)
