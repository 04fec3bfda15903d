"""Pictures of a solution; nothing else in the package imports matplotlib."""

from pdelsr.results.plot.draw import draw

__all__ = ["draw"]
