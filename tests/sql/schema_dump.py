"""Writes ``sql/schema.sql``: the schema the migrations give, for reading. `python -m tests.sql.schema_dump`.

Partitions are left out: which there are depends on the day. The embedded server's pg_dump writes it; what differs from
one server to the next (settings, its version, storage options) is left out too.
"""

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path

from deploy.postgres import EmbeddedPostgres
from deploy.postgres_binaries import find
from sql.migrator import migrate

SCHEMA = Path(__file__).parents[2] / "sql/schema.sql"
HEADER = "-- Written by `python -m tests.sql.schema_dump` from the migrations; do not edit.\n\n"
_NOISE = re.compile(
    r"^(--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict )|^ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET COMPRESSION"
)


def dump(programs: Path, url: str) -> str:
    """The schema of a database as text, without what is not ours."""
    command = [programs / "pg_dump", "--schema-only", "--no-owner", "--no-privileges", "--exclude-table=*_20??_??", url]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in dumped.splitlines() if not _NOISE.match(line)]
    return HEADER + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def main() -> None:
    """Migrate an empty database and write what came of it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "pg")
        url = server.start()
        try:
            asyncio.run(migrate(url))
            SCHEMA.write_text(dump(find().folder, url), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
