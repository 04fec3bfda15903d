"""Profiles of one quantity along one coordinate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pdelsr.results.plot.mesh import Mesh
from pdelsr.results.plot.panel import Panel
from pdelsr.results.plot.scale import magnitude_range
from pdelsr.results.plot.style import BLACK, BLUE, SMALL, frame, retitle

LARGE, NARROW = (4.4, 2.7), (2.45, 2.1)  # inches
LOOKS = ((BLUE, 1.8, "solid"), (BLACK, 1.0, "dashed"))  # the second is drawn on the first
LEGEND = 0.16  # of the range, for the legend
RANGE_MARGIN = 0.06  # of the range, above and below


@dataclass(frozen=True)
class LinePanel(Panel):
    """Profiles.

    Args:
        title: above it.
        quantity: beside the vertical axis.
        mesh: of the view.
        curves: at most two, by their name in the legend.
        limits: of the vertical axis.
        log: on a logarithmic axis.
    """

    title: str
    quantity: str
    mesh: Mesh
    curves: Mapping[str, np.ma.MaskedArray]
    limits: tuple[float, float]
    log: bool = False

    def size(self, small: bool) -> tuple[float, float]:
        return NARROW if small else LARGE

    def draw(self, axes: Axes, repeated: bool, key: bool) -> list[Artist]:
        drawn: list[Artist] = []
        for (label, _), (color, width, dashes) in zip(self.curves.items(), LOOKS, strict=False):
            drawn += axes.plot([], [], color=color, linewidth=width, linestyle=dashes, label=label)
        self.update(drawn)
        axes.set_yscale("log" if self.log else "linear")
        axes.set_xlim(*self.mesh.extent[0])
        axes.set_ylim(*self._limits_with_legend)
        frame(axes, self.title, self.mesh.names[0], "" if repeated else self.quantity, grid=True)
        axes.tick_params(labelleft=not repeated)
        if key and len(self.curves) > 1:
            axes.legend(fontsize=SMALL, frameon=False, loc="upper center", ncols=len(self.curves))
        return drawn

    @property
    def _limits_with_legend(self) -> tuple[float, float]:
        """Limits with room above for the legend of several curves on a linear axis."""
        low, high = self.limits
        return low, high + (LEGEND * (high - low) if len(self.curves) > 1 else 0.0)

    def follows(self, left: Panel) -> bool:
        return isinstance(left, LinePanel) and left.limits == self.limits

    def update(self, artists: Sequence[Artist]) -> None:
        (x,) = self.mesh.ticks
        for line, values in zip(artists, self.curves.values(), strict=True):
            assert isinstance(line, Line2D)
            retitle(line, self.title)
            line.set_data(x, np.ma.maximum(values, self.limits[0]) if self.log else values)


def value_limits(arrays: Sequence[np.ma.MaskedArray]) -> tuple[float, float]:
    """From the smallest to the largest value, with a margin."""
    shown = np.concatenate([a.compressed() for a in arrays])
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 1.0)
    margin = RANGE_MARGIN * (high - low) or RANGE_MARGIN * abs(high) or 1.0
    return low - margin, high + margin


def magnitude_limits(arrays: Sequence[np.ma.MaskedArray]) -> tuple[float, float]:
    """Whole decades from a small value (not the smallest) to the largest one."""
    low, high = magnitude_range(arrays)
    top = math.ceil(math.log10(high) + 1e-9)
    return 10.0 ** min(math.floor(math.log10(low)), top - 1), 10.0**top
