"""Changes of one reading, cut into batches that a transaction may hold: at most 500 rows or 8 MB of bodies.

Nobody sets the size: while the database is slow or away the tape grows, and the next reading finds more.
"""

from collections.abc import Iterator

from proxy.recorder.exchanges import Exchange

ROWS = 500
BYTES = 8 << 20


class Changes:
    """The exchanges that began or ended since the last batch, each once."""

    def __init__(self) -> None:
        self._exchanges: dict[int, Exchange] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._exchanges)

    @property
    def full(self) -> bool:
        """Whether to write before reading on."""
        return len(self._exchanges) >= ROWS or self._bytes >= BYTES

    def add(self, exchange: Exchange) -> None:
        """Note what has begun or ended."""
        self._exchanges[id(exchange)] = exchange
        self._bytes += _weight(exchange)

    def batches(self) -> Iterator[list[Exchange]]:
        """Lists within the limits; a single exchange may be larger than a batch should be."""
        if 0 < len(self._exchanges) <= ROWS and self._bytes <= BYTES:
            yield list(self._exchanges.values())
            return
        batch: list[Exchange] = []
        weight = 0
        for exchange in self._exchanges.values():
            if batch and (len(batch) >= ROWS or weight + _weight(exchange) > BYTES):
                yield batch
                batch, weight = [], 0
            batch.append(exchange)
            weight += _weight(exchange)
        if batch:
            yield batch


def _weight(exchange: Exchange) -> int:
    """Bytes that have to be loaded; of a call in flight none."""
    return 0 if exchange.end is None else exchange.size
