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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pdelsr as pl
from pdelsr.operators import PIDeepONet, published_operator

PROBLEMS = Path(__file__).parents[2] / "problems" / "parametric"


@dataclass(frozen=True)
class Equation:
    """A row of the table.

    Args:
        sensors: equidistant points where the operator reads the input function.
        hidden: widths of branch and trunk.
        rank: of the refinement.
        training: options of `train_operator`; None for an operator that was published.
        columns: order of the coordinates in the published trunk.
        options: of `refine_instance`.
    """

    sensors: int
    hidden: tuple[int, ...]
    rank: int
    training: Mapping[str, Any] | None = None
    columns: tuple[int, int] = (0, 1)
    options: Mapping[str, Any] = field(default_factory=dict)


EQUATIONS = {
    "antiderivative": Equation(
        100, (50,) * 5, 300, {"functions": 10_000, "steps": 40_000, "decay_steps": 1000}
    ),
    "diffusion_reaction": Equation(
        100,
        (50,) * 5,
        700,
        {"functions": 10_000, "steps": 120_000, "decay_steps": 3000},
        options={"weights": {"initial s": 100, "dirichlet s": 100}},
    ),
    "burgers": Equation(
        101,
        (100,) * 7,
        1500,
        columns=(1, 0),
        options={"weights": {"initial u": 10, "periodic u": 10}},
    ),
    "advection": Equation(100, (100,) * 6, 2500, options={"passes": 2}),
}


def main() -> None:
    """Print the table of one equation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("equation", choices=sorted(EQUATIONS))
    parser.add_argument("--weights", help="published parameters, for burgers and advection")
    parser.add_argument("--instances", type=int, default=100)
    parser.add_argument("--rank", type=int, help="of the tangent space that is used")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="of the refinements, such as cuda")
    parser.add_argument("--folder", type=Path, default=Path())
    chosen = parser.parse_args()
    name = chosen.equation
    equation = EQUATIONS[name]
    if equation.training is None and chosen.weights is None:
        parser.error(f"{name}: give the file of the published parameters by --weights.")
    if equation.training is not None and chosen.weights is not None:
        parser.error(f"{name}: its operator is trained here, leave --weights out.")
    problem = pl.load_problem(PROBLEMS / f"{name}.py")
    operator = (
        published(equation, chosen.weights)
        if equation.training is None
        else trained(problem, equation, chosen.folder)
    )
    rank = chosen.rank or equation.rank
    found = pl.refine_many(
        operator.to(chosen.device),
        problem,
        chosen.instances,
        rank=rank,
        workers=chosen.workers,
        path=chosen.folder / f"{name}-{rank}-{chosen.instances}.jsonl",
        verbose=True,
        **equation.options,
    )
    print(found)


def trained(problem: pl.Problem, equation: Equation, folder: Path) -> PIDeepONet:
    """An operator of the published architecture, trained on the equation alone."""
    assert equation.training is not None
    sensors = np.linspace(0, 1, equation.sensors)
    d = len(problem.coordinates)
    operator = PIDeepONet(sensors, d, equation.hidden, dtype=torch.float32)
    path = folder / f"{problem.name}.safetensors"
    training = pl.train_operator(problem, operator, path=path, verbose=True, **equation.training)
    print(f"{problem.name}: trained to a loss of {np.mean(training.losses[-100:]):.1e}")
    return operator


def published(equation: Equation, weights: str | Path) -> PIDeepONet:
    """The operator of a published file."""
    sensors = np.linspace(0, 1, equation.sensors)
    return published_operator(weights, sensors, equation.hidden, equation.columns)


if __name__ == "__main__":
    main()
