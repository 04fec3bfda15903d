"""The common subexpressions of expressions, found at a cost linear in their length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, cast

import sympy as sp

KEPT = (sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.sin, sp.cos, sp.tanh)  # as they are written
MOST_NODES = 1_000  # nodes; sympy compares all pairs of sums and of products


def shared_subexpressions(
    expressions: Sequence[sp.Expr],
) -> tuple[list[tuple[sp.Symbol, sp.Basic]], list[sp.Basic]]:
    """The common subexpressions, named by new symbols, and the expressions in terms of these.

    Parts of sums and products count too, except in large expressions, where sympy would compare all
    pairs. Numbers get no symbol: torch would meet a function of a Python number.
    """
    if is_large(expressions):
        return _Repeated(expressions).named()
    shared, reduced = cast(Any, sp.cse)(expressions, list=False)
    numbers: dict[sp.Basic, sp.Basic] = {}
    kept: list[tuple[sp.Symbol, sp.Basic]] = []
    for symbol, expression in shared:
        whole = expression.xreplace(numbers)
        if isinstance(whole, sp.Expr) and whole.is_number:
            numbers[symbol] = whole
        else:
            kept.append((symbol, whole))
    return kept, [e.xreplace(numbers) for e in reduced]


def is_large(expressions: Iterable[sp.Basic]) -> bool:
    """Whether expressions together have more nodes than sympy compares in pairs quickly."""
    nodes = (node for e in expressions for node in sp.preorder_traversal(e))
    return any(i >= MOST_NODES for i, _ in enumerate(nodes))


class _Repeated:
    """The subexpressions that occur several times as they are."""

    def __init__(self, expressions: Sequence[sp.Expr]) -> None:
        self._expressions = expressions
        self._occurrences: Counter[sp.Basic] = Counter()
        for expression in expressions:
            self._count(expression)
        taken = set().union(*(e.free_symbols for e in expressions))
        self._symbols = (s for s in sp.numbered_symbols() if s not in taken)
        self._names: dict[sp.Basic, sp.Symbol] = {}
        self._shared: list[tuple[sp.Symbol, sp.Basic]] = []

    def named(self) -> tuple[list[tuple[sp.Symbol, sp.Basic]], list[sp.Basic]]:
        """The named subexpressions, in order of computation, and the expressions."""
        reduced = [self._reduced(expression) for expression in self._expressions]
        return self._shared, reduced

    def _count(self, expression: sp.Basic) -> None:
        self._occurrences[expression] += 1
        if self._occurrences[expression] == 1:
            for argument in expression.args:
                self._count(argument)

    def _reduced(self, expression: sp.Basic) -> sp.Basic:
        if expression in self._names:
            return self._names[expression]
        arguments = [self._reduced(argument) for argument in expression.args]
        same = all(a is b for a, b in zip(arguments, expression.args, strict=True))
        found = expression if same else _with_arguments(expression, arguments)
        if self._occurrences[expression] == 1 or not _is_worth_a_symbol(expression):
            return found
        symbol = self._names[expression] = next(self._symbols)
        self._shared.append((symbol, found))
        return symbol


def _with_arguments(expression: sp.Basic, arguments: list[sp.Basic]) -> sp.Basic:
    """The same function of other arguments, without evaluation by sympy where possible."""
    if isinstance(expression, KEPT):
        return cast(Any, expression.func)(*arguments, evaluate=False)
    return expression.func(*arguments)


def _is_worth_a_symbol(expression: sp.Basic) -> bool:
    is_short = len(expression.args) <= 2 and all(a.is_Atom for a in expression.args)
    is_cheap = is_short and not isinstance(expression, sp.Function)  # a symbol times a number
    return isinstance(expression, sp.Expr) and not is_cheap and not expression.is_number
