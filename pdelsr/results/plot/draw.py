"""The figure of a solution: fields above, history and singular values below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from pdelsr.errors import SettingsError
from pdelsr.results.plot.curves import draw_history, draw_spectrum
from pdelsr.results.plot.fields import FieldPanels
from pdelsr.results.plot.style import Picture, title

if TYPE_CHECKING:  # Solution calls this module; only its type is needed here
    from pdelsr.results.solution import Solution

Curve = Callable[[Axes, "Solution"], None]
KINDS = ("all", "fields", "history", "spectrum")
CURVE_SIZE = (4.6, 2.9)  # inches


def draw(solution: Solution, path: str | Path | None, what: str, dpi: int) -> Picture:
    """Draw what is asked for, and write it where a path is given; see `Solution.plot`."""
    if what not in KINDS:
        raise SettingsError(f"what is {what!r}: choose one of {', '.join(KINDS)}.")
    curves = _curves(solution, what)
    panels = FieldPanels(solution) if what in ("all", "fields") else None
    if panels is None and not curves:
        raise SettingsError(f"there is no {what} to draw: this solution was not refined.")
    heights = [panels.size[1]] if panels else []
    heights += [CURVE_SIZE[1]] if curves else []
    width = max(panels.size[0] if panels else 0.0, CURVE_SIZE[0] * len(curves))
    figure = Picture(figsize=(width, sum(heights) + 0.4), dpi=dpi, layout="constrained")
    figure.suptitle(title(solution), fontsize=11)
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    if panels:
        panels.draw(parts[0])
    if curves:
        panels_below = parts[-1].subplots(1, len(curves), squeeze=False)[0]
        for axes, curve in zip(panels_below, curves, strict=True):
            curve(axes, solution)
    if path is not None:
        write_picture(figure, path)
    return figure


def _curves(solution: Solution, what: str) -> list[Curve]:
    values = solution.singular_values
    curves: list[Curve] = []
    fewest = 2 if what == "all" else 1  # one record alone says nothing that the summary does not
    if what in ("all", "history") and len(solution.history) >= fewest:
        curves.append(draw_history)
    if what in ("all", "spectrum") and values is not None and values.size:
        curves.append(draw_spectrum)
    return curves


def write_picture(figure: Picture, path: str | Path) -> None:
    """Write a figure; the ending of the path chooses the format.

    Raises:
        SettingsError: an unknown ending, or a file that cannot be written.
    """
    try:
        figure.savefig(path)
    except ValueError as error:  # matplotlib lists the formats that it knows
        raise SettingsError(f"{path}: {error}.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error
