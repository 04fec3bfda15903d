"""How well `time_limit` is kept: seconds of a run over its limit, for problems × methods × limits.

python docs/experiments/time_limits.py [--limits 5,20] [--problems burgers_1d,poisson_2d]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pdelsr as pl

METHODS = ("ilsr", "lsr", "pinn", "tsonn")


def ratio(problem: pl.Problem, method: str, limit: float) -> float:
    """Wall-clock seconds of `solve`, over the limit; prints how the run ended."""
    begin = time.perf_counter()
    solution = pl.solve(problem, method, time_limit=limit)
    seconds = time.perf_counter() - begin
    share, residual = seconds / limit, f"{solution.heldout_start:.1e} to {solution.heldout:.1e}"
    how = f"{solution.status.value}, held-out residual from {residual}"
    print(
        f"{problem.name} {method} {limit:g} s: {seconds:.2f} s, {share:.3f} of it, {how}",
        flush=True,
    )
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limits", default="5,20")
    parser.add_argument(
        "--problems", default=",".join(p.stem for p in Path("problems").glob("*.py"))
    )
    parser.add_argument("--methods", default=",".join(METHODS))
    chosen = parser.parse_args()
    pl.solve(pl.load_problem("poisson_2d"), "pinn", adam_steps=1, lbfgs_steps=1)  # a warm-up
    ratios = [
        ratio(pl.load_problem(name), method, float(limit))
        for name in sorted(chosen.problems.split(","))
        for method in chosen.methods.split(",")
        for limit in chosen.limits.split(",")
    ]
    print(f"{len(ratios)} runs: at most {max(ratios):.3f} of the limit")


if __name__ == "__main__":
    main()
