"""The unknowns on views of the domain: solution, reference and error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pdelsr.results.plot.lines import LinePanel, magnitude_limits, value_limits
from pdelsr.results.plot.maps import MapPanel
from pdelsr.results.plot.mesh import Mesh
from pdelsr.results.plot.panel import Panel
from pdelsr.results.plot.scale import magnitude_scale, value_scale
from pdelsr.results.plot.style import plain

if TYPE_CHECKING:  # Solution calls this module; only its type is needed here
    from pdelsr.results.solution import Solution

LARGE_TITLE, SMALL_TITLE = 44, 26  # characters in a line


@dataclass(frozen=True)
class Field:
    """One unknown on one view: values on the grid, masked outside the domain."""

    mesh: Mesh
    value: np.ma.MaskedArray
    reference: np.ma.MaskedArray | None

    @property
    def error(self) -> np.ma.MaskedArray:
        """|u − u_ref|."""
        assert self.reference is not None
        return np.ma.abs(self.value - self.reference)


def fields(solution: Solution, views: Sequence[Mesh]) -> dict[str, list[Field]]:
    """Every unknown on every view, by name."""
    found: dict[str, list[Field]] = {name: [] for name in solution.names}
    for mesh in views:
        inside = mesh.points[mesh.inside]
        predicted = solution.predict(inside)
        values = predicted if isinstance(predicted, dict) else {solution.names[0]: predicted}
        reference = None
        if solution.problem.reference is not None:
            reference = solution.problem.reference_values(inside)
        for i, name in enumerate(solution.names):
            value = mesh.spread(values[name].astype(np.float64))
            known = None if reference is None else mesh.spread(reference[:, i])
            found[name].append(Field(mesh, value, known))
    return found


def field_panels(solution: Solution, views: Sequence[Mesh]) -> dict[str, dict[str, list[Panel]]]:
    """Panels of every unknown: solution, and reference and error where there is one."""
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
    known = found[0].reference is not None
    draw = _maps if found[0].mesh.is_map else _lines
    panels = draw(name, f"reference{of}", found)
    if known:
        views, errors = [f.mesh for f in found], [f.error for f in found]
        quantity = f"|{name} − reference|"
        panels["error"] = magnitude_panels(f"|error|{of}", quantity, views, errors)
    return panels


def _maps(name: str, reference: str, found: Sequence[Field]) -> dict[str, list[Panel]]:
    """Solution and reference on one scale, which holds all values of both."""
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
    """What is drawn of an unknown: a wrong solution must not look like the reference."""
    return [v for f in found for v in (f.value, f.reference) if v is not None]
