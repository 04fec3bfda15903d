"""Code and text of long sums, at a cost that grows with their length and no faster."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

LONG = 50  # terms; sympy's sorting of more would cost more than all the rest
HUGE = 10**100  # numbers above are written by their first digits
SHORT = 120  # characters of an expression that a message repeats


class LongSums(StrPrinter):
    """Prints the terms of a long sum in the order in which sympy keeps them, in nested groups.

    To sort the terms, as sympy's printer does, it would first write them as polynomials. Nested
    groups keep the code of a thousand terms within the depth that Python's parser takes.
    """

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        terms = expr.args
        if len(terms) <= LONG:
            return super()._print_Add(expr, order=order)
        return self._grouped(
            [self.parenthesize(term, PRECEDENCE["Add"], strict=True) for term in terms]
        )

    def _grouped(self, texts: list[str]) -> str:
        if len(texts) <= LONG:
            return " + ".join(texts)
        groups = (" + ".join(texts[i : i + LONG]) for i in range(0, len(texts), LONG))
        return self._grouped([f"({group})" for group in groups])


class Text(LongSums):
    """Prints text for users, with numbers in as many digits as they were given."""

    def __init__(self) -> None:
        super().__init__({"full_prec": False})

    def _grouped(self, texts: list[str]) -> str:
        return " + ".join(texts).replace(" + -", " - ")

    def _print_Integer(self, expr: Any) -> str:
        # Python refuses to write thousands of digits
        return self._print(expr.evalf(3)) if abs(expr.p) >= HUGE else str(expr.p)

    def _print_Rational(self, expr: Any) -> str:
        if max(abs(expr.p), expr.q) >= HUGE:
            return self._print(expr.evalf(3))
        return super()._print_Rational(expr)


def text_of(expression: sp.Basic) -> str:
    """The expression in one line."""
    return Text().doprint(expression)


def short_text(given: object) -> str:
    """An expression, or whatever was given for one, in one line, cut if it is long."""
    try:
        text = " ".join(Text().doprint(given).split())
    except ValueError:  # from an integer that Python does not write
        return "a number of thousands of digits"
    return text if len(text) <= SHORT else f"{text[:SHORT]} …"
