"""Pictures of several solutions; for a single one, see `Solution.plot` and `Solution.animate`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pdelsr.results import Solution
from pdelsr.results.pictures import Figure

__all__ = ["compare"]

if TYPE_CHECKING:
    Solutions: TypeAlias = Sequence[Solution]
else:
    Solutions = Sequence[Any]  # checked where they are drawn, in the user's words


def compare(
    solutions: Solutions,
    labels: Sequence[str] | None = None,
    path: str | Path | None = None,
    *,
    what: str | None = None,
    x: str = "time",
    dpi: int = 150,
) -> Figure:
    """Draw several solutions against the time they took, on logarithmic axes.

    Residuals are not comparable between runs with different weights of blocks, as after balancing.
    Each is then divided by the residual of its own initial network.

    Args:
        solutions: as `solve` returns them.
        labels: of the solutions; by default their methods.
        path: also write it there; the ending chooses the format.
        what: "error", the relative L2 error against the reference, or "residual", the norm of the
            stacked residual on held-out points, both of the best state so far. None for the error
            if every problem has a reference.
        x: "time", the wall-clock seconds, or "iterations".
        dpi: dots per inch of the file.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        SettingsError: a value does not fit, the error has no reference, or the file cannot be
            written.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> u = pl.unknown("u", x)
        >>> problem = pl.Problem(
        ...     name="string",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(u.diff(x, 2), -1)],
        ...     conditions=[pl.Dirichlet(u, 0)],
        ... )
        >>> a = pl.solve(problem, "lsr", hidden=(12, 12), weight_scale=2)
        >>> b = pl.solve(problem, "pinn", hidden=(12, 12), adam_steps=20, lbfgs_steps=20)
        >>> figure = pl.plot.compare([a, b], ["LSR", "Adam and L-BFGS"])
    """
    # Delayed: matplotlib is slow to load, and most runs draw nothing.
    return import_module("pdelsr.results.plot").compare(solutions, labels, path, what, x, dpi)
