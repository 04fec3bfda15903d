"""Processes that share one solve: their sums, what they agree on, and how they end together."""

from pdelsr.ranks.base import ALONE, Ranks
from pdelsr.ranks.current import current, sharing

__all__ = ["ALONE", "Ranks", "current", "sharing"]
