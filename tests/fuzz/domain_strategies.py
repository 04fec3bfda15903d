"""Hypothesis strategies of domains: shapes of all sizes, their combinations, and time."""

from __future__ import annotations

import math
import operator
from typing import Any, TypeAlias

from hypothesis import strategies as st

import pdelsr as pl
from pdelsr.errors import PdelsrError

Symbols: TypeAlias = tuple[Any, ...]
Vector: TypeAlias = tuple[float, ...]
NAMES = "x y z w"
SIZES = st.sampled_from((1.0, 1.0, 1.0, 2.5, 0.1, 1e-3, 1e-8, 1e3, 1e7))
SHARES = st.floats(0.25, 1.0).map(lambda v: round(v, 2))
OFFSETS = st.sampled_from((0.0, 0.0, 0.0, -1.0, 0.5, 30.0, -2e4, 3e6))
OPERATIONS = st.sampled_from((operator.or_, operator.sub, operator.and_))
LABELS = st.sampled_from((None, None, None, "outer wall", "rim"))


@st.composite
def domains(draw: st.DrawFn) -> Any:
    """A shape in one to four coordinates, in a third of the draws through time."""
    timed = draw(st.sampled_from((False, True, False)))
    space = draw(spaces(draw(st.sampled_from((1, 2, 2, 3) if timed else (1, 2, 2, 3, 4)))))
    return space * draw(times()) if timed else space


@st.composite
def times(draw: st.DrawFn) -> Any:
    """An interval of time."""
    length = draw(SIZES)
    start = _near(draw(OFFSETS), length)
    return pl.TimeInterval(pl.coordinates("t"), start, start + length)


@st.composite
def spaces(draw: st.DrawFn, dim: int) -> Any:
    """A shape in `dim` coordinates, or what is left of two of them."""
    coordinates = _coordinates(dim)
    size = draw(SIZES)
    center = tuple(_near(draw(OFFSETS), size) for _ in coordinates)
    shape = draw(shapes(coordinates, center, size))
    if dim == 1 or not draw(st.sampled_from((False, False, True))):
        return shape
    shifted = tuple(c + size * draw(st.floats(-0.5, 0.5)) for c in center)
    other = draw(shapes(coordinates, shifted, size * draw(SHARES)))
    try:
        return draw(OPERATIONS)(shape, other)
    except PdelsrError:  # nothing is left
        return shape


def shapes(coordinates: Symbols, center: Vector, size: float) -> Any:
    """A single shape of about this size around a center."""
    if len(coordinates) == 1:
        (x,), (c,) = coordinates, center
        return st.builds(lambda name: pl.Interval(x, c - size, c + size, name=name), LABELS)
    found = [boxes(coordinates, center, size), balls(coordinates, center, size)]
    if len(coordinates) == 2:
        found += [disks(coordinates, center, size), polygons(coordinates, center, size)]
    return st.one_of(found)


@st.composite
def boxes(draw: st.DrawFn, coordinates: Symbols, center: Vector, size: float) -> Any:
    """A box whose sides differ."""
    halves = [size * draw(SHARES) for _ in coordinates]
    lower = [c - h for c, h in zip(center, halves, strict=True)]
    upper = [c + h for c, h in zip(center, halves, strict=True)]
    return pl.Box(coordinates, lower, upper, name=draw(LABELS))


@st.composite
def disks(draw: st.DrawFn, coordinates: Symbols, center: Vector, size: float) -> Any:
    """A disk."""
    return pl.Disk(coordinates, center, size * draw(SHARES), name=draw(LABELS))


@st.composite
def balls(draw: st.DrawFn, coordinates: Symbols, center: Vector, size: float) -> Any:
    """A ball."""
    return pl.Ball(coordinates, center, size * draw(SHARES), name=draw(LABELS))


@st.composite
def polygons(draw: st.DrawFn, coordinates: Symbols, center: Vector, size: float) -> Any:
    """A star-shaped polygon, its vertices in either orientation."""
    count = draw(st.integers(3, 7))
    radii = [size * draw(SHARES) for _ in range(count)]
    turn = draw(st.sampled_from((1, -1)))
    angles = [turn * 2 * math.pi * k / count for k in range(count)]
    vertices = [
        (center[0] + r * math.cos(a), center[1] + r * math.sin(a))
        for r, a in zip(radii, angles, strict=True)
    ]
    return pl.Polygon(coordinates, vertices, name=draw(LABELS))


def _near(offset: float, size: float) -> float:
    """The offset, unless rounding would blur a shape of this size there."""
    return offset if size > 1e-9 * abs(offset) else 0.0


def _coordinates(dim: int) -> Symbols:
    found = pl.coordinates(" ".join(NAMES.split()[:dim]))
    return found if isinstance(found, tuple) else (found,)
