"""Warn of evolution equations that run backward in time, such as u_t = -u_xx."""

from __future__ import annotations

from typing import cast

import sympy as sp

from pdelsr.declare.callables import Values
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.expressions import field, gradient, jet_name, jets, multi_index
from pdelsr.declare.regions import OnParts
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import InputFunction
from pdelsr.declare.system import System
from pdelsr.errors import ConditionWarning, warn

POINTS = 64  # at which coefficients are evaluated


def warn_backward(system: System) -> None:
    """Warn where short waves grow without bound: u_t = a u_xx, a < 0, or u_t = b u_xxxx, b > 0.

    A wave along x sees the derivatives by x alone, so the highest of these decides. Only certain
    cases are reported: the derivative is of even order and linear, its coefficient has one sign,
    the equation is of first order in time, and no other unknown can outweigh it.
    """
    t = system.domain.time
    if t is None:
        return
    for statement in system.equations:
        rates = [j for j in jets(statement.residual) if sum(multi_index(j, (t,)))]
        if len(rates) != 1 or sum(multi_index(rates[0], system.coordinates)) != 1:
            continue
        if _starts_only(field(rates[0]), system) and _stands_alone(statement, rates[0], system):
            _look(statement, rates[0], system)


def _look(statement: Statement, rate: sp.Expr, system: System) -> None:
    residual = system.substituted(statement.residual)
    symbols = {j: cast(sp.Symbol, sp.Dummy(real=True)) for j in jets(residual)}
    for c in system.domain.space.coordinates:
        pure = [
            j
            for j in symbols
            if j != rate and sum(multi_index(j, (c,))) == sum(multi_index(j, system.coordinates))
        ]
        highest = max(pure, key=lambda j: sum(multi_index(j, (c,))), default=rate)
        order = sum(multi_index(highest, (c,)))
        if order not in (2, 4):
            continue
        slopes = gradient(residual, symbols, [rate, highest])
        before_rate, before_highest = (
            _sign(slopes[j], set(symbols.values()), system) for j in (rate, highest)
        )
        # u_t + u_xx = 0 and u_t - u_xxxx = 0 run backward
        if before_rate * before_highest == (1 if order == 2 else -1):
            warn(
                f"{statement.title}: the equation runs backward in time: small errors grow without "
                "bound, the more so the shorter their waves; check the sign of "
                f"{jet_name(highest, system.coordinates)}.",
                ConditionWarning,
            )
            return


def _sign(slope: sp.Expr, own: set[sp.Symbol], system: System) -> int:
    """The sign of a coefficient, or 0 if it depends on the solution or changes sign."""
    if slope.free_symbols & own or slope.has(InputFunction):
        return 0
    placed = system.domain.place(probes(POINTS, system.domain.unit_dim))
    values = Values(slope, system.coordinates)(placed.points[placed.kept])
    if values is None or not len(values):
        return 0
    if (values > 0).all():
        return 1
    return -1 if (values < 0).all() else 0


def _starts_only(u: sp.Expr, system: System) -> bool:
    """Whether an unknown is given at the initial time, and not at the final one."""
    kinds = {
        part.kind
        for s in system.conditions
        if isinstance(s.region, OnParts) and u in map(field, jets(s.residual))
        for part in s.region.parts
    }
    return "initial" in kinds and "final" not in kinds


def _stands_alone(statement: Statement, rate: sp.Expr, system: System) -> bool:
    """Whether other unknowns cannot outweigh the highest derivative.

    They occur without derivatives, have rates of their own, and u occurs in their equations without
    derivatives; w = u_xx, which has no rate, could cancel it.
    """
    u, t = field(rate), system.domain.time
    others = [j for j in jets(statement.residual) if field(j) != u]
    if any(sum(multi_index(j, system.coordinates)) for j in others):
        return False
    if any(not system.order(field(j), t) for j in others):
        return False
    elsewhere = (j for s in system.equations if s is not statement for j in jets(s.residual))
    return not any(sum(multi_index(j, system.coordinates)) for j in elsewhere if field(j) == u)
