"""The views of a domain for drawing: all of it, slices of time, or slices through the middle."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from pdelsr.declare.domains import Domain
from pdelsr.errors import SettingsError
from pdelsr.results.plot.mesh import Mesh
from pdelsr.results.plot.slices import Held

LINE, ONE_MAP, MAP_OF_MANY = 801, 201, 101  # grid points along each axis of a view
WHERE = (0.5, 0.37, 0.63, 0.25, 0.75, 0.1, 0.9)  # where slices are tried, the middle first
FRAMES, PROFILES = 5, 4  # times at which a plane or a line is drawn


def views(domain: Domain, held: Held | None = None, times: int = FRAMES) -> list[Mesh]:
    """The views of a domain: planes if two coordinates or more are left, else lines.

    Args:
        domain: in space, or in space and time.
        held: coordinates held by the user, with their values.
        times: number of times at which a plane is drawn, if time is not held.

    Raises:
        SettingsError: no point of the domain has the held values.
    """
    held = dict(held or {})
    free = [axis for axis in range(domain.dim) if axis not in held]
    if not held and domain.dim == 3 and domain.time is None:
        planes = [(0, 1), (0, 2), (1, 2)]
    else:
        planes = [_plane(free, domain)]
    time = domain.dim - 1
    if domain.time is not None and time in free and time not in planes[0]:
        held[time] = moments(domain, times)
    values = [dict(zip(held, one, strict=True)) for one in product(*held.values())]
    many = len(planes) * len(values) > 1
    count = LINE if len(planes[0]) == 1 else MAP_OF_MANY if many else ONE_MAP
    found = [_slice(domain, axes, fixed, count) for axes in planes for fixed in values]
    for mesh in found:
        if not mesh.inside.any():
            raise SettingsError(f"no point of the domain has {mesh.label}: choose another slice.")
    return found


def profiles(domain: Domain) -> list[Mesh]:
    """Lines through space at several times if space has one coordinate; else none."""
    if domain.time is None or domain.dim != 2:
        return []
    return views(domain, {1: moments(domain, PROFILES)})


def moments(domain: Domain, count: int) -> tuple[float, ...]:
    """`count` times from the initial to the final one."""
    first, last = domain.bounding_box[-1].tolist()
    return tuple(np.linspace(first, last, count).tolist())


def _plane(free: list[int], domain: Domain) -> tuple[int, ...]:
    """The one or two coordinates that vary, the horizontal one first: time, if it varies."""
    axes = tuple(free[:2])
    if domain.time is not None and domain.dim - 1 in axes:
        return axes[::-1]
    return axes


def _slice(domain: Domain, axes: tuple[int, ...], held: Mapping[int, float], count: int) -> Mesh:
    """A slice: other coordinates take the first position where it meets the domain."""
    low, high = domain.bounding_box.T
    others = [a for a in range(domain.dim) if a not in axes and a not in held]
    found = []
    for share in WHERE:
        fixed = {a: float(low[a] + share * (high[a] - low[a])) for a in others} | dict(held)
        found.append(Mesh(domain, axes, dict(sorted(fixed.items())), count))
        if not others or found[-1].inside.any():
            return found[-1]
    return found[0]
