"""Warn of coefficients that jump along a first derivative: a flux (k u)_x may be lost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import sympy as sp
from sympy.core.relational import Relational

from pdelsr.declare.expressions import abbreviate, field, gradient, jet_name, jets, multi_index
from pdelsr.declare.jumps import Jump, find_jump
from pdelsr.declare.nonsmooth import KEPT, SWITCHING
from pdelsr.declare.slopes import slope
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import InputFunction
from pdelsr.declare.system import System
from pdelsr.errors import ConditionWarning, warn

FLUX_UNKNOWN = (
    "Take q = k*u, which is continuous there, as the unknown instead of u, such as "
    "sp.Eq(q.diff(t)/k + q.diff(x), 0) for u_t + (k*u)_x = 0, where k is not differentiated"
)
WHOLE = (
    "Take the whole flux as an unknown, such as sp.Eq(q, u.diff(x) - k*u) and "
    "sp.Eq(u.diff(t), q.diff(x)) for u_t + (k*u)_x = u_xx, where k is not differentiated"
)
BY_STEPS = "write k by sp.Heaviside, of whose derivative nothing is lost"
LONGEST = 60  # characters of a coefficient that is quoted


def warn_jumping_fluxes(system: System) -> None:
    """Warn of k u_x with a k that jumps along x, which sympy forms from (k u)_x.

    Callables are skipped, because sympy refuses to differentiate them. So are equations such as q =
    k u_x, which define a flux, equations that differentiate several unknowns, and terms that cannot
    come from such a derivative: see `_Term.may_be_lost`.
    """
    for statement in system.equations:
        terms = _first_order(statement, system)
        if not terms.has(*SWITCHING) or not _is_balance(statement, system):
            continue
        residual = system.substituted(statement.residual)
        symbols = {j: cast(sp.Symbol, sp.Dummy(real=True)) for j in jets(residual)}
        first = [j for j in symbols if _is_first(j, system)]
        for jet, coefficient in gradient(terms, symbols, first).items():
            term = _Term(jet, coefficient, residual, symbols, system)
            jump = term.jump if term.may_be_lost else None
            if jump is not None:
                _tell(statement, term, jump)


@dataclass(frozen=True, eq=False)
class _Term:
    """k u_x in an equation.

    Attributes:
        jet: u_x.
        coefficient: k, in the symbols.
        residual: of the equation.
        symbols: that stand for the jets.
        system: the problem.
    """

    jet: sp.Expr
    coefficient: sp.Expr
    residual: sp.Expr
    symbols: dict[sp.Expr, sp.Symbol]
    system: System

    @property
    def along(self) -> sp.Symbol:
        """x."""
        return self.system.coordinates[multi_index(self.jet, self.system.coordinates).index(1)]

    @property
    def may_be_lost(self) -> bool:
        """Whether sympy may have formed the term from a derivative g(k, u)_x = g_u u_x + g_k k_x.

        It has not if k depends on u_x itself, or if k_x is not zero between the jumps and is
        missing from the terms with u.
        """
        if not self.coefficient.has(*SWITCHING) or self.coefficient.has(InputFunction):
            return False
        if self.symbols[self.jet] in self.coefficient.free_symbols:
            return False
        k_x, u = slope(self.coefficient, self.along), field(self.jet)
        if k_x == 0:
            return True
        by_u = self._by(u)
        return by_u != 0 and (by_u.has(*SWITCHING) or not k_x.has(*SWITCHING))

    @cached_property
    def jump(self) -> Jump | None:
        """A jump of k along x, unless it comes from a flux a u_x with a continuous a."""
        if self._jump_of(self._beside_fluxes) is None:
            return None
        return self._jump_of(self.coefficient)

    @property
    def _beside_fluxes(self) -> sp.Expr:
        """k - a_x - b_y, where (a u_x + b u_y)_x + (b u_x)_y = a u_xx + 2 b u_xy + …"""
        rest = self.coefficient
        for c in self.system.coordinates:
            share = sp.Integer(1) if c == self.along else sp.Rational(1, 2)
            rest -= share * slope(self._by(cast(sp.Expr, self.jet.diff(c))), c)
        return rest

    def _by(self, jet: sp.Expr) -> sp.Expr:
        """The slope of the residual by a jet."""
        if jet not in self.symbols:
            return sp.Integer(0)
        return gradient(self.residual, self.symbols, [jet])[jet]

    def _jump_of(self, expression: sp.Expr) -> Jump | None:
        """A jump along x whose point mass sympy would have lost."""
        steps = {s: cast(sp.Symbol, sp.Dummy(real=True)) for s in _steps(expression)}
        plain = cast(sp.Expr, expression.xreplace(dict(steps)))
        own = (*(s for s in self.symbols.values() if s in plain.free_symbols), *steps.values())
        # a coefficient that switches with the solution is the slope of a continuous flux
        return find_jump(plain, self.system.domain, [self.along], own, frozenset(own))


def _first_order(statement: Statement, system: System) -> sp.Expr:
    """The terms with derivatives of first order."""
    terms = sp.Add.make_args(system.substituted(statement.residual))
    return sp.Add(*(t for t in terms if any(_is_first(j, system) for j in jets(t))))


def _is_first(jet: sp.Expr, system: System) -> bool:
    return sum(multi_index(jet, system.coordinates)) == 1


def _is_balance(statement: Statement, system: System) -> bool:
    """Whether only one unknown is differentiated, and none is given by its derivative."""
    found = jets(statement.residual)
    slopes = [j for j in found if any(multi_index(j, system.coordinates))]
    moved = {field(j) for j in slopes}
    return len(moved) == 1 and (len(slopes) > 1 or {field(j) for j in found} == moved)


def _steps(coefficient: sp.Expr) -> set[sp.Basic]:
    """Functions that jump and whose derivative sympy keeps, without those in conditions."""
    in_conditions: set[sp.Basic] = set()
    for condition in coefficient.atoms(Relational):
        in_conditions |= condition.atoms(*KEPT)
    return cast("set[sp.Basic]", coefficient.atoms(*KEPT)) - in_conditions


def _tell(statement: Statement, term: _Term, jump: Jump) -> None:
    coordinates, u = term.system.coordinates, field(term.jet)
    name, of = jet_name(term.jet, coordinates), jet_name(u, coordinates)
    back = {s: j for j, s in term.symbols.items()}
    text = abbreviate(term.coefficient.xreplace(back), coordinates)
    quoted = f", {text}," if len(text) <= LONGEST else ""
    sizes = "" if _steps(term.coefficient) else f" {jump.sizes}"
    alone = term.system.order(u, term.along) == 1
    meant = f"divide the equation by k, or {BY_STEPS}" if alone else BY_STEPS
    warn(
        f"{statement.title}: the coefficient of {name}{quoted} jumps{sizes} {jump.where}. If it "
        f"comes from a derivative such as (k*{of})_{term.along}, sympy has lost the jump, and the "
        f"equation is another one{f', in which {of} is continuous' if alone else ''}. "
        f"{FLUX_UNKNOWN if alone else WHOLE}. Where k*{name} is really meant, {meant}.",
        ConditionWarning,
    )
