"""Why a request stands where it stands, in words (conversations.md, finding the parent)."""

WORDS = {
    None: "The first request of its conversation.",
    "manual": "Linked because a person said so.",
    "thread": "Linked because it continues that answer by its id.",
    "reply": "Linked because this transcript contains that answer.",
    "turn": "Linked because this transcript goes on from the last block of that answer.",
    "prefix": "Linked because this transcript begins with all of that request; its answer was lost or edited.",
    "compaction": "Linked because this transcript begins with the summary that request wrote.",
    "subagent": "Linked because it begins with the prompt that answer gave to a sub-agent.",
}
SHORT = {
    "manual": "by hand", "thread": "by answer id", "reply": "contains the answer", "turn": "goes on from the answer",
    "prefix": "repeats the request", "compaction": "begins with the summary", "subagent": "has the agent's prompt",
}  # fmt: skip
ATTEMPT = "The same request again, after it had failed."
LOST = "Its parent was not recorded, or has been deleted."


def why(method: str | None, *, attempt: bool, has_parent: bool) -> str:
    """One sentence on the edge of a request; a method we do not know is named."""
    if attempt:
        return ATTEMPT
    if method is not None and not has_parent:
        return f"{WORDS.get(method, f'Linked by {method}.')} {LOST}"
    return WORDS.get(method, f"Linked by {method}.")
