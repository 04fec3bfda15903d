"""The base class of samplers, for the declaration, which comes before them."""

from __future__ import annotations

from abc import ABC


class Sampler(ABC):  # noqa: B024 (its two kinds have no method in common)
    """Where the points of a region come from: a UnitSampler, or Points."""
