"""Checks of requested pictures, before any time is spent on a run or a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.animation import FFMpegWriter

from pdelsr.declare.domains import Domain
from pdelsr.errors import SettingsError
from pdelsr.results.plot.slices import Held, read_at
from pdelsr.results.plot.views import views
from pdelsr.results.plot.write import MOVIES, PICTURES, require_file


def require_drawable(
    domain: Domain, picture: Path | None, movie: Path | None, at: Mapping[Any, Any] | None
) -> None:
    """Refuse impossible files and slices, before there is a solution.

    Raises:
        SettingsError: an ending, a folder or a slice does not fit, or a movie has no time
            coordinate.
    """
    held = read_at(at, domain)
    views(domain, held)
    if picture is not None:
        require_file(picture, PICTURES, "pictures")
    if movie is not None:
        require_movie(movie, domain, held)


def require_movie(path: str | Path, domain: Domain, held: Held) -> Path:
    """The path of a movie that can be made.

    Raises:
        SettingsError: there is no time, time or all of space is held, a coordinate has several
            values, the file does not fit, or ffmpeg is missing.
    """
    given = require_file(path, MOVIES, "movies")
    if domain.time is None:
        raise SettingsError("there is nothing to animate: the problem has no time. Use plot().")
    if domain.dim - 1 in held:
        raise SettingsError(f"at holds {domain.time}, which the movie runs through: leave it out.")
    if len(held) == domain.dim - 1:
        raise SettingsError("at holds all of space: leave a coordinate for the movie to show.")
    if any(len(values) > 1 for values in held.values()):
        raise SettingsError("at has several values: a movie shows one slice. Give one.")
    if given.suffix.lower() == ".mp4" and not FFMpegWriter.isAvailable():
        raise SettingsError(
            f"{path} needs the program ffmpeg, which was not found: install it, or write a .gif."
        )
    return given
