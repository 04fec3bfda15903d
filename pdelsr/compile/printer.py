"""Sympy's torch printer, with numbers folded to fp64 literals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

import sympy as sp
import torch
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.pytorch import TorchPrinter
from torch import Tensor

from pdelsr.declare.decimals import decimal_text
from pdelsr.declare.long_sums import HUGE, LongSums, short_text
from pdelsr.errors import ProblemError

ONE = sp.Symbol("one_")
"""Stands for a scalar tensor 1 in the caller's dtype and device."""

REWRITTEN: dict[Any, Callable[..., Any]] = {
    sp.sec: lambda a: 1 / sp.cos(a),
    sp.csc: lambda a: 1 / sp.sin(a),
    sp.cot: lambda a: 1 / sp.tan(a),
    sp.sech: lambda a: 1 / sp.cosh(a),
    sp.csch: lambda a: 1 / sp.sinh(a),
    sp.coth: lambda a: 1 / sp.tanh(a),
    sp.acot: lambda a: sp.atan(1 / a),
    sp.asec: lambda a: sp.acos(1 / a),
    sp.acsc: lambda a: sp.asin(1 / a),
}
"""Functions without a torch form, in terms of others."""

BESSEL = {
    (sp.besselj, 0): "torch.special.bessel_j0",
    (sp.besselj, 1): "torch.special.bessel_j1",
    (sp.bessely, 0): "torch.special.bessel_y0",
    (sp.bessely, 1): "torch.special.bessel_y1",
    (sp.besseli, 0): "torch.special.i0",
    (sp.besseli, 1): "torch.special.i1",
    (sp.besselk, 0): "torch.special.modified_bessel_k0",
    (sp.besselk, 1): "torch.special.modified_bessel_k1",
}


def heaviside(a: Tensor, at_zero: Tensor, one: Tensor) -> Tensor:
    """The unit step; unlike torch.heaviside it has a (zero) gradient."""
    return torch.where(a > 0, one, torch.where(a < 0, torch.zeros_like(one), at_zero))


def gamma(a: Tensor) -> Tensor:
    """Γ(a) by the reflection formula for a < 1/2."""
    reflected = torch.pi / (torch.sin(torch.pi * a) * torch.exp(torch.lgamma(1 - a)))
    return torch.where(a < 0.5, reflected, torch.exp(torch.lgamma(a)))


def piecewise(*pieces: Any) -> Tensor:
    """The value of the first (condition, value) that holds, or else the last argument."""
    *given, found = pieces
    for condition, value in reversed(given):
        found = torch.where(condition, value, found)
    return found


HELPERS: dict[str, Any] = {"heaviside_": heaviside, "gamma_": gamma, "piecewise_": piecewise}
"""Names in the printed code besides those of torch."""


