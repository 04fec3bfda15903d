"""Functions in a term that may vary within a short length, and where they do.

exp(s) matters where s is largest, tanh(s) varies where s is zero, 1/b is largest where |b| is
smallest. The arguments s and b are wide functions even where the function of them is narrow, so
that points far away tell the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float
from sympy.core.relational import Relational

from pdelsr.declare.symbols import Coefficient, InputFunction
from pdelsr.survey.values import Known, value

HIGH_POWER = 8  # integer powers from which a polynomial's peak may be narrow
STEEP = 10.0  # change of an argument over the region that leaves room for a narrow feature
RISE, RATIO = 0.3, 1.3  # of the distance over a length, without which there is no narrow peak
WAVES = (sp.sin, sp.cos)
SHARP = (sp.Abs, sp.sign, sp.Heaviside, sp.floor, sp.ceiling, sp.frac, sp.Mod)
SMOOTH = (sp.asin, sp.acos, sp.re, sp.im)


@dataclass(frozen=True)
class Atom:
    """A function in a term.

    Attributes:
        argument: of the function.
        distance: of its values; the smaller, the nearer is the place where the function varies.
        relative: whether ratios of distances count, as for powers, and not their differences.
        sharp: whether the function is not smooth, so that no length of its own belongs to it.
    """

    argument: sp.Expr
    distance: Callable[[Any], Any]
    relative: bool = False
    sharp: bool = False

    @property
    def key(self) -> tuple[sp.Expr, str]:
        """What tells it from others of the same term or of another."""
        return self.argument, self.distance.__name__

    def away(self, known: Known) -> Float[np.ndarray, " n"]:
        """The distance at points."""
        with np.errstate(all="ignore"):
            return np.asarray(self.distance(value(self.argument, known)), dtype=float)

    def may_be_narrow(self, known: Known) -> bool:
        """Whether the argument changes enough over the points for a narrow feature."""
        return self.change(known) > (0 if self.sharp else STEEP)

    def change(self, known: Known) -> float:
        """Of the distance over the points."""
        found = self.away(known)
        found = found[np.isfinite(found)]
        if found.size < 2:
            return 0.0
        if self.relative:
            return float(found.max() / max(found.min(), np.finfo(float).tiny))
        return float(found.max() - found.min())

    def rises(self, here: Any, beside: Any) -> Any:
        """Whether the distance grows so much from one place to others that a peak may end there."""
        if self.relative:
            return beside > RATIO * here
        return beside - here > RISE


def atoms_of(term: sp.Expr) -> tuple[Atom, ...]:
    """The functions in a term whose place can be found by their arguments, each once."""
    found: dict[tuple[sp.Expr, str], Atom] = {}
    for node in cast(Any, sp.preorder_traversal(term)):
        for atom in _of_node(node):
            if atom.argument.free_symbols:
                found.setdefault(atom.key, atom)
    return tuple(found.values())


def waves_of(term: sp.Expr) -> tuple[sp.Expr, ...]:
    """The arguments of sines and cosines in a term."""
    arguments = {cast(sp.Expr, f.args[0]) for f in term.atoms(*WAVES)}
    return tuple(sorted((a for a in arguments if a.free_symbols), key=sp.default_sort_key))


def has_callables(term: sp.Expr) -> bool:
    """Whether a term holds functions that the user gives by code."""
    return any(not isinstance(c, InputFunction) for c in term.atoms(Coefficient))


def _of_node(node: Any) -> list[Atom]:
    args: tuple[Any, ...] = node.args
    if isinstance(node, sp.exp):
        return [Atom(args[0], np.negative)]
    if isinstance(node, sp.Pow):
        return _of_power(node.base, node.exp)
    if isinstance(node, Relational):
        return [Atom(args[0] - args[1], np.abs, sharp=True)]
    if isinstance(node, sp.Max | sp.Min):
        first, *others = args
        return [Atom(first - other, np.abs, sharp=True) for other in others]
    if isinstance(node, sp.log):
        return [Atom(args[0], np.abs, relative=True)]
    if not isinstance(node, sp.Function) or isinstance(node, (Coefficient, *WAVES, *SMOOTH)):
        return []
    if isinstance(node, sp.Piecewise):
        return []  # its conditions are nodes of their own
    sharp = isinstance(node, SHARP)
    return [Atom(a, np.abs, sharp=sharp) for a in args if isinstance(a, sp.Expr)]


def _of_power(base: Any, exponent: Any) -> list[Atom]:
    if exponent.free_symbols:  # b^s = exp(s log b)
        return [Atom(exponent * sp.log(base), np.negative)]
    if exponent.is_Integer and exponent > 0:
        if exponent < HIGH_POWER:
            return []
        return [Atom(base, _peak_of_power(int(exponent)))]
    return [Atom(base, np.abs, relative=True)]


def _peak_of_power(n: int) -> Callable[[Any], Any]:
    """-n log|b|, which is smallest where |b|^n is largest."""

    def peak(b: Any) -> Any:
        return -n * np.log(np.abs(b))

    peak.__name__ = f"peak {n}"
    return peak
