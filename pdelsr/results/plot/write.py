"""Writing pictures, with checks of endings, folders and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pdelsr.errors import SettingsError
from pdelsr.files.atomic import read_path, written_whole
from pdelsr.results.plot.style import Picture

PICTURES = (".png", ".pdf", ".svg", ".jpg", ".eps", ".tif", ".webp")
MOVIES = (".gif", ".mp4")


def require_file(path: str | Path, endings: Sequence[str], what: str) -> Path:
    """The path of a file, checked as far as possible before anything is drawn.

    Args:
        path: given by the user.
        endings: the possible ones, the most usual first.
        what: a word for such files, in the plural.

    Raises:
        SettingsError: it is no path, the ending is another one, or the folder does not exist.
    """
    given = read_path(path)
    ending = given.suffix.lower()
    if ending not in endings:
        found = f"ends in {ending!r}" if ending else "has no ending"
        movie = "; a movie is written by solution.animate(...)" if ending in MOVIES else ""
        raise SettingsError(f"{path} {found}: {what} end in {', '.join(endings)}{movie}.")
    if given.is_dir():
        raise SettingsError(f"{path} cannot be written: it is a folder. Give the path of a file.")
    if not given.absolute().parent.is_dir():
        raise SettingsError(f"{path} cannot be written: its folder does not exist. Make it first.")
    return given


def write_picture(figure: Picture, path: str | Path) -> None:
    """Write a figure; the ending of the path chooses the format.

    Raises:
        SettingsError: the ending is unknown, or the file cannot be written.
    """
    given = require_file(path, PICTURES, "pictures")
    try:
        with written_whole(given) as temporary:
            figure.savefig(temporary, format=given.suffix[1:].lower())
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}.") from error


def require_dpi(dpi: object) -> None:
    """Refuse an invalid resolution.

    Raises:
        SettingsError: it is not a number from 10 to 2,000.
    """
    if isinstance(dpi, bool) or not isinstance(dpi, int | float) or not 10 <= dpi <= 2000:
        raise SettingsError(f"dpi is {dpi!r}: give dots an inch, from 10 to 2000.")
