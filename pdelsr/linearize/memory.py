"""How much memory is free, how many rows of a Jacobian fit into it, and what was used at most."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch import Tensor

try:
    import resource
except ImportError:  # Windows keeps no such record
    resource = None

DEFAULT_SHARE = 1 / 16
UNKNOWN_FREE = 4 * 2**30  # bytes assumed where the system does not tell
CPU = torch.device("cpu")
STATUS = Path("/proc/self/status")
ON_CPU, ON_GPU = 2048, 2**16  # points of one evaluation
_processes = 1
LARGEST_DEFAULT = 32 * 2**20  # larger chunks gain nothing and touch fresh pages


def share_memory(processes: int) -> None:
    """Say that so many processes like this one take what is free, from now on."""
    global _processes
    _processes = processes


def free_bytes(device: torch.device) -> int:
    """Memory that the device could still give to this process, in bytes."""
    return _free_bytes(device) // _processes


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return UNKNOWN_FREE


def peak_memory(device: torch.device = CPU) -> int:
    """Bytes: of this process so far on the CPU, of torch since the last reset on a GPU.

    Linux counts the peak of the parent into `ru_maxrss` of a child; VmHWM is the child's alone.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if STATUS.exists():
        for line in STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def points_per_chunk(parameters: int, like: Tensor, budget: int | None) -> int:
    """Rows of length `parameters` that fit into `budget` bytes: at least one, and not more than
    points are evaluated at once.

    Args:
        parameters: m, the length of a row.
        like: a tensor of the dtype and device of the rows.
        budget: bytes; None for a sixteenth of the free memory, at most 32 MiB.
    """
    rows = _bytes(like, budget) // (parameters * like.element_size())
    return max(1, min(rows, points_at_once(like.device)))


def points_at_once(device: torch.device) -> int:
    """Points of one evaluation: on the CPU as many as keep the jets of a layer in the cache."""
    return ON_CPU if device.type == "cpu" else ON_GPU


def row_fits(parameters: int, like: Tensor, budget: int | None) -> bool:
    """Whether one row fits into the budget; the arguments are those of `points_per_chunk`."""
    return parameters * like.element_size() <= _bytes(like, budget)


def _bytes(like: Tensor, budget: int | None) -> int:
    if budget is not None:
        return budget
    return int(min(LARGEST_DEFAULT, DEFAULT_SHARE * free_bytes(like.device)))
