"""Decimal numbers as exact rationals of their shortest text, before any symbolic work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import sympy as sp

from pdelsr.declare.long_sums import text_of

DIGITS = 30  # of a number that is evaluated because its exact value would be too long
LONG = 2_000  # digits from which a power of a number counts as too long
FAR = 200  # powers of ten from which a factor is rejoined to its exponential


def as_rational(number: Any) -> sp.Rational:
    """The rational of a decimal number: 1/1000 for 1e-3.

    It is the shortest decimal that reads back as the same double, so float(result) is the number to
    the last bit. The same holds for numbers with more bits, such as sp.Float("0.1", 50).
    """
    double = float(number)
    if math.isfinite(double) and sp.Float(double) == number:
        return cast(sp.Rational, sp.Rational(repr(double)))
    text = str(number)
    same = sp.Float(text, precision=number._prec) == number
    return cast(sp.Rational, sp.Rational(text if same else number))


def decimal_text(expression: sp.Basic) -> str:
    """The expression in one line, with decimal numbers where rationals have a short decimal."""
    rationals = cast(Any, expression.atoms(sp.Rational))
    rule = {r: sp.Float(r, 15) for r in rationals if r.q > 1 and _is_decimal(r.q)}
    return text_of(expression.xreplace(rule))


def _is_decimal(denominator: int) -> bool:
    return 10**25 % denominator == 0


def put_in(expression: sp.Expr, values: Mapping[sp.Basic, sp.Expr]) -> sp.Expr:
    """The expression with symbols replaced by their values, and with every decimal exact.

    sympy works with decimals at once: exp((x - 1)/0.001) becomes 5e-435·exp(1000 x), which is
    0·∞ in doubles, while exp(1000 x - 1000) stays what it is.

    Args:
        expression: with these symbols, among others.
        values: numbers or expressions, by symbol.
    """
    exact = {symbol: _exact(value) for symbol, value in values.items()}
    expression = _exact(expression)
    if not exact:
        return expression
    return cast(sp.Expr, expression.xreplace({**exact, **_long_powers(expression, exact)}))


def _exact(expression: sp.Expr) -> sp.Expr:
    decimals = cast(Any, expression.atoms(sp.Float))
    if not decimals:
        return expression
    if any(_is_far(f) for f in decimals):
        expression = cast(sp.Expr, expression.replace(_is_split, _rejoined))
        decimals = cast(Any, expression.atoms(sp.Float))
    finite = (f for f in decimals if f.is_finite)
    return cast(sp.Expr, expression.xreplace({f: _within_reason(f) for f in finite}))


def _within_reason(number: sp.Expr) -> sp.Expr:
    """The rational of a number, unless it has thousands of digits.

    No double holds such a number: a tiny one becomes zero, and a huge one stays as it is.
    """
    if _has_digits_within(number, LONG) or abs(sp.log(abs(number), 10)) < LONG:
        return as_rational(number)
    return sp.Integer(0) if abs(number) < 1 else number


def _is_far(number: sp.Expr) -> bool:
    """Whether a double can hardly hold the number."""
    if not (number.is_Float and number.is_finite) or _has_digits_within(number, FAR):
        return False
    return bool(abs(sp.log(abs(number), 10)) > FAR)


def _has_digits_within(number: Any, digits: int) -> bool:
    """Whether a finite decimal is zero or clearly between 10^-digits and 10^digits.

    The exponent of its bits tells that in a thousandth of the time of a logarithm.
    """
    _, _, exponent, bits = number._mpf_
    return number == 0 or abs(exponent + bits) < 3.32 * digits - 1


def _is_split(expression: sp.Basic) -> bool:
    """Whether sympy split a far factor from an exponential."""
    return (
        isinstance(expression, sp.Mul)
        and any(map(_is_far, cast(Any, expression.args)))
        and any(isinstance(a, sp.exp) for a in expression.args)
    )


def _rejoined(product: sp.Expr) -> sp.Expr:
    """c·exp(a) as ±exp(a + log|c|)."""
    factors = list(cast(tuple[Any, ...], product.args))
    far = next(f for f in factors if _is_far(f))
    power = next(f for f in factors if isinstance(f, sp.exp))
    rest = [f for f in factors if f is not far and f is not power]
    exponent = sp.nsimplify(sp.log(abs(far)).evalf(DIGITS), rational=True, tolerance=1e-14)
    return sp.sign(far) * sp.exp(_exact(cast(sp.Expr, power.args[0])) + exponent) * sp.Mul(*rest)


def _long_powers(
    expression: sp.Expr, values: Mapping[sp.Basic, sp.Expr]
) -> dict[sp.Basic, sp.Expr]:
    """Evaluate powers such as (1 + 1/n)ⁿ for n = 1e8 to 30 digits, as their exact value is long."""
    found: dict[sp.Basic, sp.Expr] = {}
    for power in cast(Any, expression.atoms(sp.Pow)):
        if not power.free_symbols or not power.free_symbols <= values.keys():
            continue
        base, exponent = (e.evalf(DIGITS, subs=values) for e in power.args)
        if base.is_Float and exponent.is_Float and base != 0 and abs(exponent) > 1:
            exact = power.base.xreplace(values)
            length = len(str(exact)) if exact.is_Rational else 0
            if length * float(min(abs(exponent), 10**9)) > LONG:
                found[power] = sp.Rational(base**exponent)
    return found
