"""One factorization for all damping values of a Gauss–Newton step, against one for each.

The eigendecomposition GᵀG = Q Λ Qᵀ gives the step of every damping by two products with Q; pdelsr
factors GᵀG + λ μ I anew for each. `python docs/experiments/damping.py PROBLEM STEPS` counts the
damping values that the steps of an alignment try, and times both ways on the last GᵀG.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

import pdelsr as pl
from pdelsr.solvers.descent import levenberg_marquardt as lm


def seconds(function: Callable[[], Any], repeats: int = 3) -> float:
    """Median after a warm-up."""
    function()
    found = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        found.append(time.perf_counter() - begin)
    return statistics.median(found)


def main(path: str, steps: int) -> None:
    """Print the counts and the times."""
    tried: list[int] = []
    last: dict[str, torch.Tensor] = {}
    step = lm._Linearized.step
    make = lm._Linearized.at

    def counted(local: Any, damping: float) -> Any:
        tried[-1] += 1
        return step(local, damping)

    def started(residual: Any, directions: Any) -> Any:
        tried.append(0)
        local = make(residual, directions)
        last["G"] = local.G
        return local

    lm._Linearized.step, lm._Linearized.at = counted, started
    pl.solve(pl.load_problem(path), "ilsr", max_iterations=1, alignment_steps=steps, verbose=False)
    G = last["G"]
    matrix = lm.gram(G)
    shifted = matrix + 1e-6 * matrix.diagonal().mean() * torch.eye(len(matrix)).to(matrix)
    b = G.T @ torch.ones(len(G), 1).to(G)
    product = seconds(lambda: lm.gram(G))
    factor = seconds(lambda: torch.cholesky_solve(b, torch.linalg.cholesky(shifted)))
    whole = seconds(lambda: torch.linalg.eigh(shifted))
    print(f"{len(tried)} steps, {G.shape[0]} rows, {G.shape[1]} parameters")
    print(f"damping values a step: mean {statistics.mean(tried):.2f}, most {max(tried)}")
    print(f"GᵀG {product:.3f} s, Cholesky and solution {factor:.4f} s, eigenvalues {whole:.3f} s")
    print(f"one factorization for all pays from {whole / factor:.0f} damping values on")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
