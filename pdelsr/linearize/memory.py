"""How many rows of a Jacobian fit into memory at once."""

from __future__ import annotations

import os

import torch
from torch import Tensor

DEFAULT_SHARE = 1 / 16
LARGEST_DEFAULT = 32 * 2**20  # larger chunks gain nothing and touch fresh pages


def free_bytes(device: torch.device) -> int:
    """Memory that the device could still give, in bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def points_per_chunk(parameters: int, like: Tensor, budget: int | None) -> int:
    """Rows of length `parameters` that fit into `budget` bytes, at least one.

    Args:
        parameters: m, the length of a row.
        like: a tensor of the dtype and device of the rows.
        budget: bytes; None for a sixteenth of the free memory, at most 32 MiB.
    """
    if budget is None:
        budget = int(min(LARGEST_DEFAULT, DEFAULT_SHARE * free_bytes(like.device)))
    return max(1, budget // (parameters * like.element_size()))
