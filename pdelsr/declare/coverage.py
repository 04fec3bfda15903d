"""Checks that the conditions cover the initial time and the boundary of space."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import sympy as sp

from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.domains.checks import first_ones
from pdelsr.declare.domains.predicate import PredicatePart
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.evaluate import evaluate
from pdelsr.declare.expressions import field, jets, multi_index
from pdelsr.declare.levels import ORDINALS, open_level
from pdelsr.declare.long_sums import short_text
from pdelsr.declare.regions import AtPoints, OnParts, PeriodicPair
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Coefficient, InputFunction, NormalComponent
from pdelsr.declare.system import System
from pdelsr.errors import ConditionWarning, ProblemError, warn

GIVEN = ("dirichlet", "initial", "neumann", "condition")  # kinds that may have data on one side
OPAQUE = (Coefficient, InputFunction, NormalComponent)
MOST_COMPARED = 64  # parts that one part is compared with
OVERLAP = 0.05  # largest share of a part's points that lie on edges of others
SAME = 1e-6  # relative difference of data that count as the same


def require_initial_data(system: System) -> None:
    """Refuse a time problem with fewer or more initial data than its order in time."""
    t = system.domain.time
    if t is None:
        return
    for u in system.unknowns:
        order = system.order(u, t)
        given = _given_in_time(u, system)
        _refuse_superfluous(u, order, system)
        if given is None or len(given) >= order:
            continue
        if any(
            s.kind == "observations" and u in map(field, jets(s.lhs)) for s in system.conditions
        ):
            _warn(f"{u} has no complete initial condition; its observations must determine it.")
            continue
        _refuse_initial(u, order, {k for _, k in given}, t)


def warn_bare_boundary(system: System) -> None:
    """Warn of sides without a condition, or with one on a part only."""
    space = system.domain.space.coordinates
    highest = max(system.order(u, c) for u in system.unknowns for c in space)
    if highest == 0 or _is_determined(system):
        return
    bare = _bare_sides(system, system.conditions)
    if highest == 1 and len(system.unknowns) == 1 and len(bare) < len(system.domain.sides):
        return  # transport has a condition where it enters, and none where it leaves
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
        level = open_level(u, system)
        if level is None:
            continue
        enters = "its derivatives only"
        if level.order > 1:
            enters = f"derivatives of {ORDINALS[level.order - 1]} order or higher only"
        _warn(f"{u} enters by {enters}: it is known up to {level.text}, and {level.advice}.")


def open_levels(system: System) -> dict[sp.Expr, str]:
    """Unknowns that enter by their derivatives only, with the term that stays open."""
    levels = {u: open_level(u, system) for u in system.unknowns}
    return {u: level.text for u, level in levels.items() if level is not None}


def require_consistent_data(system: System) -> None:
    """Refuse two different values of the same quantity on the same part, or where parts overlap."""
    earlier: dict[sp.Expr, list[tuple[Part, Statement]]] = {}
    for statement in system.conditions:
        region = statement.region
        if not isinstance(region, OnParts) or not _gives_a_value(statement):
            continue
        known = earlier.setdefault(statement.lhs, [])
        for part in region.parts:
            for other_part, other in known[:MOST_COMPARED]:
                if other is not statement and _differ(other, other_part, statement, part, system):
                    raise ProblemError(
                        f"{statement.title} on '{part.name}' contradicts {other.title}, which "
                        f"gives {short_text(other.rhs)} there: leave one of them out, or name "
                        "other parts by on=."
                    )
        known += [(part, statement) for part in region.parts]


def _gives_a_value(statement: Statement) -> bool:
    """Whether a statement has the form quantity = data."""
    plain = statement.kind == "condition" and statement.lhs in jets(statement.lhs)
    return (statement.kind in GIVEN or plain) and not jets(statement.rhs)


def _differ(one: Statement, on: Part, other: Statement, part: Part, system: System) -> bool:
    """Whether the data of two statements differ where their parts overlap.

    Unknown functions are not compared.
    """
    values = [system.substituted(s.rhs) for s in (one, other)]
    if any(v.free_symbols - set(system.coordinates) or v.has(*OPAQUE) for v in values):
        return False
    points = part.from_unit(probes(64, part.unit_dim)).points
    if on != part:
        common = on.contains(points, 1e-9 * system.domain.diameter)
        if common.sum() <= OVERLAP * len(points):  # no more than an edge
            return False
        points = points[common]
    try:
        found = [evaluate(v, system.coordinates, points, one.title) for v in values]
    except ProblemError:  # the check of the data explains it better
        return False
    scale = max(np.abs(found[0]).max(), np.abs(found[1]).max())
    return bool(np.abs(found[0] - found[1]).max() > SAME * scale)


def _given_in_time(u: sp.Expr, system: System) -> set[tuple[str, int]] | None:
    """The data of u at the ends of time, as (end, order of ∂/∂t); None if periodic in time."""
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


def _refuse_superfluous(u: sp.Expr, order: int, system: System) -> None:
    t = cast(sp.Symbol, system.domain.time)
    for statement in system.conditions:
        found = jets(statement.lhs) if statement.kind == "initial" else ()
        highest = max((sum(multi_index(j, (t,))) for j in found if field(j) == u), default=0)
        if highest >= max(order, 1):
            raise ProblemError(
                f"{statement.title}: the equations are of order {order} in time {t} for {u}, whose "
                f"derivatives from order {max(order, 1)} on follow from them; leave it out."
            )


def _refuse_initial(u: sp.Expr, order: int, given: set[int], t: sp.Symbol) -> None:
    missing = next(k for k in range(order) if k not in given)
    name = cast(Any, u).name
    what = f"{name}.diff({t}{f', {missing}' if missing > 1 else ''})" if missing else name
    ordinal = ORDINALS[order - 1]
    raise ProblemError(
        f"unknown {u}: the equations are of {ordinal} order in time {t}, and there is no initial "
        f"condition for {what}; add Initial(sp.Eq({what}, value))."
    )


def _bare_sides(system: System, conditions: Iterable[Statement]) -> list[str]:
    """The names in messages of the sides on which none of these conditions holds."""
    pieces: dict[Part, list[Part]] = {}
    for part in _parts(conditions, system.domain):
        side = part.base if isinstance(part, PredicatePart) else part
        pieces.setdefault(side, []).append(part)
    sides = system.domain.sides
    return [text for side in sides if (text := _bare(side, pieces.get(side, []), system))]


def _is_determined(system: System) -> bool:
    """Whether ordinary differential equations have as many conditions as their order.

    Their place does not matter: an initial value problem has all of them at one end.
    """
    if len(system.coordinates) > 1:
        return False
    given: set[tuple[sp.Expr, Part]] = set()
    more = 0
    for s in system.conditions:
        if isinstance(s.region, OnParts):
            given |= {(s.residual, part) for part in s.region.parts}
        else:
            more += len(s.region.points) if isinstance(s.region, AtPoints) else 1
    return len(given) + more >= sum(map(system.order, system.unknowns))


def _advice(what: str, bare: list[str]) -> str:
    return (
        f"{what} on {first_ones(bare)}: the solution may not be unique. Add Dirichlet, Neumann, "
        "Robin, Periodic or Condition there, unless the equation needs none."
    )


def _bare(side: Part, pieces: list[Part], system: System) -> str:
    """The bare part of a side, in words; empty if all of the side carries a condition.

    Sides do not overlap, so only its own pieces can cover it.
    """
    if side in pieces:
        return ""
    if not pieces:
        return f"'{side.name}'"
    points = side.from_unit(probes(1024, side.unit_dim)).points
    tolerance = 1e-9 * system.domain.diameter
    covered = np.zeros(len(points), dtype=bool)
    for part in pieces:
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
    warn(message, ConditionWarning)
