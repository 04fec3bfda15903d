"""A GIF with one palette for all frames, so that a color always means the same value."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib import colormaps
from matplotlib.animation import AbstractMovieWriter
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from pdelsr.results.plot.style import BLUE

PALETTE_SIZE = 256  # colors of a GIF
GREYS, TINTS = 24, 8  # for the text, and for the curves towards white


class GIFWriter(AbstractMovieWriter):
    """Writes frames with the colors of the maps, not with colors chosen per frame.

    Args:
        maps: names of the color maps in the picture.
        fps: frames per second.
    """

    fig: Figure
    outfile: Any
    dpi: int | float

    def __init__(self, maps: Iterable[str], fps: int) -> None:
        super().__init__(fps=fps)
        self.palette: Image.Image = Image.new("P", (1, 1))
        self.palette.putpalette(palette_of(maps).tobytes())
        self.frames: list[Image.Image] = []

    def setup(self, fig: Figure, outfile: Any, dpi: int | float | None = None) -> None:
        """Set the figure and the file of the movie."""
        self.fig, self.outfile, self.dpi = fig, outfile, fig.dpi if dpi is None else dpi

    def grab_frame(self, **options: Any) -> None:
        """Add the figure as it is now."""
        buffer = io.BytesIO()
        self.fig.savefig(buffer, format="rgba", dpi=self.dpi, **options)
        frame = Image.frombytes("RGBA", self.frame_size, buffer.getvalue()).convert("RGB")
        self.frames.append(frame.quantize(palette=self.palette, dither=Image.Dither.NONE))

    def finish(self) -> None:
        """Write the file."""
        first, *others = self.frames
        duration = 10 * round(100 / self.fps)  # milliseconds per frame, in the unit of the format
        first.save(
            self.outfile, "GIF", save_all=True, append_images=others, duration=duration, loop=0
        )


def palette_of(maps: Iterable[str]) -> UInt8[np.ndarray, "256 3"]:
    """Greys for the text, tints for the curves, and the rest for the maps."""
    names = sorted(set(maps))
    greys = np.repeat(np.linspace(0, 1, GREYS)[:, None], 3, axis=1)
    tints = 1 - np.linspace(1, 0, TINTS, endpoint=False)[:, None] * (1 - np.array(to_rgb(BLUE)))
    parts, each = [greys, tints], (PALETTE_SIZE - GREYS - TINTS) // max(len(names), 1)
    parts += [colormaps[name](np.linspace(0, 1, each))[:, :3] for name in names]
    colors = np.concatenate(parts)
    filled = np.vstack([colors, np.zeros((PALETTE_SIZE - len(colors), 3))])
    return np.round(255 * filled).astype(np.uint8)
