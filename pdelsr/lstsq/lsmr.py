"""Least squares by LSMR: products with vectors alone, for matrices too large to be formed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse.linalg import LinearOperator, lsmr
from torch import Tensor

from pdelsr.lstsq.base import Ended, LeastSquares, Solved
from pdelsr.lstsq.system import System, require_finite

OVER = 7  # what scipy says where the iterations are over
VECTORS = 8  # of n and of r numbers, that the iteration holds


@dataclass(frozen=True)
class LSMRState:
    """The system, and the lengths of its columns."""

    system: System
    lengths: Float[Tensor, " r"]


@dataclass(frozen=True)
class LSMR(LeastSquares):
    """Golub–Kahan iteration (Fong and Saunders 2011), on products A y and Aᵀw.

    A is never formed: the lengths of its columns take one pass over its rows, and every iteration
    two products. Its iterations resolve one decade of singular values after another, so
    ill-conditioned tangent systems stop far from the minimum: the paper's Figs. 2c and 4c, and a
    reason for `QR` where A fits into memory.

    Args:
        iterations: at most; None for 4 r.
        tolerance: relative, of LSMR's own stopping tests.
    """

    iterations: int | None = None
    tolerance: int | float = 1e-14
    name = "lsmr"

    def numbers(self, n: int | float, r: int) -> int | float:
        return VECTORS * (n + r)

    def init(self, system: System) -> LSMRState:
        return LSMRState(system, system.column_lengths())

    def compute(self, state: LSMRState, b: Float[Tensor, " n"] | None = None) -> Solved:
        system, lengths = state.system, state.lengths
        b = system.b if b is None else b
        require_finite(lengths, b)
        # scipy's vectors are in double precision, since its constants overflow in a single one
        y, ended, _, _, _, _, condition, _ = lsmr(
            _Products(system, lengths),
            _array(b),
            atol=self.tolerance,
            btol=self.tolerance,
            conlim=0,
            maxiter=self.iterations or 4 * system.shape[1],
        )
        status = Ended.ITERATIONS if ended == OVER else Ended.SOLVED
        return Solved(_tensor(y, lengths) / lengths, None, float(condition), status)


class _Products(LinearOperator):
    """The products that scipy asks for, of A with columns of unit length."""

    def __init__(self, system: System, lengths: Float[Tensor, " r"]) -> None:
        super().__init__(np.float64, system.shape)
        self._system, self._lengths = system, lengths

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        scaled = _tensor(x.reshape(-1), self._lengths) / self._lengths
        return _array(self._system.times(scaled))

    def _rmatvec(self, x: np.ndarray) -> np.ndarray:
        slopes = self._system.transpose_times(_tensor(x.reshape(-1), self._lengths))
        return _array(slopes / self._lengths)


def _array(values: Tensor) -> np.ndarray:
    return values.double().cpu().numpy()


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.as_tensor(values).to(like)
