"""A request's body as it comes from the client: within its limit, fast enough, framed correctly, or the call breaks."""

from collections.abc import AsyncIterator

from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestPayloadError

from core.models import Outcome
from core.refusals import Reason
from proxy.breaks import CallBrokenError
from proxy.upstream_connection import now_us

SLOW_AFTER_US = 30_000_000
SLOW_BYTES_PER_SECOND = 1024
"""A body may dribble for 30 s; from then on it must have come at 1 kB/s on average (faults.md, row 38)."""


class SlowBodyError(RequestPayloadError):
    """The request body comes too slowly."""


class RequestBody:
    """Read once, piece by piece; never held."""

    __slots__ = ("_limit", "_payload", "_waited_us", "_waiting_us", "size")

    def __init__(self, payload: StreamReader, limit: int) -> None:
        self._payload = payload
        self._limit = limit
        self._waiting_us = 0
        self._waited_us = 0
        self.size = 0
        """Bytes given out so far."""

    @property
    def whole(self) -> bool:
        """Whether all of it has come from the client."""
        return self._payload.is_eof()

    def rest(self) -> bytes:
        """What is left of a body that is ``whole``. Raises CallBrokenError over the limit."""
        return self._counted(self._payload.read_nowait()) if self._payload.total_bytes else b""

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Raises CallBrokenError where the client is at fault."""
        payload = self._payload
        try:
            while True:
                self._waiting_us = now_us()
                data = await payload.readany()
                self._waited_us += now_us() - self._waiting_us
                self._waiting_us = 0
                if not data:
                    return
                yield self._counted(data)
        except SlowBodyError as exc:
            raise CallBrokenError(Reason.SLOW_REQUEST, Outcome.CLIENT_TIMEOUT, "request body too slow") from exc
        except RequestPayloadError as exc:
            raise CallBrokenError(Reason.BAD_FRAMING, Outcome.REJECTED, "bad chunk framing") from exc
        except (ConnectionError, RuntimeError) as exc:
            raise CallBrokenError(Reason.BAD_FRAMING, Outcome.CLIENT_CANCELLED, "client stopped half-way") from exc

    def check(self, now: int) -> None:
        """Give up on a client that dribbles; only the time in which we waited for him counts."""
        if not self._waiting_us:
            return
        waited = self._waited_us + now - self._waiting_us
        if waited > SLOW_AFTER_US and self._payload.total_bytes * 1_000_000 < SLOW_BYTES_PER_SECOND * waited:
            self._payload.set_exception(SlowBodyError("slow body"))

    def _counted(self, data: bytes) -> bytes:
        self.size += len(data)
        if self.size > self._limit:
            raise CallBrokenError(Reason.BODY_TOO_LARGE, Outcome.REJECTED, "body over limit")
        return data
