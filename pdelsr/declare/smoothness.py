"""Refuse derivatives across a jump, because sympy loses the point masses there."""

from __future__ import annotations

from typing import cast

import sympy as sp

from pdelsr.declare.expressions import abbreviate, field, gradient, jet_name, jets, multi_index
from pdelsr.declare.jumps import Jump, find_jump
from pdelsr.declare.nonsmooth import SWITCHING
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Coefficient, InputFunction, Unknown
from pdelsr.declare.system import System
from pdelsr.errors import ConditionWarning, ProblemError, warn

FIRST_ORDER = (
    "Write the equations in first order with the flux as an unknown, such as sp.Eq(q, k*u.diff(x)) "
    "and sp.Eq(q.diff(x), f), where k is not differentiated"
)
MAY_JUMP = (*SWITCHING, Coefficient)


def require_smooth_coefficients(system: System) -> None:
    """Refuse a coefficient of a highest derivative that jumps along a coordinate of the derivative.

    sympy turns (k u_x)_x into k u_xx if k is piecewise constant, and so loses the condition on the
    flux across the jump. Lower derivatives of second order or more get a warning.
    """
    for statement in system.equations:
        F = _of_second_order(system.substituted(statement.residual), system)
        if not F.has(*MAY_JUMP):
            continue
        high = [j for j in jets(F) if _order(j, system) >= 2]
        symbols = {j: cast(sp.Symbol, sp.Dummy(real=True)) for j in jets(F)}
        for jet, slope in gradient(F, symbols, high).items():
            if not slope.has(*MAY_JUMP) or slope.has(InputFunction):
                continue
            jump = _jump_of(slope, jet, symbols, system)
            if jump is not None:
                _tell(statement, jet, jump, system)


def require_derivable(statement: Statement, system: System) -> None:
    """Refuse an unevaluated derivative across a jump, before it is carried out."""
    for side in (statement.lhs, statement.rhs):
        for derivative in sorted(side.atoms(sp.Derivative), key=sp.default_sort_key):
            inner = system.substituted(cast(sp.Expr, derivative.expr))
            if isinstance(derivative.expr, Unknown) or not inner.has(*SWITCHING):
                continue
            symbols = {j: cast(sp.Symbol, sp.Dummy(real=True)) for j in jets(inner)}
            along = [c for c in system.coordinates if c in derivative.variables]
            plain = cast(sp.Expr, inner.xreplace(dict(symbols)))
            jump = find_jump(plain, system.domain, along, tuple(symbols.values()))
            if jump is not None:
                text = abbreviate(derivative.expr, system.coordinates)
                by = ", ".join(map(str, along))
                raise ProblemError(
                    f"{statement.title}: {text} is differentiated by {by}, and it jumps "
                    f"{jump.where}: the derivative would lose the jump. {FIRST_ORDER}."
                )


def _of_second_order(residual: sp.Expr, system: System) -> sp.Expr:
    """The terms with derivatives of second order or more; there may be a thousand others."""
    terms = sp.Add.make_args(residual)
    return sp.Add(*(t for t in terms if any(_order(j, system) >= 2 for j in jets(t))))


def _order(jet: sp.Expr, system: System) -> int:
    return sum(multi_index(jet, system.coordinates))


def _jump_of(
    slope: sp.Expr, jet: sp.Expr, symbols: dict[sp.Expr, sp.Symbol], system: System
) -> Jump | None:
    """A jump at which sympy may have lost a point mass."""
    index = multi_index(jet, system.coordinates)
    along = [c for c, k in zip(system.coordinates, index, strict=True) if k]
    # c(u_β) u_(β + e) is the derivative of a continuous function of u_β, which loses nothing
    near = {
        s for j, s in symbols.items() if sum(multi_index(j, system.coordinates)) + 1 >= sum(index)
    }
    free = slope.free_symbols
    own = tuple(s for s in symbols.values() if s in free)
    return find_jump(slope, system.domain, along, own, frozenset(near))


def _tell(statement: Statement, jet: sp.Expr, jump: Jump, system: System) -> None:
    u, index = field(jet), multi_index(jet, system.coordinates)
    name = jet_name(jet, system.coordinates)
    what = f"{statement.title}: the coefficient of {name} jumps {jump.sizes} {jump.where}"
    across = [c for c in jump.place if index[system.coordinates.index(c)]]
    highest = sum(index) == system.order(u) or any(
        index[system.coordinates.index(c)] == system.order(u, c) for c in across
    )
    if highest:
        raise ProblemError(
            f"{what}. Of (k*u_x)_x sympy leaves k*u_xx where k jumps, which is another equation: "
            f"it does not keep the flux across the jump. {FIRST_ORDER}. Where {name} times the "
            "coefficient is really meant, divide the equation by it."
        )
    warn(
        f"{what}. If it comes from a derivative such as (k*u_x)_x, sympy has lost the jump, and "
        "the equation is another one; if not, digits are lost there.",
        ConditionWarning,
    )
