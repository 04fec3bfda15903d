"""The checks of a declaration, one function per mistake, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import sympy as sp
from sympy.core.function import AppliedUndef

from pdelsr.declare.assumptions import require_admitted_ranges, require_admitted_values
from pdelsr.declare.backward import warn_backward
from pdelsr.declare.coverage import (
    require_consistent_data,
    require_initial_data,
    warn_bare_boundary,
    warn_open_level,
)
from pdelsr.declare.expressions import field, jets, multi_index, opaque_derivatives
from pdelsr.declare.point_masses import require_no_point_masses
from pdelsr.declare.regions import OnParts
from pdelsr.declare.smoothness import require_smooth_coefficients
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Coefficient, NormalComponent, NormalDerivative, Unknown
from pdelsr.declare.system import System, parameter_symbols
from pdelsr.declare.transport import warn_jumping_fluxes
from pdelsr.errors import ProblemError

HIGHEST_ORDER = 4


def require_distinct_unknowns(system: System) -> None:
    """Refuse two unknowns with one name, and an unknown named like a coordinate."""
    taken = {c.name: f"coordinate {c}" for c in system.coordinates}
    for u in system.unknowns:
        name = cast(Any, u).name
        if name in taken:
            raise ProblemError(
                f"unknown {u}: the name '{name}' is taken by the {taken[name]}; rename one."
            )
        taken[name] = f"unknown {u}"


def require_matching_coordinates(system: System) -> None:
    """Refuse an unknown that does not depend on exactly the coordinates of the domain."""
    expected = ", ".join(map(str, system.coordinates))
    for u in system.unknowns:
        strangers = [a for a in u.args if a not in system.coordinates]
        name = cast(Any, u).name
        if any(not isinstance(a, sp.Symbol) for a in strangers):
            _refuse_arguments("unknowns", u)
        if strangers and str(strangers[0]) in map(str, system.coordinates):
            raise ProblemError(
                f"unknown {u}: its {strangers[0]} and that of the domain have the same name but "
                "other assumptions; use the one symbol from pl.coordinates in both."
            )
        if strangers:
            raise ProblemError(
                f"unknown {u}: {strangers[0]} is not a coordinate of the domain, which has "
                f'({expected}); declare pl.unknown("{name}", {expected}) with the same symbols.'
            )
        missing = [c for c in system.coordinates if c not in u.args]
        if missing:
            raise ProblemError(
                f"unknown {u}: it does not depend on the coordinate {missing[0]} of the domain; "
                "every unknown depends on all coordinates. Declare "
                f'pl.unknown("{name}", {expected}).'
            )


def require_declared_fields(system: System) -> None:
    """Refuse functions that are neither unknowns of the problem nor callable coefficients."""
    for statement in system.statements:
        for applied in _sorted(_sides(statement).atoms(AppliedUndef)):
            if isinstance(applied, Coefficient):
                continue
            if not isinstance(applied, Unknown):
                name = applied.name
                raise ProblemError(
                    f"{statement.title}: the field {applied} is not declared; use "
                    f'pl.unknown("{name}", ...) for an unknown, or '
                    f'pl.coefficient("{name}", function, ...) for a given function.'
                )
            _require_known_unknown(statement, applied, system)


def require_plain_unknowns(system: System) -> None:
    """Refuse u(0, t), substitutions, and derivatives that could not be carried out."""
    for statement in system.statements:
        for opaque in opaque_derivatives(_sides(statement)):
            _refuse_opaque(statement, opaque)


def require_coordinate_derivatives(
    statement: Statement, coordinates: tuple[sp.Symbol, ...]
) -> None:
    """Refuse a derivative by a symbol that is no coordinate, before sympy turns it into zero."""
    for slope in _sorted(_sides(statement).atoms(sp.Derivative)):
        for symbol in slope.variables:
            # sympy writes derivatives that it cannot carry out, as of Mod(2*x, 1), with a Dummy
            known = symbol in coordinates or isinstance(symbol, sp.Dummy)
            if isinstance(symbol, sp.Symbol) and not known:
                raise ProblemError(
                    f"{statement.title}: the derivative {slope} is by {symbol}, which is not a "
                    f"coordinate; the coordinates are {_listed(coordinates)}."
                )


def require_plain_normal_derivatives(statement: Statement) -> None:
    """Refuse derivatives of n·∇u, which would need the curvature of the boundary."""
    for opaque in _sorted(_sides(statement).atoms(sp.Derivative, sp.Subs)):
        if opaque.has(NormalDerivative):
            raise ProblemError(
                f"{statement.title}: {opaque} differentiates a normal derivative; write it by "
                "normal(x) * u.diff(x) + ... instead."
            )


def require_local(system: System) -> None:
    """Refuse integrals, sums and limits that could not be carried out, or hold an unknown."""
    for statement in system.statements:
        nonlocal_ = (sp.Integral, sp.Sum, sp.Product, sp.Limit)
        for expression in _sorted(_sides(statement).atoms(*nonlocal_)):
            raise ProblemError(
                f"{statement.title}: {expression} cannot be evaluated point by point; only "
                "functions of the coordinates, the unknowns and their derivatives can."
            )


def require_known_symbols(system: System) -> None:
    """Refuse symbols that are neither coordinates nor parameters with a value."""
    by_name = {c.name: c for c in system.coordinates}
    for statement in system.statements:
        for symbol in parameter_symbols(_sides(statement), system.coordinates):
            if symbol.name in by_name:
                raise ProblemError(
                    f"{statement.title}: its symbol {symbol} has the name of the coordinate "
                    f"{symbol} but other assumptions; use the one symbol from pl.coordinates "
                    "everywhere."
                )
            if symbol.name not in system.parameters:
                raise ProblemError(
                    f"{statement.title}: the symbol {symbol} is neither a coordinate "
                    f"({_listed(system.coordinates)}) nor a parameter with a value; give it in "
                    f"parameters={{'{symbol}': ...}}."
                )


def require_normals_on_sides(system: System) -> None:
    """Refuse the normal where there is none: in an equation, at a point, at an end of time."""
    space = {c.name for c in system.domain.space.coordinates}
    for statement in system.statements:
        for symbol in _sorted(_sides(statement).atoms(NormalComponent)):
            along = symbol.name.removeprefix("n_")
            if along not in space:
                raise ProblemError(
                    f"{statement.title}: normal({along}) has no meaning; the normal has the "
                    f"components {_listed(system.domain.space.coordinates)}."
                )
            if not _has_normal(statement):
                raise ProblemError(
                    f"{statement.title}: the outward normal exists on the sides of the boundary "
                    f"only, and this holds on '{statement.region.label}'; use it in a Condition "
                    "on a side."
                )


def require_unknowns_in_equations(system: System) -> None:
    """Refuse a statement without any unknown, and an unknown without any equation."""
    for statement in system.statements:
        if not jets(statement.residual):
            raise ProblemError(
                f"{statement.title}: it contains no unknown, so it cannot be solved for one; "
                f"the unknowns are {_listed(system.unknowns)}."
            )
    used = {field(j) for s in system.equations for j in jets(s.residual)}
    for u in system.unknowns:
        if u not in used:
            raise ProblemError(f"unknown {u}: no equation contains it; add one, or remove it.")


def require_as_many_equations(system: System) -> None:
    """Refuse a number of equations that differs from the number of unknowns."""
    n, k = len(system.equations), len(system.unknowns)
    if n != k:
        raise ProblemError(
            f"{n} equation{'s' * (n != 1)} for {k} unknown{'s' * (k != 1)} "
            f"({_listed(system.unknowns)}); expected as many equations as unknowns."
        )


def require_supported_order(system: System) -> None:
    """Refuse derivatives of a total order above four."""
    for statement in system.statements:
        for jet in jets(statement.residual):
            order = sum(multi_index(jet, system.coordinates))
            if order > HIGHEST_ORDER:
                raise ProblemError(
                    f"{statement.title}: the derivative {jet} has order {order}; orders up to "
                    f"{HIGHEST_ORDER} are supported. Introduce an unknown for a lower derivative."
                )


def require_plain_coefficients(system: System) -> None:
    """Refuse callables of an unknown: their slope is needed and cannot be known."""
    for statement in system.statements:
        for call in _sorted(_sides(statement).atoms(Coefficient)):
            if jets(call) or call.has(NormalComponent):
                raise ProblemError(
                    f"{statement.title}: the callable {call} is applied to an unknown or to the "
                    "normal; callables take coordinates only. Write it as a sympy expression."
                )


UNKNOWN_CHECKS: tuple[Callable[[System], None], ...] = (
    require_distinct_unknowns,
    require_matching_coordinates,
    require_admitted_ranges,
)
"""Run on the unknowns and the domain before anything else is read."""

EQUATION_CHECKS: tuple[Callable[[System], None], ...] = (
    require_declared_fields,
    require_plain_unknowns,
    require_local,
    require_known_symbols,
    require_admitted_values,
    require_normals_on_sides,
    require_unknowns_in_equations,
    require_supported_order,
    require_plain_coefficients,
    require_no_point_masses,
)
"""Run on the equations before the conditions are read, and once more on everything."""

SYSTEM_CHECKS: tuple[Callable[[System], None], ...] = (
    *EQUATION_CHECKS,
    require_as_many_equations,
    require_smooth_coefficients,
    warn_jumping_fluxes,
    require_initial_data,
    require_consistent_data,
    warn_bare_boundary,
    warn_open_level,
    warn_backward,
)


def _require_known_unknown(statement: Statement, u: sp.Expr, system: System) -> None:
    if u in system.unknowns:
        return
    same = [v for v in system.unknowns if cast(Any, v).name == cast(Any, u).name]
    if same:
        _refuse_arguments(statement.title, u)
    raise ProblemError(
        f"{statement.title}: {u} is not an unknown of the problem; its equations have "
        f"{_listed(system.unknowns)}."
    )


def _refuse_arguments(title: str, u: sp.Basic) -> None:
    raise ProblemError(
        f"{title}: {u} is the unknown at other arguments; equations hold at one point. For a "
        "value on part of the boundary use a condition, such as Dirichlet(u, value, "
        "on=sp.Eq(x, 0))."
    )


def _refuse_opaque(statement: Statement, opaque: sp.Basic) -> None:
    if opaque.has(Coefficient):
        raise ProblemError(
            f"{statement.title}: {opaque} is the derivative of a callable, which sympy cannot "
            "form; write out the product rule with a second pl.coefficient for the derivative."
        )
    if isinstance(opaque, sp.Subs) and opaque.has(Unknown):
        _refuse_arguments(statement.title, opaque)
    raise ProblemError(
        f"{statement.title}: the derivative {opaque} cannot be carried out; write it in terms of "
        "derivatives of the unknowns by coordinates."
    )


def _has_normal(statement: Statement) -> bool:
    region = statement.region
    return isinstance(region, OnParts) and all(part.kind == "side" for part in region.parts)


def _sides(statement: Statement) -> sp.Basic:
    return sp.Tuple(statement.lhs, statement.rhs)


def _sorted(expressions: Iterable[Any]) -> list[Any]:
    return sorted(expressions, key=sp.default_sort_key)


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))
