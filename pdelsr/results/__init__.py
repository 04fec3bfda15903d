"""The result of a run: the solution, its errors, summary, pictures and files."""

from pdelsr.results.accuracy import BlockResidual, UnknownError
from pdelsr.results.solution import Solution

__all__ = ["BlockResidual", "Solution", "UnknownError"]
