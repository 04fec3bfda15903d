"""From a problem to the blocks of its residual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from pdelsr.compile.block import Block
from pdelsr.compile.hard import HardPlan, plan_hard
from pdelsr.compile.hard_form import HardForm
from pdelsr.compile.passes import compile_statement
from pdelsr.declare.problem import Problem
from pdelsr.errors import ProblemError


@dataclass(frozen=True, eq=False)
class CompiledProblem:
    """A problem as pure functions of points and jet values.

    Attributes:
        blocks: what the ansatz does not satisfy by itself, equations first.
        unknowns: the fields, in the order of components.
        coordinates: symbols of the columns of the points, space first, then time.
        hard: for each component the form u = g + D·N, or None.
        periodic: the period of each coordinate in which the ansatz is periodic.
        exact: names of the blocks that the ansatz satisfies, which are left out.
    """

    blocks: tuple[Block, ...]
    unknowns: tuple[sp.Expr, ...]
    coordinates: tuple[sp.Symbol, ...]
    hard: tuple[HardForm | None, ...]
    periodic: Mapping[sp.Symbol, float]
    exact: tuple[str, ...] = ()

    def block(self, name: str) -> Block:
        """The block of this name; KeyError if there is none."""
        return {b.name: b for b in self.blocks}[name]


def compile_problem(problem: Problem, hard: bool = False) -> CompiledProblem:
    """Compile every statement of a problem to a block.

    Args:
        problem: the declaration.
        hard: make hard every condition that can be, and leave the others soft. Conditions
            declared with hard=True are made hard in any case.

    Raises:
        ProblemError: a function has no torch form, a condition insists on a hard form that is not
            possible, or an input function is missing.
    """
    if problem.missing_inputs:
        raise ProblemError(
            f"{problem.name} is parametric: give {', '.join(problem.missing_inputs)} by "
            "problem.at(...) in Python first."
        )
    plan: HardPlan = plan_hard(problem.system, hard)
    blocks = tuple(
        compile_statement(s, problem.system, problem.weights.get(s.name, 1.0))
        for s in problem.statements
        if s.name not in plan.exact
    )
    return CompiledProblem(
        blocks, problem.unknowns, problem.coordinates, plan.forms, plan.periodic, plan.exact
    )
