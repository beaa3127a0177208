"""A table as a file to download."""

from aiohttp import web

from dashboard.charts.table import Table


def as_csv(table: Table, name: str) -> web.Response:
    """The table under a name of ours; what was recorded has no part in it."""
    headers = {"Content-Disposition": f'attachment; filename="footplate-{name}.csv"'}
    return web.Response(text=table.as_csv(), content_type="text/csv", headers=headers)
