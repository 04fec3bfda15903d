"""Warn of coefficients that jump along the one derivative of first order: (k u)_x may be lost."""

from __future__ import annotations

import warnings
from typing import cast

import sympy as sp

from pdelsr.declare.expressions import abbreviate, field, gradient, jet_name, jets, multi_index
from pdelsr.declare.jumps import find_jump
from pdelsr.declare.statements import Statement
from pdelsr.declare.switches import SWITCHING
from pdelsr.declare.symbols import InputFunction
from pdelsr.declare.system import System
from pdelsr.errors import ConditionWarning

FLUX_UNKNOWN = (
    "Take q = k*u, which is continuous there, as the unknown instead of u, such as "
    "sp.Eq(q.diff(t)/k + q.diff(x), 0) for u_t + (k*u)_x = 0, where k is not differentiated"
)
LONGEST = 60  # characters of a coefficient that is quoted


def warn_jumping_fluxes(system: System) -> None:
    """Warn of k u_x with a k that jumps along x, which sympy makes of (k u)_x.

    Callables are left out, since sympy refuses to differentiate them, and so are equations such
    as q = k u_x, which say what a flux is, and those in which several unknowns are differentiated.
    """
    for statement in system.equations:
        terms = _first_order(statement, system)
        if not terms.has(*SWITCHING) or not _is_balance(statement, system):
            continue
        symbols = {j: cast(sp.Symbol, sp.Dummy(real=True)) for j in jets(terms)}
        first = [j for j in symbols if _is_first(j, system)]
        for jet, slope in gradient(terms, symbols, first).items():
            if slope.has(*SWITCHING) and not slope.has(InputFunction):
                _tell(statement, jet, slope, symbols, system)


def _first_order(statement: Statement, system: System) -> sp.Expr:
    """The terms with derivatives that are the only ones along their coordinate."""
    terms = sp.Add.make_args(system.substituted(statement.residual))
    return sp.Add(*(t for t in terms if any(_is_first(j, system) for j in jets(t))))


def _is_first(jet: sp.Expr, system: System) -> bool:
    index = multi_index(jet, system.coordinates)
    if sum(index) != 1:
        return False
    return system.order(field(jet), system.coordinates[index.index(1)]) == 1


def _is_balance(statement: Statement, system: System) -> bool:
    """Whether one unknown alone is differentiated, and no other one given by its derivative."""
    found = jets(statement.residual)
    slopes = [j for j in found if any(multi_index(j, system.coordinates))]
    moved = {field(j) for j in slopes}
    return len(moved) == 1 and (len(slopes) > 1 or {field(j) for j in found} == moved)


def _tell(
    statement: Statement,
    jet: sp.Expr,
    slope: sp.Expr,
    symbols: dict[sp.Expr, sp.Symbol],
    system: System,
) -> None:
    along = system.coordinates[multi_index(jet, system.coordinates).index(1)]
    own = tuple(s for s in symbols.values() if s in slope.free_symbols)
    # a coefficient that switches at values of the solution is the slope of a continuous flux
    jump = find_jump(slope, system.domain, [along], own, frozenset(own))
    if jump is None:
        return
    name, u = jet_name(jet, system.coordinates), jet_name(field(jet), system.coordinates)
    back = {s: j for j, s in symbols.items()}
    text = abbreviate(slope.xreplace(back), system.coordinates)
    quoted = f", {text}," if len(text) <= LONGEST else ""
    warnings.warn(
        f"{statement.title}: the coefficient of {name}{quoted} jumps {jump.sizes} {jump.where}. If "
        f"it comes from a derivative such as (k*{u})_{along}, sympy has lost the jump, and the "
        f"equation is another one, in which {u} is continuous. {FLUX_UNKNOWN}. Where k*{name} is "
        "really meant, divide the equation by k.",
        ConditionWarning,
        stacklevel=6,
    )
