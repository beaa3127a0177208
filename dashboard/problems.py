"""Every error a caller sees, in one shape (api.md): raised as ``Problem``, shown as JSON, page or plain text."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from core.errors import FootplateError

TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "method_not_allowed",
    409: "conflict_error",
    413: "request_too_large",
    422: "unprocessable_error",
    429: "rate_limit_error",
    500: "internal_error",
    503: "unavailable_error",
}
"""The error type of each status; the code is the same in capitals."""

REQUEST_ID = web.RequestKey("request_id", str)


class Problem(FootplateError):  # noqa: N818  it is raised to be shown, and the glossary of RFC 9457 calls it so
    """An answer that is not the wanted one. ``details`` and ``headers`` go out with it; nothing in it is a secret."""

    def __init__(
        self, status: int, message: str, details: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The error's type, from the table."""
        return TYPES.get(self.status, "error")


class ErrorPart(BaseModel):
    """What went wrong, as the Messages API words it."""

    type: str
    message: str
    details: Any = None


class ErrorAnswer(BaseModel):
    """The one shape of an error (api.md)."""

    error: ErrorPart
    detail: str = Field(description="The message once more, where other tools look for it")
    error_code: str = Field(description="The type in capitals")
    request_id: str = Field(description="Id of this answer; also in the header x-request-id and in the log")
    timestamp: datetime


ErrorPage = Callable[[web.Request, Problem], web.Response]
ERROR_PAGE: "web.AppKey[ErrorPage]" = web.AppKey("error_page")
"""Draws a problem as a page or, for htmx, as a fragment. ``pages`` puts its own here."""


def as_json(request: web.BaseRequest, problem: Problem) -> web.Response:
    """The problem as the JSON of api.md."""
    answer = ErrorAnswer(
        error=ErrorPart(type=problem.type, message=problem.message, details=problem.details),
        detail=problem.message,
        error_code=problem.type.upper(),
        request_id=request.get(REQUEST_ID, ""),
        timestamp=datetime.now(UTC),
    )
    exclude = {"error": {"details"}} if problem.details is None else None
    return web.Response(
        body=answer.model_dump_json(exclude=exclude).encode(),
        status=problem.status,
        content_type="application/json",
        headers=problem.headers,
    )


def as_plain_page(request: web.Request, problem: Problem) -> web.Response:
    """The problem as a page without any template: what is shown when nothing better is there."""
    text = escape(problem.message)
    body = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{problem.status} · Footplate</title><main><h1>{problem.status}</h1><p>{text}</p>"
        f"<p>Error id {escape(request.get(REQUEST_ID, ''))}</p><p><a href='/'>Back to the start</a></p></main>"
    )
    return web.Response(text=body, status=problem.status, content_type="text/html", headers=problem.headers)
