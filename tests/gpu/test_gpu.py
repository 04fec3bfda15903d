"""The same results on a GPU as on the CPU; skipped where there is no GPU."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from solver_cases import SMALL, X, burgers, cubic, heat, poisson, system

import pdelsr as pl
from pdelsr.cli.main import main

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
GPU = "cuda"
BASES = ("full", "output", "residual", "gaussian", "count_sketch", "coordinate", "last_layer")
STEPS: dict[str, dict[str, Any]] = {
    "pinn": {"adam_steps": 20, "lbfgs_steps": 20},
    "tsonn": {"max_iterations": 3},
    "lsr": {},
    "ilsr": {"max_iterations": 2, "alignment_steps": 5},
}


def largest_error(solution: pl.Solution) -> float:
    return max(error.relative_l2 for error in solution.error().values())


@pytest.mark.parametrize("method", STEPS)
@pytest.mark.parametrize("problem", [poisson(), cubic(), heat(), system()], ids=lambda p: p.name)
def test_methods_find_the_same_on_both(method: str, problem: pl.Problem) -> None:
    options = {**SMALL, **STEPS[method], "seed": 1}
    there = pl.solve(problem, method, device=GPU, **options)
    here = pl.solve(problem, method, **options)
    # Rounding is amplified by the steps of an optimizer, and by the condition of a refinement.
    assert math.log10(largest_error(there)) == pytest.approx(math.log10(largest_error(here)), abs=1)
    assert there.network.get_vector().device.type == GPU
    assert there.peak_memory_bytes > 0


@pytest.mark.parametrize("basis", BASES)
def test_every_basis_refines_there(basis: str) -> None:
    options = {"hidden": (16, 16), "weight_scale": 2.0, "basis": basis}
    rank = {} if basis in ("full", "last_layer") else {"rank": 60}
    found = pl.solve(poisson(), "lsr", device=GPU, **options, **rank)
    limit = 1e-3 if basis == "last_layer" else 1e-8
    assert largest_error(found) < limit


@pytest.mark.parametrize("solver", ["qr", "svd", "cholesky", "lsmr"])
def test_every_least_squares_solver_works_there(solver: str) -> None:
    options = {"hidden": (16, 16), "weight_scale": 2.0, "lstsq": solver}
    assert largest_error(pl.solve(poisson(), "lsr", device=GPU, **options)) < 1e-4


def test_single_precision() -> None:
    found = pl.solve(poisson(), "lsr", device=GPU, dtype="float32")
    assert largest_error(found) < 1e-4


def test_predictions_stay_where_the_points_are() -> None:
    found = pl.solve(poisson(), "lsr", device=GPU, **SMALL)
    points = torch.linspace(0, 1, 7, dtype=torch.float64)[:, None]
    here, there = found.predict(points), found.predict(points.to(GPU))
    assert (here.device.type, there.device.type) == ("cpu", GPU)
    assert isinstance(found.predict(points.numpy()), np.ndarray)
    assert torch.equal(here, there.cpu())
    assert found.derivative("u_xx", points.to(GPU)).device.type == GPU
    module = found.module()
    assert torch.allclose(module(points.to(GPU))[:, 0], there, atol=1e-12)
    assert torch.allclose(module.cpu()(points)[:, 0], here, atol=1e-12)


def test_files_move_between_devices(tmp_path: Path) -> None:
    path = tmp_path / "found.safetensors"
    there = pl.solve(poisson(), "lsr", device=GPU, hidden=(16, 16), weight_scale=2.0)
    there.save(path)
    here = pl.load(path, poisson(), device="cpu")
    assert here.predict(x=0.3) == pytest.approx(there.predict(x=0.3), abs=1e-12)
    assert pl.load(path, poisson()).network.get_vector().device.type == GPU
    better = pl.solve(poisson(), "ilsr", start=here, device=GPU, max_iterations=1)
    assert better.heldout <= 1.01 * there.heldout
    assert better.network.get_vector().device.type == GPU


@pytest.mark.parametrize("method", ["tsonn", "ilsr"])
def test_a_run_goes_on_from_its_checkpoint(method: str, tmp_path: Path) -> None:
    options = {**SMALL, **STEPS[method], "device": GPU, "max_iterations": 2}
    whole = pl.solve(cubic(), method, **options)
    kept = {"checkpoint": tmp_path / "run", "checkpoint_every": 0}
    pl.solve(cubic(), method, **{**options, "max_iterations": 1}, **kept)
    again = pl.solve(cubic(), method, **options, **kept)
    assert again.iterations == whole.iterations
    assert math.log10(again.heldout) == pytest.approx(math.log10(whole.heldout), abs=1)


def test_periodic_problems_and_growth() -> None:
    found = pl.solve(burgers(), device=GPU, tolerance=1e-7, time_limit=60)
    assert found.status is pl.Status.CONVERGED
    went_on = pl.solve(burgers(), start=found, max_iterations=1)
    assert went_on.heldout <= found.heldout


def test_modules_are_refined_on_data_there() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(1, 30), torch.nn.Tanh(), torch.nn.Linear(30, 1)).to(
        GPU, torch.float64
    )
    x = torch.linspace(-1, 1, 300, dtype=torch.float64, device=GPU)[:, None]
    refined = pl.refine(model, x, torch.sin(3 * x), rank=40)
    assert (refined(x) - torch.sin(3 * x)).abs().max() < 1e-4
    assert refined(x).device.type == GPU
    diagnosis = pl.diagnose(refined, x, torch.sin(3 * x), iterations=20)
    assert diagnosis.direct < diagnosis.iterative["cgls"][-1]


def test_operators_are_trained_and_refined_there() -> None:
    s, a = pl.unknown("s", X), pl.input_function("a", X)
    problem = pl.Problem(
        "antiderivative",
        pl.Interval(X, 0, 1),
        [sp.Eq(s.diff(X), a)],
        [pl.Dirichlet(s, 0, on="x=0")],
        inputs={a: pl.GaussianProcess(length_scale=0.3)},
        reference=pl.reference.OfInputs(pl.reference.antiderivative),
    )
    operator = pl.operators.PIDeepONet(np.linspace(0, 1, 30), 1, hidden=(20, 20, 20)).to(GPU)
    training = pl.train_operator(problem, operator, functions=20, steps=30, batch=10)
    assert training.losses[-1] < training.losses[0]
    found = pl.refine(operator, problem.at(lambda x: np.cos(3 * x)), rank=200)
    assert found.network.get_vector().device.type == GPU
    assert largest_error(found) < 1e-7


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "u.png"
    arguments = ["solve", "problems/poisson_2d.py", "--method", "lsr", "--device", GPU]
    assert main([*arguments, "--plot", str(picture)]) == 0
    assert picture.stat().st_size > 0
    assert GPU in capsys.readouterr().out
    assert main(["show", "problems/poisson_2d.py", "--device", GPU]) == 0


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Half a GiB of the GPU for this process, which looks as if others had the rest."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**29 / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("hidden", [(30, 30), (100, 100)])
def test_little_memory_ends_in_words(hidden: tuple[int, ...]) -> None:
    options = {"hidden": hidden, "points": 20_000, "weight_scale": 1.0, "device": GPU}
    with suppress(pl.MemoryLimitError):  # or smaller pieces do; an error of torch is wrong
        assert math.isfinite(pl.solve(heat(), "lsr", **options).heldout)


def test_the_time_limit_holds_there() -> None:
    found = pl.solve(burgers(), device=GPU, time_limit=5)
    assert found.seconds < 6
    assert found.status in (pl.Status.OUT_OF_TIME, pl.Status.PRECISION_LIMITED)
