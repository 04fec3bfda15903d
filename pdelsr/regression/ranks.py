"""The ranks that are compared with each other."""

from __future__ import annotations


def geometric(most: int, count: int) -> list[int]:
    """Whole numbers from 1 to `most` in geometric progression, at most `count` of them."""
    return sorted({round(most ** (i / (count - 1))) for i in range(count)})
