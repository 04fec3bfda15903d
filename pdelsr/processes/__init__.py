"""Processes that share one solve: their sums, what they agree on, and how they end together."""

from pdelsr.processes.current import current, sharing
from pdelsr.processes.group import ALONE, Group

__all__ = ["ALONE", "Group", "current", "sharing"]
