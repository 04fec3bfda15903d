"""Panels of the unknowns: solution, reference and error, as curves or as maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import SubFigure

from pdelsr.results.plot.style import BLACK, BLUE, ERROR, ORANGE, POSITIVE, SIGNED, SMALL, frame
from pdelsr.results.plot.views import Mesh, View, mesh, views

if TYPE_CHECKING:  # Solution calls this module; only its type is needed here
    from pdelsr.results.solution import Solution

MAP_SIZE = (3.3, 2.7)  # inches
DECADES = 4  # that an error map shows below its largest value
SMALLEST = 1e-18  # error that a logarithmic axis shows
LONGEST = 3.0  # aspect ratio up to which space is drawn to scale


@dataclass(frozen=True)
class Field:
    """One unknown on one view: values on the grid, masked outside the domain."""

    name: str
    view: View
    mesh: Mesh
    value: np.ma.MaskedArray
    reference: np.ma.MaskedArray | None

    @property
    def error(self) -> np.ma.MaskedArray | None:
        """|u − u_ref|."""
        return None if self.reference is None else np.ma.abs(self.value - self.reference)

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value of the reference, or of the solution where there is none."""
        shown = self.value if self.reference is None else self.reference
        return float(shown.min()), float(shown.max())


class FieldPanels:
    """The panels of all unknowns on all views.

    Args:
        solution: evaluated on the grids at once.
    """

    def __init__(self, solution: Solution) -> None:
        domain = solution.problem.domain
        self.labels = [c.name for c in domain.coordinates]
        self.is_flow = domain.time is not None and domain.dim == 2
        self.fields = [f for view in views(domain) for f in _fields(solution, view)]
        self.fields.sort(key=lambda f: solution.names.index(f.name))
        self.with_reference = self.fields[0].reference is not None
        self.signed = {f.name for f in self.fields if _is_signed(*f.limits)}
        self.several = len(solution.names) > 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: one row a field, or a grid of maps where there is no reference."""
        n = len(self.fields)
        if self.with_reference:
            return n, 3 if self._is_map else 2
        return -(-n // 3), min(n, 3)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        rows, columns = self.shape
        width = MAP_SIZE[0] if self._is_map else 1.4 * MAP_SIZE[0]
        return max(width * columns, 4.6), MAP_SIZE[1] * rows

    def draw(self, figure: SubFigure) -> None:
        """Draw all panels."""
        panels = figure.subplots(*self.shape, squeeze=False)
        if not self.with_reference:
            flat = panels.reshape(-1)
            for axes, field in zip(flat, self.fields, strict=False):
                self._draw_value(axes, field)
            for axes in flat[len(self.fields) :]:
                axes.set_visible(False)
            return
        for row, field in zip(panels, self.fields, strict=True):
            self._draw_value(row[0], field)
            of = f" of {field.name}" if self.several else ""
            if self._is_map:
                norm, colors = self._scale(field)
                self._map(row[1], field, field.reference, f"reference{of}", norm, colors)
                self._map(row[2], field, field.error, f"|error|{of}", _error_norm(field), ERROR)
            else:
                self._error_curve(row[1], field, f"|error|{of}")

    @property
    def _is_map(self) -> bool:
        return len(self.fields[0].view.axes) == 2

    def _draw_value(self, axes: Axes, field: Field) -> None:
        if self._is_map:
            self._map(axes, field, field.value, field.name, *self._scale(field))
            return
        (x,) = field.mesh.ticks
        axes.plot(x, field.value, color=BLUE, linewidth=1.8, label="solution")
        if field.reference is not None:
            axes.plot(
                x, field.reference, color=BLACK, linewidth=1.0, linestyle="--", label="reference"
            )
            axes.legend(fontsize=SMALL, frameon=False)
        frame(axes, field.name, self.labels[0], "", grid=True)

    def _scale(self, field: Field) -> tuple[Normalize, str]:
        """Colors for solution and reference; white is zero where both signs occur."""
        low, high = field.limits
        if field.name in self.signed:
            high = max(-low, high)
            low = -high
        return Normalize(low, high if high > low else low + 1.0), self._colors(field)

    def _colors(self, field: Field) -> str:
        return SIGNED if field.name in self.signed else POSITIVE

    def _error_curve(self, axes: Axes, field: Field, name: str) -> None:
        (x,) = field.mesh.ticks
        assert field.error is not None
        error = np.ma.maximum(field.error, SMALLEST)
        axes.semilogy(x, error, color=ORANGE, linewidth=1.2)
        frame(axes, name, self.labels[0], "", grid=True)

    def _map(
        self, axes: Axes, field: Field, values: Any, name: str, norm: Normalize, colors: str
    ) -> None:
        x, y = field.mesh.ticks
        drawn = axes.pcolormesh(
            x, y, values, norm=norm, cmap=colors, shading="nearest", rasterized=True
        )
        horizontal, vertical = (self.labels[a] for a in field.view.axes)
        at = f" at {field.view.label}" if field.view.label else ""
        frame(axes, name + at, horizontal, vertical)
        ratio = np.ptp(x) / np.ptp(y)
        if not self.is_flow and 1 / LONGEST < ratio < LONGEST:
            axes.set_aspect("equal")
        bar = axes.figure.colorbar(drawn, ax=axes, fraction=0.05, pad=0.02)
        bar.ax.tick_params(labelsize=SMALL)


def _fields(solution: Solution, view: View) -> list[Field]:
    """All unknowns on one view."""
    grid = mesh(solution.problem.domain, view)
    inside = grid.points[grid.inside]
    predicted = solution.predict(inside)
    values = predicted if isinstance(predicted, dict) else {solution.names[0]: predicted}
    reference = None
    if solution.problem.reference is not None:
        reference = solution.problem.reference_values(inside)
    return [
        Field(
            name,
            view,
            grid,
            grid.spread(values[name].astype(np.float64)),
            None if reference is None else grid.spread(reference[:, i]),
        )
        for i, name in enumerate(solution.names)
    ]


def _is_signed(low: float, high: float) -> bool:
    return low < 0 < high and min(-low, high) > 0.1 * max(-low, high)


def _error_norm(field: Field) -> LogNorm:
    assert field.error is not None
    high = max(float(field.error.max()), SMALLEST)
    return LogNorm(high * 10.0**-DECADES, high, clip=True)
