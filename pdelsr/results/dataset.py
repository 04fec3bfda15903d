"""A solution on a regular grid, as an xarray Dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from pdelsr.declare.domains import Domain
from pdelsr.declare.domains.base import ZERO_LENGTH
from pdelsr.errors import SettingsError
from pdelsr.results.base import BaseSolution
from pdelsr.results.fields import fields_at
from pdelsr.results.given import Dataset, Derivatives, Positions
from pdelsr.results.mesh.grid import require_size
from pdelsr.results.optional import optional_package
from pdelsr.results.points import read_axis
from pdelsr.solvers.state.settings import require_whole
from pdelsr.version import __version__

COUNTS = {1: 501, 2: 201, 3: 61, 4: 21, 5: 11}  # grid points along each axis that varies
FEWEST = 5  # along each of more axes


def dataset(
    solution: BaseSolution,
    n: int | Mapping[str, int] | None,
    derivatives: Derivatives,
    reference: bool,
    given: Mapping[str, Positions],
) -> Dataset:
    """The Dataset; see `Solution.to_xarray`."""
    xarray = optional_package("xarray", "to_xarray")
    domain = solution.problem.domain
    ticks = _ticks(domain, n, given)
    axes = {name: tick for name, tick in ticks.items() if tick.ndim}
    shape = tuple(len(tick) for tick in axes.values())
    require_size(shape)
    points = np.stack([g.reshape(-1) for g in np.meshgrid(*ticks.values(), indexing="ij")], axis=1)
    inside = domain.contains(points, ZERO_LENGTH * domain.diameter)
    if not inside.any():
        raise SettingsError("no point of the grid lies in the domain: give other positions.")
    found = fields_at(solution, points[inside], derivatives, reference)
    variables = {}
    for name, values in found.items():
        full = np.full(len(points), np.nan, values.dtype)
        full[inside] = values
        variables[name] = (tuple(axes), full.reshape(shape))
    return xarray.Dataset(variables, coords=ticks, attrs=attributes(solution))


def attributes(solution: BaseSolution) -> dict[str, str | float]:
    """The origin of the data, as text and numbers that every file format takes."""
    statements = str(solution.problem).split("statements:\n")[1].splitlines()
    found: dict[str, str | float] = {
        "problem": solution.problem.name,
        "method": solution.method.name,
        "status": solution.status.value,
        "heldout_residual": solution.heldout,
        "pdelsr_version": __version__,
        "equations": "\n".join(line.strip() for line in statements),
        "domain": solution.problem.domain.title,
    }
    if solution.problem.parameters:
        values = solution.problem.parameters.items()
        found["parameters"] = ", ".join(f"{name} = {value}" for name, value in values)
    if solution.error_estimate is not None:
        found["error_estimate"] = solution.error_estimate
    elif solution.doubts:
        found["doubts"] = "; ".join(solution.doubts)
    return found


def _ticks(
    domain: Domain, n: int | Mapping[str, int] | None, given: Mapping[str, Any]
) -> dict[str, Float[np.ndarray, "..."]]:
    """Positions along every coordinate; a number if it is held."""
    names = [c.name for c in domain.coordinates]
    counts: Mapping[str, int] = n if isinstance(n, Mapping) else {}
    for name in (*given, *counts):
        if name not in names:
            raise SettingsError(f"{name!r} is not a coordinate; it has {', '.join(names)}.")
    fixed = {name: read_axis(values, name) for name, values in given.items()}
    varying = len(names) - sum(tick.ndim == 0 for tick in fixed.values())
    default: Any = COUNTS.get(varying, FEWEST) if n is None or isinstance(n, Mapping) else n
    ticks = {}
    for name, (low, high) in zip(names, domain.bounding_box, strict=True):
        count: Any = counts.get(name, default)
        count = int(count) if isinstance(count, np.integer) else count
        require_whole(f"n of {name}" if counts else "n", count, 1)
        ticks[name] = fixed[name] if name in fixed else np.linspace(low, high, count)
    return ticks
