"""Which conditions the ansatz satisfies exactly, and the forms u = g + D·N that do so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

import numpy as np
import sympy as sp

from pdelsr.compile.hard_form import HardForm
from pdelsr.compile.lift import factor_initial, lift_initial, lift_sides
from pdelsr.compile.seam import seam_layer
from pdelsr.declare.domains import Part
from pdelsr.declare.domains.exact_number import exact_number
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.evaluate import evaluate
from pdelsr.declare.expressions import derivative, field, jets, multi_index
from pdelsr.declare.regions import OnParts, PeriodicPair
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Coefficient, NormalComponent
from pdelsr.declare.system import System
from pdelsr.errors import ProblemError

SOFT = "use the soft form (hard=False)"
AGREE = 1e-8  # relative; data that differ by more are not the same data
KINKED = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.floor, sp.ceiling, sp.Piecewise)


@dataclass(frozen=True, eq=False)
class HardPlan:
    """What the ansatz satisfies by itself.

    Attributes:
        forms: u = g + D·N for each component, or None.
        periodic: period of each coordinate in which the ansatz is periodic.
        exact: names of the statements that need no block.
    """

    forms: tuple[HardForm | None, ...]
    periodic: Mapping[sp.Symbol, float]
    exact: tuple[str, ...]


def plan_hard(system: System, wanted: bool) -> HardPlan:
    """Choose the conditions that are made hard, and build their forms.

    Args:
        system: the problem.
        wanted: make hard whatever can be; otherwise only what insists on it.

    Raises:
        ProblemError: a condition insists on a hard form that is not possible.
    """
    insisted = _periodic_axes(system, insisted_only=True)
    choices = [_periodic_axes(system, insisted_only=False), insisted] if wanted else [insisted]
    for axes in choices[:-1]:
        try:
            return _plan(system, axes, wanted)
        except ProblemError:  # data that insist are not periodic: give up periodicity instead
            continue
    return _plan(system, choices[-1], wanted)


def _plan(system: System, axes: tuple[sp.Symbol, ...], wanted: bool) -> HardPlan:
    chosen = [_choose(system, component, axes, wanted) for component in range(len(system.unknowns))]
    exact = [s.name for pair in chosen for s in pair.statements]
    exact += [s.name for s in system.conditions if _axis(s) in axes]
    bounds = {x: system.domain.bounds(x) for x in axes}
    periods = {x: high - low for x, (low, high) in bounds.items()}
    return HardPlan(tuple(pair.form for pair in chosen), periods, tuple(exact))


@dataclass(frozen=True, eq=False)
class _Chosen:
    """The form of one component and the statements that it satisfies."""

    form: HardForm | None
    statements: tuple[Statement, ...]


def _choose(system: System, component: int, axes: tuple[sp.Symbol, ...], wanted: bool) -> _Chosen:
    """The form that satisfies most: all, initial data only, sides only, what insists."""
    u = system.unknowns[component]
    mine = [s for s in system.conditions if s.kind in ("initial", "dirichlet") and _of(s) == u]
    for kinds in (("initial", "dirichlet"), ("initial",), ("dirichlet",)) if wanted else ():
        some = tuple(s for s in mine if s.hard or s.kind in kinds)
        try:
            return _Chosen(build_form(system, component, some, axes), some)
        except ProblemError:
            continue
    insisted = tuple(s for s in mine if s.hard)
    return _Chosen(build_form(system, component, insisted, axes), insisted)


def build_form(
    system: System,
    component: int,
    statements: tuple[Statement, ...],
    axes: tuple[sp.Symbol, ...] = (),
) -> HardForm | None:
    """The form u = g + D·N that satisfies Dirichlet and initial statements, or None without any.

    g = side lift, corrected at the initial time; D = distance factor · (t - t0)^count.

    Raises:
        ProblemError: there is no such form; the message says why.
    """
    if not statements:
        return None
    values = {s: _smooth_value(s, system) for s in statements}
    sides = {p: values[s] for s in statements if s.kind == "dirichlet" for p in _parts(s)}
    initial = _by_order([s for s in statements if s.kind == "initial"], system)
    lift: sp.Expr = sp.Integer(0)
    factor: sp.Expr = sp.Integer(1)
    if sides:
        lift, factor = _lift_and_factor(sides, statements, system)
    if initial:
        t = cast(sp.Symbol, system.domain.time)
        start = system.domain.bounds(t)[0]
        lift = lift_initial(lift, t, start, [values[s] for s in initial])
        factor = factor * factor_initial(t, start, len(initial))
        if len(initial) == len(axes) == 1 and not sides:
            lift += seam_layer(system, lift, axes[0]) or 0
    form = HardForm(component, lift, factor, system.coordinates, axes)
    for statement in statements:
        _require_satisfied(form, statement, values[statement], system)
    _require_derivatives(form, statements, system)
    for axis in axes:
        _require_periodic(form, axis, statements, system)
    return form


def _lift_and_factor(
    sides: Mapping[Part, sp.Expr], statements: Iterable[Statement], system: System
) -> tuple[sp.Expr, sp.Expr]:
    title = next(s.title for s in statements if s.kind == "dirichlet")
    try:
        factor = system.domain.distance_factor(tuple(sides))
        return lift_sides(system.domain, sides), factor
    except ProblemError as error:
        raise ProblemError(f"{title}: a hard form is not possible: {error}") from error


def _smooth_value(statement: Statement, system: System) -> sp.Expr:
    """The data of a statement, refused where its derivatives cannot be formed."""
    value = system.substituted(statement.rhs)
    if value.has(Coefficient):
        raise _impossible(statement, "its value is a Python callable, which has no derivatives")
    if value.has(NormalComponent):
        raise _impossible(statement, "its value uses the normal, which exists on the boundary only")
    if value.has(*KINKED):
        raise _impossible(statement, f"its value {value} is not smooth, and derivatives are needed")
    return value


def _by_order(statements: list[Statement], system: System) -> list[Statement]:
    """Initial statements for u, u_t, ... without a gap."""
    t = system.domain.time
    by_order = {sum(multi_index(s.lhs, cast(Any, (t,)))): s for s in statements}
    for k, order in enumerate(sorted(by_order)):
        if order != k:
            missing = "u itself" if k == 0 else "the lower derivatives in time"
            raise _impossible(by_order[order], f"{missing} must be given by a hard Initial too")
    return [by_order[k] for k in sorted(by_order)]


def _require_satisfied(
    form: HardForm, statement: Statement, value: sp.Expr, system: System
) -> None:
    """Refuse data that disagree where parts of the boundary meet, named by the first point."""
    index = multi_index(statement.lhs, form.coordinates)
    gap = derivative(form.lift, index, form.coordinates) - value
    points = np.concatenate([_probe(part) for part in _parts(statement)])
    gaps, scale = (
        np.abs(evaluate(e, form.coordinates, points, statement.title)) for e in (gap, value)
    )
    bad = gaps > AGREE * (1 + scale.max())
    if bad.any():
        i = int(np.argmax(gaps))
        at = ", ".join(f"{c}={v:.3g}" for c, v in zip(form.coordinates, points[i], strict=True))
        raise _impossible(
            statement,
            "the data of the conditions disagree where parts of the boundary meet (the form "
            f"is off by {gaps[i]:.3g} at {at})",
        )


def _require_derivatives(form: HardForm, statements: Iterable[Statement], system: System) -> None:
    """Refuse data such as J₀, whose derivatives have no torch form, along each coordinate."""
    u = system.unknowns[form.component]
    for axis in form.coordinates:
        index = tuple(system.order(u, axis) * (c == axis) for c in form.coordinates)
        try:
            form.require_torch_form(index)
        except ProblemError as error:
            raise _impossible(next(iter(statements)), str(error).rstrip(".")) from error


def _require_periodic(
    form: HardForm, axis: sp.Symbol, statements: Iterable[Statement], system: System
) -> None:
    """Refuse a lift or factor that would break the periodicity of the ansatz."""
    u = system.unknowns[form.component]
    low, high = map(exact_number, system.domain.bounds(axis))
    points = system.domain.from_unit(probes(64, system.domain.unit_dim))
    for expression in (form.lift, form.factor):
        for k in range(max(1, system.order(u, axis))):
            slope = sp.diff(expression, axis, k) if k else expression
            gap = cast(sp.Expr, slope.subs(axis, high) - slope.subs(axis, low))
            gaps = np.abs(evaluate(gap, form.coordinates, points, "hard form"))
            if gaps.max() > AGREE * 10:
                what = f"the derivative of order {k} of the data" if k else "the data"
                raise _impossible(
                    next(iter(statements)),
                    f"{what} is not periodic in {axis} (it jumps by {gaps.max():.3g}), but the "
                    "ansatz is; leave one of the two conditions soft",
                )


def _periodic_axes(system: System, insisted_only: bool) -> tuple[sp.Symbol, ...]:
    """The coordinates in which the ansatz is made periodic."""
    axes: dict[sp.Symbol, None] = {}
    for statement in system.conditions:
        axis = _axis(statement)
        if axis is None or (insisted_only and not statement.hard):
            continue
        periodic = {_of(s) for s in system.conditions if _axis(s) == axis}
        others = [u for u in system.unknowns if u not in periodic]
        if others and statement.hard:
            raise _impossible(
                statement,
                f"{others[0]} is not periodic in {axis}, and all unknowns share the inputs of "
                "one network",
            )
        if not others:
            axes[axis] = None
    return tuple(axes)


def _axis(statement: Statement) -> sp.Symbol | None:
    region = statement.region
    return region.coordinate if isinstance(region, PeriodicPair) else None


def _of(statement: Statement) -> sp.Expr:
    return field(jets(statement.lhs)[0])


def _parts(statement: Statement) -> tuple[Part, ...]:
    return cast(OnParts, statement.region).parts


def _probe(part: Part) -> np.ndarray:
    """Points of a part, its corners included, where data are most likely to disagree."""
    inner = probes(64, part.unit_dim)
    corners = np.array(list(product((0.0, 1.0), repeat=part.unit_dim)))
    return part.from_unit(np.concatenate([inner, corners])).points


def _impossible(statement: Statement, why: str) -> ProblemError:
    return ProblemError(f"{statement.title}: a hard form is not possible: {why}; {SOFT}.")
