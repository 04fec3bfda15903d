"""Direct and iterative solvers of the reduced least-squares problem."""

from pdelsr.lstsq.base import LeastSquares, Spectrum
from pdelsr.lstsq.cholesky import Cholesky, NormalEquationsWarning
from pdelsr.lstsq.lsmr import LSMR
from pdelsr.lstsq.qr import QR
from pdelsr.lstsq.registry import SOLVERS, solver_named
from pdelsr.lstsq.truncated_svd import TruncatedSVD

__all__ = [
    "LSMR",
    "QR",
    "SOLVERS",
    "Cholesky",
    "LeastSquares",
    "NormalEquationsWarning",
    "Spectrum",
    "TruncatedSVD",
    "solver_named",
]
