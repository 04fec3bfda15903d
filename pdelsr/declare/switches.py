"""The switches of an expression: zeros of the conditions and arguments of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float
from sympy.core.relational import Relational

from pdelsr.declare.callables import Values
from pdelsr.declare.nonsmooth import BOUNDED, SWITCHING

INFINITE: dict[Any, Callable[[Any], Any]] = {
    **dict.fromkeys((sp.tan, sp.sec), sp.cos),
    **dict.fromkeys((sp.cot, sp.csc), sp.sin),
    **dict.fromkeys((sp.log, sp.coth, sp.csch), lambda argument: argument),
}
"""Functions that are infinite where another function of their argument vanishes."""

POWERS = (sp.exp, sp.Pow)
NEWTON = 25  # steps from a point towards the nearest zero
STEP = 1e-6  # of finite differences, in shares of the box
NEAR = 1e-9  # distance to both sides of a zero, in shares of the box


@dataclass(frozen=True, eq=False)
class Crossings:
    """Points where a switch changes its sign.

    Attributes:
        points: points on the surface φ = 0, (n, s), in shares of the box.
        directions: unit vectors along ∇φ, (n, s), in shares of the box.
    """

    points: Float[np.ndarray, "n s"]
    directions: Float[np.ndarray, "n s"]


def switches(expression: sp.Basic) -> list[sp.Expr]:
    """Functions φ that change their sign wherever the expression may jump."""
    found = (_of(atom) for atom in expression.atoms(*SWITCHING, *POWERS, Relational))
    unique = {phi for group in found for phi in group if phi.free_symbols}
    return sorted(unique, key=sp.default_sort_key)


def crossings(
    phi: sp.Expr,
    symbols: tuple[sp.Symbol, ...],
    starts: Float[np.ndarray, "n s"],
    box: Float[np.ndarray, "s 2"],
) -> Crossings:
    """Zeros of φ near points, by Newton steps along its gradient.

    p ← p - φ ∇φ / |∇φ|², in coordinates that are shares of the box; a step is exact where φ is
    affine, however thin the layer between two such surfaces may be.

    Args:
        phi: a function of the symbols.
        symbols: of the columns of `starts`.
        starts: points to start from, (n, s).
        box: lower and upper bound of each symbol.
    """
    low, width = box[:, 0], box[:, 1] - box[:, 0]
    function = _Scaled(Values(phi, symbols), low, width)
    points = (starts - low) / width
    for _ in range(NEWTON):
        values, slopes = function.value(points), function.gradient(points)
        squares = np.sum(slopes**2, axis=1)
        with np.errstate(all="ignore"):
            step = values[:, None] * slopes / squares[:, None]
        step = np.where(np.isfinite(step), step, 0)
        points = points - step
        if np.abs(step).max(initial=0) < NEAR / 1000:
            break
    slopes = function.gradient(points)
    with np.errstate(all="ignore"):
        directions = slopes / np.linalg.norm(slopes, axis=1, keepdims=True)
    good = np.isfinite(directions).all(axis=1)
    points, directions = points[good], directions[good]
    sides = [function.value(points + sign * NEAR * directions) for sign in (-1, 1)]
    crossed = _crossed(*sides)
    return Crossings(points[crossed], directions[crossed])


@dataclass(frozen=True, eq=False)
class _Scaled:
    """φ and its gradient by central differences, in shares of the box."""

    phi: Values
    low: Float[np.ndarray, " s"]
    width: Float[np.ndarray, " s"]

    def value(self, points: Float[np.ndarray, "n s"]) -> Float[np.ndarray, " n"]:
        found = self.phi(self.low + self.width * points)
        return np.full(len(points), np.nan) if found is None else found

    def gradient(self, points: Float[np.ndarray, "n s"]) -> Float[np.ndarray, "n s"]:
        slopes = np.zeros_like(points)
        for i, symbol in enumerate(self.phi.symbols):
            if symbol in self.phi.expression.free_symbols:
                shift = STEP * np.eye(len(self.phi.symbols))[i]
                slopes[:, i] = self.value(points + shift) - self.value(points - shift)
        return slopes / (2 * STEP)


def _of(atom: Any) -> Iterator[sp.Expr]:
    if isinstance(atom, Relational):
        yield cast(Any, atom).lhs - cast(Any, atom).rhs
    elif isinstance(atom, sp.floor | sp.ceiling | sp.frac):
        yield sp.sin(sp.pi * atom.args[0])
    elif isinstance(atom, sp.Mod):
        yield sp.sin(sp.pi * atom.args[0] / atom.args[1])
    elif isinstance(atom, BOUNDED):
        yield from _poles(atom)
    elif isinstance(atom, POWERS):  # 1/(1 + exp(1/x)) jumps as tanh(1/x) does
        yield from _poles(atom.exp)
    elif not isinstance(atom, sp.Piecewise):
        yield cast(sp.Expr, atom.args[0])


def _poles(inner: sp.Basic) -> Iterator[sp.Expr]:
    """Functions that vanish where a part of an expression is infinite."""
    for atom in cast(Any, inner.atoms(sp.Pow, *INFINITE)):
        if not isinstance(atom, sp.Pow):
            yield INFINITE[atom.func](atom.args[0])
        elif atom.exp.is_negative:
            yield atom.base


def _crossed(
    before: Float[np.ndarray, " n"], after: Float[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    with np.errstate(all="ignore"):
        return (before * after < 0) & np.isfinite(before) & np.isfinite(after)
