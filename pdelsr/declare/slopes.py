"""Derivatives of expressions; for large ones by the rules of calculus alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias, cast

import sympy as sp

from pdelsr.declare.sharing import is_large

Product: TypeAlias = tuple[sp.Expr, ...]


@lru_cache(maxsize=64)
def slope(expression: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """∂F/∂s.

    sympy makes many checks for each term, too slow for a thousand terms. Sums, products, powers and
    functions need none of them.
    """
    if is_large([expression]):
        return _by_rules(expression, symbol)
    return cast(sp.Expr, sp.diff(expression, symbol))


def _by_rules(e: sp.Expr, s: sp.Symbol) -> sp.Expr:
    return sp.Add(*(sp.Mul(*product) for product in _products(e, s)))


def _products(e: sp.Expr, s: sp.Symbol) -> Iterator[Product]:
    """Factors of the products whose sum is the derivative.

    Only whole products are passed to sympy, which checks each of them once.
    """
    if e == s:
        yield ()
    elif s not in e.free_symbols:
        return
    elif isinstance(e, sp.Add):
        for term in e.args:
            yield from _products(term, s)
    elif isinstance(e, sp.Mul):
        for i, factor in enumerate(e.args):
            if s in factor.free_symbols:
                yield (*e.args[:i], *_factors(factor, s), *e.args[i + 1 :])
    elif isinstance(e, sp.Pow) and e.exp.is_number:
        yield (e.exp, e.base ** (e.exp - 1), *_factors(e.base, s))
    elif _has_plain_chain_rule(e):
        yield (*_outer(e), *_factors(cast(Any, e).args[0], s))
    else:
        yield (cast(sp.Expr, sp.diff(e, s)),)


def _factors(e: sp.Expr, s: sp.Symbol) -> Product:
    """Factors of the derivative; a sum of several products is one factor."""
    products = list(_products(e, s))
    return products[0] if len(products) == 1 else (sp.Add(*(sp.Mul(*p) for p in products)),)


def _outer(e: sp.Expr) -> Product:
    """Factors of the derivative of a function by its argument.

    The argument of a sine has sympy's form already, so the cosine needs no check for shifts.
    """
    if type(e) is sp.sin:
        return (sp.cos(e.args[0], evaluate=False),)
    if type(e) is sp.cos:
        return (sp.Integer(-1), sp.sin(e.args[0], evaluate=False))
    return (cast(Any, e).fdiff(1),)


def _has_plain_chain_rule(e: sp.Basic) -> bool:
    own = getattr(type(e), "_eval_derivative", None)
    return isinstance(e, sp.Function) and len(e.args) == 1 and own is sp.Function._eval_derivative
