"""Sizes of a run made smaller, or refused, if their estimate exceeds the free memory."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.processes import current
from pdelsr.solvers.refinement.memory.estimate import (
    LEAST_COLUMNS,
    PIECE,
    alignment_bytes,
    fits,
    gradient_bytes,
    needed,
)
from pdelsr.solvers.refinement.memory.refusal import does_not_fit, memory_error
from pdelsr.solvers.refinement.refiner_options import RefinerOptions
from pdelsr.solvers.state.discretization import Discretization

ROWS_PER_DIRECTION = 1.5  # per direction, at least, when points are left out


@dataclass(frozen=True)
class Choice:
    """Sizes of a refinement.

    Args:
        factor: times the planned points.
        rank: r; None for a choice by the refiner.
        lowered: the lowered sizes, in words; None if these are the wanted ones.
    """

    factor: int | float
    rank: int | None
    lowered: str | None = None

    @property
    def limit(self) -> str | None:
        """Why the sizes are not larger, for the report."""
        return self.lowered and f"{self.lowered}, for lack of memory"


def affordable(
    discretization: Discretization,
    refiner: RefinerOptions,
    factor: int | float,
    rank: int | None = None,
) -> list[Choice]:
    """The sizes that fit: the wanted ones, or else the largest ones.

    Points are left out if the user chose none. Directions are left out if the user chose no rank,
    and either no basis or one whose number of directions is a choice.

    Args:
        discretization: network, blocks and points.
        refiner: with the user's choices.
        factor: times the planned points.
        rank: chosen by an earlier refinement.

    Raises:
        MemoryLimitError: not even the smallest sizes fit.
    """
    first = refiner.first_rank(discretization, factor, rank)
    choices = _choices(discretization, refiner, Choice(factor, rank or refiner.rank), first)
    needs = [needed(discretization, refiner, c.factor, c.rank or first) for c in choices]
    found = [c for c, need in zip(choices, needs, strict=True) if fits(discretization, need)]
    if found:
        return found
    if len(choices) > 1:
        raise memory_error(discretization, needs[-1], [], choices[-1].lowered)
    raise does_not_fit(discretization, refiner, factor, first)


def _choices(
    discretization: Discretization, refiner: RefinerOptions, wanted: Choice, first: int
) -> list[Choice]:
    """The wanted sizes, then fewer points, then fewer directions with as many points for each."""
    found, r = [wanted], first
    while True:
        factor = wanted.factor * r / first if discretization.points_open else wanted.factor
        fewest = ROWS_PER_DIRECTION * r / max(discretization.plan.total, 1)
        while True:
            if r < first or factor < wanted.factor:
                rank = wanted.rank if r == first else r
                found.append(Choice(factor, rank, _lowered(first, r, factor / wanted.factor)))
            if not discretization.points_open or factor <= fewest:
                break
            factor = max(factor / 2, fewest)
        if not refiner.rank_is_open(discretization) or r <= LEAST_COLUMNS:
            return found
        r = max(r // 2, LEAST_COLUMNS)


def _lowered(wanted: int, rank: int, share: int | float) -> str:
    points = f" and {share:.1%} of the points" if share < 1 else ""
    directions = f"{rank:,} of {wanted:,} directions" if rank < wanted else "all directions"
    return directions + points


def affordable_columns(discretization: Discretization, rows: int | float, largest: int) -> int:
    """Parameters that a Gauss–Newton step may move: as many as wanted, or as fit."""
    columns = min(largest, discretization.network.parameter_count)
    while columns > LEAST_COLUMNS and not fits(
        discretization, alignment_bytes(discretization, rows, columns)
    ):
        columns = max(columns // 2, LEAST_COLUMNS)
    return largest if columns == min(largest, discretization.network.parameter_count) else columns


def affordable_points(discretization: Discretization, points: int, history: int = 0) -> int:
    """Points of one reverse pass: all at once, or as many as fit."""
    once = int(current().largest(points))
    while once > PIECE and not fits(discretization, gradient_bytes(discretization, once, history)):
        once = max(once // 2, PIECE)
    return once
