"""Blocks evaluated by sympy and mpmath to 40 digits, apart from the package's own passes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from expression_strategies import CALLABLES

import pdelsr as pl
from pdelsr.compile import AtPoints, Block, PeriodicPair
from pdelsr.declare.symbols import Coefficient

DIGITS = 40
STEP = mpmath.mpf(10) ** -15  # of central differences; their error is of the size of its square
ROUNDING = 1e-12  # relative change of the arguments that a value in fp64 may amount to


@dataclass(frozen=True, eq=False)
class Oracle:
    """The residual of one block in symbols for its columns and jet entries.

    Args:
        problem: the declaration.
        block: what was compiled of it.
    """

    problem: pl.Problem
    block: Block

    @cached_property
    def expression(self) -> Any:
        """F, in the symbols of `arguments`."""
        statement = next(s for s in self.problem.statements if s.name == self.block.name)
        F = self._plain(statement.lhs - statement.rhs)
        if isinstance(self.block.region, PeriodicPair):
            high, low = ({self._jet(e): self._symbol(e) for e in self._at(s)} for s in (1, 0))
            return F.xreplace(high) - F.xreplace(low)
        F = F.xreplace({self._jet(e): self._symbol(e) for e in self.block.entries})
        return F - self._data if isinstance(self.block.region, AtPoints) else F

    @cached_property
    def arguments(self) -> list[Any]:
        """Columns, then jet entries."""
        columns = list(self.problem.coordinates)
        if self.block.uses_normals:
            columns += [pl.normal(c) for c in self.problem.coordinates]
        columns += [self._data] if self.block.uses_data else []
        return [*columns, *map(self._symbol, self.block.entries)]

    @cached_property
    def function(self) -> Any:
        """F by mpmath."""
        return sp.lambdify(self.arguments, self.expression, modules="mpmath")

    def value(self, row: np.ndarray) -> Any:
        """F at one row of columns and jet entries; NaN where it is not a finite real number."""
        return self._number([mpmath.mpf(float(v)) for v in row])

    def slope(self, row: np.ndarray, entry: int) -> Any:
        """∂F/∂u_α by central differences."""
        position = len(row) - len(self.block.entries) + entry
        with mpmath.workdps(DIGITS):
            above, below = ([mpmath.mpf(float(v)) for v in row] for _ in range(2))
            above[position] += STEP
            below[position] -= STEP
            return (self._number(above) - self._number(below)) / (2 * STEP)

    def slack(self, row: np.ndarray, seed: int = 0) -> float:
        """How much F changes where every argument changes by some roundings."""
        rng = np.random.default_rng(seed)
        here = self.value(row)
        moved = [self.value(row * (1 + ROUNDING * rng.uniform(-1, 1, len(row)))) for _ in range(3)]
        most = max(abs(value - here) for value in moved)
        return float(10 * most + ROUNDING * len(self._addends) * self._largest(row))

    def _largest(self, row: np.ndarray) -> Any:
        """The largest addend of F, as far as it is a number."""
        at = [mpmath.mpf(float(v)) for v in row]
        with mpmath.workdps(DIGITS):
            sizes = [_real(f, at) for f in self._addends]
        return max((abs(s) for s in sizes if mpmath.isfinite(s)), default=mpmath.mpf(1))

    @cached_property
    def _addends(self) -> list[Any]:
        terms = sp.Add.make_args(self.expression)
        return [sp.lambdify(self.arguments, term, modules="mpmath") for term in terms]

    def _number(self, at: list[Any]) -> Any:
        with mpmath.workdps(DIGITS):
            return _real(self.function, at)

    def _plain(self, F: Any) -> Any:
        """Parameters as numbers and callables as the functions that they compute."""
        numbers = self.problem.parameters
        F = F.subs({s: numbers[s.name] for s in F.free_symbols if s.name in numbers})
        # sympy prints 2*Mod(x, 1) + 1 for mpmath as 2*x % 1 + 1
        F = F.replace(sp.Mod, lambda a, b: a - b * sp.floor(a / b))
        calls = F.atoms(Coefficient)
        return F.xreplace({c: CALLABLES[c.name][1](*c.args) for c in calls})

    def _jet(self, entry: Any) -> Any:
        u = self.problem.unknowns[entry.component]
        counts = zip(self.problem.coordinates, entry.index, strict=True)
        listed = [(c, k) for c, k in counts if k]
        return u.diff(*listed) if listed else u

    def _symbol(self, entry: Any) -> Any:
        return sp.Symbol(f"jet_{self.block.entries.index(entry)}", real=True)

    def _at(self, site: int) -> list[Any]:
        return [e for e in self.block.entries if e.site == site]

    @property
    def _data(self) -> Any:
        return sp.Symbol("data_column", real=True)


def _real(function: Any, at: list[Any]) -> Any:
    """A real number, NaN where there is none."""
    try:
        value = mpmath.mpmathify(function(*at))
    except (ZeroDivisionError, ValueError, OverflowError, TypeError):
        return mpmath.nan
    if isinstance(value, mpmath.mpc):
        return value.real if value.imag == 0 else mpmath.nan
    return value
