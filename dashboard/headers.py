"""The headers that every answer carries, whatever made it: no inline code, no other host, no sniffing, no referrer.

And how large texts travel: compressed, where the caller takes that.
"""

from aiohttp import web

from dashboard.problems import REQUEST_ID

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

COMPRESSED = frozenset({"text/html", "application/json", "text/plain"})
WORTH_COMPRESSING = 1024
"""Bytes; below it the compressed answer is hardly smaller."""


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Put them on; a signal of ``on_response_prepare``, so that streams and error answers get them too.

    Whatever does not say itself how long it may be kept is data, and is not kept.
    """
    response.headers.update(ALWAYS)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    request_id = request.get(REQUEST_ID)
    if request_id is not None:
        response.headers["X-Request-Id"] = request_id


def compress(response: web.StreamResponse) -> web.StreamResponse:
    """Let a whole text be sent compressed. Streams, downloads and what is compressed already stay as they are."""
    if (
        isinstance(response, web.Response)
        and response.content_type in COMPRESSED
        and "Content-Encoding" not in response.headers
        and (response.content_length or 0) >= WORTH_COMPRESSING
    ):
        response.enable_compression()
        vary = response.headers.get("Vary")
        response.headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
    return response
