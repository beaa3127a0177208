"""A table as a file to download: CSV for people, JSON for programs; both hold exact values."""

import orjson
from aiohttp import web

from dashboard.charts.table import Table


def as_csv(table: Table, name: str) -> web.Response:
    """The table under a name of ours; what was recorded has no part in it."""
    headers = {"Content-Disposition": f'attachment; filename="footplate-{name}.csv"'}
    return web.Response(text=table.as_csv(), content_type="text/csv", headers=headers)


def as_json(table: Table) -> web.Response:
    """Each row as an object; what is unknown is null, decimals are strings, so that no digit is lost."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    return web.Response(body=orjson.dumps({"rows": rows}, default=str), content_type="application/json")
