"""Colors, fonts and frames, set on each figure without touching matplotlib's global state."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, YAxis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from pdelsr.results.accuracy import largest_error
from pdelsr.results.base import BaseSolution
from pdelsr.results.reference_errors import known_errors
from pdelsr.results.summary import verdict
from pdelsr.results.uniqueness import up_to

# Okabe and Ito (2008): distinct for every kind of color vision.
BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#E69F00", "#009E73", "#8C8C8C", "#222222"
SKY, VERMILION, PURPLE = "#56B4E9", "#D55E00", "#CC79A7"
SIGNED, POSITIVE, MAGNITUDE = "RdBu_r", "viridis", "cividis"
SMALL, MEDIUM, LARGE = 8, 9, 11  # points
STYLES = (
    *((BLUE, "o", "-"), (VERMILION, "s", "--"), (GREEN, "^", "-."), (PURPLE, "D", ":")),
    *((BLACK, "v", "-"), (ORANGE, "P", "--"), (SKY, "X", "-."), (GREY, "<", ":")),
)
"""Color, marker and dashes of successive curves, distinct even without color."""
SMALLEST = 1e-18  # smallest error or residual on a logarithmic axis
TICKS = 6  # labels of a logarithmic axis, at most
MARGIN = 0.1  # decades around the data


class Picture(Figure):
    """A figure that notebooks show without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def title(solution: BaseSolution) -> str:
    """Problem, method, and the largest error of an unknown, or its estimate."""
    text = f"{plain(solution.problem.name)} by {solution.method.name}"
    errors = known_errors(solution)
    if errors:
        error = largest_error(errors)
        return f"{text}: {error.kind} error {error.relative_l2:.1e}{up_to(solution.problem)}"
    return f"{text}: {verdict(solution)}"


def plain(name: str) -> str:
    """A user's name as text in which a dollar sign begins no formula."""
    return name.replace("$", r"\$")


def frame(axes: Axes, name: str, x: str, y: str, grid: bool = False) -> None:
    """Title, labels and tick sizes of one panel."""
    axes.set_title(name, fontsize=MEDIUM)
    axes.set_xlabel(x, fontsize=SMALL)
    axes.set_ylabel(y, fontsize=SMALL)
    axes.tick_params(which="both", labelsize=SMALL)
    if grid:
        axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)


def retitle(artist: Artist, name: str) -> None:
    """Replace the title of an artist's panel."""
    assert isinstance(artist.axes, Axes)
    artist.axes.set_title(name, fontsize=MEDIUM)


def log_axes(axes: Axes, headroom: float = 0.0) -> None:
    """Logarithmic axes with labels at powers of ten only; whole decades upwards.

    Args:
        axes: with all curves drawn.
        headroom: decades left free above.
    """
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=TICKS))
        axis.set_minor_formatter(NullFormatter())
    values = axes.dataLim.intervaly
    if np.isfinite(values).all():  # something is drawn
        low, high = np.log10(values)
        bottom, top = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
        axes.set_ylim(10.0 ** (bottom - MARGIN), 10.0 ** (top + headroom + MARGIN))


def decades(axis: Axis, values: Sequence[float | None], headroom: float = 0.0) -> None:
    """One logarithmic axis over whole decades around all finite values.

    Args:
        axis: horizontal or vertical.
        values: the drawn values.
        headroom: share of the axis that stays free above.
    """
    known = [max(v, SMALLEST) for v in values if v is not None and math.isfinite(v)] or [1.0]
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    top = max(high, low + 1)
    limits = 10.0 ** (low - MARGIN), 10.0 ** (top + MARGIN + headroom * (top - low))
    axes = axis.axes
    if isinstance(axis, YAxis):
        axes.set_yscale("log")
        axes.set_ylim(*limits)
    else:
        axes.set_xscale("log")
        axes.set_xlim(*limits)
    axis.set_major_locator(LogLocator(numticks=TICKS))
    axis.set_minor_formatter(NullFormatter())
