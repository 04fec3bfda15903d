"""Direct and iterative solvers of the reduced least-squares problem."""

from pdelsr.lstsq.base import LeastSquares, Solved
from pdelsr.lstsq.cholesky import Cholesky, NormalEquationsWarning
from pdelsr.lstsq.kernel_ridge import KernelRidge
from pdelsr.lstsq.lsmr import LSMR
from pdelsr.lstsq.lsqr import LSQR
from pdelsr.lstsq.qr import QR
from pdelsr.lstsq.registry import SOLVERS, solver_named
from pdelsr.lstsq.spectrum import Spectrum
from pdelsr.lstsq.streaming_qr import StreamingQR
from pdelsr.lstsq.system import MatrixSystem, NotFiniteError, System
from pdelsr.lstsq.truncated_svd import TruncatedSVD

__all__ = [
    "LSMR",
    "LSQR",
    "QR",
    "SOLVERS",
    "Cholesky",
    "KernelRidge",
    "LeastSquares",
    "MatrixSystem",
    "NormalEquationsWarning",
    "NotFiniteError",
    "Solved",
    "Spectrum",
    "StreamingQR",
    "System",
    "TruncatedSVD",
    "solver_named",
]
