"""Table 1 of the paper: physics-informed operators before and after a refinement for an instance.

    python docs/experiments/table1.py antiderivative --instances 300 --workers 2
    python docs/experiments/table1.py diffusion_reaction --instances 300 --workers 2
    python docs/experiments/table1.py burgers --weights PATH --instances 100 --workers 2
    python docs/experiments/table1.py advection --weights PATH --instances 100 --workers 2

The first two train their operator, and keep it beside the rows of the instances in --folder: a run
that was cut goes on from there. The last two take the parameters that Wang, Wang and Perdikaris
published with Science Advances 7, eabi8605 (2021), as .npy files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

import pdelsr as pl
from pdelsr.cli.problem_file import load_problem
from pdelsr.operators import PIDeepONet, published_operator

PROBLEMS = Path(__file__).parents[2] / "problems" / "parametric"
PUBLISHED = {"burgers": (101, (100,) * 7, (1, 0)), "advection": (100, (100,) * 6, (0, 1))}
TRAINING = {
    "antiderivative": {"steps": 40_000, "decay_steps": 1000},
    "diffusion_reaction": {"steps": 120_000, "decay_steps": 3000},
}
RANKS = {"antiderivative": 300, "diffusion_reaction": 700, "burgers": 1500, "advection": 2500}
OPTIONS = {
    "diffusion_reaction": {"weights": {"initial s": 100, "dirichlet s": 100}},
    "burgers": {"weights": {"initial u": 10, "periodic u": 10}},
    "advection": {"passes": 2},
}


def main() -> None:
    """Print the table of one equation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("equation", choices=sorted(RANKS))
    parser.add_argument("--weights", help="published parameters, for burgers and advection")
    parser.add_argument("--instances", type=int, default=100)
    parser.add_argument("--rank", type=int, help="of the tangent space that is used")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path())
    chosen = parser.parse_args()
    name = chosen.equation
    problem = load_problem(PROBLEMS / f"{name}.py")
    rank = chosen.rank or RANKS[name]
    found = pl.refine_many(
        trained(problem, name, chosen.folder)
        if name in TRAINING
        else published(name, chosen.weights),
        problem,
        chosen.instances,
        rank=rank,
        workers=chosen.workers,
        path=chosen.folder / f"{name}-{rank}-{chosen.instances}.jsonl",
        verbose=True,
        **OPTIONS.get(name, {}),
    )
    Console(highlight=False).print(found.table())


def trained(problem: pl.Problem, name: str, folder: Path) -> PIDeepONet:
    """Five layers of 50 in branch and trunk, 10,000 functions and the steps that were published."""
    sensors = np.linspace(0, 1, 100)
    operator = PIDeepONet(sensors, len(problem.coordinates), (50,) * 5, dtype=torch.float32)
    training = pl.train_operator(
        problem,
        operator,
        functions=10_000,
        **TRAINING[name],
        path=folder / f"{name}.safetensors",
        verbose=True,
    )
    print(f"{name}: trained to a loss of {np.mean(training.losses[-100:]):.1e}")
    return operator


def published(name: str, weights: str | None) -> PIDeepONet:
    """The operator of a published file."""
    if weights is None:
        raise SystemExit(f"{name}: give the file of the published parameters by --weights.")
    sensors, hidden, columns = PUBLISHED[name]
    return published_operator(weights, np.linspace(0, 1, sensors), hidden, columns)


if __name__ == "__main__":
    main()
