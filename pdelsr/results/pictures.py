"""The type of a figure, for editors alone: matplotlib is loaded by the first picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdelsr.results.plot import Figure
else:
    Figure = object

__all__ = ["Figure"]
