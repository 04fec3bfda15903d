"""Least squares by LSMR: products with vectors only, for matrices too large to form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import warn
from pdelsr.lstsq.base import Ended, LeastSquares, Solved
from pdelsr.lstsq.system import MatrixSystem, System, require_finite
from pdelsr.resources.time_is_up import check_time

OVER = 7  # scipy's code for the end of the iterations
SMALL = 2**22  # numbers of a matrix that is formed
VECTORS = 8  # of length n and of length r, that the iteration holds


class IterationsWarning(UserWarning):
    """An iterative solver has stopped before it was done."""


@dataclass(frozen=True)
class LSMRState:
    """The system, and the lengths of its columns."""

    system: System
    lengths: Float[Tensor, " r"]


@dataclass(frozen=True)
class LSMR(LeastSquares):
    """Golub–Kahan iteration (Fong and Saunders 2011), on products A y and Aᵀw.

    A large A is never formed: the lengths of its columns take one pass over its rows, and every
    iteration two products. One of at most 4 million numbers takes less room than a chunk of rows,
    and is multiplied a hundred times faster.

    Note that the iterations resolve one decade of singular values after another, so ill-conditioned
    tangent systems stop far from the minimum (the paper's Figs. 2c and 4c): use `QR` if A fits into
    memory. They tell the condition of what they have resolved, so none is told if they stop early.

    Args:
        iterations: at most; None for 4 r.
        tolerance: relative, of LSMR's own stopping tests.
    """

    iterations: int | None = None
    tolerance: int | float = 1e-14
    name = "lsmr"
    serves_again = False

    def numbers(self, n: int | float, r: int) -> int | float:
        return VECTORS * (n + r) + min(n * r, SMALL)

    def forms_matrix(self, n: int | float, r: int) -> bool:
        return n * r <= SMALL

    def init(self, system: System) -> LSMRState:
        if self.forms_matrix(*system.shape):
            system = MatrixSystem(*system.dense())
        return LSMRState(system, system.column_lengths())

    def compute(self, state: LSMRState, b: Float[Tensor, " n"] | None = None) -> Solved:
        system, lengths = state.system, state.lengths
        b = system.b if b is None else b
        require_finite(lengths, b)
        # scipy's vectors are in double precision, because its constants overflow in single
        y, ended, _, _, _, _, condition, _ = scipy.sparse.linalg.lsmr(
            _products(system, lengths),
            _array(b),
            atol=self.tolerance,
            btol=self.tolerance,
            conlim=0,
            maxiter=self.iterations or 4 * system.shape[1],
        )
        status = Ended.ITERATIONS if ended == OVER else Ended.SOLVED
        if status is Ended.ITERATIONS:
            warn(
                f"LSMR: {status.value} ({self.tolerance:g}), so the refinement may be far from the "
                "best one. Raise iterations, or use 'qr' where the matrix fits into memory.",
                IterationsWarning,
            )
        known = float(condition) if status is Ended.SOLVED else None
        return Solved(_tensor(y, lengths) / lengths, None, known, status)


def _products(system: System, lengths: Float[Tensor, " r"]) -> scipy.sparse.linalg.LinearOperator:
    """The products of A, scaled to columns of unit length, for scipy."""

    def along(y: np.ndarray) -> np.ndarray:
        check_time()
        return _array(system.times(_tensor(y.reshape(-1), lengths) / lengths))

    def back(w: np.ndarray) -> np.ndarray:
        return _array(system.transpose_times(_tensor(w.reshape(-1), lengths)) / lengths)

    return scipy.sparse.linalg.LinearOperator(  # pyright: ignore[reportCallIssue]
        shape=system.shape, matvec=along, rmatvec=back, dtype=np.float64
    )


def _array(values: Tensor) -> np.ndarray:
    return values.double().cpu().numpy()


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(values).to(like)  # as_tensor would use the default device of torch
