"""A response head that says its length twice, and the same both times: legal to take (RFC 9110 §8.6).

The parser refuses it, so the repetition is taken out and the head read once more.
"""

END = b"\r\n\r\n"
_NAME = b"content-length"


def repeats(head: bytes) -> bool:
    """Whether a beginning of a head names the length more than once."""
    return len(_lengths(head)) > 1


def said_once(head: bytes) -> bytes | None:
    """A whole head, and what is behind it, with one ``content-length``; None where the values differ."""
    if len(set(_lengths(head))) != 1:
        return None
    lines, behind = head.split(END, 1)
    first, *fields = lines.split(b"\r\n")
    kept = [field for field in fields if not _is_length(field)]
    length = next(field for field in fields if _is_length(field))
    return b"\r\n".join([first, *kept, length]) + END + behind


def _lengths(head: bytes) -> list[bytes]:
    fields = head.split(END, 1)[0].split(b"\r\n")[1:]
    return [field.partition(b":")[2].strip() for field in fields if _is_length(field)]


def _is_length(field: bytes) -> bool:
    return field[: len(_NAME)].lower() == _NAME and field[len(_NAME) : len(_NAME) + 1] == b":"
