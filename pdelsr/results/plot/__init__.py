"""Pictures of a solution; nothing else in the package imports matplotlib."""

from matplotlib.figure import Figure

from pdelsr.results.plot.animate import animate
from pdelsr.results.plot.draw import draw
from pdelsr.results.plot.requests import require_drawable
from pdelsr.results.plot.runs import compare

__all__ = ["Figure", "animate", "compare", "draw", "require_drawable"]
