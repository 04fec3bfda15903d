"""A movie of a solution in time, as a GIF or as MP4."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib.animation import AbstractMovieWriter, FFMpegWriter

from pdelsr.errors import SettingsError
from pdelsr.files.atomic import written_whole
from pdelsr.results.base import BaseSolution
from pdelsr.results.plot.draw import framed
from pdelsr.results.plot.fields import field_panels
from pdelsr.results.plot.gif import GIFWriter
from pdelsr.results.plot.maps import MapPanel
from pdelsr.results.plot.panel import Grid, Panel, Table, stacked
from pdelsr.results.plot.requests import require_movie
from pdelsr.results.plot.slices import read_at
from pdelsr.results.plot.style import title
from pdelsr.results.plot.views import moments, views
from pdelsr.results.plot.write import require_dpi
from pdelsr.solvers.state.settings import require_whole

FASTEST = {".mp4": 60, ".gif": 50}  # frames a second


def animate(
    solution: BaseSolution,
    path: str | Path,
    frames: int,
    fps: int,
    at: Mapping[Any, Any] | None,
    dpi: int,
) -> Path:
    """Write a movie; see `Solution.animate`."""
    domain = solution.problem.domain
    held = read_at(at, domain)
    given = require_movie(path, domain, held)
    require_whole("frames", frames, 2)
    require_whole("fps", fps, 1)
    if fps > FASTEST[given.suffix.lower()]:
        most = FASTEST[given.suffix.lower()]
        raise SettingsError(f"fps is {fps!r}: give frames a second, at most {most} here.")
    require_dpi(dpi)
    seen = views(domain, {**held, domain.dim - 1: moments(domain, frames)})
    table = _without_contours(field_panels(solution, seen))
    movie = [_frame(table, i) for i in range(frames)]
    _write(movie, title(solution), movie_writer(given, fps, movie[0]), given, dpi)
    return given


def movie_writer(path: Path, fps: int, grid: Grid) -> AbstractMovieWriter:
    """Pillow for GIF, which comes with matplotlib; ffmpeg for MP4."""
    if path.suffix.lower() == ".mp4":
        return FFMpegWriter(fps=fps)
    return GIFWriter([p.scale.colors for p in grid.panels if isinstance(p, MapPanel)], fps)


def _without_contours(table: Table) -> Table:
    """The table without contour lines, which every frame would have to draw again."""

    def bare(panel: Panel) -> Panel:
        if isinstance(panel, MapPanel):
            return replace(panel, scale=replace(panel.scale, levels=()))
        return panel

    return {
        name: {kind: [bare(p) for p in panels] for kind, panels in row.items()}
        for name, row in table.items()
    }


def _frame(table: Table, i: int) -> Grid:
    """The panels at one time."""
    return stacked(
        {name: {k: [panels[i]] for k, panels in row.items()} for name, row in table.items()}
    )


def _write(
    movie: Sequence[Grid], name: str, writer: AbstractMovieWriter, path: Path, dpi: int
) -> None:
    """Draw the first frame, then replace its values by those of the others."""
    figure, (place,) = framed(movie[:1], name, dpi)
    drawn = movie[0].draw(place)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # nothing moves but the values
    try:
        with written_whole(path) as temporary, writer.saving(figure, str(temporary), dpi):
            for grid in movie:
                for panel, artists in zip(grid.panels, drawn, strict=True):
                    panel.update(artists)
                writer.grab_frame()
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}.") from error
    except subprocess.CalledProcessError as error:
        raise SettingsError(f"{path} cannot be written: ffmpeg failed ({error}).") from error
