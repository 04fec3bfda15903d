"""Whether the conditions cover the start of time and the boundary of space."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import sympy as sp

from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.expressions import field, jets, multi_index
from pdelsr.declare.regions import OnParts, PeriodicPair
from pdelsr.declare.statements import Statement
from pdelsr.declare.system import System
from pdelsr.errors import ConditionWarning, ProblemError


def require_initial_data(system: System) -> None:
    """Refuse a time problem whose unknowns are not given as often as time order asks."""
    t = system.domain.time
    if t is None:
        return
    for u in system.unknowns:
        order = system.order(u, t)
        given = _given_in_time(u, system)
        if given is None or len(given) >= order:
            continue
        if any(
            s.kind == "observations" and u in map(field, jets(s.lhs)) for s in system.conditions
        ):
            _warn(f"{u} has no complete initial condition; its observations must determine it.")
            continue
        _refuse_initial(u, order, {k for _, k in given}, t)


def warn_bare_boundary(system: System) -> None:
    """Warn, naming them, of sides that carry no condition at all, or not everywhere."""
    space = system.domain.space.coordinates
    highest = max(system.order(u, c) for u in system.unknowns for c in space)
    if highest == 0:
        return
    bare = _bare_sides(system, system.conditions)
    if highest == 1 and len(system.unknowns) == 1 and len(bare) < len(system.domain.sides):
        return  # transport wants a condition where it enters, and none where it leaves
    if bare:
        _warn(_advice("no condition", bare))
        return
    if len(system.unknowns) > 1:
        for u in system.unknowns:
            mine = [s for s in system.conditions if u in map(field, jets(s.residual))]
            bare = _bare_sides(system, mine)
            # A field of first order in space, such as a pressure, may need no condition.
            if bare and max(system.order(u, c) for c in space) >= 2:
                _warn(_advice(f"no condition for {u}", bare))
                return


def warn_open_level(system: System) -> None:
    """Warn of an unknown that enters by its derivatives only, as under Neumann conditions."""
    for u in system.unknowns:
        statements = [s for s in system.statements if not isinstance(s.region, PeriodicPair)]
        if any(u in jets(s.residual) for s in statements):
            continue
        name, t = cast(Any, u).name, system.domain.time
        point = "(…)" if len(system.coordinates) > 1 else "…"
        known, where = ("a constant", "A value at one point fixes the constant")
        if t is not None and not system.order(u, t):
            known, where = (f"a function of {t}", "Values at one place over time fix it")
        _warn(
            f"{u} enters by its derivatives only: it is known up to {known}, and there may be "
            f"no solution unless the data balance, sources against fluxes. {where}, as in "
            f"pl.Observations({name}, points=[{point}], values=[0])."
        )


def _given_in_time(u: sp.Expr, system: System) -> set[tuple[str, int]] | None:
    """What is given of u at the ends of time, as (end, order of ∂/∂t); None: periodic in time."""
    t = cast(sp.Symbol, system.domain.time)
    given: set[tuple[str, int]] = set()
    for statement in system.conditions:
        mine = [j for j in jets(statement.residual) if field(j) == u]
        region = statement.region
        if mine and isinstance(region, PeriodicPair) and region.coordinate == t:
            return None
        if mine and isinstance(region, OnParts):
            order = max(sum(multi_index(j, (t,))) for j in mine)
            given |= {(part.kind, order) for part in region.parts if part.kind != "side"}
    return given


def _refuse_initial(u: sp.Expr, order: int, given: set[int], t: sp.Symbol) -> None:
    missing = next(k for k in range(order) if k not in given)
    name = cast(Any, u).name
    what = f"{name}.diff({t}{f', {missing}' if missing > 1 else ''})" if missing else name
    ordinal = {1: "first", 2: "second", 3: "third", 4: "fourth"}[order]
    raise ProblemError(
        f"unknown {u}: the equations are of {ordinal} order in time {t}, and there is no initial "
        f"condition for {what}; add Initial(sp.Eq({what}, value))."
    )


def _bare_sides(system: System, conditions: Iterable[Statement]) -> list[str]:
    """The sides, as messages call them, on which none of these conditions holds."""
    parts = _parts(conditions, system.domain)
    return [text for side in system.domain.sides if (text := _bare(side, system, parts))]


def _advice(what: str, bare: list[str]) -> str:
    return (
        f"{what} on {', '.join(bare)}: the solution may not be unique. Add Dirichlet, Neumann, "
        "Robin, Periodic or Condition there, unless the equation needs none."
    )


def _bare(side: Part, system: System, parts: set[Part]) -> str:
    """How a message calls what is bare of a side; empty where all of it carries a condition."""
    points = side.from_unit(probes(1024, side.unit_dim)).points
    tolerance = 1e-9 * system.domain.diameter
    covered = np.zeros(len(points), dtype=bool)
    for part in parts:
        covered |= part.contains(points, tolerance)
    if covered.all():
        return ""
    return f"part of '{side.name}'" if covered.any() else f"'{side.name}'"


def _parts(conditions: Iterable[Statement], domain: Domain) -> set[Part]:
    parts: set[Part] = set()
    for statement in conditions:
        region = statement.region
        if isinstance(region, OnParts):
            parts.update(region.parts)
        if isinstance(region, PeriodicPair):
            parts.update(domain.faces(region.coordinate))
    return parts


def _warn(message: str) -> None:
    # _warn, the check, _check, __post_init__, __init__: the sixth frame is the user's line
    warnings.warn(message, ConditionWarning, stacklevel=6)
