"""How far a solution is from the reference, and how well it satisfies each block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pdelsr.declare import Problem
from pdelsr.errors import MemoryLimitError
from pdelsr.resources.memory import CPU
from pdelsr.resources.room import has_room, room_text
from pdelsr.results.levels import without_open_part
from pdelsr.sample import Halton, sample_interior

FLAT = 1e-12  # share of a reference, below which it does not vary
COPIES, VALUES = 4, 5  # held of the coordinates while points are drawn, and of each unknown
ERROR_STREAM = 90_210  # keeps the points of the error apart from those of any training seed


@dataclass(frozen=True)
class UnknownError:
    """Error of one unknown against the reference.

    Args:
        relative_l2: ‖u − u_ref‖ / ‖u_ref‖ over the points, both without the part that the equations
            leave open. If nothing is left of u_ref, for example if it is zero, the root mean square
            of u − u_ref, in the units of u.
        max_error: max |u − u_ref| over the points.
        relative_to_variation: ‖u − u_ref‖ / ‖u_ref − mean u_ref‖, which an offset such as 300 K
            does not make small; None if u_ref is a constant.
        absolute: whether `relative_l2` is that root mean square, not a relative error.
    """

    relative_l2: float
    max_error: float
    relative_to_variation: float | None = None
    absolute: bool = False

    @property
    def kind(self) -> str:
        """The kind of `relative_l2`, as an adjective for "error"."""
        return "absolute" if self.absolute else "relative L2"


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
    """Refuse a number of points whose coordinates and values would not fit into memory.

    Raises:
        MemoryLimitError: they do not fit; the message says what they need, and what is free.
    """
    numbers = COPIES * len(problem.coordinates) + VALUES * len(problem.unknowns)
    need = numbers * n * 8
    if not has_room(need, CPU):
        raise MemoryLimitError(f"an error at {n:,} points needs {room_text(need, CPU)}: lower n.")


def errors_of(
    problem: Problem,
    points: Float[np.ndarray, "n d"],
    values: Float[np.ndarray, "n k"],
    reference: Float[np.ndarray, "n k"],
) -> dict[str, UnknownError]:
    """The error of every unknown, without the part that the equations leave open.

    Args:
        problem: whose unknowns these are.
        points: spread over the domain.
        values: of the solution at the points.
        reference: true values at the points.
    """
    error = without_open_part(problem, points, values.astype(np.float64) - reference)
    truth = without_open_part(problem, points, reference)
    sizes = np.linalg.norm(truth, axis=0)
    truth[:, sizes <= FLAT * np.linalg.norm(reference, axis=0)] = 0.0  # all but rounding is open
    return {u.name: _error_of(error[:, i], truth[:, i]) for i, u in enumerate(problem.unknowns)}


def largest_error(errors: Mapping[str, UnknownError]) -> UnknownError:
    """The largest error of an unknown; NaN counts as infinite."""
    finite = (
        replace(error, relative_l2=math.inf) if math.isnan(error.relative_l2) else error
        for error in errors.values()
    )
    return max(finite, key=lambda error: error.relative_l2)


def _error_of(error: Float[np.ndarray, " n"], truth: Float[np.ndarray, " n"]) -> UnknownError:
    """The error of one unknown whose truth is known."""
    found, size = float(np.linalg.norm(error)), float(np.linalg.norm(truth))
    varying = float(np.linalg.norm(truth - truth.mean()))
    return UnknownError(
        found / (size or len(error) ** 0.5),
        float(np.abs(error).max()),
        None if varying <= FLAT * size else found / varying,
        size == 0,
    )
