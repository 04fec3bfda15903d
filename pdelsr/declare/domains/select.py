"""The choice of boundary parts by name, by part or by predicate."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sympy as sp
from sympy.logic.boolalg import Boolean

from pdelsr.declare.domains.checks import quoted
from pdelsr.declare.domains.part import Part
from pdelsr.declare.domains.predicate import PredicatePart, require_known_coordinates
from pdelsr.errors import ProblemError


def named_part(parts: tuple[Part, ...], name: str) -> Part:
    """The part of this name.

    Raises:
        ProblemError: There is none; the message lists the existing ones.
    """
    for part in parts:
        if part.name == name:
            return part
    raise ProblemError(
        f"the domain has no boundary part named '{name}'; "
        f"it has {quoted(part.name for part in parts)}"
    )


def select_parts(
    parts: tuple[Part, ...],
    on: object,
    coordinates: tuple[sp.Symbol, ...],
    tolerance: float,
) -> tuple[Part, ...]:
    """The parts that `on` selects, each once, in the order given.

    Args:
        parts: All parts of the domain.
        on: None for all sides, a name, a part, a sympy predicate, or a sequence of these. The
            name given to a shape with several parts ("hole") stands for all of them.
        coordinates: Coordinates of the domain, which predicates may use.
        tolerance: Distance within which the sides of an Eq count as equal.

    Raises:
        ProblemError: A name does not exist, or no boundary point satisfies a predicate.
    """
    if on is None:
        return tuple(part for part in parts if part.kind == "side")
    if isinstance(on, str):
        return _by_name(parts, on)
    if isinstance(on, Part):
        return (_own_part(parts, on),)
    if isinstance(on, bool):
        raise ProblemError(
            f"`on` is {on}: == compares symbols at once in Python; "
            "write sp.Eq(x, 0) to name the points where x is 0"
        )
    if isinstance(on, Boolean):
        return _by_predicate(parts, on, coordinates, tolerance)
    if isinstance(on, Sequence) and len(on) > 0:
        chosen = (select_parts(parts, item, coordinates, tolerance) for item in on)
        return tuple(dict.fromkeys(part for group in chosen for part in group))
    raise ProblemError(
        f"`on` is {on!r}; expected a part name, a sympy predicate such as sp.Eq(x, 0), or a list "
        f"of these; the parts are {quoted(part.name for part in parts)}"
    )


def _own_part(parts: tuple[Part, ...], part: Part) -> Part:
    """The part itself, if it is one of the domain's, or a piece of one by a predicate.

    A part of an operand has other normals or other points than the piece of it that remains.
    """
    if part in parts or (isinstance(part, PredicatePart) and part.base in parts):
        return part
    raise ProblemError(
        f"`on` is a part {part.name!r} of another domain; take one of this domain by its name: "
        f"{quoted(p.name for p in parts)}"
    )


def _by_name(parts: tuple[Part, ...], name: str) -> tuple[Part, ...]:
    """The part with this name, or all parts of the shape with this name; "x = 0" is "x=0"."""
    if any(part.name == name for part in parts):
        return (named_part(parts, name),)
    group = tuple(part for part in parts if part.name.startswith(f"{name} "))
    return group or (named_part(parts, re.sub(r"\s*=\s*", "=", name)),)


def _by_predicate(
    parts: tuple[Part, ...],
    predicate: Boolean,
    coordinates: tuple[sp.Symbol, ...],
    tolerance: float,
) -> tuple[Part, ...]:
    """The sides, or pieces of them, where the predicate holds."""
    require_known_coordinates(predicate, coordinates)
    chosen: list[Part] = []
    sides = [part for part in parts if part.kind == "side"]
    for side in sides:
        name = f"{side.name} where {predicate}"
        part = PredicatePart(name, side, predicate, coordinates, tolerance)
        if part.acceptance > 0:
            chosen.append(side if part.acceptance == 1 else part)
    if not chosen:
        raise ProblemError(
            f"no boundary point satisfies {predicate}; "
            f"the sides are {quoted(part.name for part in sides)}"
        )
    return tuple(chosen)
