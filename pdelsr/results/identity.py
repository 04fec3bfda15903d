"""What identifies a problem: its mathematics, as they are printed, without its name."""

from __future__ import annotations

import numpy as np

from pdelsr.declare import Problem
from pdelsr.declare.inputs import OfArrays, bounds_of, coordinate_of

PROBES = 9  # points where an input function is compared


def problem_lines(problem: Problem) -> list[str]:
    """Unknowns, parameters, domain, statements and input functions, one a line.

    Note that a callable coefficient is known by its name only, an input function of one coordinate
    by its values at nine points, one of several not at all, and neither is a reference.
    """
    given = (_input_line(problem, name) for name in sorted(problem.instance))
    return [*str(problem).splitlines()[1:], *(line for line in given if line)]


def _input_line(problem: Problem, name: str) -> str:
    function, coordinate = problem.instance[name], coordinate_of(name, problem.system)
    if coordinate is None or not isinstance(function, OfArrays):
        return ""
    low, high = map(float, bounds_of(coordinate, problem.system))
    x = np.linspace(low, high, PROBES)
    values = np.broadcast_to(function(x), x.shape)
    return f"  input function {name}: {', '.join(f'{v:.6g}' for v in values)}"


def is_same_problem(one: Problem, other: Problem) -> bool:
    """Whether the mathematics of two problems are the same."""
    return one is other or problem_lines(one) == problem_lines(other)
