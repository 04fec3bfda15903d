"""The picture of a diagnosis: spectra, ranks, the step, iterative solvers, and modes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from pdelsr.results.findings import Findings
from pdelsr.results.plot.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SIGNED,
    SKY,
    SMALL,
    VERMILION,
    Picture,
    frame,
    log_axes,
)
from pdelsr.results.plot.write import PICTURES, require_dpi, require_file, write_picture

PANEL = (3.4, 2.7)  # inches
MODES_IN_A_ROW = 6
COLUMNS = 3
CURVES = 3  # samples of a mode with several outputs
COLORS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")


def draw_diagnosis(found: Findings, path: str | Path | None = None, dpi: int = 150) -> Picture:
    """Curves above, modes below; written if a path is given. See `Diagnosis.plot`."""
    require_dpi(dpi)
    if path is not None:
        require_file(path, PICTURES, "pictures")
    panels: list[Callable[[Axes, Findings], None]] = [_draw_spectra, _draw_conditions, _draw_ranks]
    panels += [_draw_step] if found.shares is not None else []
    panels += [_draw_solvers] if found.iterative else []
    columns = 2 if len(panels) == 4 else COLUMNS
    rows = -(-len(panels) // columns)
    heights = [rows * PANEL[1]]
    shown = 0 if found.modes is None else len(found.modes)
    across = min(shown, MODES_IN_A_ROW)
    if shown:
        side = columns * PANEL[0] / max(across, 3)
        heights.append(-(-shown // across) * min(PANEL[1], side + 0.3))
    figure = Picture(figsize=(columns * PANEL[0], sum(heights)), dpi=dpi, layout="constrained")
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    grid = parts[0].subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        panel(axes, found)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    if shown:
        below = parts[1].subplots(-(-shown // across), across, squeeze=False).ravel()
        for i, axes in enumerate(below):
            _draw_mode(axes, found, i) if i < shown else axes.set_axis_off()
    if path is not None:
        write_picture(figure, path)
    return figure


def _draw_spectra(axes: Axes, found: Findings) -> None:
    """Singular values over the largest one."""
    for i, (label, values) in enumerate(
        (("system A", found.system_values), ("output Jacobian J", found.basis_values))
    ):
        if values is not None:
            _line(axes, np.arange(1, len(values) + 1), values / (values[0] or 1.0), i, label)
    if len(axes.lines) > 1:
        axes.lines[-1].set_linestyle("--")  # the two often lie on each other
    frame(axes, "singular values", "index", "σ / σ₁", grid=True)
    _finish(axes, x="linear")


def _draw_conditions(axes: Axes, found: Findings) -> None:
    _line(axes, found.ranks, found.conditions, 0, "condition", marker=True)
    _line(axes, found.ranks, found.delta_norms, 1, "‖y‖", marker=True)
    frame(axes, "condition and step length", "rank", "", grid=True)
    _finish(axes)


def _draw_ranks(axes: Axes, found: Findings) -> None:
    _line(axes, found.ranks, np.sqrt(found.losses), 0, "data of the fit, linearized", marker=True)
    if found.errors is not None:
        _line(axes, found.ranks, found.errors, 1, "given data", marker=True)
    if len(found.ranks) > 1:
        axes.axvline(found.rank, color=BLACK, linewidth=0.9, linestyle="--")
    frame(axes, "root mean square of F", "rank", "", grid=True)
    _finish(axes)


def _draw_step(axes: Axes, found: Findings) -> None:
    assert found.shares is not None
    assert found.linear_losses is not None
    assert found.nonlinear_losses is not None
    _line(axes, found.shares, np.sqrt(found.linear_losses), 0, "q + s J δ", marker=True)
    _line(axes, found.shares, np.sqrt(found.nonlinear_losses), 1, "q(θ + s δ)", marker=True)
    frame(axes, "along the step", "s", "root mean square of F", grid=True)
    _finish(axes, x="linear")


def _draw_solvers(axes: Axes, found: Findings) -> None:
    for i, (name, losses) in enumerate(found.iterative.items()):
        _line(axes, found.iterations, np.sqrt(losses), i, name, marker=True)
    axes.axhline(found.direct**0.5, color=BLACK, linewidth=1.2, linestyle="--", label="direct")
    frame(axes, "iterative solvers", "iteration", "root mean square of F", grid=True)
    _finish(axes)


def _draw_mode(axes: Axes, found: Findings, i: int) -> None:
    """One function J v: over its inputs, its outputs, or the samples."""
    assert found.modes is not None
    assert found.mode_values is not None
    mode, places = found.modes[i], _places(found)
    name = f"J v$_{{{i + 1}}}$, σ = {found.mode_values[i]:.1e}"
    if mode.shape[1] > 1:
        for sample, color in zip(mode[:CURVES], COLORS, strict=False):
            axes.plot(sample, color=color, linewidth=1.0)
        frame(axes, name, "output", f"first {min(CURVES, len(mode))} samples")
    elif places is not None and places.shape[1] > 1:
        most = np.abs(mode).max() or 1.0
        size = float(np.clip(4000 / len(mode), 0.5, 16))
        axes.scatter(
            *places[:, :2].T,
            c=mode[:, 0],
            s=size,
            cmap=SIGNED,
            vmin=-most,
            vmax=most,
            linewidths=0,
            rasterized=True,
        )
        frame(axes, name, "input 1", "input 2")
    elif places is not None and places.shape[1] == 1:
        order = np.argsort(places[:, 0])
        axes.plot(places[order, 0], mode[order, 0], color=BLUE, linewidth=1.2)
        frame(axes, name, "input", "")
    else:
        axes.plot(mode[:, 0], color=BLUE, linewidth=0.8)
        frame(axes, name, "sample", "")
    axes.title.set_fontsize(SMALL)
    axes.locator_params(nbins=3)


def _places(found: Findings) -> Float[np.ndarray, "n d"] | None:
    """All inputs side by side, if each is a number or a row of numbers."""
    inputs = found.inputs or ()
    if any(x.ndim > 2 or not np.issubdtype(x.dtype, np.floating) for x in inputs):
        return None
    return np.concatenate([x.reshape(len(x), -1) for x in inputs], axis=1).astype(np.float64)


def _line(
    axes: Axes, x: np.ndarray, y: np.ndarray, i: int, label: str, marker: bool = False
) -> None:
    """A curve without values that are not positive or not finite."""
    shown = np.where(np.isfinite(y) & (y > 0), y, np.nan)
    style: dict[str, Any] = {"marker": MARKERS[i % len(MARKERS)], "markersize": 3} if marker else {}
    axes.plot(x, shown, color=COLORS[i % len(COLORS)], linewidth=1.2, label=label, **style)


def _finish(axes: Axes, x: str = "log") -> None:
    log_axes(axes)
    axes.set_xscale(x)
    if len(axes.lines) > 1:
        axes.legend(fontsize=SMALL, frameon=False)
