"""Rows of ``queries/partitions.sql``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartitionsMade:
    """How many partitions a call made; 0 when all were there."""

    made: int
