"""Secrets that stand in recorded bodies are masked before anything else sees the text; the raw download keeps them."""

from dataclasses import dataclass

from core.redact import find_secrets

PREFIX_SHOWN = 7


@dataclass(slots=True)
class Mask:
    """Counts what was hidden on one page, so that the page can say so."""

    hidden: int = 0


def safe(text: str) -> str:
    """A recorded word or sentence without its secrets: columns of a row, wherever they are shown or given out."""
    return masked(text, Mask())


def masked(text: str, mask: Mask) -> str:
    """The text with each secret as ``⟦sk-ant-… masked, 108 characters⟧``."""
    spans = find_secrets(text)
    if not spans:
        return text
    mask.hidden += len(spans)
    out, position = [], 0
    for start, end in spans:
        out += [text[position:start], mark(text[start:end])]
        position = end
    return "".join([*out, text[position:]])


def mark(secret: str) -> str:
    """What stands in a text where this secret was."""
    label = "private key" if secret.startswith("-----") else secret[:PREFIX_SHOWN] + "…"
    return f"⟦{label} masked, {len(secret)} characters⟧"
