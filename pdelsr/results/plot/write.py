"""Writing pictures: endings that are known, folders that exist, and files that can be written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pdelsr.errors import SettingsError
from pdelsr.files.whole import read_path, written_whole
from pdelsr.results.plot.style import Picture

PICTURES = (".png", ".pdf", ".svg", ".jpg", ".eps", ".tif", ".webp")
MOVIES = (".gif", ".mp4")


def require_file(path: str | Path, endings: Sequence[str], what: str) -> Path:
    """The path of a file that can be written, as far as that shows before anything is drawn.

    Args:
        path: that the user gave.
        endings: that are possible, the most usual one first.
        what: these files in a word, in the plural.

    Raises:
        SettingsError: no path, another ending, or no such folder.
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
        SettingsError: an unknown ending, or a file that cannot be written.
    """
    given = require_file(path, PICTURES, "pictures")
    try:
        with written_whole(given) as temporary:
            figure.savefig(temporary, format=given.suffix[1:].lower())
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}.") from error


def require_dpi(dpi: object) -> None:
    """Refuse what is no resolution.

    Raises:
        SettingsError: not a number from 10 to 2,000.
    """
    if isinstance(dpi, bool) or not isinstance(dpi, int | float) or not 10 <= dpi <= 2000:
        raise SettingsError(f"dpi is {dpi!r}: give dots an inch, from 10 to 2000.")
