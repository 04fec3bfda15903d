"""What processes of torchrun do in `test_processes.py`: `jobs_of_processes.py FOLDER NAME …`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
import torch

import pdelsr as pl

RANK, SIZE = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
PROBLEMS = Path(__file__).parents[2] / "problems"
POINTS = np.random.default_rng(0).random((200, 2))
LINEAR = {"method": "ilsr", "max_iterations": 2, "seed": 1}
NONLINEAR = {"max_iterations": 2, "alignment_steps": 6, "hidden": (12, 12), "points": 300}
FEW = {"method": "lsr", "hidden": (6, 6), "points": 60, "weight_scale": 1.0}


def string() -> pl.Problem:
    """u'' = −π² sin(πx), whose network leaves an error at rounding."""
    x = pl.coordinates("x")
    u = pl.unknown("u", x)
    return pl.Problem(
        name="string",
        domain=pl.Interval(x, 0, 1),
        equations=[sp.Eq(u.diff(x, 2), -(sp.pi**2) * sp.sin(sp.pi * x))],
        conditions=[pl.Dirichlet(u, 0)],
        reference=sp.sin(sp.pi * x),
    )


def burgers() -> pl.Problem:
    return pl.load_problem(PROBLEMS / "burgers_1d.py")


def keep(folder: Path, name: str, **found: Any) -> None:
    torch.save(found, folder / f"{name}_{SIZE}_{RANK}.pt")


def state(solution: pl.Solution) -> dict[str, Any]:
    """What is compared of a solution."""
    x = POINTS[:, : len(solution.problem.coordinates)]
    return {
        "values": torch.as_tensor(solution.predict(x)),
        "theta": solution.network.get_vector(),
        "delta": solution.delta,
        "status": solution.status.value,
        "iterations": solution.iterations,
        "heldout": solution.heldout,
        "points": solution.points,
        "training": [s.clone() for sites in solution.training.values() for s in sites],
        "estimate": str(solution.estimate),
    }


def linear(folder: Path) -> None:
    keep(folder, "linear", **state(pl.solve(string(), distributed=SIZE > 1, **LINEAR)))


def methods(folder: Path) -> None:
    """Every method, basis and solver on small sizes."""
    shared = SIZE > 1
    cases: dict[str, dict[str, Any]] = {
        "pinn": {"method": "pinn", "adam_steps": 20, "lbfgs_steps": 20, "refine": True},
        "tsonn": {"method": "tsonn", "inner_steps": 5, "max_iterations": 2},
        "published": {"method": pl.ILSR(alignment="lbfgs", alignment_steps=4), "max_iterations": 2},
        "output": {**FEW, "basis": "output", "rank": 30, "passes": 2},
        "residual": {**FEW, "basis": "residual", "rank": 30},
        "gaussian": {**FEW, "basis": "gaussian", "rank": 30},
        "search": {**FEW, "basis": "count_sketch"},
        "streaming": {**FEW, "lstsq": "streaming-qr"},
        "svd": {**FEW, "lstsq": "svd"},
        "lsqr": {**FEW, "lstsq": pl.LSQR(iterations=40)},
        "cholesky": {**FEW, "lstsq": "cholesky"},
    }
    found = {}
    for name, options in cases.items():
        given = {"hidden": (6, 6), "points": 60, **options}
        if isinstance(options["method"], pl.ILSR):
            given = {"points": 60, **options}
        solution = pl.solve(burgers(), distributed=shared, seed=3, **given)
        found[name] = state(solution)
        assert "u" in solution.summary()
    keep(folder, "methods", **found)


def errors(folder: Path) -> None:
    """What one process meets is raised in all of them, and the next run works."""
    said = []

    def mistaken(record: object) -> None:
        raise ValueError("a mistake of the callback")

    def enough(record: Any) -> None:
        if record.iteration >= 1:
            raise StopIteration

    try:
        pl.solve(burgers(), distributed=True, callback=mistaken, **NONLINEAR)
    except pl.CallbackError as error:
        said.append(str(error))
        said[0] += f" ({error.solution.status.value})"
    solution = pl.solve(burgers(), distributed=True, callback=enough, **NONLINEAR)
    said.append(solution.status.value)
    try:
        pl.solve(string(), distributed=True, lstsq="lsmr", **FEW)
    except pl.SettingsError as error:
        said.append(str(error))
    try:
        pl.solve(string(), distributed=True, checkpoint=folder / "none" / "file", **FEW)
    except pl.SettingsError as error:
        said.append(str(error))
    solution = pl.solve(burgers(), distributed=True, time_limit=4.0)
    said.append(solution.ended.value)
    assert solution.seconds < 8
    try:
        pl.solve(string(), distributed=True, seed=RANK, **FEW)
    except pl.SettingsError as error:
        said.append(str(error))
    try:
        x = torch.linspace(0, 1, 30)[:, None]
        pl.refine(torch.nn.Linear(1, 1), x, x, rank=1 + RANK, distributed=True)
    except pl.SettingsError as error:
        said.append(str(error))
    try:
        x = torch.linspace(0, 1, 30)[:, None]
        x = x if RANK == 0 else torch.cat([x, x], dim=1)
        pl.refine(torch.nn.Linear(1, 1), x, x[:, :1], rank=1, distributed=True)
    except pl.SettingsError as error:
        said.append(str(error))
    keep(folder, "errors", said=said)


def shown(folder: Path) -> None:
    """Progress and a callback of the first process alone."""
    heard: list[int] = []
    first = RANK == 0
    callback = (lambda record: heard.append(record.iteration)) if first else None
    pl.solve(string(), distributed=True, verbose=True, **FEW)
    file = folder / "shown.pdelsr" if first else None
    own = {"verbose": first, "callback": callback, "checkpoint": file}
    pl.solve(string(), distributed=True, **FEW, **own)
    assert (folder / "shown.pdelsr").exists()
    keep(folder, "shown", heard=heard)


def interrupted(folder: Path) -> None:
    """Ctrl-C in one process ends the run of all of them with the best state."""

    def press(record: Any) -> None:
        if record.heldout is None:
            os.kill(os.getpid(), signal.SIGINT)

    solution = pl.solve(burgers(), distributed=True, callback=press, refine_first=True, **NONLINEAR)
    keep(folder, "interrupted", **state(solution))


def resumed(folder: Path) -> None:
    """A run that is whole, and one that is stopped and goes on."""
    options = {**NONLINEAR, "max_iterations": 3}
    whole = pl.solve(burgers(), distributed=SIZE > 1, **options)
    file = {"checkpoint": folder / f"run_{SIZE}.pdelsr", "checkpoint_every": 0.0}
    pl.solve(burgers(), distributed=SIZE > 1, **{**options, "max_iterations": 1}, **file)
    later = pl.solve(burgers(), distributed=SIZE > 1, **options, **file)
    keep(folder, "resumed", whole=state(whole), later=state(later))


def continued(folder: Path) -> None:
    """One process goes on from the file of two."""
    file = {"checkpoint": folder / "run_2.pdelsr"}
    solution = pl.solve(burgers(), **{**NONLINEAR, "max_iterations": 4}, **file)
    keep(folder, "continued", **state(solution))


def four(folder: Path) -> None:
    """As many iterations by one process from the beginning."""
    keep(folder, "four", **state(pl.solve(burgers(), **{**NONLINEAR, "max_iterations": 4})))


def killed(folder: Path) -> None:
    """The last process is lost in the middle of a run."""

    def told(record: Any) -> None:
        (folder / "begun").touch()

    if RANK == SIZE - 1:
        (folder / "pid").write_text(str(os.getpid()))
    try:
        pl.solve(burgers(), distributed=True, callback=told)
    except pl.WorkerError as error:
        (folder / f"said_{RANK}").write_text(f"{time.time()} {error}")
        raise


def told(module: pl.RefinedModule) -> float:
    """What a refined module tells of its fit."""
    chosen = [s for s in module.history if (s.rank, s.damping) == (module.rank, module.damping)]
    return min(
        chosen, key=lambda s: -s.rank if s.validation != s.validation else s.validation
    ).train


def refined(folder: Path) -> None:
    """A module on samples, every process with its own."""
    torch.manual_seed(RANK)  # only the module of the first process counts
    layers = torch.nn.Linear(1, 30), torch.nn.Tanh(), torch.nn.Linear(30, 1)
    model = torch.nn.Sequential(*layers).double()
    x = torch.linspace(-1, 1, 301, dtype=torch.float64)[:, None]
    y = torch.sin(3 * x)
    own = slice(RANK, None, SIZE)
    loader = [(a, b) for a, b in zip(x[own].split(40), y[own].split(40), strict=True)]
    held = (x[5 + RANK :: 9].clone(), y[5 + RANK :: 9].clone())
    shared = SIZE > 1
    found = {}
    for name, options in {
        "given": {"rank": 20, "basis": "coordinate"},
        "auto": {"rank": "auto", "validation": held},
        "output": {"rank": 15, "basis": "output"},
        "lsqr": {"rank": "auto", "validation": held, "lstsq": "lsqr"},
        "qr": {"rank": 10, "lstsq": "qr", "basis": "coordinate"},
    }.items():
        module = pl.refine(model, loader, distributed=shared, **options)
        with torch.no_grad():
            found[name] = (module(x), module.rank, told(module))
    nonlinear = pl.refine(
        model,
        loader,
        rank=10,
        residual=lambda q, t: q + q**3 / 10 - t - t**3 / 10,
        newton_steps=3,
        basis="coordinate",
        distributed=shared,
    )
    with torch.no_grad():
        found["nonlinear"] = (nonlinear(x), nonlinear.rank, told(nonlinear))
    keep(folder, "refined", **found)


JOBS: dict[str, Callable[[Path], None]] = {
    job.__name__: job
    for job in (
        *(linear, methods, errors, shown, interrupted, resumed, continued),
        *(four, killed, refined),
    )
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[2:]:
        JOBS[name](Path(sys.argv[1]))
