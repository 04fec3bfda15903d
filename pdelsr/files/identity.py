"""The identity of a problem: its mathematics as printed, without its name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from pdelsr.declare import Problem
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.inputs import OfArrays, bounds_of, coordinates_of
from pdelsr.declare.regions import AtPoints, Interior, OnParts
from pdelsr.declare.statements import Statement
from pdelsr.errors import ProblemError
from pdelsr.files.digest import digest

PROBES = 32  # points where an input function is compared, irregular so that no wave hides
DIGITS = 9  # of the domain's diameter, to which places are compared
GOLDEN = (5**0.5 - 1) / 2


def problem_lines(problem: Problem) -> list[str]:
    """Unknowns, parameters, domain, statements, their places and input functions, one per line.

    A place is identified by 32 of its points, observations by all of theirs. Note that a callable
    coefficient is identified by its name only, an input function by its values at 32 points of the
    domain, if it has values there; a reference is not compared.
    """
    places = (_places_line(problem, statement) for statement in problem.statements)
    given = (input_line(problem, name) for name in sorted(problem.instance))
    return [*str(problem).splitlines()[1:], *places, *(line for line in given if line)]


def _places_line(problem: Problem, statement: Statement) -> str:
    parts: list[str | bytes] = []
    for array, unit in _places(problem, statement):
        parts += [f"{unit:.{DIGITS}g}", _rounded_bytes(array / unit, DIGITS)]
    return f"  places of {statement.name}: fingerprint {digest(parts)[:12]}"


def _rounded_bytes(values: Float[np.ndarray, "..."], digits: int) -> bytes:
    """The bytes of rounded numbers, equal on every machine up to a rounding at the last digit."""
    rounded = np.round(values, digits) + 0.0  # no negative zeros
    return rounded.astype("<f8").tobytes()


def _places(
    problem: Problem, statement: Statement
) -> Iterator[tuple[Float[np.ndarray, "..."], float]]:
    """Arrays that identify where a statement holds, each with the size of its numbers."""
    region, size = statement.region, float(np.abs(problem.domain.bounding_box).max())
    if isinstance(region, AtPoints):
        yield region.points, size
        yield region.values, float(np.abs(region.values).max()) or 1.0
        return
    if isinstance(region, OnParts):
        shapes = region.parts
    elif isinstance(region, Interior):
        shapes = (problem.domain,)
    else:
        shapes = problem.domain.faces(region.coordinate)
    for shape in shapes:
        placed = shape.place(probes(PROBES, shape.unit_dim))
        yield placed.points, size
        yield placed.kept.astype(float), 1.0


def input_line(problem: Problem, name: str) -> str:
    """The values of an input function at some points; empty where it has none there."""
    function, coordinates = problem.instance[name], coordinates_of(name, problem.system)
    if not coordinates or not isinstance(function, OfArrays):
        return ""
    if len(coordinates) == 1:
        low, high = map(float, bounds_of(coordinates[0], problem.system))
        x = low + (high - low) * (GOLDEN * np.arange(1, PROBES + 1) % 1)[:, None]
    else:
        placed = problem.domain.place(probes(PROBES, problem.domain.unit_dim))
        columns = [problem.coordinates.index(c) for c in coordinates]
        x = placed.points[placed.kept][:, columns]
    try:
        values = np.broadcast_to(function(*x.T), len(x))
    except ProblemError:  # it is known on a part of the domain alone, such as its boundary
        return ""
    size = np.abs(values).max()
    known = digest([_rounded_bytes(values / size if size > 0 else values, 6)])[:12]
    return f"  input function {name}: at most {size:.6g} at {PROBES} points, fingerprint {known}"


def is_same_problem(one: Problem, other: Problem) -> bool:
    """Whether two problems have the same mathematics."""
    return one is other or problem_lines(one) == problem_lines(other)
