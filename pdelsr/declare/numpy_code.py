"""Numpy code of expressions, in a file of its own because sympy's printers load slowly."""

from __future__ import annotations

from sympy.printing.numpy import SciPyPrinter

from pdelsr.declare.long_sums import LongSums


class NumpyCode(LongSums, SciPyPrinter):
    """Prints the numpy code of an expression."""

    def __init__(self) -> None:
        super().__init__(
            {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True}
        )
