"""How a call ended, in plain words, with a shape and a word beside the colour. What is unknown is called unknown."""

from dataclasses import dataclass

from dashboard.render import figures

OK, WARNING, ERROR, RUNNING, CANCELLED = "ok", "warning", "error", "running", "cancelled"
SHAPES = {OK: "●", WARNING: "▲", ERROR: "■", RUNNING: "◌", CANCELLED: "⊘"}


@dataclass(frozen=True, slots=True)
class Status:
    """A tone (for colour and shape) and the word that stands beside it."""

    tone: str
    word: str

    @property
    def shape(self) -> str:
        """The shape of the tone."""
        return SHAPES[self.tone]


@dataclass(frozen=True, slots=True)
class Ending:
    """What the sentence is made of; the columns of a request that say how it ended."""

    outcome: str | None
    status_code: int | None
    error_type: str | None
    stop_reason: str | None
    note: str | None
    duration_us: int | None
    ttft_us: int | None
    response_bytes: int | None
    delivered_bytes: int | None
    output_tokens: int | None = None
    sizes_known: bool = True
    """Whether the bytes that came and went were looked up; what was not is not spoken of."""


STATUSES = {
    None: Status(RUNNING, "running"),
    "ok": Status(OK, "ok"),
    "upstream_error": Status(ERROR, "API error"),
    "stream_error": Status(ERROR, "stream error"),
    "upstream_reset": Status(ERROR, "broken off"),
    "upstream_incomplete": Status(ERROR, "incomplete"),
    "upstream_timeout": Status(ERROR, "timed out"),
    "upstream_unreachable": Status(ERROR, "unreachable"),
    "client_cancelled": Status(CANCELLED, "cancelled"),
    "client_timeout": Status(CANCELLED, "client stalled"),
    "rejected": Status(WARNING, "refused"),
    "proxy_shutdown": Status(WARNING, "proxy stopped"),
    "proxy_crash": Status(ERROR, "proxy crashed"),
}

_ENDINGS = {
    "upstream_error": "The API answered {status}{error} after {after}.{meaning}",
    "stream_error": "The API reported an error in the running stream after {after}{error}.",
    "upstream_reset": "The upstream broke off after {after}{came}; the answer is truncated and the client was told so.",
    "upstream_incomplete": "The stream ended after {after}{came} without its last event; the answer is not complete.",
    "upstream_timeout": "The upstream fell silent; the proxy gave up after {after}.",
    "upstream_unreachable": "The upstream could not be reached; the client got {status} after {after}.",
    "client_cancelled": "The client left after {after}.{delivered}",
    "client_timeout": "The client stopped reading; the proxy gave up after {after}.{delivered}",
    "rejected": "The proxy refused this call itself with {status}; the upstream never answered it.",
    "proxy_shutdown": "The proxy was stopped while this call ran, after {after}.",
    "proxy_crash": "The proxy ended unexpectedly while this call ran. How far the client got is unknown.",
}

_STOPS = {
    "end_turn": "The model finished its turn.",
    "tool_use": "The model asks for a tool to be run.",
    "max_tokens": "The answer was cut: it reached the request's max_tokens.",
    "stop_sequence": "The model met a stop sequence.",
    "pause_turn": "The API paused the turn; the client is to send it again to go on.",
    "refusal": "The model declined to answer.",
    "model_context_window_exceeded": "The answer was cut: the model's context window is full.",
    "compaction": "The context was compacted.",
}

_MEANINGS = {
    400: " The request was not valid.",
    401: " The credential was not accepted.",
    402: " The account has a billing problem.",
    403: " The credential may not do this.",
    404: " There is no such thing, or this account may not see it.",
    413: " The request was too large.",
    429: " A rate limit was reached; clients retry by themselves.",
    500: " The fault was the API's own; clients retry by themselves.",
    503: " The API was not available; clients retry by themselves.",
    504: " The API took too long.",
    529: " The API was overloaded; clients retry by themselves.",
}


def status(outcome: str | None) -> Status:
    """Shape and word of an outcome; an outcome we do not know is a warning under its own name."""
    return STATUSES.get(outcome) or Status(WARNING, str(outcome))


def is_error(outcome: str | None) -> bool:
    """Whether a call failed. One that runs has not, and one that its client left has not either."""
    return outcome not in (None, "ok", "client_cancelled")


def sentence(ending: Ending) -> str:
    """One or two sentences for the ribbon of a request."""
    if ending.outcome is None:
        return "In flight: the answer has not ended yet. This page shows it by itself when it has."
    if ending.outcome == "ok":
        return _went_well(ending)
    template = _ENDINGS.get(ending.outcome)
    if template is None:
        return f"It ended as {ending.outcome} after {figures.duration(ending.duration_us)}."
    text = template.format(
        status=ending.status_code or "an unknown status",
        error=f" ({ending.error_type})" if ending.error_type else "",
        after=figures.duration(ending.duration_us) if ending.duration_us is not None else "an unknown time",
        meaning=_MEANINGS.get(ending.status_code or 0, ""),
        delivered=_delivered(ending),
        came=f" and {figures.size(ending.response_bytes)}" if ending.response_bytes else "",
    )
    return f"{text} Note of the proxy: {ending.note}." if ending.note else text


def _went_well(ending: Ending) -> str:
    text = f"Answered in {figures.duration(ending.duration_us)}"
    if ending.ttft_us is not None:
        text += f", first token after {figures.duration(ending.ttft_us)}"
    if ending.stop_reason is None:
        return text + "."
    if ending.stop_reason == "max_tokens" and ending.output_tokens is not None:
        return f"{text}. The answer was cut at {figures.count(ending.output_tokens)} tokens: the request's max_tokens."
    return f"{text}. " + _STOPS.get(ending.stop_reason, f"Stop reason: {ending.stop_reason}.")


def _delivered(ending: Ending) -> str:
    if not ending.sizes_known:
        return ""
    if not ending.response_bytes:
        return " No byte of an answer had arrived."
    if ending.delivered_bytes is None:
        return ""
    given, came = figures.size(ending.delivered_bytes), figures.size(ending.response_bytes)
    return f" It was given {given} of the {came} that had arrived."
