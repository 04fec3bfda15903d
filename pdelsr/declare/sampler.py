"""What a declaration knows of samplers, which come after it: their base class."""

from __future__ import annotations

from abc import ABC


class Sampler(ABC):  # noqa: B024 (its two kinds have no method in common)
    """Where the points of a region come from: a UnitSampler, or Points."""
