"""How points and random streams are split over boundary parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from pdelsr.declare.domains import Part
from pdelsr.sample.samplers import Seed, fresh


def split_by_measure(parts: Sequence[Part], n: int) -> list[int]:
    """Split n points over parts in proportion to their measure, by largest remainder.

    Args:
        parts: Boundary parts.
        n: Points to split; single points (unit_dim 0) take one each and do not count.

    Returns:
        One count per part, each at least one; their sum exceeds n only if n < number of parts.
    """
    counts = np.ones(len(parts), dtype=int)
    extended = [index for index, part in enumerate(parts) if part.unit_dim > 0]
    if extended:
        measures = np.array([parts[index].measure for index in extended])
        counts[extended] = _largest_remainder(measures, n)
    return counts.tolist()


def spawn(seed: Seed, count: int) -> list[np.random.SeedSequence]:
    """Independent sub-streams of a seed, always the same ones."""
    return fresh(seed).spawn(count)


def _largest_remainder(measures: Float[np.ndarray, " p"], n: int) -> Int[np.ndarray, " p"]:
    """Split n by largest remainder, then move points from the largest shares to empty ones."""
    quotas = n * measures / measures.sum()
    counts = np.floor(quotas).astype(int)
    order = np.argsort(counts - quotas, kind="stable")
    counts[order[: n - int(counts.sum())]] += 1
    for empty in np.flatnonzero(counts == 0):
        counts[empty] = 1
        largest = int(np.argmax(counts))
        counts[largest] -= 1 if counts[largest] > 1 else 0
    return counts
