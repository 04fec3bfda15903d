"""The search for jumps of an expression inside the domain: across its switches, or by sampling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float

from pdelsr.declare.callables import Values
from pdelsr.declare.domains import Domain
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.expressions import without_remainders
from pdelsr.declare.switches import crossings, switches

POINTS = 512  # from which the nearest point of a switch is sought
MOST = 64  # switches that are searched
FARTHER = 1e-6  # larger distance from a switch, in shares of the box
NEAR = 1e-9  # smaller distance from a switch, in shares of the box
LASTING = 0.5  # share of the change that is left at the smaller distance if it is a jump
CLEAR = 1e-6  # relative size from which a change counts
LINES, SAMPLES = 8, 513  # along each coordinate, for callables
STEEPEST = 2  # intervals of a line that are halved
HALVINGS = 30
ACROSS = 1e-6  # component of a unit normal above which a coordinate changes across a surface


@dataclass(frozen=True)
class Jump:
    """One place where an expression jumps.

    Attributes:
        place: the coordinates that change across the jump, with their values there.
        low, high: values before and after it.
        jets: whether the place depends on the solution.
    """

    place: dict[sp.Symbol, float]
    low: float
    high: float
    jets: bool = False

    @property
    def sizes(self) -> str:
        """Both values, as text for messages."""
        return f"from {self.low:.4g} to {self.high:.4g}"

    @property
    def where(self) -> str:
        """The place, as text for messages."""
        if self.jets:
            return "at a value of the solution"
        return "at " + ", ".join(f"{c} = {v:.6g}" for c, v in self.place.items())


def find_jump(
    expression: sp.Expr,
    domain: Domain,
    along: Iterable[sp.Symbol],
    jets: tuple[sp.Symbol, ...] = (),
    fixed: frozenset[sp.Symbol] = frozenset(),
) -> Jump | None:
    """A jump of an expression inside the domain along some coordinates, if there is one.

    Switches that sympy shows are found wherever they are; jumps of callables are found by samples
    along lines.

    Args:
        expression: of the coordinates and `jets`.
        domain: where.
        along: coordinates, one of which must change across the jump.
        jets: symbols that stand for the solution and its derivatives.
        fixed: those of `jets` on which a counted switch must not depend.
    """
    expression = without_remainders(expression)
    symbols = (*domain.coordinates, *jets)
    values = Values(expression, symbols)
    axes = [domain.coordinates.index(c) for c in along]
    if not axes:
        return None
    for phi in switches(expression)[:MOST]:
        if not phi.free_symbols & fixed and (found := _across(phi, values, domain, axes)):
            return found
    return _by_sampling(values, domain, axes) if values.has_callables else None


def _across(phi: sp.Expr, values: Values, domain: Domain, axes: list[int]) -> Jump | None:
    """A jump on the surface φ = 0."""
    d, box = domain.dim, _box(domain, len(values.symbols))
    found = crossings(phi, values.symbols, _starts(domain, len(values.symbols)), box)
    low, width = box[:, 0], box[:, 1] - box[:, 0]
    moves = np.abs(found.directions)
    by_solution = (moves[:, d:] > ACROSS).any(axis=1)
    counts = by_solution | (moves[:, axes] > ACROSS).any(axis=1)
    points, directions = found.points[counts], found.directions[counts]
    if not len(points):
        return None
    sides = [low + width * (points + step * directions) for step in (-FARTHER, FARTHER)]
    inside = np.logical_and(*(domain.contains(side[:, :d]) for side in sides))
    points, directions = points[inside], directions[inside]
    if not len(points):
        return None
    looks = [-FARTHER, -NEAR, NEAR, FARTHER]
    seen = [values(low + width * (points + step * directions)) for step in looks]
    if any(v is None for v in seen):
        return None
    a, b, c, e = cast("list[Float[np.ndarray, ' n']]", seen)
    jumping = _is_jump(b, c, np.abs(e - a))
    if not jumping.any():
        return None
    i = int(np.argmax(jumping))
    at, across = low + width * points[i], np.abs(directions[i])
    place = {s: float(at[k]) + 0.0 for k, s in enumerate(domain.coordinates) if across[k] > ACROSS}
    return Jump(place, float(b[i]), float(c[i]), bool((across[d:] > ACROSS).any()))


def _by_sampling(values: Values, domain: Domain, axes: list[int]) -> Jump | None:
    """A jump along a coordinate between two samples, narrowed by halving the interval."""
    box, starts = _box(domain, len(values.symbols)), _starts(domain, len(values.symbols))[:LINES]
    for axis in axes:
        line = np.linspace(box[axis, 0], box[axis, 1], SAMPLES)
        grid = np.repeat(starts[:, None, :], SAMPLES, axis=1)
        grid[:, :, axis] = line
        flat = grid.reshape(-1, grid.shape[2])
        inside = domain.contains(flat[:, : domain.dim])
        found = np.full(len(flat), np.nan)
        if not inside.any() or (known := values(flat[inside])) is None:
            continue
        found[inside] = known
        for i, j in _suspects(found.reshape(len(starts), SAMPLES)):
            jump = _narrowed(values, grid[i, j], grid[i, j + 1], axis)
            if jump is not None:
                return jump
    return None


def _suspects(found: Float[np.ndarray, "l s"]) -> Iterator[tuple[int, int]]:
    """Intervals whose change differs most from that of their neighbors, over all lines."""
    change = np.diff(found, axis=1)
    padded = np.pad(change, ((0, 0), (1, 1)), mode="reflect")
    neighbors = np.where(np.isfinite(padded), padded, 0)
    odd = np.abs(2 * change - neighbors[:, :-2] - neighbors[:, 2:]) / 2
    size = np.nanmax(np.abs(found), initial=0)
    odd = np.where(np.isfinite(odd) & (odd > CLEAR * size), odd, 0)
    for i, row in enumerate(odd):
        for j in np.argsort(row)[-STEEPEST:]:
            if row[j] > 0:
                yield i, int(j)


def _narrowed(
    values: Values, low: Float[np.ndarray, " s"], high: Float[np.ndarray, " s"], axis: int
) -> Jump | None:
    """The jump between two points, halved towards the larger change."""
    ends = values(np.stack([low, high]))
    if ends is None:
        return None
    first, (a, b) = abs(ends[1] - ends[0]), ends
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = values(middle[None])
        if found is None or not np.isfinite(found[0]):
            return None
        if abs(found[0] - a) >= abs(b - found[0]):
            high, b = middle, found[0]
        else:
            low, a = middle, found[0]
    if not _is_jump(np.array([a]), np.array([b]), np.array([first]))[0]:
        return None
    symbol = values.symbols[axis]
    return Jump({symbol: float((low[axis] + high[axis]) / 2)}, float(a), float(b))


def _is_jump(
    low: Float[np.ndarray, " n"], high: Float[np.ndarray, " n"], farther: Float[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Whether a change lasts where the distance shrinks."""
    with np.errstate(all="ignore"):
        change, size = np.abs(high - low), np.maximum(np.abs(low), np.abs(high))
        return np.isfinite(change) & (change > CLEAR * size) & (change > LASTING * farther)


def _starts(domain: Domain, columns: int) -> Float[np.ndarray, "n s"]:
    """Points inside, with random values for symbols that are not coordinates."""
    inside = domain.from_unit(probes(4 * POINTS, domain.unit_dim))[:POINTS]
    random = np.random.default_rng(2601).standard_normal((len(inside), columns - domain.dim))
    return np.hstack([inside, random])


def _box(domain: Domain, columns: int) -> Float[np.ndarray, "s 2"]:
    """The bounding box; other symbols than coordinates have length one."""
    more = np.tile([0.0, 1.0], (columns - domain.dim, 1))
    return np.vstack([domain.bounding_box, more])
