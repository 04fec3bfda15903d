"""The conditions that the ansatz satisfies exactly, and the forms u = g + D·N for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import sympy as sp

from pdelsr.compile.hard_checks import (
    impossible,
    parts_of,
    require_derivatives,
    require_periodic,
    require_satisfied,
)
from pdelsr.compile.hard_form import HardForm
from pdelsr.compile.lift import factor_initial, lift_initial, lift_sides
from pdelsr.compile.periodic_seam import seam_layer
from pdelsr.declare.decimals import decimal_text
from pdelsr.declare.domains import Part
from pdelsr.declare.expressions import field, jets, multi_index
from pdelsr.declare.jumps import find_jump
from pdelsr.declare.nonsmooth import NONSMOOTH
from pdelsr.declare.regions import PeriodicPair
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Coefficient, NormalComponent
from pdelsr.declare.system import System
from pdelsr.errors import ProblemError


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
        wanted: make hard every condition that can be; otherwise only those that insist.

    Raises:
        ProblemError: a condition insists on a hard form that is not possible.
    """
    insisted = _periodic_axes(system, insisted_only=True)
    choices = [_periodic_axes(system, insisted_only=False), insisted] if wanted else [insisted]
    for axes in choices[:-1]:
        try:
            return _plan(system, axes, wanted)
        except ProblemError:  # data of a hard=True condition are not periodic: give up periodicity
            continue
    return _plan(system, choices[-1], wanted)


def reasons_to_be_soft(system: System, exact: Collection[str]) -> dict[str, str]:
    """Why the remaining Dirichlet and initial statements cannot be satisfied exactly.

    Args:
        system: the problem.
        exact: names of the statements that are, if hard forms were wanted.

    Returns:
        A sentence by the name of the statement.
    """
    found: dict[str, str] = {}
    for statement in system.conditions:
        if statement.kind not in ("initial", "dirichlet") or statement.name in exact:
            continue
        component = system.unknowns.index(_of(statement))
        try:
            build_form(system, component, (statement,))
            found[statement.name] = "together with the other conditions there is no hard form"
        except ProblemError as error:
            reason = str(error).removeprefix(f"{statement.title}: ").partition("; use the soft")[0]
            found[statement.name] = reason.removeprefix("a hard form is not possible: ")
    return found


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
    """The form that satisfies most: all, initial data only, sides only, or what insists."""
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
    sides = {p: values[s] for s in statements if s.kind == "dirichlet" for p in parts_of(s)}
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
        require_satisfied(form, statement, values[statement], system)
    require_derivatives(form, statements, system)
    for axis in axes:
        require_periodic(form, axis, statements, system)
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
    """The data of a statement, refused if their derivatives cannot be formed."""
    value = system.substituted(statement.rhs)
    if value.has(Coefficient):
        raise impossible(statement, "its value is a Python callable, which has no derivatives")
    if value.has(NormalComponent):
        raise impossible(statement, "its value uses the normal, which exists on the boundary only")
    if value.has(*NONSMOOTH):
        raise impossible(
            statement, f"its value {decimal_text(value)} is not smooth, and derivatives are needed"
        )
    if find_jump(value, system.domain, system.coordinates):
        raise impossible(
            statement,
            f"its value {decimal_text(value)} jumps in the domain, and derivatives are needed",
        )
    return value


def _by_order(statements: list[Statement], system: System) -> list[Statement]:
    """Initial statements for u, u_t, ... without a gap."""
    t = system.domain.time
    by_order = {sum(multi_index(s.lhs, cast(Any, (t,)))): s for s in statements}
    for k, order in enumerate(sorted(by_order)):
        if order != k:
            missing = "u itself" if k == 0 else "the lower derivatives in time"
            raise impossible(by_order[order], f"{missing} must be given by a hard Initial too")
    return [by_order[k] for k in sorted(by_order)]


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
            raise impossible(
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
