"""What pages cost: ``python -m tests.bench.pages [--rounds N] [--requests N] [--no-write]``.

Time and size of each page of conversations, with one of 2,000 requests, against the bars of dashboard.md (A10) and
performance.md. The dashboard is a process of its own; times are those of a client on this machine.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

import asyncpg

from deploy.postgres import EmbeddedPostgres
from sql.migrator import migrate
from tests import conversation_scenes as scenes
from tests.bench.report import append
from tests.bench.visits import LISTS, OTHER, WHOLE_TREE, table, visited

SMALL_TALKS = 60


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footplate-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "pg")
        url = server.start()
        try:
            text = asyncio.run(_measure(url, folder, given.requests, given.rounds))
        finally:
            server.stop()
    print(text)
    if not given.no_write:
        append(text, sys.argv[1:], module="tests.bench.pages")
    return 0


async def _measure(url: str, folder: Path, requests: int, rounds: int) -> str:
    await migrate(url)
    connection = await asyncpg.connect(url)
    talk = await scenes.long_talk(connection, requests)
    for number in range(SMALL_TALKS):
        await scenes.small_talk(connection, number=number)
    await scenes.seed_scenes(connection)
    await connection.execute("ANALYZE")
    middle = talk.asked[len(talk.asked) // 2].id
    at = f"/conversations/{talk.conversation}"
    pages = {
        "list of conversations": ("/conversations", LISTS),
        "list, filtered by words": ("/conversations?q=long", LISTS),
        "list of sessions": ("/sessions", LISTS),
        "thread, its end": (at, OTHER),
        "thread, from the middle": (f"{at}?at={middle}", OTHER),
        "graph, folded": (f"{at}?view=graph", OTHER),
        "graph, unfolded": (f"{at}?view=graph&open=all", OTHER),
        "raw": (f"{at}?view=raw", OTHER),
        "API: list": ("/api/conversations", LISTS),
        "API: conversation": (f"/api{at}", WHOLE_TREE),
    }
    said = f"A conversation of {len(talk.asked):,} requests; {rounds} rounds; load {os.getloadavg()[0]:.1f}."
    changed = {
        f"{name}, just changed": pages[name] for name in ("thread, its end", "graph, folded", "API: conversation")
    }

    async def change() -> None:
        """The dashboard keeps trees between views; one that changed is read anew."""
        await connection.execute("UPDATE requests SET preview = preview WHERE id = $1", middle)

    found = await visited(url, folder, pages, rounds) + await visited(url, folder, changed, rounds, change)
    await connection.close()
    return "\n".join([said, "", *table(found)])


if __name__ == "__main__":
    sys.exit(main())
