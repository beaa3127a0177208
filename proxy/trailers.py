"""The trailers of a chunked request: aiohttp's parser checks the framing and throws them away (3.14.5).

So the same bytes are walked over once more, chunk by chunk; of bodies with a length nothing is looked at.
"""

RawField = tuple[bytes, bytes]

MOST = 16 * 1024
"""Bytes of trailers that are kept, and of one line that is waited for: what they end up in is one frame."""


class Trailers:
    """``feed`` with the body as it crosses the wire; ``fields`` are the trailers so far. Never raises."""

    __slots__ = ("_at_fields", "_line", "_room", "_skip", "_walking", "fields")

    def __init__(self) -> None:
        self.fields: list[RawField] = []
        self._at_fields = False
        self._line = b""
        self._room = MOST
        self._skip = 0
        self._walking = True

    def feed(self, data: bytes) -> None:
        """Walk on over these bytes; behind the last trailer, and from what is no chunk on, nothing is looked at."""
        at, size = 0, len(data)
        while self._walking and at < size:
            if self._skip:
                step = min(self._skip, size - at)
                self._skip -= step
                at += step
                continue
            end = data.find(b"\n", at) + 1 or size
            self._line += data[at:end]
            at = end
            if self._line.endswith(b"\n"):
                line, self._line = self._line.rstrip(b"\r\n"), b""
                self._read(line)
            elif len(self._line) > MOST:
                self._walking = False

    def _read(self, line: bytes) -> None:
        if not self._at_fields:
            self._begin_chunk(line)
            return
        self._room -= len(line)
        if not line or self._room < 0:
            self._walking = False
            return
        name, _, value = line.partition(b":")
        self.fields.append((name, value.strip(b" \t")))

    def _begin_chunk(self, line: bytes) -> None:
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            size = -1
        self._at_fields = size == 0
        self._walking = size >= 0
        self._skip = size + 2  # the data, and the line's end behind it
        if self._at_fields:
            self._skip = 0
