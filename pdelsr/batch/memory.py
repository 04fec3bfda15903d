"""The rank that the free memory allows a refinement on data."""

from __future__ import annotations

from pdelsr.batch.model import Model
from pdelsr.errors import MemoryLimitError
from pdelsr.linearize.free_memory import free_bytes
from pdelsr.linearize.memory import bytes_text
from pdelsr.lstsq.streaming import BUFFER
from pdelsr.solvers.estimate import RESERVE, SHARE
from pdelsr.solvers.refusal import largest

DRAWN = 1000  # rows beyond r that a basis is built from
TRIANGLES = 5  # r², that the last factorization and its answer take


def affordable_rank(asked: int | str, rank: int, model: Model, basis: str) -> int:
    """The rank itself, or the largest one that fits where the user left it open.

    Raises:
        MemoryLimitError: the user's rank does not fit.
    """
    free = free_bytes(model.like.device)

    def fits(r: int) -> bool:
        return bytes_needed(r, model, basis) + RESERVE <= SHARE * free

    if fits(rank):
        return rank
    most = largest(fits, rank)
    if isinstance(asked, str) and most:
        return most
    advice = f"lower it to {most}" if most else "close other programs"
    raise MemoryLimitError(
        f"rank {rank} needs about {bytes_text(bytes_needed(rank, model, basis) + RESERVE)} of "
        f"memory with {model.size:,} parameters, and {bytes_text(free)} is free, of which "
        f"{SHARE:.0%} are used: {advice}, or take basis='coordinate'."
    )


def bytes_needed(rank: int, model: Model, basis: str) -> int:
    """Of the streaming factorization (stack, copy and triangle), and of V while it is made."""
    r, m = rank, model.size
    stack = 2 * (1 + BUFFER) * r**2
    V = 0 if basis == "coordinate" or r >= m else m * r
    made = 3 * V + 2 * (r + DRAWN) * r if basis == "output" else 0
    return model.like.element_size() * (V + max(made, stack + TRIANGLES * r**2))
