"""The user's choice of a slice: coordinates held at one value, or at several in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from pdelsr.declare.domains import Domain
from pdelsr.errors import SettingsError

MOST_SLICES = 20  # slices of one figure

Held = Mapping[int, tuple[float, ...]]
"""Values of the held coordinates, by column; at most one has several."""


def read_at(at: Any, domain: Domain) -> Held:
    """Read `at={"z": 0.3}` or `at={t: [0, 0.5, 1]}`.

    Args:
        at: numbers, or one list of numbers, by the name or symbol of a coordinate.
        domain: the domain to cut.

    Raises:
        SettingsError: a coordinate does not exist, a value is not a number or outside of the
            bounds, there are several lists, or no coordinate is left to draw along.
    """
    if at is None:
        return {}
    names = [c.name for c in domain.coordinates]
    if not isinstance(at, Mapping):
        raise SettingsError(
            f"at is {at!r}: give values by coordinate, such as {{{names[-1]!r}: 1}}."
        )
    held = {}
    for key, value in at.items():
        name = str(key)
        if name not in names:
            raise SettingsError(f"at: {name!r} is not a coordinate; it has {', '.join(names)}.")
        axis = names.index(name)
        held[axis] = _values(name, value, domain.bounding_box[axis])
    if len(held) == domain.dim:
        raise SettingsError(f"at holds all of {', '.join(names)}: leave out what to draw along.")
    several = [names[axis] for axis, values in held.items() if len(values) > 1]
    if len(several) > 1:
        raise SettingsError(f"at has lists for {', '.join(several)}: only one may have several.")
    return held


def _values(name: str, given: Any, bounds: Float[np.ndarray, "2"]) -> tuple[float, ...]:
    try:
        values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        values = np.array(np.nan)
    low, high = bounds.tolist()
    slack = 1e-9 * (high - low)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise SettingsError(f"at: {name} is {given!r}: give a number, or a list of numbers.")
    if len(values) > MOST_SLICES:
        raise SettingsError(
            f"at: {name} has {len(values)} values; at most {MOST_SLICES} are drawn."
        )
    for value in values:
        if not low - slack <= value <= high + slack:
            raise SettingsError(
                f"at: {name} = {value:g} lies outside of the domain, which has {name} from "
                f"{low:g} to {high:g}."
            )
    return tuple(np.clip(values, low, high).tolist())
