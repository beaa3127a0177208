"""What `/token-stats` of the proxy adds up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenStatsRow:
    """All-time sums of one train, model and request type; empty texts stand for "none"."""

    train: str
    model: str
    request_type: str
    requests: int
    input_tokens: int
    output_tokens: int
