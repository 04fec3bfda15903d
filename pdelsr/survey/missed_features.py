"""Checks that points given one by one by a user meet the narrow features of the data."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from jaxtyping import Bool, Float

from pdelsr.declare import Problem
from pdelsr.declare.domains import Domain, Part
from pdelsr.sample import SEEN, Points, Sampler
from pdelsr.survey.features import UNRESOLVED
from pdelsr.survey.problem import MOST_TOLD, Found, features_by_block, place_of, term_text

WITHIN = 2.0  # half-widths from a peak within which points see it
STEP = 1e-6  # of finite differences, in the unit cube
OFF = 1e-6  # of the size of a region, by which points may lie off a part of the boundary


def missed_features(
    problem: Problem, exact: Collection[str], samplers: Mapping[str, Sampler]
) -> tuple[str, ...]:
    """A sentence for each feature that a network resolves but the user's own points miss.

    With other samplers, extra points go there. The user's points stay as they are, and held-out
    residuals are measured at them too, so nothing sees a feature between them.

    Args:
        problem: the declaration.
        exact: names of the statements that the ansatz satisfies.
        samplers: of the blocks, by name.
    """
    told: dict[tuple[str, tuple[str, ...]], str] = {}
    if not any(isinstance(sampler, Points) for sampler in samplers.values()):
        return ()  # the search for features takes time
    for block, _, found in features_by_block(problem, exact):
        sampler, key = samplers.get(block), place_of(found.feature, problem.coordinates)
        if not isinstance(sampler, Points) or sampler.points.shape[1] != problem.domain.dim:
            continue  # the latter is refused elsewhere, when the points are used
        if found.feature.narrowest < UNRESOLVED or (block, key) in told:
            continue
        if (seeing := _seeing(found, sampler.points)) < SEEN:
            told[block, key] = _sentence(block, found, problem, seeing, len(sampler.points))
    return tuple(told.values())[:MOST_TOLD]


def _seeing(found: Found, points: Float[np.ndarray, "n d"]) -> int:
    """The number of points that see a feature: on a line, those in the peak with fewest.

    In more dimensions its places may lie on one curve, and are counted together.
    """
    region, feature = found.region, found.feature
    near = np.stack(
        [
            _near(region, centre, widths, points)
            for centre, widths in zip(feature.centres, feature.widths, strict=True)
        ]
    )
    return int(near.sum(axis=1).min() if region.unit_dim == 1 else near.any(axis=0).sum())


def _near(
    region: Domain | Part,
    centre: Float[np.ndarray, " u"],
    widths: Float[np.ndarray, " u"],
    points: Float[np.ndarray, "n d"],
) -> Bool[np.ndarray, " n"]:
    """Which points lie within some half-widths of a place, by the slopes of the map there."""
    steps = STEP * np.eye(len(centre))
    after, before = np.clip(centre + steps, 0, 1), np.clip(centre - steps, 0, 1)
    length = (after - before).sum(axis=1)
    moved = region.place(after).points - region.place(before).points
    slopes = (moved / length[:, None]).T
    away = points - region.place(centre[None]).points
    unit = away @ np.linalg.pinv(slopes).T
    off = np.linalg.norm(away - unit @ slopes.T, axis=1)
    narrow = np.isfinite(widths)
    reach = np.linalg.norm(slopes[:, narrow] * widths[narrow], axis=0).max(initial=0.0)
    inside = np.abs(unit[:, narrow]) <= WITHIN * widths[narrow]
    return inside.all(axis=1) & (off <= reach + OFF * np.linalg.norm(slopes))


def _sentence(block: str, found: Found, problem: Problem, seeing: int, given: int) -> str:
    feature = found.feature
    place = ", ".join(place_of(feature, problem.coordinates))
    many = "none" if seeing == 0 else f"only {seeing}"
    return (
        f"{block}: {term_text(feature, problem)} varies within a length of {feature.width:.1g} "
        f"near {place}, and {many} of the {given} points of pl.Points lie there. Held-out "
        "residuals are measured at these points too, so that neither they nor the estimated error "
        f"know what is missed. Put {SEEN} points or more there, or leave the choice to a sampler."
    )
