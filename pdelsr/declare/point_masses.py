"""Refuse loads at a point, which no collocation point sees, and say what to write instead."""

from __future__ import annotations

from typing import Any, cast

import sympy as sp

from pdelsr.declare.expressions import (
    abbreviate,
    field,
    jets,
    multi_index,
    multiplied_out,
)
from pdelsr.declare.smoothness import FIRST_ORDER
from pdelsr.declare.statements import Statement
from pdelsr.declare.system import System
from pdelsr.declare.transport import FLUX_UNKNOWN
from pdelsr.errors import ProblemError

MASSES = (sp.DiracDelta, sp.SingularityFunction)
SPREAD = "spread the load over a width that the points resolve"


def require_no_point_masses(system: System) -> None:
    """Refuse DiracDelta, and SingularityFunction, whose masses and steps have no values."""
    for statement in system.statements:
        _refuse_powers(statement)
        terms = _terms(statement)
        if not terms:
            continue
        with_jets = [term for term in terms if jets(term)]
        term = (with_jets or terms)[0]
        mass = "*".join(abbreviate(m, system.coordinates) for m in _masses(term))
        if with_jets:
            second = any(
                sum(multi_index(j, system.coordinates)) > 1 for j in jets(statement.residual)
            )
            raise ProblemError(
                f"{statement.title}: it contains {mass} times the solution, as the derivative of "
                "a coefficient that jumps: no collocation point sees that. "
                f"{FIRST_ORDER if second else FLUX_UNKNOWN}."
            )
        if statement.kind != "equation":
            raise ProblemError(f"{statement.title}: {mass} is {_in_data(statement)}.")
        raise ProblemError(f"{statement.title}: {mass} is {_in_equation(statement, term, system)}.")


def _refuse_powers(statement: Statement) -> None:
    """Refuse <x - a>^n for n >= 0, and name the function to use instead."""
    both = sp.Tuple(statement.lhs, statement.rhs)
    for power in sorted(both.atoms(sp.SingularityFunction), key=sp.default_sort_key):
        if not _is_mass(power):
            plain = f"; write {power.rewrite(sp.Heaviside)}" if power.args[2].is_Integer else ""
            raise ProblemError(f"{statement.title}: {power} cannot be evaluated{plain}.")


def _terms(statement: Statement) -> list[sp.Expr]:
    """The terms with masses, in a fixed order, multiplied out where they are short."""
    masses = (t for t in sp.Add.make_args(statement.residual) if _masses(t))
    found = {term for m in masses for term in sp.Add.make_args(multiplied_out(m)) if _masses(term)}
    return sorted(found, key=sp.default_sort_key)


def _masses(term: sp.Basic) -> list[Any]:
    return sorted(filter(_is_mass, term.atoms(*MASSES)), key=sp.default_sort_key)


def _is_mass(atom: Any) -> bool:
    return isinstance(atom, sp.DiracDelta) or bool(atom.args[2].is_negative)


def _in_data(statement: Statement) -> str:
    what = "data at one point, which no collocation point sees. Give a peak of a width that the "
    what += "points resolve, such as sp.exp(-((x - a)/w)**2)/(w*sp.sqrt(sp.pi))"
    if statement.kind == "initial":
        return f"{what}; or start later, from the smooth solution that is known by then"
    return what


def _in_equation(statement: Statement, term: sp.Expr, system: System) -> str:
    """The load, and what to write instead."""
    free = {s for mass in _masses(term) for s in mass.free_symbols}
    over = [c for c in system.coordinates if c in free]
    if over == [system.domain.time]:
        return (
            "an impulse at one time, which no collocation point sees. Start a second problem at "
            "that time, with the state after the impulse as its initial values; or spread it over "
            "a time that the points resolve"
        )
    if len(over) == 1 and all(sp.diff(m.args[0], over[0]).is_number for m in _masses(term)):
        where = "at one point" if system.domain.space.dim == 1 else "on a line"
        advice = _less(statement, term, over[0])
        return f"a load {where}, which no collocation point sees. {advice}"
    if len(_masses(term)) == 1:
        return f"a load on a curve, which no collocation point sees. {SPREAD.capitalize()}"
    return (
        "a load at one point, which no collocation point sees, and the solution is infinite there "
        f"in general. {SPREAD.capitalize()}; or take the solution less the one of an unbounded "
        "domain as the unknown, such as sp.log(r)/(2*sp.pi) of u_xx + u_yy, so that no load is left"
    )


def _less(statement: Statement, term: sp.Expr, c: sp.Symbol) -> str:
    """The jumping derivative less its jump, as an unknown."""
    orders = {j: multi_index(j, (c,))[0] for j in jets(statement.residual)}
    jet = max(orders, key=lambda j: orders[j])
    u, order, times = cast(Any, field(jet)).name, orders[jet], max(map(_times, _masses(term)))
    mass = f"DiracDelta({c} - a{f', {times}' if times else ''})"
    given, step = f"{u}_{c.name * order} = {mass}", f"sp.Heaviside({c} - a)"
    jumping = order - 1 - times  # order of the derivative that jumps
    if jumping < 0:
        return SPREAD.capitalize()
    if jumping == 0:
        less = f"take {u} less its jump as the unknown, {u} = v + {step} for {given}"
        return f"{u} jumps there: {less}; or {SPREAD}"
    what = "flux" if order == 2 else f"{u}_{c.name * jumping}"
    return (
        f"Integrate it: take the {what} less its jump as an unknown, such as "
        f"sp.Eq({_written(u, c, jumping)}, q + {step}) and sp.Eq({_written('q', c, times + 1)}, 0) "
        f"for {given}, with all other terms in the second one; or {SPREAD}"
    )


def _times(mass: Any) -> int:
    """How often a DiracDelta is differentiated."""
    order = mass.args[1:] if isinstance(mass, sp.DiracDelta) else [-1 - mass.args[2]]
    return int(cast(Any, order[0])) if order and order[0].is_Integer else 0


def _written(name: str, c: sp.Symbol, order: int) -> str:
    return f"{name}.diff({c}{f', {order}' if order > 1 else ''})"
