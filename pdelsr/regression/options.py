"""The options of `refine` on data, as type checkers and editors see them."""

from __future__ import annotations

from typing import TypedDict

from pdelsr.lstsq import LeastSquares
from pdelsr.regression.data import Loader, Pair
from pdelsr.regression.target import UserResidual
from pdelsr.subspace import Basis


class DataOptions(TypedDict, total=False):
    """The keywords of `pdelsr.regression.refine`, which says what they mean; a test compares."""

    rank: int | str
    validation: float | Pair | Loader | None
    residual: str | UserResidual | None
    parameter_fraction: int | float
    basis: str | Basis | None
    smoothing: str | int | float | None
    mollify: str | int | float | None
    lstsq: str | LeastSquares
    newton_steps: int
    products: str
    batch_size: int | None
    dtype: str
    seed: int
    memory_budget: int | None
    verbose: bool
