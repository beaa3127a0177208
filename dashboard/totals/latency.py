"""Percentiles of times that were counted in buckets: as exact as the buckets, which are half a power of two wide."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.charts.histogram import Bin
from sql.rows.usage import LatencyRow

LAST = 47
"""The bucket that holds everything longer (migration of the costs): 3.3 hours."""
ABOUT = "Read from buckets half a power of two wide, so true to about a fifth."


def edge_ms(bucket: int) -> float:
    """Where a bucket begins, milliseconds; the first holds shorter times too."""
    return 0.0 if bucket <= 0 else 2.0 ** (bucket / 2)


@dataclass(frozen=True, slots=True)
class Times:
    """Counts by bucket: durations of ok requests, or the times to their first tokens."""

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many."""
        return sum(self.counts)

    def percentile_us(self, share: float) -> int | None:
        """The time that this share of them took at most, microseconds; None of none."""
        wanted, seen = share * self.total, 0.0
        for bucket, count in enumerate(self.counts):
            if count and seen + count >= wanted:
                low, high = max(edge_ms(bucket), 0.5), edge_ms(bucket + 1)
                inside = max(0.0, wanted - seen) / count
                return round(1000 * low * math.pow(high / low, inside))
            seen += count
        return None

    @property
    def bins(self) -> list[Bin]:
        """The buckets from the first to the last that holds any, milliseconds."""
        used = [bucket for bucket, count in enumerate(self.counts) if count]
        if not used:
            return []
        return [
            Bin(edge_ms(bucket), None if bucket == LAST else edge_ms(bucket + 1), self.counts[bucket])
            for bucket in range(used[0], used[-1] + 1)
        ]


def durations(rows: Sequence[LatencyRow]) -> Times:
    """From accept to the last byte."""
    found = {row.bucket: row.durations for row in rows}
    return Times(tuple(found.get(bucket, 0) for bucket in range(LAST + 1)))


def first_tokens(rows: Sequence[LatencyRow]) -> Times:
    """From accept to the first token."""
    found = {row.bucket: row.first_tokens for row in rows}
    return Times(tuple(found.get(bucket, 0) for bucket in range(LAST + 1)))
