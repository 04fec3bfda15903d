"""Checks that numbers and ranges satisfy the assumptions of symbols.

sympy uses an assumption before it knows the value: if x is positive, it replaces Abs(x) by x.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.decimals import put_in
from pdelsr.declare.domains import Domain
from pdelsr.declare.domains.csg import Combination
from pdelsr.declare.long_sums import short_text
from pdelsr.declare.system import System, parameter_symbols
from pdelsr.errors import ProblemError

PROMISES = (
    *("positive", "negative", "nonnegative", "nonpositive", "nonzero", "integer", "zero"),
    *("even", "odd", "prime", "rational", "irrational", "imaginary", "infinite", "real"),
)
POINTS = 4096  # of the box around a combined domain
SHARES = (1e-6, (np.sqrt(5) - 1) / 2, 1 - 1e-6)  # of a range, where it is tested


def require_admitted_ranges(system: System) -> None:
    """Refuse a coordinate whose assumptions exclude points between the ends of its range."""
    for symbol, (low, high) in zip(system.coordinates, _ranges(system.domain), strict=True):
        inside = [low + share * (high - low) for share in SHARES]
        inside += [0.0] if inside[0] < 0 < inside[-1] else []
        broken = next(filter(None, (_broken(symbol, sp.Rational(float(v))) for v in inside)), None)
        if broken:
            raise ProblemError(
                f"coordinate {symbol}: it reaches from {low:.6g} to {high:.6g}, and the symbol is "
                f"declared {broken}, which sympy has made use of; declare it by "
                f'pl.coordinates("{symbol}"), which is real.'
            )


def _ranges(domain: Domain) -> Float[np.ndarray, "d 2"]:
    """The range of each coordinate, from many points if a domain may be smaller than its box."""
    if not isinstance(domain.space, Combination):
        return domain.bounding_box
    unit = np.random.default_rng(0).random((POINTS, domain.dim))
    points = domain.from_unit(unit)
    return np.stack([points.min(axis=0), points.max(axis=0)], axis=1)


def require_admitted_values(system: System) -> None:
    """Refuse a value of a parameter that the assumptions of a symbol of its name exclude."""
    for statement in system.statements:
        sides = sp.Tuple(statement.lhs, statement.rhs)
        for symbol in parameter_symbols(sides, system.coordinates):
            if symbol.name in system.parameters:
                require_admitted(symbol, system.parameters[symbol.name])


def require_admitted(symbol: sp.Symbol, value: sp.Expr) -> None:
    """Refuse a value that the assumptions of the symbol of a parameter exclude."""
    broken = _broken(symbol, put_in(value, {}))
    if broken:
        raise ProblemError(
            f"parameter {symbol}: its value is {short_text(value)}, and the symbol is declared "
            f"{broken}, which sympy has made use of; give another value, or declare "
            f'sp.Symbol("{symbol}", real=True).'
        )


def _broken(symbol: sp.Symbol, value: sp.Expr) -> str | None:
    """The first assumption of a symbol that a number contradicts, as messages call it."""
    promised = {p: cast("bool | None", getattr(symbol, f"is_{p}")) for p in PROMISES}
    for promise in (p for p in PROMISES if promised[p]):
        if getattr(value, f"is_{promise}") is False:
            return promise
    for promise in (p for p in PROMISES if promised[p] is False):
        if getattr(value, f"is_{promise}"):
            return f"not {promise}"
    return None
