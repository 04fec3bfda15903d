"""Checks whether arrays fit into the free memory, and the text about it."""

from __future__ import annotations

import torch

from pdelsr.processes import current
from pdelsr.resources.free_memory import free_bytes
from pdelsr.resources.memory import bytes_text

USED_SHARE = 0.8  # of the free memory that arrays may take
RESERVE = 32 * 2**20  # bytes that libraries take meanwhile


def has_room(size: int | float, device: torch.device) -> bool:
    """Whether arrays of `size` bytes fit, in each of the processes that share the work."""
    return current().all(size + RESERVE <= USED_SHARE * free_bytes(device))


def room_text(size: int | float, device: torch.device) -> str:
    """A sentence on the memory that arrays and libraries need, and on what is free."""
    return (
        f"about {bytes_text(size + RESERVE)} of memory, and {bytes_text(free_bytes(device))} is "
        f"free, of which {USED_SHARE:.0%} are used"
    )
