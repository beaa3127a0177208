"""Forms as our own pages send them: ``application/x-www-form-urlencoded``, UTF-8, a few fields."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import ValidationError

from dashboard.problems import Problem

MOST_FIELDS = 16
Faults = list[tuple[str, str]]
"""What is wrong with a form: the field's name and why."""
URLENCODED = "application/x-www-form-urlencoded"


async def form_of(request: web.Request) -> Mapping[str, str]:
    """The fields of a form; of two with one name the last counts. Raises Problem 400 for what is no form of ours."""
    if request.content_type != URLENCODED:
        raise Problem(400, f"send the form as {URLENCODED}")
    try:
        text = (await request.read()).decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except (web.RequestPayloadError, HttpProcessingError) as exc:
        # What follows on the connection cannot be read either.
        raise Problem(400, "the form cannot be read", headers={hdrs.CONNECTION: "close"}) from exc
    except ValueError as exc:
        # Never the text of the error: it quotes what was sent.
        raise Problem(400, "the form cannot be read") from exc


def faults_of(exc: ValidationError, whole: str) -> Faults:
    """What was refused, without what was sent; ``whole`` names what concerns no field alone."""
    return [(".".join(map(str, one["loc"])) or whole, one["msg"]) for one in exc.errors(include_input=False)]
