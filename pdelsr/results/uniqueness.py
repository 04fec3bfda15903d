"""What the equations leave open of a solution, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pdelsr.declare import Problem
from pdelsr.declare.coverage import open_levels
from pdelsr.declare.levels import OpenLevel, open_level

if TYPE_CHECKING:  # Solution calls what calls this module; only its type is needed here
    from pdelsr.results.solution import Solution


def not_unique(solution: Solution) -> list[str]:
    """Levels of unknowns, and functions that the estimate has found open; empty where none is."""
    levels = open_levels(solution.problem.system)
    return [f"{u} is known up to {known}" for u, known in levels.items()] + [
        *solution.estimate.open
    ]


def up_to(problem: Problem) -> str:
    """What unknowns are known up to, as ", up to a constant"; empty where no level is open."""
    several = len(problem.unknowns) > 1
    return "".join(
        f", {cast(Any, u).name} up to {known}" if several else f", up to {known}"
        for u, known in open_levels(problem.system).items()
    )


def levels_of(problem: Problem) -> list[OpenLevel]:
    """The levels that are open, with what fixes them."""
    found = (open_level(u, problem.system) for u in problem.unknowns)
    return [level for level in found if level is not None]
