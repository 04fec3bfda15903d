"""Time and memory against a size, on logarithmic axes, with the fitted power laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from pdelsr.results.plot.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SMALL,
    Picture,
    frame,
    log_axes,
)
from pdelsr.results.plot.write import write_picture

PANEL = (3.0, 2.5)  # inches
LEGEND = 0.4  # inches
HEADROOM = 0.5  # decades for the slopes in words
STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (GREY, "D"))


@dataclass(frozen=True)
class PowerLaw:
    """Measured values and the fitted exponents.

    Args:
        values: one for each size of the panel.
        slope: exponent over all sizes.
        upper_slope: exponent over the upper half of them.
    """

    values: Sequence[int | float]
    slope: float
    upper_slope: float


@dataclass(frozen=True)
class GrowthPanel:
    """One panel.

    Args:
        size: what varies.
        fixed: what stays fixed; the title.
        sizes: in rising order.
        series: by name; the fit of the first one is drawn and labelled.
    """

    size: str
    fixed: str
    sizes: Sequence[int | float]
    series: Mapping[str, PowerLaw]


def draw_growth(
    times: Sequence[GrowthPanel], memories: Sequence[GrowthPanel], path: str | Path | None
) -> Picture:
    """Seconds above, memory below, and a common legend; written if a path is given."""
    width, height = PANEL[0] * len(times), 2 * PANEL[1] + LEGEND
    figure = Picture(figsize=(width, height), dpi=200, layout="constrained")
    above, below = figure.subplots(2, len(times), squeeze=False)
    for axes, panel in zip(above, times, strict=True):
        _draw_panel(axes, panel, "seconds")
    for axes, panel in zip(below, memories, strict=True):
        _draw_panel(axes, panel, "memory, MB")
    handles, labels = above[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=len(labels),
        fontsize=SMALL,
        frameon=False,
    )
    if path is not None:
        write_picture(figure, path)
    return figure


def _draw_panel(axes: Axes, panel: GrowthPanel, name: str) -> None:
    for i, (label, law) in enumerate(panel.series.items()):
        color, marker = STYLES[i % len(STYLES)]
        axes.plot(
            panel.sizes,
            [v if v > 0 else np.nan for v in law.values],
            color=color,
            marker=marker,
            markersize=5 if i == 0 else 3.5,
            linewidth=0 if i == 0 else 1.0,
            label=label,
            zorder=3 if i == 0 else 2,
        )
    frame(axes, panel.fixed, panel.size, name, grid=True)
    _draw_fit(axes, panel.sizes, next(iter(panel.series.values())))
    log_axes(axes, HEADROOM)
    axes.set_xticks(panel.sizes, [f"{size:,}" for size in panel.sizes])
    axes.set_xticks([], minor=True)


def _draw_fit(axes: Axes, sizes: Sequence[int | float], law: PowerLaw) -> None:
    """The fitted line over all sizes, and both slopes in words."""
    positive = [(s, v) for s, v in zip(sizes, law.values, strict=True) if v > 0]
    if np.isfinite(law.slope):
        x, y = np.array(positive, dtype=np.float64).T
        middle = np.exp(np.mean(np.log(y) - law.slope * np.log(x)))
        axes.plot(x, middle * x**law.slope, color=BLACK, linewidth=0.9, linestyle="--", zorder=1)
    axes.annotate(
        f"slope {law.slope:.2f}\nupper half {law.upper_slope:.2f}",
        (0.04, 0.96),
        xycoords="axes fraction",
        va="top",
        fontsize=SMALL,
    )
