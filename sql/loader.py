"""Queries by name, read from the files of ``queries/``; a file holds several.

Each is opened by a comment::

    -- name: requests_of_train
    -- What the query answers, in a sentence or two.
    -- returns: RequestSummary
    -- order: id DESC

or, where it is another query of the same file with one condition more, which another index serves::

    -- name: requests_of_account
    -- Of requests_of_train those that one account paid for.
    -- narrows: requests_of_train
    AND r.account = $3;

``returns`` names the row class in ``sql/rows``; a query without it returns no rows. ``order`` makes a list of one
train ($1 = train, last parameter = limit) fit for ``sql.union``, and repeats its ORDER BY in terms of its columns.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

QUERIES = Path(__file__).parent / "queries"

_OPENING = re.compile(r"^-- name: *", re.MULTILINE)
_HEADER = re.compile(r"^-- (?:(returns|order|narrows): *)?(.*)$")


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement: what it answers (a sentence), the row class it returns, its order where it is a list."""

    name: str
    sentence: str
    text: str
    returns: str | None = None
    order: str | None = None


@cache
def queries() -> Mapping[str, Query]:
    """All queries of ``queries/``, read once. Raises ValueError where two share a name or one lacks its sentence."""
    found: dict[str, Query] = {}
    for path in sorted(QUERIES.glob("*.sql")):
        for query in parse(path.read_text(encoding="utf-8")):
            if query.name in found:
                raise ValueError(f"{path.name}: a second query is called {query.name}")
            found[query.name] = query
    return MappingProxyType(found)


def parse(text: str) -> Iterator[Query]:
    """The queries in the text of one file."""
    head, *sections = _OPENING.split(text)
    if head.strip() and not all(line.startswith("--") for line in head.strip().splitlines()):
        raise ValueError("a query file starts with `-- name: …`")
    found: dict[str, Query] = {}
    for section in sections:
        query = _query(section, found)
        found[query.name] = query
        yield query


def _query(section: str, above: Mapping[str, Query]) -> Query:
    name, *lines = section.strip().splitlines()
    sentences: list[str] = []
    facts: dict[str, str] = {}
    while lines and (header := _HEADER.match(lines[0])):
        lines.pop(0)
        if header[1]:
            facts[header[1]] = header[2].strip()
        else:
            sentences.append(header[2].strip())
    statement = "\n".join(lines).strip().removesuffix(";")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name.strip()) or not sentences or not statement:
        raise ValueError(f"query {name!r} needs a name in snake case, a sentence and a statement")
    query = Query(name.strip(), " ".join(sentences), statement, facts.get("returns"), facts.get("order"))
    return _narrowed(query, above.get(facts["narrows"])) if "narrows" in facts else query


def _narrowed(query: Query, whole: Query | None) -> Query:
    """The whole list with the query's condition added before its order."""
    if whole is None or not query.text.startswith("AND ") or query.returns or query.order:
        raise ValueError(f"{query.name} must be an AND on a query above it, and nothing more")
    before, order, behind = whole.text.rpartition("\nORDER BY ")
    return Query(query.name, query.sentence, f"{before}\n    {query.text}{order}{behind}", whole.returns, whole.order)
