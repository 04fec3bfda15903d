"""The formats of pictures, checked before anything is drawn."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backend_bases import FigureCanvasBase

from pdelsr.errors import SettingsError


def require_format(path: Path) -> None:
    """Refuse an ending that names no format of matplotlib; none at all means PNG.

    Raises:
        SettingsError: the message lists the formats.
    """
    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in known:
        raise SettingsError(
            f"{path}: there is no picture format {path.suffix!r}; choose one of {', '.join(known)}."
        )
