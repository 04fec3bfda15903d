"""Colors, fonts and frames, set on each figure: no global state of matplotlib is touched."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:  # Solution calls this module; only its type is needed here
    from pdelsr.results.solution import Solution

# Okabe and Ito (2008): distinct for every kind of color vision.
BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#E69F00", "#009E73", "#8C8C8C", "#222222"
SIGNED, POSITIVE, ERROR = "RdBu_r", "viridis", "cividis"
SMALL, MEDIUM = 8, 9  # points


class Picture(Figure):
    """A figure that notebooks show without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def title(solution: Solution) -> str:
    """Problem, method, and the largest relative error where there is a reference."""
    text = f"{solution.problem.name} by {solution.method.name}"
    if solution.errors:
        error = max(e.relative_l2 for e in solution.errors.values())
        text += f": relative L2 error {error:.1e}"
    return text


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
