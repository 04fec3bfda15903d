"""Derivatives of expressions, of large ones by the rules of calculus alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import sympy as sp

from pdelsr.declare.sharing import is_large


@lru_cache(maxsize=64)
def slope(expression: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """∂F/∂s.

    For each term sympy asks many questions, which a thousand terms make long. Sums, products,
    powers and functions need none of them.
    """
    if is_large([expression]):
        return _by_rules(expression, symbol)
    return cast(sp.Expr, sp.diff(expression, symbol))


def _by_rules(e: sp.Expr, s: sp.Symbol) -> sp.Expr:
    if e == s:
        return sp.Integer(1)
    if s not in e.free_symbols:
        return sp.Integer(0)
    if isinstance(e, sp.Add):
        return sp.Add(*(_by_rules(term, s) for term in e.args if s in term.free_symbols))
    if isinstance(e, sp.Mul):
        terms = ((*e.args[:i], _by_rules(f, s), *e.args[i + 1 :]) for i, f in enumerate(e.args))
        return sp.Add(*(sp.Mul(*factors) for factors in terms if 0 not in factors))
    if isinstance(e, sp.Pow) and e.exp.is_number:
        return e.exp * e.base ** (e.exp - 1) * _by_rules(e.base, s)
    if _has_plain_chain_rule(e):
        return cast(Any, e).fdiff(1) * _by_rules(cast(Any, e).args[0], s)
    return cast(sp.Expr, sp.diff(e, s))


def _has_plain_chain_rule(e: sp.Basic) -> bool:
    own = getattr(type(e), "_eval_derivative", None)
    return isinstance(e, sp.Function) and len(e.args) == 1 and own is sp.Function._eval_derivative
