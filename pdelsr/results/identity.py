"""What identifies a problem: its mathematics, as they are printed, without its name."""

from __future__ import annotations

from pdelsr.declare import Problem


def problem_lines(problem: Problem) -> list[str]:
    """Unknowns, parameters, domain and statements, one a line.

    Note that a callable coefficient is known by its name only, and a reference not at all.
    """
    return str(problem).splitlines()[1:]


def is_same_problem(one: Problem, other: Problem) -> bool:
    """Whether the mathematics of two problems are the same."""
    return one is other or problem_lines(one) == problem_lines(other)
