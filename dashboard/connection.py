"""What a caller gets whose request cannot be read at all: our error, and nothing of what was sent.

aiohttp's own answer quotes the bytes that it could not read, into the answer and into its log.
"""

import asyncio
import uuid
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from dashboard import log
from dashboard.headers import ALWAYS
from dashboard.problems import REQUEST_ID, Problem, as_json

MALFORMED = "the request is not HTTP that can be understood"
BROKEN = "something went wrong here; the log has it under this answer's id"


class Connection(web.RequestHandler):
    """A connection of a caller."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The constant answer; the connection ends with it."""
        del message
        request[REQUEST_ID] = str(uuid.uuid4())
        if exc is not None and not isinstance(exc, ConnectionError | HttpProcessingError):
            log.write_failure(exc, request_id=request[REQUEST_ID], route=None)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun: it can only be broken off")
        answer = as_json(request, Problem(status, MALFORMED if status < 500 else BROKEN))
        answer.headers.update(ALWAYS | {"Cache-Control": "no-store", "X-Request-Id": request[REQUEST_ID]})
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """By class and place only."""
        del args
        exc = kw.get("exc_info")
        theirs = ConnectionError | HttpProcessingError | web.RequestPayloadError
        if isinstance(exc, BaseException) and not isinstance(exc, theirs):
            log.write_failure(exc, request_id=None, route=None)


class _Server(web.Server):
    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs the application on connections of ours. aiohttp offers no other way to choose them."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **made._kwargs,  # noqa: SLF001  what the application would have given its own connections
        )
