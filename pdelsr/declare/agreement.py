"""Whether initial, boundary and periodic conditions agree where they meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.callables import Values
from pdelsr.declare.domains import Part
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.expressions import derivative, field, jet_name, jets, multi_index
from pdelsr.declare.known_fields import KnownResidual
from pdelsr.declare.meeting_points import ROUNDING, Rim
from pdelsr.declare.regions import OnParts, PeriodicPair
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Coefficient, NormalComponent
from pdelsr.declare.system import System
from pdelsr.errors import ConditionWarning, warn

TOLD = 3  # disagreements that a warning describes one by one
POINTS = 64  # of a part, on which the largest value is sought


@dataclass(frozen=True)
class Disagreement:
    """Two conditions that give different values of the same quantity at one place.

    Attributes:
        conditions: names of the two statements.
        quantity: what they disagree about, such as "u" or "u_x".
        place: where they disagree most, the coordinates by name.
        gap: by how much.
        size: the largest value of the quantity in the data; if that may be rounding, the size that
            the other data of the unknown imply over the length of time.
        text: its description in messages.
    """

    conditions: tuple[str, str]
    quantity: str
    place: dict[str, float]
    gap: float
    size: float
    text: str

    @property
    def relative(self) -> float:
        """The gap as a share of the largest value."""
        return self.gap / self.size


@dataclass(frozen=True, eq=False)
class Datum:
    """∂ᵏu/∂tᵏ = g on one part.

    Attributes:
        statement: its source.
        u: the unknown.
        order: k.
        value: g, with the values of the parameters.
        rim: of the part.
    """

    statement: Statement
    u: sp.Expr
    order: int
    value: sp.Expr
    rim: Rim

    @property
    def is_initial(self) -> bool:
        return self.rim.part.kind == "initial"


@dataclass(frozen=True, eq=False)
class Sizes:
    """The size of a quantity, from all data of its unknown.

    Data that should be zero, such as a velocity from another solution, are rounding and tell no
    size.

    Attributes:
        data: of all unknowns.
        system: the problem.
    """

    data: list[Datum]
    system: System

    def of(self, u: sp.Expr, order: int) -> float:
        """The largest of ∂ʲu/∂tʲ in the data times Tʲ⁻ᵏ, where T is the length of time."""
        t = self.system.domain.time
        low, high = (0.0, 1.0) if t is None else self.system.domain.bounds(t)
        found = [(high - low) ** (j - order) * v for (w, j), v in self._known.items() if w == u]
        return max(found, default=0.0)

    @cached_property
    def _known(self) -> dict[tuple[sp.Expr, int], float]:
        """The largest value of every order in the data of every unknown."""
        known: dict[tuple[sp.Expr, int], float] = {}
        for d in self.data:
            key = (d.u, d.order)
            known[key] = max(known.get(key, 0.0), _largest(d.value, d.rim.part, self.system))
        return known


def disagreements(system: System) -> tuple[Disagreement, ...]:
    """Conditions that disagree where they meet by more than rounding, the largest first.

    Values on parts that meet are compared with each other. Initial values are compared with the
    boundary conditions and with periodicity, initial velocities with the velocity of boundary
    values.
    """
    data = _data(system)
    sizes = Sizes(data, system)
    found = [
        *_between_parts(data, sizes),
        *_over_periods(data, sizes),
        *_with_conditions(data, system),
    ]
    most: dict[tuple[tuple[str, str], str], Disagreement] = {}
    for one in found:
        key = (one.conditions, one.quantity)
        if key not in most or one.relative > most[key].relative:
            most[key] = one
    return tuple(sorted(most.values(), key=lambda d: -d.relative))


def warn_disagreements(found: tuple[Disagreement, ...]) -> None:
    """Warn of conditions that disagree where they meet."""
    for one in found[:TOLD]:
        warn(
            f"{one.text}. Digits are lost there: change one of the two, if you can.",
            ConditionWarning,
        )
    if len(found) > TOLD:
        more = f"{len(found) - TOLD} more pairs of conditions disagree; see problem.disagreements."
        warn(more, ConditionWarning)


def _data(system: System) -> list[Datum]:
    found = []
    rims: dict[Part, Rim] = {}
    for s in system.conditions:
        solved = _solved(s, system)
        if solved is None or not isinstance(s.region, OnParts):
            continue
        jet, value = solved
        value = system.substituted(value)
        order = sum(multi_index(jet, system.coordinates))
        if not value.has(NormalComponent):
            for part in s.region.parts:
                rim = rims.setdefault(part, Rim(part, system.domain.diameter))
                found.append(Datum(s, field(jet), order, value, rim))
    return found


def _solved(s: Statement, system: System) -> tuple[sp.Expr, sp.Expr] | None:
    """The jet u or ∂ᵏu/∂tᵏ that a statement gives, and its value."""
    for jet, value in ((s.lhs, s.rhs), (s.rhs, s.lhs)):
        if jet in jets(jet) and not jets(value):
            t = system.domain.time
            along = sum(multi_index(jet, system.coordinates))
            in_time = sum(multi_index(jet, (t,))) if t is not None else 0
            return (jet, value) if along == in_time else None
    return None


def _between_parts(data: list[Datum], sizes: Sizes) -> Iterator[Disagreement]:
    system = sizes.system
    for a, b in _neighbors(data):
        if a.order == b.order and a.value != b.value:
            yield from _compared(a, b, a.value, b.value, a.order, sizes)
    # moving boundary values prescribe the velocity at the initial time
    for a in (d for d in data if d.is_initial and d.order == 1):
        for b in (d for d in data if d.order == 0 and d.rim.part.kind == "side" and d.u == a.u):
            if not b.value.has(Coefficient):
                t = cast(sp.Symbol, system.domain.time)
                moving = derivative(b.value, (1,), (t,))
                yield from _compared(a, b, a.value, moving, 1, sizes)


def _neighbors(data: list[Datum]) -> Iterator[tuple[Datum, Datum]]:
    """Pairs on different parts that may meet, of the same unknown."""
    if len(data) < 2:
        return
    boxes = np.stack([d.rim.box for d in data])
    slack = 1e-6 * data[0].rim.diameter
    low, high = boxes[:, 0] - slack, boxes[:, 1] + slack
    for i, a in enumerate(data):
        near = ((low[i] <= high[i + 1 :]) & (low[i + 1 :] <= high[i])).all(axis=1)
        for j in np.nonzero(near)[0]:
            b = data[i + 1 + int(j)]
            if a.u == b.u and a.rim.part != b.rim.part:
                yield a, b


def _compared(
    a: Datum, b: Datum, left: sp.Expr, right: sp.Expr, order: int, sizes: Sizes
) -> Iterator[Disagreement]:
    """Two values where two parts meet."""
    system = sizes.system
    met = a.rim.meets(b.rim) | b.rim.meets(a.rim)
    points = met.points
    values = [_values(v, system)(points) for v in (left, right)] if len(points) else []
    if len(values) < 2 or values[0] is None or values[1] is None:
        return
    gaps = np.abs(values[0] - values[1])
    if _worst(gaps, 0.0) is None:
        return
    size = max(
        *(_finite_max(np.abs(v)) for v in (values[0], values[1])),
        _largest(left, a.rim.part, system),
        _largest(right, b.rim.part, system),
    )
    if _worst(gaps, size * met.rounding) is None:
        return
    size = max(size, sizes.of(a.u, order))
    worst = _worst(gaps, size * met.rounding)
    if worst is None:
        return
    one, other = float(values[0][worst]), float(values[1][worst])
    name = _name(a.u, order, system)
    at = _place(points[worst], system)
    said = f"{_called(a)} and {_called(b)} disagree where they meet"
    if a.statement.title == b.statement.title:
        said = f"values of {a.statement.title} disagree where '{a.rim.part.name}' and "
        said += f"'{b.rim.part.name}' meet"
    text = f"{said}, at {_text(at)}: {name} = {one:.4g} and {other:.4g}"
    pair = (a.statement.name, b.statement.name)
    yield _made(pair, name, at, abs(one - other), size, text)


def _over_periods(data: list[Datum], sizes: Sizes) -> Iterator[Disagreement]:
    """Given values and their derivatives at the two ends of a period."""
    system = sizes.system
    for s in system.conditions:
        if not isinstance(s.region, PeriodicPair) or s.lhs not in jets(s.lhs):
            continue
        c = s.region.coordinate
        column = system.coordinates.index(c)
        low, high = system.domain.bounds(c)
        index = multi_index(s.lhs, system.coordinates)
        for d in data:
            if d.u != field(s.lhs) or (any(index) and d.value.has(Coefficient)):
                continue
            slope = derivative(d.value, index, system.coordinates)
            start = d.rim.points[np.abs(d.rim.points[:, column] - low) <= 1e-9 * (high - low)]
            end = start.copy()
            end[:, column] = high
            both = d.rim.holds(end)
            start, end = start[both], end[both]
            values = [_values(slope, system)(p) for p in (start, end)]
            if not len(start) or values[0] is None or values[1] is None:
                continue
            ends = np.abs(np.concatenate([values[0], values[1]]))
            size = max(_largest(slope, d.rim.part, system), _finite_max(ends))
            gaps = np.abs(values[0] - values[1])
            if _worst(gaps, size * ROUNDING) is None:
                continue
            size = size if any(index) else max(size, sizes.of(d.u, d.order))
            worst = _worst(gaps, size * ROUNDING)
            if worst is None:
                continue
            one, other = float(values[0][worst]), float(values[1][worst])
            # the order in time of the data, and that of the periodic derivative along c
            name = jet_name(_jet(s.lhs, d.order, system), system.coordinates)
            at = _place(start[worst], system)
            text = (
                f"{_called(d)} violates {s.title}: {name} = {one:.4g} at {c} = {low:.6g} and "
                f"{other:.4g} at {c} = {high:.6g}"
            )
            pair = (d.statement.name, s.name)
            yield _made(pair, name, at, abs(one - other), size, text)


def _with_conditions(data: list[Datum], system: System) -> Iterator[Disagreement]:
    """Initial values put into conditions on the sides that are not values themselves."""
    starts = {(d.u, d.order): d for d in data if d.is_initial}
    if not starts:
        return
    t = cast(sp.Symbol, system.domain.time)

    def used(jet: sp.Expr) -> Datum | None:
        return starts.get((field(jet), multi_index(jet, (t,))[0]))

    def known(jet: sp.Expr) -> sp.Expr | None:
        index, datum = multi_index(jet, system.coordinates), used(jet)
        if datum is None or datum.value.has(Coefficient):
            return None
        space = tuple(0 if c == t else k for c, k in zip(system.coordinates, index, strict=True))
        return derivative(datum.value, space, system.coordinates)

    for s in system.conditions:
        if not isinstance(s.region, OnParts) or _solved(s, system) is not None:
            continue
        F = KnownResidual(system.substituted(s.residual), known, system.coordinates)
        first = next((d for d in map(used, jets(F.residual)) if d is not None), None)
        if first is None or not F.is_known:
            continue
        everywhere = F.at(_inner(first.rim.part))
        if everywhere is None:
            continue
        for part in s.region.parts:
            if part.kind != "side":
                continue
            met = Rim(part, system.domain.diameter).meets(first.rim)
            points = met.points
            found = F.at(points, part.normals(points)) if len(points) else None
            if found is None:
                continue
            size = max(_finite_max(everywhere.terms), _finite_max(found.terms))
            worst = _worst(np.abs(found.residual), size * met.rounding)
            if worst is not None:
                at, gap = _place(points[worst], system), float(np.abs(found.residual[worst]))
                text = (
                    f"the initial values violate {s.title} where they meet, at {_text(at)}: its "
                    f"two sides differ by {gap:.4g}"
                )
                pair = (first.statement.name, s.name)
                yield _made(pair, s.name, at, gap, size, text)


def _made(
    pair: tuple[str, str],
    quantity: str,
    at: dict[str, float],
    gap: float,
    size: float,
    text: str,
) -> Disagreement:
    share = f"{text} ({gap / size:.1e} of the largest value)"
    return Disagreement(pair, quantity, at, gap, size, share)


def _largest(value: sp.Expr, part: Part, system: System) -> float:
    """The largest absolute value of data on a part."""
    found = _values(value, system)(_inner(part))
    return 0.0 if found is None else _finite_max(np.abs(found))


def _values(expression: sp.Expr, system: System) -> Values:
    return _compiled(expression, system.coordinates)


@lru_cache(maxsize=1024)
def _compiled(expression: sp.Expr, coordinates: tuple[sp.Symbol, ...]) -> Values:
    """The values of an expression, compiled once, because many parts may have the same data."""
    return Values(expression, coordinates)


def _inner(part: Part) -> Float[np.ndarray, "n d"]:
    placed = part.place(probes(POINTS, part.unit_dim))
    return placed.points[placed.kept]


def _finite_max(values: Float[np.ndarray, " n"]) -> float:
    return float(np.max(values, where=np.isfinite(values), initial=0.0))


def _worst(gaps: Float[np.ndarray, " n"], allowed: Float[np.ndarray, " n"] | float) -> int | None:
    """The index of the largest gap beyond rounding; None if there is none."""
    gaps = np.where(np.isfinite(gaps) & (gaps > allowed), gaps, 0)
    worst = int(np.argmax(gaps))
    return worst if gaps[worst] > 0 else None


def _jet(jet: sp.Expr, order: int, system: System) -> sp.Expr:
    """The jet differentiated by time, `order` times more."""
    return cast(sp.Expr, jet.diff(system.domain.time, order)) if order else jet


def _name(u: sp.Expr, order: int, system: System) -> str:
    return jet_name(_jet(u, order, system), system.coordinates)


def _called(d: Datum) -> str:
    return f"{d.statement.title} on '{d.rim.part.name}'"


def _place(point: Float[np.ndarray, " d"], system: System) -> dict[str, float]:
    names = (cast(Any, c).name for c in system.coordinates)
    return {name: float(v) + 0.0 for name, v in zip(names, point, strict=True)}


def _text(place: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:.6g}" for name, value in place.items())
