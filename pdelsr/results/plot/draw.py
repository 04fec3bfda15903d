"""The figure of a solution: fields above, residuals, history and singular values below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from pdelsr.errors import SettingsError
from pdelsr.results.base import BaseSolution
from pdelsr.results.plot.curves import Curve, CurveStrip, draw_blocks, draw_history, draw_spectrum
from pdelsr.results.plot.fields import field_panels
from pdelsr.results.plot.panel import Grid, Table, stacked
from pdelsr.results.plot.residuals import residual_panels
from pdelsr.results.plot.slices import Held, read_at
from pdelsr.results.plot.style import LARGE, Picture, title
from pdelsr.results.plot.views import profiles, views
from pdelsr.results.plot.write import PICTURES, require_dpi, require_file, write_picture

OF_SPACE = ("all", "fields", "error", "residuals")
KINDS = (*OF_SPACE, "history", "spectrum")
NARROWEST = 4.6  # inches
HEAD = 0.35  # inches of the title
PAD = 0.08  # inches around a panel

Part = Grid | CurveStrip
"""The parts of a figure, stacked from top to bottom."""


def draw(
    solution: BaseSolution,
    path: str | Path | None,
    what: str,
    at: Mapping[Any, Any] | None,
    dpi: int,
) -> Picture:
    """Draw the requested parts, and write them if a path is given; see `Solution.plot`."""
    if what not in KINDS:
        raise SettingsError(f"what is {what!r}: choose one of {', '.join(KINDS)}.")
    if at is not None and what not in OF_SPACE:
        raise SettingsError(f"at chooses a slice of space, and {what} has none: leave it out.")
    require_dpi(dpi)
    if path is not None:
        require_file(path, PICTURES, "pictures")  # before time is spent
    held = read_at(at, solution.problem.domain)
    parts: list[Part] = [*_space(solution, what, held)]
    curves = _curves(solution, what)
    parts += [CurveStrip(solution, curves)] if curves else []
    if not parts:
        why = "this solution was not refined" if what == "spectrum" else "nothing was recorded"
        raise SettingsError(f"there is no {what} to draw: {why}.")
    figure, places = framed(parts, title(solution), dpi)
    for part, place in zip(parts, places, strict=True):
        part.draw(place)
    if path is not None:
        write_picture(figure, path)
    return figure


def framed(parts: Sequence[Part], name: str, dpi: int) -> tuple[Picture, list[SubFigure]]:
    """An empty figure with a place for each part, from top to bottom."""
    heights = [part.size[1] for part in parts]
    width = max(NARROWEST, *(part.size[0] for part in parts))
    layout = ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)
    figure = Picture(figsize=(width, sum(heights) + HEAD), dpi=dpi, layout=layout)
    figure.suptitle(name, fontsize=LARGE, wrap=True)
    places = figure.subfigures(len(parts), 1, squeeze=False, height_ratios=heights)
    return figure, list(places[:, 0])


def only_errors(table: Table) -> Table:
    """The errors of all unknowns.

    Raises:
        SettingsError: there is no reference, or it has no value on the views.
    """
    if any("error" not in row for row in table.values()):
        raise SettingsError(
            "there is no error to draw: the problem has no reference, or none with a value here. "
            "Give Problem(reference=…)."
        )
    return {name: {"error": row["error"]} for name, row in table.items()}


def _space(solution: BaseSolution, what: str, held: Held) -> list[Grid]:
    """The grids of maps and profiles."""
    if what not in OF_SPACE:
        return []
    domain = solution.problem.domain
    seen = views(domain, held)
    if what == "residuals":
        return [stacked(residual_panels(solution, seen))]
    table: Table = field_panels(solution, seen)
    if what == "error":
        return [stacked(only_errors(table))]
    lines = [] if held else profiles(domain)
    return [stacked(table), *([stacked(_values(solution, lines))] if lines else [])]


def _values(solution: BaseSolution, lines: Sequence[Any]) -> Table:
    """Profiles of the solution and the reference."""
    table = field_panels(solution, lines)
    return {name: {"solution": row["solution"]} for name, row in table.items()}


def _curves(solution: BaseSolution, what: str) -> list[Curve]:
    values = solution.singular_values
    curves: list[Curve] = []
    fewest = 2 if what == "all" else 1  # a single record adds nothing to the blocks
    if what in ("all", "residuals") and solution.blocks:
        curves.append(draw_blocks)
    if what in ("all", "history") and len(solution.history) >= fewest:
        curves.append(draw_history)
    if what in ("all", "spectrum") and values is not None and values.size:
        curves.append(draw_spectrum)
    return curves
