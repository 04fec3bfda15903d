"""A map of one quantity over two coordinates, in colors, with contour lines for signed fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.image import AxesImage
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from pdelsr.results.plot.mesh import Mesh
from pdelsr.results.plot.panel import Panel
from pdelsr.results.plot.scale import Scale
from pdelsr.results.plot.style import BLACK, SMALL, frame, retitle

WIDE, NARROW = 2.2, 1.75  # inches of the map itself
MARGINS = (1.1, 0.55)  # inches beside it with a color bar, and above and below
NARROW_MARGIN = 0.2  # inches beside it without
ARROWS = {  # of a color bar, where values lie below and above its colors
    (False, False): "neither",
    (True, False): "min",
    (False, True): "max",
    (True, True): "both",
}
UPRIGHT = 2  # characters up to which a name is not turned


@dataclass(frozen=True)
class MapPanel(Panel):
    """A map.

    Args:
        title: above it.
        quantity: beside the color bar.
        mesh: of the view.
        values: on the mesh.
        scale: of the colors.
    """

    title: str
    quantity: str
    mesh: Mesh
    values: np.ma.MaskedArray
    scale: Scale

    def size(self, small: bool) -> tuple[float, float]:
        width = NARROW if small else WIDE
        height = float(np.clip(width / (self.mesh.ratio or 1.0), 0.45 * width, 1.2 * width))
        return width + (NARROW_MARGIN if small else MARGINS[0]), height + MARGINS[1]

    def draw(self, axes: Axes, repeated: bool, key: bool) -> list[Artist]:
        (left, right), (bottom, top) = self.mesh.extent
        image = axes.imshow(
            self._pixels,
            norm=self.scale.norm,
            cmap=self.scale.colors,
            origin="lower",
            extent=(left, right, bottom, top),
            aspect="equal" if self.mesh.ratio else "auto",
        )
        self._draw_lines(axes)
        frame(axes, self.title, self.mesh.names[0], "" if repeated else self.mesh.names[1])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.tick_params(labelleft=not repeated)
        if key:
            self._draw_bar(axes, image)
        return [image]

    def follows(self, left: Panel) -> bool:
        return left.mesh.axes[1] == self.mesh.axes[1]

    def update(self, artists: Sequence[Artist]) -> None:
        (image,) = artists
        assert isinstance(image, AxesImage)
        image.set_data(self._pixels)
        retitle(image, self.title)

    @property
    def _pixels(self) -> np.ma.MaskedArray:
        pixels = self.mesh.picture(self.values)
        return np.ma.maximum(pixels, self.scale.low) if self.scale.log else pixels

    def _draw_lines(self, axes: Axes) -> None:
        """Draw levels, dashed if negative, and the edge of a domain that is no box."""
        if self.scale.levels and self.values.count():
            axes.contour(
                *self.mesh.ticks,
                self.values,
                levels=self.scale.levels,
                colors=BLACK,
                linewidths=0.6,
                alpha=0.8,
                negative_linestyles="dashed",
            )
        inside = self.mesh.pixels
        if not inside.all():
            edges = [
                np.linspace(*e, n) for e, n in zip(self.mesh.extent, inside.T.shape, strict=True)
            ]
            axes.contour(*edges, inside.astype(float), levels=[0.5], colors=BLACK, linewidths=0.7)

    def _draw_bar(self, axes: Axes, image: ScalarMappable) -> None:
        below = bool((self.values < self.scale.low).any())
        above = bool((self.values > self.scale.high).any())
        place = axes.inset_axes((1.04, 0.0, 0.055, 1.0))
        bar = axes.figure.colorbar(image, cax=place, extend=ARROWS[below, above])
        upright = len(self.quantity) <= UPRIGHT
        bar.set_label(self.quantity, fontsize=SMALL, rotation=0 if upright else 90, labelpad=5)
        if self.scale.log:
            bar.ax.yaxis.set_major_locator(LogLocator(numticks=6))
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
        else:
            bar.locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
            bar.update_ticks()
        bar.ax.tick_params(labelsize=SMALL)
        bar.ax.yaxis.offsetText.set_fontsize(SMALL)
