"""The open levels and functions of a solution, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pdelsr.declare import Problem
from pdelsr.declare.coverage import open_levels
from pdelsr.declare.levels import OpenLevel, open_level


def not_unique(problem: Problem, found: Sequence[str]) -> list[str]:
    """The open levels of unknowns, and the functions found open; empty if there are none.

    Args:
        problem: whose equations leave levels open.
        found: open functions from an estimate of the error, in words.
    """
    levels = open_levels(problem.system)
    return [*(f"{u} is known up to {known}" for u, known in levels.items()), *found]


def up_to(problem: Problem) -> str:
    """The open levels, as ", up to a constant"; empty if no level is open."""
    several = len(problem.unknowns) > 1
    return "".join(
        f", {cast(Any, u).name} up to {known}" if several else f", up to {known}"
        for u, known in open_levels(problem.system).items()
    )


def levels_of(problem: Problem) -> list[OpenLevel]:
    """The open levels, with their remedies."""
    found = (open_level(u, problem.system) for u in problem.unknowns)
    return [level for level in found if level is not None]
