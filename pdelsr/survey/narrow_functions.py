"""The functions in a term that may vary within a short length, and where they do.

exp(s) matters where s is largest, tanh(s) varies where s is zero, 1/b is largest where |b| is
smallest. The arguments s and b are wide functions even if the function of them is narrow, so points
far away show the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float
from sympy.core.relational import Relational

from pdelsr.declare.interpreted import Known
from pdelsr.declare.nonsmooth import SHARP
from pdelsr.declare.symbols import Coefficient, InputFunction
from pdelsr.survey.values import calls_in, value

HIGH_POWER = 8  # integer powers from which a polynomial's peak may be narrow
STEEP = 10.0  # change of an argument over the region that allows a narrow feature
RISE, RATIO = 0.3, 1.3  # least growth of the distance over a length at a narrow peak
MOST_CALLS = 24  # torch functions in a callable that are searched
WAVES = (sp.sin, sp.cos)
SMOOTH = (sp.asin, sp.acos, sp.re, sp.im)


@dataclass(frozen=True)
class Atom:
    """A function in a term.

    Attributes:
        argument: of the function, or the callable's application that computes it.
        distance: a function of the argument, smallest where the function varies.
        relative: whether ratios of distances count, as for powers, instead of differences.
        sharp: whether the function is not smooth, and so has no length of its own.
        call: number of the call of a torch function in a user's callable, if it is one.
    """

    argument: sp.Expr
    distance: Callable[[Any], Any]
    relative: bool = False
    sharp: bool = False
    call: int | None = None

    @property
    def key(self) -> tuple[sp.Expr, str, int | None]:
        """The identity of the atom among those of all terms."""
        return self.argument, self.distance.__name__, self.call

    @property
    def kind(self) -> str:
        """The kind of atoms whose steepness is comparable."""
        distance = self.distance.__name__.split()[0]
        return "sharp" if self.sharp else f"{distance} {'ratio' if self.relative else ''}"

    def away(self, known: Known) -> Float[np.ndarray, " n"]:
        """The distance at points."""
        with np.errstate(all="ignore"):
            return np.asarray(self.distance(self._values(known)), dtype=float)

    def _values(self, known: Known) -> Any:
        if self.call is None:
            return value(self.argument, known)
        calls = calls_in(self.argument, known)
        return calls[self.call].argument if self.call < len(calls) else np.nan

    def may_be_narrow(self, known: Known) -> bool:
        """Whether the argument changes enough over the points for a narrow feature."""
        return self.change(known) > (0 if self.sharp else STEEP)

    def change(self, known: Known) -> float:
        """The change of the distance over the points."""
        found = self.away(known)
        found = found[np.isfinite(found)]
        if found.size < 2:
            return 0.0
        if self.relative:
            return float(found.max() / max(found.min(), np.finfo(float).tiny))
        return float(found.max() - found.min())

    def rises(self, here: Any, beside: Any) -> Any:
        """Whether the distance grows enough from one place to others for a peak to end there."""
        if self.relative:
            return beside > RATIO * here
        return beside - here > RISE


def atoms_of(term: sp.Expr) -> tuple[Atom, ...]:
    """The functions in a term whose features can be found by their arguments, each once."""
    found: dict[object, Atom] = {}
    for node in cast(Any, sp.preorder_traversal(term)):
        for atom in _of_node(node):
            if atom.argument.free_symbols:
                found.setdefault(atom.key, atom)
    return tuple(found.values())


def waves_of(term: sp.Expr) -> tuple[sp.Expr, ...]:
    """The arguments of sines and cosines in a term."""
    arguments = {cast(sp.Expr, f.args[0]) for f in term.atoms(*WAVES)}
    return tuple(sorted((a for a in arguments if a.free_symbols), key=sp.default_sort_key))


def atoms_in_callables(term: sp.Expr, known: Known) -> tuple[Atom, ...]:
    """The torch functions in the callables of a term."""
    found: list[Atom] = []
    for applied in sorted(given_by_code(term), key=str):
        for i, call in enumerate(calls_in(applied, known)[:MOST_CALLS]):
            relative, sharp = call.kind == "relative", call.kind == "sharp"
            found.append(Atom(applied, np.abs, relative, sharp, i))
            if call.kind == "largest":
                found.append(Atom(applied, np.negative, call=i))
    return tuple(found)


def given_by_code(term: sp.Expr) -> set[Any]:
    """The applications of callables in a term, without missing input functions."""
    return {c for c in term.atoms(Coefficient) if not isinstance(c, InputFunction)}


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
    if isinstance(node, sp.Add):  # 1 + exp(s) turns from 1 to exp(s) where s is zero
        return [Atom(cast(Any, e).args[0], np.abs) for e in node.atoms(sp.exp)]
    if isinstance(node, sp.log):
        return [Atom(args[0], np.abs, relative=True)]
    if not isinstance(node, sp.Function) or isinstance(node, (Coefficient, *WAVES, *SMOOTH)):
        return []
    if isinstance(node, sp.Piecewise):
        return []  # its conditions are separate nodes
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
