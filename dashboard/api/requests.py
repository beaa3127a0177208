"""``/api/requests``: the list, one request, its exact bytes."""

from collections.abc import Sequence

from aiohttp import web

from core.access import Permission
from core.kept import Kept, cause
from dashboard.problems import Problem
from dashboard.recordings.answers import RequestAnswer, RequestsAnswer
from dashboard.recordings.asked import found_in
from dashboard.recordings.detail import (
    CorruptBodyError,
    Found,
    bodies_of,
    exact_request,
    exact_response,
    request_kept,
    response_kept,
)
from dashboard.recordings.listing import find_requests
from dashboard.recordings.query import RequestsQuery
from dashboard.recordings.shape import pagination, request_answer, summary
from dashboard.render.pool import rendered
from dashboard.routing import Call, Query, json_answer, route

RAW_HEADERS = {"Content-Type": "application/octet-stream"}


@route(
    "GET",
    "/api/requests",
    permission=Permission.READ_REQUESTS,
    query=RequestsQuery,
    returns=RequestsAnswer,
    errors=(400, 503),
)
async def list_requests(call: Call[RequestsQuery]) -> RequestsAnswer:
    """Requests, newest first, without their bodies.

    Numbered pages end at row 2000; `before=<next_cursor>` goes on from there at the same cost.
    """
    listing = await find_requests(call.database, call.principal, call.query)
    return RequestsAnswer(
        requests=[summary(row, listing.trains, listing.accounts) for row in listing.rows],
        pagination=pagination(listing, call.query),
    )


@route(
    "GET",
    "/api/requests/{id}",
    permission=Permission.READ_BODIES,
    returns=RequestAnswer,
    errors=(404, 503),
)
async def show_request(call: Call[Query]) -> web.Response:
    """One request with everything recorded of it: headers, timing, bodies, chunks.

    A body of more than 8 MB is left out; `request_body_raw` and `response_body_raw` say where its bytes are.
    """
    found = await found_in(call)
    bodies = await bodies_of(call.database, found.row)
    # Megabytes of JSON are read and written here: not on the loop, where they would hold up all others.
    return await rendered(call.request.app, lambda: json_answer(request_answer(found, bodies)))


@route(
    "GET",
    "/api/requests/{id}/raw/request",
    permission=Permission.READ_BODIES,
    kind="download",
    errors=(404, 500, 503),
)
async def raw_request(call: Call[Query]) -> web.Response:
    """The exact bytes of the request's body, proved by their SHA-256 before they are sent.

    Where the tape lost a part of it `x-body-state` is `partial`; where for all of it there is 404.
    """
    found = await found_in(call)
    try:
        body = await exact_request(call.database, found.row)
    except CorruptBodyError as exc:
        raise Problem(500, str(exc)) from exc
    of = request_kept(found.row, None if body is None else len(body))
    return _download(found, "request", body, of, found.row.request_sha256, found.row.request_headers)


@route(
    "GET",
    "/api/requests/{id}/raw/response",
    permission=Permission.READ_BODIES,
    kind="download",
    errors=(404, 500, 503),
)
async def raw_response(call: Call[Query]) -> web.Response:
    """The exact bytes of the response's body, still encoded as the upstream sent them, proved by their SHA-256.

    Where the tape lost a part of it `x-body-state` is `partial`; where for all of it there is 404.
    """
    found = await found_in(call)
    try:
        body = await exact_response(call.database, found.row)
    except CorruptBodyError as exc:
        raise Problem(500, str(exc)) from exc
    of = response_kept(found.row, None if body is None else len(body))
    return _download(found, "response", body, of, found.row.response_sha256, found.row.response_headers or [])


def _download(
    found: Found, which: str, body: bytes | None, of: Kept, sha256: bytes | None, recorded: Sequence[Sequence[str]]
) -> web.Response:
    """Recorded bytes are hostile: always an attachment of no type, so that no browser opens them here."""
    if of is Kept.NOTHING:
        lost, why = found.row.lost_frames, cause(found.row.note, found.row.outcome).value
        raise Problem(
            404, f"the {which} body was not recorded: the tape was {why} ({lost} frames of the call are lost)"
        )
    if body is None:
        raise Problem(404, f"no {which} body is stored for this request" + (" yet" if not found.row.outcome else ""))
    part = ".partial" if of is Kept.PARTIAL else ""
    headers = RAW_HEADERS | {"Content-Disposition": f'attachment; filename="{found.row.id}.{which}{part}"'}
    headers["X-Body-State"] = "partial" if part else "whole"
    if sha256 is not None:
        headers["X-Body-SHA256"] = sha256.hex()
    for name in ("content-type", "content-encoding"):
        value = next((str(field[1]) for field in recorded if str(field[0]).lower() == name), None)
        if value is not None:
            headers[f"X-Original-{name.title()}"] = _header_safe(value)
    return web.Response(body=body, headers=headers)


def _header_safe(value: str) -> str:
    return "".join(character for character in value if " " <= character <= "~")[:256]
