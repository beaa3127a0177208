"""What was used and what it cost is what the API sent, to the last token and to 1e-9 dollars."""

import ast
from pathlib import Path
from typing import Any

from tests.traffic import audit
from tests.traffic.day import compare, play


async def test_a_day_of_traffic(database_url: str, connection: Any, tmp_path: Path) -> None:
    """500 calls of all models, cut, with fallbacks, batches, 1 h writes: the roll-ups equal an outsider's sums."""
    book = await play(database_url, tmp_path, 500, seed=4)
    sums = await compare(connection, book)
    assert all(sums.values()), sums
    kinds = await connection.fetch("SELECT cost_reason, count(*) FROM requests GROUP BY 1")
    assert len(kinds) > 6


def test_the_audit_knows_nothing_of_us() -> None:
    """It imports the standard library only."""
    tree = ast.parse(Path(audit.__file__).read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"json", "sys", "collections", "fractions", "pathlib"}
