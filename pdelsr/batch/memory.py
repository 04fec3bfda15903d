"""The rank that the free memory allows a refinement on data."""

from __future__ import annotations

from pdelsr.batch.model import Model
from pdelsr.errors import MemoryLimitError
from pdelsr.lstsq.streaming import BUFFER
from pdelsr.resources.room import has_room, room_text
from pdelsr.solvers.refinement.refusal import largest

DRAWN = 1000  # rows beyond r that a basis is built from
TRIANGLES = 5  # r², that the last factorization and its answer take


def affordable_rank(asked: int | str, rank: int, model: Model, basis: str) -> int:
    """The rank itself, or the largest one that fits where the user left it open.

    Raises:
        MemoryLimitError: the user's rank does not fit.
    """
    device = model.like.device

    def fits(r: int) -> bool:
        return has_room(bytes_needed(r, model, basis), device)

    if fits(rank):
        return rank
    most = largest(fits, rank)
    if isinstance(asked, str) and most:
        return most
    advice = f"lower it to {most}" if most else "close other programs"
    room = room_text(bytes_needed(rank, model, basis), device)
    raise MemoryLimitError(
        f"rank {rank} with {model.size:,} parameters needs {room}: {advice}, or take "
        "basis='coordinate'."
    )


def bytes_needed(rank: int, model: Model, basis: str) -> int:
    """Of the streaming factorization (stack, copy and triangle), and of V while it is made."""
    r, m = rank, model.size
    stack = 2 * (1 + BUFFER) * r**2
    V = 0 if basis == "coordinate" or r >= m else m * r
    made = 3 * V + 2 * (r + DRAWN) * r if basis == "output" else 0
    return model.like.element_size() * (V + max(made, stack + TRIANGLES * r**2))
