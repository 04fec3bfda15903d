"""The unknowns on views of the domain: solution, reference and error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pdelsr.results.base import BaseSolution
from pdelsr.results.plot.lines import LinePanel, magnitude_limits, value_limits
from pdelsr.results.plot.maps import MapPanel
from pdelsr.results.plot.mesh import Mesh
from pdelsr.results.plot.panel import Panel
from pdelsr.results.plot.scale import magnitude_scale, value_scale
from pdelsr.results.plot.style import plain
from pdelsr.results.reference_errors import Comparison, compared, values_of

LARGE_TITLE, SMALL_TITLE = 44, 26  # characters in a line


@dataclass(frozen=True)
class Field:
    """One unknown on one view: values on the grid, masked outside the domain.

    Args:
        mesh: of the view.
        value: of the solution.
        reference: also masked where it has no value; None if it has none on any view.
        error: |u − u_ref|, less the open part; likewise.
    """

    mesh: Mesh
    value: np.ma.MaskedArray
    reference: np.ma.MaskedArray | None = None
    error: np.ma.MaskedArray | None = None


def fields(solution: BaseSolution, views: Sequence[Mesh]) -> dict[str, list[Field]]:
    """Every unknown on every view, by name."""
    inside = [mesh.points[mesh.inside] for mesh in views]
    values = [values_of(solution, points) for points in inside]
    against = [compared(solution, p, v) for p, v in zip(inside, values, strict=True)]
    if not any(a is not None and np.isfinite(a.reference).any() for a in against):
        against = [None for _ in views]
    return {
        name: [_field(mesh, i, v, a) for mesh, v, a in zip(views, values, against, strict=True)]
        for i, name in enumerate(solution.names)
    }


def _field(
    mesh: Mesh, i: int, values: Float[np.ndarray, "n k"], against: Comparison | None
) -> Field:
    """The unknown number i on a view."""
    value = mesh.spread(values[:, i])
    if against is None:
        return Field(mesh, value)
    error = np.ma.abs(mesh.spread(against.error[:, i]))
    return Field(mesh, value, mesh.spread(against.reference[:, i]), error)


def field_panels(
    solution: BaseSolution, views: Sequence[Mesh]
) -> dict[str, dict[str, list[Panel]]]:
    """Panels of every unknown: solution, and reference and error if there is a reference."""
    several = len(solution.names) > 1
    return {
        name: _panels(plain(name), several, found)
        for name, found in fields(solution, views).items()
    }


def magnitude_panels(
    title: str, quantity: str, views: Sequence[Mesh], values: Sequence[np.ma.MaskedArray]
) -> list[Panel]:
    """Errors or residuals on views, on one logarithmic scale."""
    titles = [m.titled(title, _width(views)) for m in views]
    every = list(zip(titles, views, values, strict=True))
    if views[0].is_map:
        scale = magnitude_scale(values)
        return [MapPanel(t, quantity, m, v, scale) for t, m, v in every]
    limits = magnitude_limits(values)
    return [LinePanel(t, quantity, m, {title: v}, limits, log=True) for t, m, v in every]


def _panels(name: str, several: bool, found: Sequence[Field]) -> dict[str, list[Panel]]:
    of = f" of {name}" if several else ""
    draw = _maps if found[0].mesh.is_map else _lines
    panels = draw(name, f"reference{of}", found)
    errors = [f.error for f in found if f.error is not None]
    if errors:
        views = [f.mesh for f in found]
        quantity = f"|{name} − reference|"
        panels["error"] = magnitude_panels(f"|error|{of}", quantity, views, errors)
    return panels


def _maps(name: str, reference: str, found: Sequence[Field]) -> dict[str, list[Panel]]:
    """Maps of solution and reference on one scale for all values of both."""
    scale, width = value_scale(_shown(found)), _width(found)
    panels: dict[str, list[Panel]] = {
        "solution": [
            MapPanel(f.mesh.titled(name, width), name, f.mesh, f.value, scale) for f in found
        ]
    }
    known = [(f.mesh, f.reference) for f in found if f.reference is not None]
    if known:
        panels["reference"] = [
            MapPanel(m.titled(reference, width), name, m, v, scale) for m, v in known
        ]
    return panels


def _lines(name: str, reference: str, found: Sequence[Field]) -> dict[str, list[Panel]]:
    """Solution and reference in one panel."""
    limits = value_limits(_shown(found))
    panels: list[Panel] = []
    for f in found:
        curves = {"solution": f.value}
        if f.reference is not None:
            curves["reference"] = f.reference
        panels.append(LinePanel(f.mesh.titled(name, _width(found)), name, f.mesh, curves, limits))
    return {"solution": panels}


def _width(views: Sequence[object]) -> int:
    """Characters of a title: the panels of several views are small."""
    return SMALL_TITLE if len(views) > 1 else LARGE_TITLE


def _shown(found: Sequence[Field]) -> list[np.ma.MaskedArray]:
    """All drawn values of an unknown: a wrong solution must not look like the reference."""
    return [v for f in found for v in (f.value, f.reference) if v is not None]
