"""What identifies a problem: its mathematics, as they are printed, without its name."""

from __future__ import annotations

import hashlib

import numpy as np

from pdelsr.declare import Problem
from pdelsr.declare.inputs import OfArrays, bounds_of, coordinate_of

PROBES = 32  # points where an input function is compared, irregular so that no wave hides
GOLDEN = (5**0.5 - 1) / 2


def problem_lines(problem: Problem) -> list[str]:
    """Unknowns, parameters, domain, statements and input functions, one a line.

    Note that a callable coefficient is known by its name only, an input function of one coordinate
    by its values at 32 points, one of several not at all, and neither is a reference.
    """
    given = (_input_line(problem, name) for name in sorted(problem.instance))
    return [*str(problem).splitlines()[1:], *(line for line in given if line)]


def _input_line(problem: Problem, name: str) -> str:
    function, coordinate = problem.instance[name], coordinate_of(name, problem.system)
    if coordinate is None or not isinstance(function, OfArrays):
        return ""
    low, high = map(float, bounds_of(coordinate, problem.system))
    x = low + (high - low) * (GOLDEN * np.arange(1, PROBES + 1) % 1)
    values = np.broadcast_to(function(x), x.shape)
    size = np.abs(values).max()
    rounded = np.round(values / size, 6) + 0.0 if size > 0 else values  # no negative zeros
    known = hashlib.sha256(rounded.astype("<f8").tobytes()).hexdigest()[:12]
    return f"  input function {name}: at most {size:.6g} at {PROBES} points, fingerprint {known}"


def is_same_problem(one: Problem, other: Problem) -> bool:
    """Whether the mathematics of two problems are the same."""
    return one is other or problem_lines(one) == problem_lines(other)
