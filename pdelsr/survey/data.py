"""The known functions of the coordinates in statements: sources, coefficients, data."""

from __future__ import annotations

from typing import Any, cast

import sympy as sp

from pdelsr.declare.expressions import jets
from pdelsr.declare.symbols import NormalComponent


def known_functions(expression: sp.Expr, coordinates: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, ...]:
    """The largest parts of an expression with coordinates and without unknowns.

    For k(x) u_xx + k'(x) u_x - f(x) - g(x) they are k, k' and -f - g.

    Args:
        expression: a residual, with the values of the parameters put in.
        coordinates: of the domain.
    """
    found: dict[sp.Expr, None] = {}
    _collect(expression, frozenset(coordinates), found)
    return tuple(found)


def _collect(
    expression: sp.Basic, coordinates: frozenset[sp.Symbol], found: dict[sp.Expr, None]
) -> None:
    if isinstance(expression, sp.Derivative) or not expression.free_symbols & coordinates:
        return
    if not jets(expression):
        if isinstance(expression, sp.Expr):
            _keep(expression, coordinates, found)
        return
    if not isinstance(expression, sp.Add | sp.Mul):
        if expression in jets(expression):
            return
        for argument in expression.args:
            _collect(argument, coordinates, found)
        return
    known, others = [], []
    for argument in expression.args:
        (others if jets(argument) else known).append(argument)
    _keep(expression.func(*known, evaluate=False), coordinates, found)
    for argument in others:
        _collect(argument, coordinates, found)


def _keep(
    expression: sp.Expr, coordinates: frozenset[sp.Symbol], found: dict[sp.Expr, None]
) -> None:
    """Keep a function, with 1 for normals, constant on flat sides and smooth on others."""
    normals = expression.atoms(NormalComponent)
    if normals:
        expression = cast(Any, expression).xreplace(dict.fromkeys(normals, sp.Integer(1)))
    if expression.free_symbols & coordinates:
        found[expression] = None
