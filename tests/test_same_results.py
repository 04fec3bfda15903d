"""Results stay what they were while the code moves: predictions against stored ones.

`python tests/test_same_results.py` prints the table anew. On one machine, with the same libraries,
it stays the same to the bit; elsewhere the rounding errors of least squares move the last digits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pdelsr as pl
from pdelsr.operators import PIDeepONet

PROBLEMS = Path(__file__).parent.parent / "problems"
SMALL = {"hidden": (10, 10), "weight_scale": 1.5, "max_iterations": 1}
ALIGNED = {"hidden": (8, 8), "max_iterations": 2, "alignment_steps": 5}
SLOW = ("stokes_2d, grown", "continued")
TOLERANCE = 1e-8  # of the largest value, on other machines
PLACES = np.array([0.11, 0.37, 0.53, 0.72, 0.9])  # of the sides of the domain


def problem(name: str) -> pl.Problem:
    return pl.load_problem(PROBLEMS / f"{name}.py")


def solved(name: str, method: str = "ilsr", **options: Any) -> np.ndarray:
    return values(pl.solve(problem(name), method, **options))


def values(solution: pl.Solution) -> np.ndarray:
    """Of the first unknown on a diagonal of the box around the domain."""
    low, high = solution.problem.domain.bounding_box.T
    found = solution.predict(low + PLACES[:, None] * (high - low))
    return next(iter(found.values())) if isinstance(found, dict) else found


def refined_module() -> np.ndarray:
    torch.manual_seed(0)
    layers = torch.nn.Linear(1, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1)
    x = torch.linspace(-1, 1, 100, dtype=torch.float64)[:, None]
    module = pl.refine(torch.nn.Sequential(*layers).double(), x, torch.sin(3 * x), rank=8)
    return module(torch.as_tensor(PLACES)[:, None])[:, 0].detach().numpy()


def operator_instance() -> np.ndarray:
    parametric = pl.load_problem(PROBLEMS / "parametric" / "antiderivative.py")
    torch.manual_seed(0)
    operator = PIDeepONet(np.linspace(0, 1, 20), 1, (12, 12, 12))
    instance = parametric.at(lambda x: np.sin(2 * np.pi * x))
    return values(pl.refine(operator, instance, basis="gaussian", rank=40))


def resumed() -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        options = {**ALIGNED, "checkpoint": Path(folder) / "run"}
        solved("burgers_1d", **{**options, "max_iterations": 1})
        return solved("burgers_1d", **options)


def continued() -> np.ndarray:
    """A grown network, and a run that goes on from it."""
    first = pl.solve(problem("stokes_2d"), weight_scale=1.5, max_iterations=2)
    return values(pl.solve(problem("stokes_2d"), start=first, max_iterations=1))


CASES: dict[str, Callable[[], np.ndarray]] = {
    "poisson_2d": lambda: solved("poisson_2d", **{**SMALL, "hidden": (6, 6)}),
    "burgers_1d": lambda: solved("burgers_1d", **ALIGNED),
    "heat_2d": lambda: solved("heat_2d", **{**ALIGNED, "hidden": (6, 6)}),
    "stokes_2d": lambda: solved("stokes_2d", "lsr", **SMALL, basis="gaussian", rank=60),
    "kdv_1d": lambda: solved("kdv_1d", alignment="lbfgs", **ALIGNED),
    "poisson_2d by pinn": lambda: solved(
        "poisson_2d", "pinn", adam_steps=20, lbfgs_steps=10, hidden=(8, 8), refine=True
    ),
    "poisson_2d by tsonn": lambda: solved(
        "poisson_2d", "tsonn", hidden=(8, 8), max_iterations=2, inner_steps=5
    ),
    "poisson_2d in two passes": lambda: solved("poisson_2d", "lsr", passes=2, **SMALL),
    "stokes_2d, grown": lambda: solved("stokes_2d", weight_scale=1.5, max_iterations=3),
    "continued": continued,
    "module": refined_module,
    "instance": operator_instance,
    "checkpoint": resumed,
}
STORED = {
    "poisson_2d by tsonn": [
        -2.038393350949339,
        -2.9178530900415267,
        -5.3621611344197895,
        -7.06005269726289,
        -6.843474173779653,
    ],
    "poisson_2d in two passes": [
        0.3358179896029619,
        0.9402326934212143,
        -0.32439829411958954,
        0.2040675988766717,
        -0.27320161579341784,
    ],
    "stokes_2d, grown": [
        0.07314018219216423,
        0.6139909958177775,
        -0.185721795464038,
        -0.5831747635355143,
        -0.056128497072450344,
    ],
    "continued": [
        0.07314018219216904,
        0.6139909958177729,
        -0.18572179546402956,
        -0.583174763535512,
        -0.05612849707244936,
    ],
    "poisson_2d": [
        0.06055722948360889,
        0.8598198193736866,
        -0.540061313486549,
        0.11777890415189549,
        -0.29396247135763515,
    ],
    "burgers_1d": [
        0.48842235866042405,
        0.7863425541808512,
        -0.6557637733151345,
        -0.5159844963139762,
        -0.16843371942629257,
    ],
    "heat_2d": [
        0.23782392308474734,
        0.44266858894647265,
        0.5022328842964867,
        0.23685057698920775,
        0.07417227774128635,
    ],
    "stokes_2d": [
        -0.04104043247679234,
        0.6088087317795942,
        -0.20838050265130326,
        -0.4153522751492238,
        0.34063652209243767,
    ],
    "kdv_1d": [
        -0.6135376675260233,
        0.3344027912848443,
        0.3643686765449418,
        0.2073308942477512,
        -0.5480981533006581,
    ],
    "poisson_2d by pinn": [
        3.0709731261408417,
        2.3479993572178204,
        0.965179093848548,
        1.2686639847780778,
        -3.1348131824742356,
    ],
    "module": [
        0.3240370722383892,
        0.8956727855244594,
        0.9998526730625121,
        0.8313861298823464,
        0.4273539898183086,
    ],
    "instance": [
        0.0365239517418804,
        0.2681039987605074,
        0.3154908145446865,
        0.18897760563650923,
        0.030395889405022247,
    ],
    "checkpoint": [
        0.48842235866042405,
        0.7863425541808512,
        -0.6557637733151345,
        -0.5159844963139762,
        -0.16843371942629257,
    ],
}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.slow] if c in SLOW else []) for c in CASES]
)
def test_results_are_the_stored_ones(case: str) -> None:
    stored = np.array(STORED[case])
    largest = np.abs(stored).max()
    np.testing.assert_allclose(CASES[case](), stored, rtol=0, atol=TOLERANCE * largest)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, make in CASES.items():
        print(f'    "{name}": {[float(value) for value in make()]},')
