"""Collocation points of a domain, of boundary parts and of pairs of periodic faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.domains import Domain, Part
from pdelsr.errors import ProblemError, quoted
from pdelsr.sample.narrow_data import Crowd, crowding, with_crowd
from pdelsr.sample.point_set import PointSet
from pdelsr.sample.samplers import Points, Sampler, Seed, UnitSampler
from pdelsr.sample.split import spawn, split_by_measure
from pdelsr.sample.user_points import own_boundary, own_interior

MOST_CANDIDATES = 2**24


class FacePair(NamedTuple):
    """Points on two opposite faces; equal rows differ in one coordinate only."""

    low: PointSet
    high: PointSet


def sample_interior(domain: Domain, n: int, sampler: Sampler, seed: Seed = 0) -> PointSet:
    """Points of a domain.

    Args:
        domain: The domain.
        n: Number of points. A grid gives about n; the user's own points stay as they are.
        sampler: Where the points come from.
        seed: Equal seeds give equal points.

    Returns:
        Points (n, d) without normals.

    Raises:
        ProblemError: A point given by the user lies outside, or hardly any point hits the domain.
    """
    if isinstance(sampler, Points):
        return PointSet(own_interior(domain, sampler))
    points, weights, unit = _accepted(domain, n, sampler, seed)
    return PointSet(points, weights=domain.measure * weights, unit=unit)


def sample_parts(
    parts: Sequence[Part],
    n: int,
    sampler: Sampler,
    seed: Seed = 0,
    crowds: Mapping[str, Crowd] = MappingProxyType({}),
) -> PointSet:
    """Points of boundary parts, split over the parts by measure.

    Every part gets at least one point and draws from its own random stream. A part that is a single
    point gives one point, whatever n is.

    Args:
        parts: Boundary parts of one domain.
        n: Number of points over all parts.
        sampler: Where the points come from.
        seed: Equal seeds give equal points.
        crowds: Where data are narrow, by the name of the part; extra points go there if the others
            miss it.

    Returns:
        Points (n, d) with outward unit normals.

    Raises:
        ProblemError: There are no parts, or a point given by the user lies on none of them.
    """
    if not parts:
        raise ProblemError("no boundary part to put points on; expected at least one")
    if isinstance(sampler, Points):
        own = own_boundary(parts, sampler)
        return PointSet(own.points, own.normals)
    seeds = spawn(seed, len(parts))
    sets = [
        _sample_part(part, count, sampler, part_seed, crowds.get(part.name))
        for part, count, part_seed in zip(parts, split_by_measure(parts, n), seeds, strict=True)
    ]
    return _concatenate(sets)


def sample_pair(
    domain: Domain, coordinate: sp.Symbol, n: int, sampler: Sampler, seed: Seed = 0
) -> FacePair:
    """Matching points on the two faces across a periodic coordinate.

    Args:
        domain: An interval, a box, or their product with time.
        coordinate: The coordinate across which the faces lie.
        n: Number of pairs; one pair if the faces are single points.
        sampler: Where the points come from; the user's own points lie on the lower face.
        seed: Equal seeds give equal points.

    Raises:
        ProblemError: The domain has no such faces, or a point given by the user misses the lower
            one.
    """
    axis = domain.require_coordinate(coordinate)
    low, high = domain.faces(coordinate)
    if isinstance(sampler, Points):
        first = own_boundary((low,), sampler)
        points = first.points.copy()
        points[:, axis] = domain.bounds(coordinate)[1]
        return FacePair(
            PointSet(first.points, first.normals), PointSet(points, high.normals(points))
        )
    first, second = (_sample_part(face, n, sampler, seed) for face in (low, high))
    return FacePair(first, second)


def _sample_part(
    part: Part, n: int, sampler: Sampler, seed: Seed, crowd: Crowd | None = None
) -> PointSet:
    """Points of one part."""
    if may_crowd(sampler) and part.unit_dim > 0:
        missed, more = crowding(crowd, n)
        if missed is not None:
            even = _sample_part(part, n, sampler, seed)
            return with_crowd(part, even, missed, more, seed)
    count = n if part.unit_dim > 0 else 1
    points, weights, unit = _accepted(part, count, sampler, seed)
    return PointSet(points, part.normals(points), part.measure * weights, unit)


def _accepted(
    region: Domain | Part, n: int, sampler: Sampler, seed: Seed
) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, " m"], Float[np.ndarray, "m k"]]:
    """The first n points that land on the region, from a request that is long enough.

    They come with weights, of sum 1, and places in the unit cube.
    """
    if not isinstance(sampler, UnitSampler):
        raise ProblemError(
            f"{type(sampler).__name__} is no sampler that can be asked for points: derive it from "
            "pl.UnitSampler, and write fill(n, dim, rng)"
        )
    request, hits = n, 0
    while True:
        unit = sampler.unit(request, region.unit_dim, seed)
        placed = region.place(unit)
        points, unit = placed.points[placed.kept], unit[placed.kept]
        hits = len(points)
        if sampler.exact and hits >= n:
            return points[:n], np.full(n, 1 / n), unit[:n]
        if not sampler.exact and hits > 0 and (request > n or placed.kept.all()):
            weights = _rule_weights(sampler, request, region.unit_dim, len(placed.kept))
            weights = weights[placed.kept]
            return points, weights / weights.sum(), unit
        if request >= MOST_CANDIDATES:
            raise ProblemError(
                f"only {hits} of {request} points hit {_describe(region)}, expected {n}; "
                "it is too thin to sample, give your own points by Points(array)"
            )
        request = min(_grown(request, n, hits, sampler.exact), MOST_CANDIDATES)


def _rule_weights(sampler: UnitSampler, n: int, dim: int, count: int) -> Float[np.ndarray, " k"]:
    """The weights of a rule, refused unless all are positive and one per point."""
    weights: Any = sampler.quadrature(n, dim)
    right = isinstance(weights, np.ndarray) and weights.shape == (count,)
    if not right or not (np.isfinite(weights) & (weights > 0)).all():
        shape = f"shape {weights.shape}" if isinstance(weights, np.ndarray) else quoted(weights)
        raise ProblemError(
            f"{type(sampler).__name__}: quadrature({n}, {dim}) gave {shape}; expected a positive "
            f"weight for each of its {count} points, as a numpy array"
        )
    return weights


def _grown(request: int, n: int, hits: int, exact: bool) -> int:
    """The size of the next request, from the share of hits, with a margin if n is exact."""
    if hits == 0:
        return 8 * request
    margin = 1.1 if exact else 1.0
    return max(round(margin * request * n / hits), request + 1) + (8 if exact else 0)


def _concatenate(sets: Sequence[PointSet]) -> PointSet:
    normals = [s.normals for s in sets if s.normals is not None]
    weights = [s.weights for s in sets if s.weights is not None]
    points = np.concatenate([s.points for s in sets])
    return PointSet(points, np.concatenate(normals), np.concatenate(weights))


def may_crowd(sampler: Sampler) -> bool:
    """Whether extra points may join: not the user's own points, nor a rule with its weights."""
    return isinstance(sampler, UnitSampler) and sampler.exact


def _describe(region: Domain | Part) -> str:
    return f"the part '{region.name}'" if isinstance(region, Part) else region.title
