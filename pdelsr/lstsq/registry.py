"""Choosing a least-squares solver by name."""

from __future__ import annotations

from collections.abc import Mapping

from pdelsr.errors import SettingsError
from pdelsr.lstsq.base import LeastSquares
from pdelsr.lstsq.cholesky import Cholesky
from pdelsr.lstsq.kernel_ridge import KernelRidge
from pdelsr.lstsq.lsmr import LSMR
from pdelsr.lstsq.lsqr import LSQR
from pdelsr.lstsq.qr import QR
from pdelsr.lstsq.streaming_qr import StreamingQR
from pdelsr.lstsq.truncated_svd import TruncatedSVD

SOLVERS: dict[str, LeastSquares] = {
    s.name: s for s in (QR(), StreamingQR(), TruncatedSVD(), Cholesky(), LSMR())
}

OF_DATA: dict[str, LeastSquares] = {s.name: s for s in (LSQR(), KernelRidge())}
"""Those that `refine` on data has besides."""


def solver_named(
    solver: str | LeastSquares, known: Mapping[str, LeastSquares] = SOLVERS
) -> LeastSquares:
    """The solver of that name with its defaults, or the given one.

    Args:
        solver: its name, or the solver.
        known: solvers by name.

    Raises:
        SettingsError: no solver has that name.
    """
    if isinstance(solver, LeastSquares):
        return solver
    if not isinstance(solver, str) or solver not in known:
        listed = ", ".join(known)
        if isinstance(solver, str) and solver in OF_DATA:
            raise SettingsError(
                f"least-squares solver {solver!r} is for data: choose one of {listed}, or give the "
                f"object pl.{type(OF_DATA[solver]).__name__}()."
            )
        raise SettingsError(
            f"least-squares solver {solver!r} is not known: choose one of {listed}."
        )
    return known[solver]


def require_shared_rows(solver: LeastSquares) -> None:
    """Refuse a solver that needs all rows in one process.

    Raises:
        SettingsError: it does; the message lists the others.
    """
    if solver.shares_rows:
        return
    name = type(solver).__name__
    known = ", ".join(repr(other) for other, one in SOLVERS.items() if one.shares_rows)
    raise SettingsError(
        f"{name} needs all rows in one process: with distributed=True choose lstsq from {known}."
    )