class TorchCode(LongSums, TorchPrinter):
    """Prints real expressions as torch code.

    Differences from sympy's printer: a subexpression without symbols becomes one fp64 literal,
    rounded once; numbers become tensors where torch wants tensors (where, maximum, atan2);
    relations print as operators; what has no torch form is an error, not a comment.
    """

    mapping: ClassVar[dict[Any, str]] = {
        **TorchPrinter.mapping,
        sp.erfc: "torch.erfc",
        sp.erfinv: "torch.erfinv",
        sp.Max: "torch.maximum",
        sp.Min: "torch.minimum",
        sp.Mod: "torch.remainder",
    }

    def __init__(self, names: Mapping[sp.Basic, str] | None = None) -> None:
        """Print the given symbols by other names."""
        self._names = names or {}
        super().__init__({"fully_qualified_modules": True, "inline": True, "strict": True})

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if expr in self._names:
            return self._names[expr]
        if isinstance(expr, sp.Expr) and expr.is_number:
            return literal(expr)
        return super()._print(expr, **kwargs)

    def _print_Mul(self, expr: Any) -> str:
        number = sp.Mul(*(a for a in expr.args if a.is_number))
        if number == 1:
            return super()._print_Mul(expr)
        rest = expr._new_rawargs(*(a for a in expr.args if not a.is_number))
        text = self.parenthesize(rest, PRECEDENCE["Mul"])
        return f"-{text}" if number == -1 else f"{self._factor(number)}*{text}"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent == sp.Rational(-1, 2):
            return f"torch.rsqrt({self._print(base)})"
        if exponent.is_Integer and abs(exponent) < HUGE:
            return f"torch.pow({self._print(base)}, {int(exponent)})"
        return super()._print_Pow(expr)

    def _print_Function(self, expr: Any) -> str:
        kind = type(expr)
        if kind in REWRITTEN:
            return f"({self._print(REWRITTEN[kind](*expr.args))})"
        name = self.mapping.get(kind) or self._bessel(expr)
        arguments = expr.args[1:] if name in BESSEL.values() else expr.args
        if len(arguments) == 1:
            return f"{name}({self._print(arguments[0])})"
        return self._fold(name, arguments)

    _print_Expr = _print_Function
    _print_Application = _print_Function

    def _print_Heaviside(self, expr: Any) -> str:
        arguments = ", ".join(map(self._tensor, expr.args))
        return f"heaviside_({arguments}, {ONE})"

    def _print_sinc(self, expr: Any) -> str:
        return f"torch.sinc({self._print(expr.args[0] / sp.pi)})"

    def _print_gamma(self, expr: Any) -> str:
        return f"gamma_({self._print(expr.args[0])})"

    def _print_polygamma(self, expr: Any) -> str:
        if expr.args[0] != 0:  # torch has higher orders to ten digits only
            raise _no_torch_form(expr)
        return f"torch.special.digamma({self._print(expr.args[1])})"

    def _print_Piecewise(self, expr: Any) -> str:
        last = f"(float('nan')*{ONE})"  # where no condition holds
        pieces: list[str] = []
        for value, condition in expr.args:
            if condition == sp.true:
                last = self._tensor(value)
                break
            pieces.append(f"({self._print(condition)}, {self._tensor(value)})")
        return f"piecewise_({', '.join([*pieces, last])})"

    def _print_Relational(self, expr: Any) -> str:
        return f"({self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)})"

    def _print_And(self, expr: Any) -> str:
        return f"({' & '.join(map(self._print, expr.args))})"

    def _print_Or(self, expr: Any) -> str:
        return f"({' | '.join(map(self._print, expr.args))})"

    def _print_Not(self, expr: Any) -> str:
        return f"(~{self._print(expr.args[0])})"

    def _print_KroneckerDelta(self, expr: Any) -> str:
        raise _no_torch_form(expr)  # the inherited code compares numbers, not tensors

    def _print_Derivative(self, expr: Any) -> str:
        raise ProblemError(
            f"{decimal_text(expr)} cannot be carried out, and has no torch form; write it out, or "
            'give it as pl.coefficient("name", function, x, ...).'
        )

    def _print_Subs(self, obj: Any) -> str:
        return self._print_Derivative(obj)

    def _print_Basic(self, expr: Any) -> str:
        raise _no_torch_form(expr)

    def _factor(self, number: Any) -> str:
        text = self._print(number)
        return f"({text})" if text.startswith("-") else text

    def _tensor(self, expr: Any) -> str:
        """The code of an argument as a tensor, where torch takes no number."""
        return f"({literal(expr)}*{ONE})" if expr.is_number else self._print(expr)

    def _fold(self, name: str, arguments: Any) -> str:
        """A function of two arguments applied to many, nested as little as possible."""
        if len(arguments) == 1:
            return self._tensor(arguments[0])
        half = len(arguments) // 2
        left, right = (self._fold(name, some) for some in (arguments[:half], arguments[half:]))
        return f"{name}({left}, {right})"

    def _bessel(self, expr: Any) -> str:
        name = BESSEL.get((type(expr), expr.args[0])) if expr.args else None
        if name is None:
            raise _no_torch_form(expr)
        return name


def literal(number: sp.Expr) -> str:
    """A constant as a Python literal, rounded to fp64 once.

    Raises:
        ProblemError: it is not a finite real number.
    """
    try:
        value = float(cast(Any, number.evalf(30)))
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ProblemError(f"the constant {short_text(number)} is not a finite real number.")
    return repr(value)


def _no_torch_form(expr: Any) -> ProblemError:
    name = type(expr).__name__
    return ProblemError(
        f"the function {name} in {decimal_text(expr)} has no torch form; give it as "
        f'pl.coefficient("{name}", function, x, ...), or rewrite it.'
    )
