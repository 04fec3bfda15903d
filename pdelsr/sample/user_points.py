"""The user's own points, checked against their region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from pdelsr.declare.domains import BoundaryPoints, Domain, Part
from pdelsr.errors import ProblemError
from pdelsr.sample.samplers import Points

_SLACK = 1e-6  # share of the size of the points; users type coordinates in decimals


def own_interior(domain: Domain, sampler: Points) -> Float[np.ndarray, "n d"]:
    """The user's points of a domain.

    Raises:
        ProblemError: A point lies outside; the message names the first.
    """
    points = _own_points(sampler, domain.dim)
    _refuse_strays(sampler, domain.contains(points, _slack(sampler)), "lies outside the domain")
    return points


def own_boundary(parts: Sequence[Part], sampler: Points) -> BoundaryPoints:
    """The user's points, each with the normal of the first part on which it lies.

    Raises:
        ProblemError: A point lies on no part; the message names the first.
    """
    points = _own_points(sampler, _dim(parts[0]))
    normals = np.zeros_like(points)
    found = np.zeros(len(points), dtype=bool)
    for part in parts:
        here = ~found & part.contains(points, _slack(sampler))
        normals[here] = part.normals(points[here])
        found |= here
    names = ", ".join(f"'{part.name}'" for part in parts)
    _refuse_strays(sampler, found, f"does not lie on {names}")
    return BoundaryPoints(points, normals)


def _own_points(sampler: Points, dim: int) -> Float[np.ndarray, "n d"]:
    given = sampler.points.shape[1]
    if given != dim:
        raise ProblemError(
            f"Points: got {given} columns, expected {dim}, one a coordinate of the domain"
        )
    return sampler.points


def _refuse_strays(sampler: Points, fine: Bool[np.ndarray, " n"], trouble: str) -> None:
    """Refuse the user's points if one is not `fine`, naming the first."""
    strays = np.flatnonzero(~fine)
    if strays.size:
        point = ", ".join(f"{value:g}" for value in sampler.points[strays[0]])
        raise ProblemError(
            f"Points: point {strays[0]} ({point}) {trouble} ({strays.size} of {len(fine)} points); "
            "leave such points out, or give this sampler to other blocks by name"
        )


def _slack(sampler: Points) -> float:
    return _SLACK * float(np.abs(sampler.points).max() or 1.0)


def _dim(part: Part) -> int:
    """Number of coordinates of the points of a part."""
    return part.place(np.full((1, part.unit_dim), 0.5)).points.shape[1]
