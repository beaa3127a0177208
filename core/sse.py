"""Server-sent events: bytes in any chunking become events (WHATWG HTML, 9.2 "Server-sent events").

Linear: each byte is looked at once, however the stream is cut; ``feed`` never raises.
"""

from typing import Any, Final, NamedTuple

from core.bodies import read_repaired, storable_object

_BOM: Final = b"\xef\xbb\xbf"
_CR: Final = 13


class Event(NamedTuple):
    """One event. ``name`` is empty where the stream gave none; ``data`` its data lines joined by line feeds."""

    name: str
    data: bytes
    end: int
    """Bytes of the stream up to the first byte that ended this event: which chunk completed it."""
    terminated: bool = True
    """False for what was left when the stream ended without the blank line that ends an event."""

    def payload(self) -> dict[str, Any]:
        """The JSON object in ``data``; without a ``type`` the event's name is its type (wire.md).

        Raises ValueError where the data is no JSON object, or one that passes a limit.
        """
        return self.repaired()[0]

    def repaired(self) -> tuple[dict[str, Any], str | None]:
        """The payload, and what had to be repaired to read it; it may then hold lone surrogates. Raises as it does."""
        value, fault = read_repaired(self.data)
        if fault is None or not isinstance(value, dict):
            value = storable_object(value, self.data)
        return (value if "type" in value or not self.name else {"type": self.name, **value}), fault


class EventDecoder:
    """``feed`` takes the stream's bytes in order and returns the events they complete; ``finish`` what is left."""

    __slots__ = ("_data", "_first_line", "_name", "_offset", "_partial", "_skip_line_feed")

    def __init__(self) -> None:
        self._offset = 0
        self._partial = bytearray()
        self._skip_line_feed = False
        self._first_line = True
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that end within this chunk."""
        events: list[Event] = []
        for line in chunk.splitlines(keepends=True):  # bytes split at CR, LF and CRLF only, as the format wants
            content = line.rstrip(b"\r\n")
            if len(content) == len(line):
                self._partial += line
                self._skip_line_feed = False
            elif content or not self._skip_line_feed or line != b"\n":
                self._skip_line_feed = line[-1] == _CR
                if self._partial:
                    content = self._joined(content)
                if content or self._first_line:
                    self._field(content)
                elif self._data:
                    # Counted to the terminator's first byte, so that a cut CRLF moves no event to another chunk.
                    events.append(self._event(self._offset + 1))
                else:
                    self._name = ""
            else:  # the second half of a CRLF that was cut
                self._skip_line_feed = False
            self._offset += len(line)
        return events

    def finish(self) -> list[Event]:
        """What the end of the stream left without its blank line, if it holds data; at most one event.

        Browsers drop it; a record keeps it: its bytes were delivered.
        """
        if self._partial:
            self._field(self._joined(b""))
        return [self._event(self._offset, terminated=False)] if self._data else []

    def _joined(self, content: bytes) -> bytes:
        self._partial += content
        whole = bytes(self._partial)
        self._partial.clear()
        return whole

    def _field(self, line: bytes) -> None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        name, _, value = line.partition(b":")  # a comment has an empty name and falls through, as an empty line does
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ").decode(errors="replace")

    def _event(self, end: int, *, terminated: bool = True) -> Event:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        event = Event(self._name, data, end, terminated)
        self._name, self._data = "", []
        return event


def decode(stream: bytes) -> list[Event]:
    """All events of a whole stream, the unterminated rest included."""
    decoder = EventDecoder()
    return decoder.feed(stream) + decoder.finish()
