"""Reading the derivative that a user names, such as "u_xxt" or u.diff(x, 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from pdelsr.compile import Entry
from pdelsr.declare.expressions import field, multi_index
from pdelsr.declare.symbols import Unknown
from pdelsr.errors import SettingsError, shortened

HIGHEST = 4
LONGEST = 8  # order up to which the name of a derivative is parsed


def read_derivative(
    given: Any, unknowns: Sequence[sp.Expr], coordinates: Sequence[sp.Symbol]
) -> Entry:
    """The component and multi-index of a derivative.

    Args:
        given: an unknown, a sympy derivative of one, or a name: "u", "u_x", "u_xxt".
        unknowns: of the problem.
        coordinates: of the problem.

    Raises:
        SettingsError: it names no derivative of an unknown, or one above order four.
    """
    if isinstance(given, str):
        entry = _named(given, unknowns, coordinates)
    else:
        entry = _symbolic(given, unknowns, coordinates)
    if entry is None:
        names = ", ".join(_name(u) for u in unknowns)
        example = f"{_name(unknowns[0])}_{coordinates[0].name}"
        raise SettingsError(
            f"{shortened(str(given))} is not a derivative of an unknown: expected {example!r} or "
            f"the like, of order {HIGHEST} at most, with "
            f"unknowns {names} and coordinates {', '.join(c.name for c in coordinates)}."
        )
    if sum(entry.index) > HIGHEST:
        raise SettingsError(
            f"{given} has order {sum(entry.index)}: derivatives up to order {HIGHEST} can be had."
        )
    return entry


def derivative_name(
    entry: Entry, unknowns: Sequence[sp.Expr], coordinates: Sequence[sp.Symbol]
) -> str:
    """The name of a derivative, such as "u_xxt"; of the value, the name of the unknown."""
    suffix = "".join(c.name * k for c, k in zip(coordinates, entry.index, strict=True))
    return _name(unknowns[entry.component]) + (f"_{suffix}" if suffix else "")


def _named(
    text: str, unknowns: Sequence[sp.Expr], coordinates: Sequence[sp.Symbol]
) -> Entry | None:
    for component, u in enumerate(unknowns):
        if text == _name(u):
            return Entry(component, (0,) * len(coordinates))
    for component, u in enumerate(unknowns):
        if text.startswith(f"{_name(u)}_"):
            counts = _count(text[len(_name(u)) + 1 :], [c.name for c in coordinates])
            if counts is not None and any(counts):
                return Entry(component, counts)
    return None


def _count(suffix: str, names: Sequence[str]) -> tuple[int, ...] | None:
    """How often each coordinate occurs in "xxt", whose names may have several letters."""
    if not suffix:
        return (0,) * len(names)
    if len(suffix) > LONGEST * max(map(len, names)):
        return None
    for axis, name in enumerate(names):
        if suffix.startswith(name):
            rest = _count(suffix[len(name) :], names)
            if rest is not None:
                return (*rest[:axis], rest[axis] + 1, *rest[axis + 1 :])
    return None


def _symbolic(
    given: Any, unknowns: Sequence[sp.Expr], coordinates: Sequence[sp.Symbol]
) -> Entry | None:
    is_jet = isinstance(given, Unknown) or (
        isinstance(given, sp.Derivative) and isinstance(given.expr, Unknown)
    )
    if not is_jet or field(given) not in unknowns:
        return None
    return Entry(list(unknowns).index(field(given)), multi_index(given, tuple(coordinates)))


def _name(u: Any) -> str:
    return u.name
