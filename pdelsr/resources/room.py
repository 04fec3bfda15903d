"""Whether something fits into the free memory, and the words for it."""

from __future__ import annotations

import torch

from pdelsr.resources.free_memory import free_bytes
from pdelsr.resources.memory import bytes_text

SHARE = 0.8  # of the free memory that arrays take
RESERVE = 32 * 2**20  # bytes that libraries take for themselves meanwhile


def has_room(size: int | float, device: torch.device) -> bool:
    """Whether so many bytes of arrays may be taken."""
    return size + RESERVE <= SHARE * free_bytes(device)


def room_text(size: int | float, device: torch.device) -> str:
    """What arrays need with what libraries take beside them, and what is free, in a sentence."""
    return (
        f"about {bytes_text(size + RESERVE)} of memory, and {bytes_text(free_bytes(device))} is "
        f"free, of which {SHARE:.0%} are used"
    )
