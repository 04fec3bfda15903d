"""The size of a chunk of Jacobian rows, and the peak of memory."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from pdelsr.resources.free_memory import free_bytes

try:
    import resource
except ImportError:  # Windows keeps no such record
    resource = None

DEFAULT_SHARE = 1 / 16
CPU = torch.device("cpu")
STATUS = Path("/proc/self/status")
ON_CPU, ON_GPU = 2048, 2**16  # points of one evaluation
LARGEST_DEFAULT = 32 * 2**20  # larger chunks gain nothing and touch fresh pages
SMALLEST_DEFAULT = 2**20


def peak_memory(device: torch.device = CPU) -> int:
    """Peak in bytes: of this process so far on the CPU, of torch since the last reset on a GPU.

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


def chunk_bytes(device: torch.device, most: int = LARGEST_DEFAULT) -> int:
    """Default bytes of a chunk: a sixteenth of the free memory, at most `most`.

    It is a power of two, so that a busy machine usually takes the same chunks, on which the last
    digits depend.
    """
    share = int(DEFAULT_SHARE * free_bytes(device))
    rounded = 1 << max(share, 1).bit_length() - 1
    return min(most, max(rounded, SMALLEST_DEFAULT))


def bytes_text(size: int | float) -> str:
    """A size in memory in a readable unit."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def points_per_chunk(parameters: int, like: Tensor, budget: int | None) -> int:
    """Rows of length `parameters` that fit into `budget`: from one to the points of an evaluation.

    Args:
        parameters: m, the length of a row.
        like: a tensor of the dtype and device of the rows.
        budget: bytes; None for `chunk_bytes`.
    """
    rows = _bytes(like, budget) // (parameters * like.element_size())
    return max(1, min(rows, points_at_once(like.device)))


def points_at_once(device: torch.device) -> int:
    """Points of one evaluation: few enough to keep the jets of a layer in the cache of a CPU."""
    return ON_CPU if device.type == "cpu" else ON_GPU


def row_fits(parameters: int, like: Tensor, budget: int | None) -> bool:
    """Whether one row fits into the budget; the arguments are those of `points_per_chunk`."""
    return parameters * like.element_size() <= _bytes(like, budget)


def _bytes(like: Tensor, budget: int | None) -> int:
    return chunk_bytes(like.device) if budget is None else budget
