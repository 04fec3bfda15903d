"""Checks that a reference can be evaluated, and that it solves the problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.domains import Part
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.exact import by_unknown, reference_values
from pdelsr.declare.expressions import as_expression, derivative, field, jets, multi_index
from pdelsr.declare.known_fields import KnownResidual, Sizes
from pdelsr.declare.regions import AtPoints, Interior, OnParts, PeriodicPair
from pdelsr.declare.statements import Statement, statement_text
from pdelsr.declare.symbols import coefficient
from pdelsr.declare.system import System
from pdelsr.errors import ReferenceWarning, warn
from pdelsr.reference import OfInputs, Parametric

POINTS = 32  # inside the domain, and at most of observations
ON_PART = 16
MOST_PARTS = 12  # of a statement
TOLERANCE = 1e-6  # of the largest term, beyond which a reference solves another problem
LARGE = 5_000  # operations of a derivative that is still formed
TOLD = 3


@dataclass(frozen=True)
class Violation:
    """A statement that the reference does not satisfy.

    Attributes:
        statement: its name.
        place: where, the coordinates by name.
        gap: |F| there.
        size: the largest sum of the terms of F.
    """

    statement: str
    place: dict[str, float]
    gap: float
    size: float


def is_checkable(reference: Any) -> bool:
    """Whether a reference is the user's own; those of the package take seconds to compute."""
    if reference is None or isinstance(reference, OfInputs):
        return False
    if isinstance(reference, Parametric):
        reference = reference.make
    listed = reference.values() if isinstance(reference, Mapping) else reference
    if isinstance(listed, Mapping | list | tuple | type({}.values())):
        return all(map(is_checkable, cast(Any, listed)))
    if isinstance(reference, sp.Basic):
        return True
    module = getattr(reference, "__module__", None) or type(reference).__module__
    return not str(module).startswith("pdelsr.")


def require_evaluable_reference(reference: Any, system: System) -> None:
    """Refuse a reference that fails, or is not finite, at points inside the domain.

    Raises:
        ProblemError: it fails, has the wrong shape, or a value is not finite.
    """
    reference_values(reference, system, _inside(system))


def violations(reference: Any, system: System) -> tuple[Violation, ...]:
    """Statements that the reference violates, the largest relative violation first.

    A sympy reference is put into every statement, a callable one into those without derivatives.
    """
    known = _known_by(reference, system)
    found = (_violation(s, known, system) for s in system.statements)
    listed = [v for v in found if v is not None]
    return tuple(sorted(listed, key=lambda v: -v.gap / v.size))


def warn_violations(reference: Any, system: System) -> None:
    """Warn of statements that the reference violates."""
    found = violations(reference, system)
    texts = {s.name: statement_text(s, system.coordinates) for s in system.statements}
    for one in found[:TOLD]:
        at = ", ".join(f"{name} = {value:.6g}" for name, value in one.place.items())
        text = texts[one.statement]
        text = text if len(text) < 80 else f"{text[:77]}..."
        _warn(
            f"reference: it violates '{one.statement}' ({text}) by {one.gap:.3g} at {at}, "
            f"{one.gap / one.size:.1e} of the terms there are: it is not the solution of this "
            "problem, so that errors against it mean little. Mend it, or the problem."
        )
    if len(found) > TOLD:
        _warn(f"reference: it violates {len(found) - TOLD} more of the statements.")


def _known_by(reference: Any, system: System) -> Callable[[sp.Expr], sp.Expr | None]:
    """Maps a jet to its value according to the reference; None if unknown."""
    fields: dict[sp.Expr, sp.Expr] = {}
    if callable(reference) and not isinstance(reference, sp.Basic):
        for i, u in enumerate(system.unknowns):
            fields[u] = _as_coefficient(reference, i, system)
    else:
        for i, (u, given) in enumerate(
            zip(system.unknowns, by_unknown(reference, system), strict=True)
        ):
            if callable(given) and not isinstance(given, sp.Basic):
                fields[u] = _as_coefficient(reference, i, system)
            else:
                fields[u] = system.substituted(as_expression(given, "reference"))
    sizes = {u: int(cast(Any, e).count_ops()) for u, e in fields.items()}

    def known(jet: sp.Expr) -> sp.Expr | None:
        u, index = field(jet), multi_index(jet, system.coordinates)
        if not any(index):
            return fields[u]
        opaque = isinstance(fields[u], sp.core.function.AppliedUndef)
        if opaque or sizes[u] * 3 ** sum(index) > LARGE:
            return None
        return derivative(fields[u], index, system.coordinates)

    return known


def _as_coefficient(reference: Any, component: int, system: System) -> sp.Expr:
    def values(*columns: Any) -> Float[np.ndarray, " n"]:
        points = np.column_stack([np.asarray(column) for column in columns])
        return reference_values(reference, system, points)[:, component]

    return coefficient("reference", values, *system.coordinates)


def _violation(
    s: Statement, known: Callable[[sp.Expr], sp.Expr | None], system: System
) -> Violation | None:
    over_period = isinstance(s.region, PeriodicPair)
    F = KnownResidual(
        system.substituted(s.lhs if over_period else s.residual), known, system.coordinates
    )
    if not F.is_known or not jets(s.residual):
        return None
    inside = F.at(_inside(system))
    if inside is None:
        return None
    size = _largest(inside.terms)
    worst: Violation | None = None
    for points, found in _looks(s, F, system):
        size = max(size, _largest(found.terms))
        gaps = np.where(np.isfinite(found.residual), np.abs(found.residual), 0)
        i = int(np.argmax(gaps))
        if gaps[i] > TOLERANCE * size and (worst is None or gaps[i] > worst.gap):
            names = (cast(Any, c).name for c in system.coordinates)
            place = {n: float(v) for n, v in zip(names, points[i], strict=True)}
            worst = Violation(s.name, place, float(gaps[i]), size)
    return worst


def _looks(
    s: Statement, F: KnownResidual, system: System
) -> Iterator[tuple[Float[np.ndarray, "n d"], Sizes]]:
    """The residual at points of the region of a statement."""
    region = s.region
    if isinstance(region, Interior):
        points = _inside(system)
        found = F.at(points)
        if found is not None:
            yield points, found
    elif isinstance(region, OnParts):
        for part in region.parts[:MOST_PARTS]:
            points = _on(part)
            found = F.at(points, part.normals(points)) if len(points) else None
            if found is not None:
                yield points, found
    elif isinstance(region, PeriodicPair):
        low, high = (_on(face) for face in system.domain.faces(region.coordinate))
        ends = [F.at(points) for points in (low, high)]
        if len(low) == len(high) and ends[0] is not None and ends[1] is not None:
            jump = ends[1].residual - ends[0].residual
            yield low, Sizes(jump, np.maximum(ends[0].terms, ends[1].terms))
    elif isinstance(region, AtPoints):
        points, data = region.points[:POINTS], region.values[:POINTS]
        found = F.at(points)
        if found is not None:
            yield points, Sizes(found.residual - data, found.terms + np.abs(data))


def _inside(system: System) -> Float[np.ndarray, "n d"]:
    return system.domain.from_unit(probes(16 * POINTS, system.domain.unit_dim))[:POINTS]


def _on(part: Part) -> Float[np.ndarray, "n d"]:
    placed = part.place(probes(4 * ON_PART, part.unit_dim))
    return placed.points[placed.kept][:ON_PART]


def _largest(values: Float[np.ndarray, " n"]) -> float:
    return float(np.max(values, where=np.isfinite(values), initial=0.0))


def _warn(message: str) -> None:
    warn(message, ReferenceWarning)
