"""A table as a file to download: CSV for people, JSON and JSON lines for programs; all hold exact values."""

from typing import Any

import orjson
from aiohttp import web

from dashboard.charts.table import Table


def as_csv(table: Table, name: str) -> web.Response:
    """The table under a name of ours; what was recorded has no part in it."""
    headers = {"Content-Disposition": f'attachment; filename="footplate-{name}.csv"'}
    return web.Response(text=table.as_csv(), content_type="text/csv", headers=headers)


def as_json(table: Table) -> web.Response:
    """Each row as an object; what is unknown is null, decimals are strings, so that no digit is lost."""
    return web.Response(body=orjson.dumps({"rows": _objects(table)}, default=str), content_type="application/json")


def as_jsonl(table: Table, name: str) -> web.Response:
    """The same, an object a line."""
    headers = {"Content-Disposition": f'attachment; filename="footplate-{name}.jsonl"'}
    lines = (orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE) for row in _objects(table))
    return web.Response(body=b"".join(lines), content_type="application/x-ndjson", headers=headers)


def _objects(table: Table) -> list[dict[str, Any]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]
