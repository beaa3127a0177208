"""``python -m tests.traffic [calls]``: the long form, on a Postgres of its own."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from deploy.postgres import EmbeddedPostgres
from sql.migrator import migrate
from tests.traffic.day import compare, play


async def main(number: int, folder: Path, url: str) -> None:
    """Play, compare, say."""
    await migrate(url)
    began = time.monotonic()
    book = await play(url, folder, number, seed=2026)
    connection = await asyncpg.connect(url)
    try:
        sums = await compare(connection, book)
    finally:
        await connection.close()
    print(f"{number} calls, {len(book.models)} models, {time.monotonic() - began:.0f} s: equal")
    for name, figure in sums.items():
        print(f"  {name} {figure:,}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)  # Postgres runs as a user of its own
        (Path(place) / "data").mkdir()
        server = EmbeddedPostgres(Path(place) / "pg")
        server.start()
        try:
            asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, Path(place) / "data", server.url))
        finally:
            server.stop()
