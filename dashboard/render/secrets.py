"""Secrets that stand in recorded bodies are masked before anything else sees the text; the raw download keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.redact import find_secrets

PREFIX_SHOWN = 7


@dataclass(slots=True)
class Mask:
    """Counts what was hidden on one page, so that the page can say so."""

    hidden: int = 0


def safe(text: str) -> str:
    """A recorded word or sentence without its secrets: columns of a row, wherever they are shown or given out."""
    return masked(text, Mask()) if find_secrets(text) else text


def said(value: Any) -> Any:
    """A value as it is given out: every word in it without its secrets, names of fields too. JSON at most."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, Mapping):
        return {said(name): said(inner) for name, inner in value.items()}
    return [said(inner) for inner in value] if isinstance(value, list | tuple) else value


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
