"""How far a solution is from the reference, and how well it satisfies each block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pdelsr.declare import Problem
from pdelsr.errors import MemoryLimitError
from pdelsr.linearize.memory import CPU
from pdelsr.linearize.room import has_room, room_text
from pdelsr.sample import Halton, sample_interior

COPIES, VALUES = 4, 5  # of the coordinates while points are drawn, and of each unknown
ERROR_STREAM = 90_210  # keeps the points of the error apart from those of any training seed


@dataclass(frozen=True)
class UnknownError:
    """Error of one unknown against the reference.

    Args:
        relative_l2: ‖u − u_ref‖ / ‖u_ref‖ over the points; ‖u − u_ref‖ where u_ref vanishes.
        max_error: max |u − u_ref| over the points.
    """

    relative_l2: float
    max_error: float


@dataclass(frozen=True)
class BlockResidual:
    """Root mean square of F on the points of one block, without weights.

    Args:
        train_rms: on the points that the solution was fitted to.
        heldout_rms: on points that were never trained on.
    """

    train_rms: float
    heldout_rms: float


def heldout_points(problem: Problem, n: int, seed: int) -> Float[np.ndarray, "n d"]:
    """Points inside the domain from a stream that no training seed uses."""
    stream = np.random.SeedSequence([ERROR_STREAM, seed])
    return sample_interior(problem.domain, n, Halton(), stream).points


def require_room_for_error(problem: Problem, n: int) -> None:
    """Refuse so many points that they would not fit, with what is drawn and compared at them.

    Raises:
        MemoryLimitError: what they need, and what is free.
    """
    numbers = COPIES * len(problem.coordinates) + VALUES * len(problem.unknowns)
    need = numbers * n * 8
    if not has_room(need, CPU):
        raise MemoryLimitError(f"an error at {n:,} points needs {room_text(need, CPU)}: lower n.")


def error_of(value: Float[np.ndarray, " n"], reference: Float[np.ndarray, " n"]) -> UnknownError:
    """The error of one unknown from its values."""
    difference = value.astype(np.float64) - reference
    size = float(np.linalg.norm(reference)) or 1.0
    return UnknownError(float(np.linalg.norm(difference)) / size, float(np.abs(difference).max()))
