"""The errors that the proxy makes itself: a table of reasons, and the answer in the API's own shape (wire.md).

Every message is a constant sentence; nothing of the input is ever echoed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import orjson


class Reason(StrEnum):
    """Why a call got no answer of the upstream. The value is the label of the counter."""

    BAD_REQUEST = "bad_request"
    BAD_TARGET = "bad_target"
    BAD_TRAIN = "bad_train"
    BAD_FRAMING = "bad_framing"
    DUPLICATE_HEADER = "duplicate_header"
    BAD_HOST = "bad_host"
    BAD_CONNECTION_HEADER = "bad_connection_header"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    FOREIGN_HOST = "foreign_host"
    FOREIGN_PAGE = "foreign_page"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    SLOW_REQUEST = "slow_request"
    BODY_TOO_LARGE = "body_too_large"
    TARGET_TOO_LONG = "target_too_long"
    EXPECTATION = "expectation"
    HEAD_TOO_LARGE = "head_too_large"
    INTERNAL = "internal"
    TRANSFER_ENCODING = "transfer_encoding"
    HTTP_VERSION = "http_version"
    UNREACHABLE = "unreachable"
    BROKE_OFF = "broke_off"
    BAD_ANSWER = "bad_answer"
    TIMED_OUT = "timed_out"
    DATABASE_AWAY = "database_away"
    TAPE_FULL = "tape_full"
    OVERLOADED = "overloaded"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of the table: status, error type, sentence, and header fields of its own."""

    status: int
    kind: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


INVALID = "invalid_request_error"

REFUSALS: dict[Reason, Refusal] = {
    Reason.BAD_REQUEST: Refusal(400, INVALID, "The request is not valid HTTP/1.1."),
    Reason.BAD_TARGET: Refusal(400, INVALID, "The request target must be a plain path on this proxy."),
    Reason.BAD_TRAIN: Refusal(400, INVALID, "The train's name may hold letters, digits, dot, underscore, colon, dash."),
    Reason.BAD_FRAMING: Refusal(400, INVALID, "The request body broke off or is not framed correctly."),
    Reason.DUPLICATE_HEADER: Refusal(400, INVALID, "A header that must be sent once was sent twice."),
    Reason.BAD_HOST: Refusal(400, INVALID, "The request must have exactly one Host header."),
    Reason.BAD_CONNECTION_HEADER: Refusal(400, INVALID, "The Connection header names a header that must be kept."),
    Reason.UNAUTHORIZED: Refusal(401, "authentication_error", "A valid key is required."),
    Reason.FORBIDDEN: Refusal(403, "permission_error", "This key may not do that."),
    Reason.FOREIGN_HOST: Refusal(403, "permission_error", "Open this address as localhost."),
    Reason.FOREIGN_PAGE: Refusal(
        403, "permission_error", "A web page of another site may use this proxy only with a credential of its own."
    ),
    Reason.NOT_FOUND: Refusal(404, "not_found_error", "The proxy does not forward this path."),
    Reason.METHOD_NOT_ALLOWED: Refusal(
        405,
        INVALID,
        "The proxy does not take this method.",
        (("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),),
    ),
    Reason.SLOW_REQUEST: Refusal(408, INVALID, "The request arrived too slowly."),
    Reason.BODY_TOO_LARGE: Refusal(413, "request_too_large", "The request body is larger than this path allows."),
    Reason.TARGET_TOO_LONG: Refusal(414, INVALID, "The request target is too long."),
    Reason.EXPECTATION: Refusal(417, INVALID, "The only expectation the proxy meets is 100-continue."),
    Reason.HEAD_TOO_LARGE: Refusal(431, INVALID, "The request head is too large."),
    Reason.INTERNAL: Refusal(500, "api_error", "The proxy failed; its log names the error."),
    Reason.TRANSFER_ENCODING: Refusal(501, INVALID, "The only transfer encoding the proxy takes is chunked."),
    Reason.HTTP_VERSION: Refusal(505, INVALID, "The proxy speaks HTTP/1.1."),
    Reason.UNREACHABLE: Refusal(502, "api_error", "The proxy could not reach the upstream."),
    Reason.BROKE_OFF: Refusal(502, "api_error", "The upstream closed the connection before it answered."),
    Reason.BAD_ANSWER: Refusal(502, "api_error", "The upstream did not answer in valid HTTP/1.1."),
    Reason.TIMED_OUT: Refusal(504, "timeout_error", "The upstream did not answer in time."),
    Reason.DATABASE_AWAY: Refusal(503, "api_error", "The database is away."),
    Reason.TAPE_FULL: Refusal(529, "overloaded_error", "The proxy's tape is full.", (("retry-after", "30"),)),
    Reason.OVERLOADED: Refusal(529, "overloaded_error", "The proxy is at its limit.", (("retry-after", "1"),)),
}

PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    529: "Site Is Overloaded",
}


class OwnAnswer(NamedTuple):
    """A whole answer of ours that refuses a call; ``fields`` are its header without ``connection``."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes


def answer(reason: Reason, request_id: str, timestamp: str) -> OwnAnswer:
    """The answer for a reason, in the API's shape; ``request_id`` (``req_…``) and ``timestamp`` are ours."""
    refusal = REFUSALS[reason]
    body = orjson.dumps(
        {
            "type": "error",
            "error": {"type": refusal.kind, "message": refusal.message},
            "request_id": request_id,
            "timestamp": timestamp,
        }
    )
    fields = (
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("request-id", request_id),
        *refusal.headers,
    )
    return OwnAnswer(refusal.status, fields, body)
