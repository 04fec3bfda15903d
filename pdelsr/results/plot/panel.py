"""Panels beside each other: the one interface of maps and profiles, and their layout."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from pdelsr.results.plot.mesh import Mesh

IN_A_ROW, IN_A_SERIES = 3, 5  # panels at most
KEY = 0.6  # inches of a color bar


class Panel(ABC):
    """One picture with its own axes."""

    mesh: Mesh

    @abstractmethod
    def size(self, small: bool) -> tuple[float, float]:
        """Width and height in inches, for a small panel among many or a large one."""

    @abstractmethod
    def draw(self, axes: Axes, repeated: bool, key: bool) -> list[Artist]:
        """Draw the panel.

        Args:
            axes: to draw on.
            repeated: the vertical axis is that of the panel to the left.
            key: with its color bar or legend.

        Returns:
            What `update` of a panel of the same kind changes.
        """

    @abstractmethod
    def follows(self, left: Panel) -> bool:
        """Whether the vertical axis is that of the panel to the left."""

    @abstractmethod
    def update(self, artists: Sequence[Artist]) -> None:
        """Replace another panel's values in its picture by this one's."""


Table = Mapping[str, Mapping[str, Sequence[Panel]]]
"""Panels by what is shown (an unknown, an equation) and kind, one for each view."""


@dataclass(frozen=True)
class Grid:
    """Panels in rows and columns.

    Args:
        rows: from top to bottom; a row may be shorter than the others.
        shared: the panels of a row show one quantity on one scale, with one key at its right end.
    """

    rows: Sequence[Sequence[Panel]]
    shared: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        widths = [panel.size(self.shared)[0] for row in self.rows for panel in row]
        return max(widths) * self._columns + KEY * self.shared, sum(self._heights)

    def draw(self, figure: SubFigure) -> list[list[Artist]]:
        """Draw all panels, row by row; return the artists that change in each."""
        places = figure.subplots(
            len(self.rows), self._columns, squeeze=False, height_ratios=self._heights
        )
        drawn = []
        for panels, of_row in zip(self.rows, places, strict=True):
            drawn += [self._draw(axes, panels, i) for i, axes in enumerate(of_row[: len(panels)])]
            for axes in of_row[len(panels) :]:
                axes.set_axis_off()
        return drawn

    @property
    def panels(self) -> list[Panel]:
        """All panels, row by row."""
        return [panel for row in self.rows for panel in row]

    @property
    def _columns(self) -> int:
        return max(map(len, self.rows))

    @property
    def _heights(self) -> list[float]:
        return [max(panel.size(self.shared)[1] for panel in row) for row in self.rows]

    def _draw(self, axes: Axes, row: Sequence[Panel], i: int) -> list[Artist]:
        last = i == len(row) - 1
        return row[i].draw(
            axes, self.shared and i > 0 and row[i].follows(row[i - 1]), last or not self.shared
        )


def stacked(table: Table) -> Grid:
    """Several kinds or views side by side, one row per unknown or equation."""
    rows = list(table.values())
    kinds = list(rows[0])
    if len(rows[0][kinds[0]]) > 1:
        series = [row[kind] for row in rows for kind in kinds]
        return Grid([part for panels in series for part in _parts(panels, IN_A_SERIES)], True)
    if len(kinds) > 1:
        return Grid([[row[kind][0] for kind in kinds] for row in rows], False)
    return Grid(_parts([row[kinds[0]][0] for row in rows], IN_A_ROW), False)


def _parts(panels: Sequence[Panel], most: int) -> list[Sequence[Panel]]:
    """Rows of about the same length."""
    length = -(-len(panels) // -(-len(panels) // most))
    return [panels[start : start + length] for start in range(0, len(panels), length)]
