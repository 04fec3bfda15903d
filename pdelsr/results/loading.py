"""Loading a saved solution with its problem, to predict and to go on."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.files.container import read
from pdelsr.results.solution import Solution
from pdelsr.results.storage import solution_of


def load(
    path: str | Path,
    problem: Problem,
    *,
    network: nn.Module | None = None,
    device: str | torch.device | None = None,
) -> Solution:
    """Load a saved solution; nothing in the file is executed.

    The solution predicts as the saved one did, to the bit on the same machine, and
    `solve(problem, start=solution)` goes on from it.

    Args:
        path: of a file written by `Solution.save`.
        problem: the declaration that was solved; files hold no code, so you pass it.
        network: for solutions with your own module or activation: that network, built as for
            `solve`. It is copied, and its weights are read from the file.
        device: where to put the solution; None for its former device, or the CPU if that is not
            available.

    Raises:
        FileFormatError: the file is missing, damaged, foreign, of another version, or belongs to
            another problem or network.
        SettingsError: `path`, `problem`, `network` or `device` is something else.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> u = pl.unknown("u", x)
        >>> problem = pl.Problem(
        ...     name="string",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(u.diff(x, 2), -sp.pi**2 * sp.sin(sp.pi * x))],
        ...     conditions=[pl.Dirichlet(u, 0)],
        ...     reference=sp.sin(sp.pi * x),
        ... )
        >>> import tempfile
        >>> from pathlib import Path
        >>> solution = pl.solve(problem, "lsr", hidden=(16, 16), weight_scale=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "string.safetensors"
        ...     solution.save(path)
        ...     again = pl.load(path, problem)
        >>> bool(again.predict(x=0.3) == solution.predict(x=0.3))
        True
    """
    if not isinstance(problem, Problem):
        raise SettingsError(f"problem is {problem!r:.60}: give the pl.Problem that was solved.")
    if network is not None and not isinstance(network, nn.Module):
        raise SettingsError(
            f"network is {network!r:.60}: give the torch.nn.Module that was solved on."
        )
    return solution_of(Solution, read(path), path, problem, network, device)
