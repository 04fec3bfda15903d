"""Solves and refinements that processes of torchrun share, by gloo."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jobs_of_processes
import pytest
import torch

import pdelsr as pl

JOBS = Path(jobs_of_processes.__file__)
PATIENCE = 240  # seconds for the processes of a test


def started(size: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Processes that run a script, as torchrun starts them."""
    launch = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *(f"--nproc-per-node={size}", *command),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        launch, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def alone(folder: Path, *names: str) -> None:
    """The same jobs by a single process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    for name in ("RANK", "WORLD_SIZE"):
        environment.pop(name, None)
    command = [sys.executable, str(JOBS), str(folder), *names]
    subprocess.run(command, env=environment, check=True, timeout=PATIENCE, capture_output=True)


def found(folder: Path, name: str, size: int, rank: int = 0) -> dict[str, Any]:
    return torch.load(folder / f"{name}_{size}_{rank}.pt", weights_only=False)


def difference(some: torch.Tensor, other: torch.Tensor) -> float:
    return ((some - other).norm() / other.norm()).item()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process, two and four have found."""
    path = tmp_path_factory.mktemp("ranks")
    alone(path, "linear", "methods", "resumed", "refined")
    jobs = ("linear", "methods", "resumed", "refined", "errors", "shown", "interrupted")
    started(2, str(JOBS), str(path), *jobs)
    started(4, str(JOBS), str(path), "linear", "refined")
    alone(path, "continued", "four")
    return path


@pytest.mark.parametrize("size", [2, 4])
def test_several_processes_give_the_solution_of_one(folder: Path, size: int) -> None:
    one = found(folder, "linear", 1)
    for rank in range(size):
        other = found(folder, "linear", size, rank)
        assert difference(other["values"], one["values"]) < 1e-12
        assert other["status"] == one["status"]
        assert other["iterations"] == one["iterations"]


@pytest.mark.parametrize("name", ["linear", "methods", "resumed", "refined"])
def test_all_processes_get_the_same_to_the_bit(folder: Path, name: str) -> None:
    first, second = found(folder, name, 2, 0), found(folder, name, 2, 1)
    assert repr(first) == repr(second)
    some = [first] if name == "linear" else list(first.values())
    others = [second] if name == "linear" else list(second.values())
    for a, b in zip(some, others, strict=True):
        both = [list(c.values()) if isinstance(c, dict) else list(c) for c in (a, b)]
        for x, y in zip(*both, strict=True):
            if isinstance(x, torch.Tensor):
                assert torch.equal(x, y)


METHODS = (
    *("pinn", "tsonn", "published", "output", "residual", "gaussian", "search", "streaming"),
    *("svd", "lsqr", "cholesky"),
)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_works_on_the_same_points(folder: Path, name: str) -> None:
    one, two = found(folder, "methods", 1)[name], found(folder, "methods", 2)[name]
    assert two["points"] == one["points"]
    trained = name in ("pinn", "tsonn", "published", "cholesky")  # which amplifies rounding
    assert two["heldout"] == pytest.approx(one["heldout"], rel=0.2 if trained else 1e-3)
    if name != "output":  # whose second pass follows the residual of the first
        for points, expected in zip(two["training"], one["training"], strict=True):
            assert torch.equal(points, expected)


def test_a_mistake_of_one_process_is_that_of_all(folder: Path) -> None:
    for rank in (0, 1):
        said = found(folder, "errors", 2, rank)["said"]
        assert "a mistake of the callback" in said[0]
        assert said[0].endswith(f"({pl.Status.INTERRUPTED.value})")  # each has the solution
        assert said[1] == pl.Status.INTERRUPTED.value
        assert "LSMR needs all rows in one process" in said[2]
        assert "lies in a folder that does not exist" in said[3]
        assert said[4] == pl.Status.OUT_OF_TIME.value
        assert "differ from those of process 0: seed" in said[5]
        assert "call refine with the same arguments" in said[6]
        assert "differ from those of process 0: rank" in said[6]
        assert "process 1: Linear fails on inputs of shape" in said[7] or rank == 1


def test_the_first_process_alone_shows_progress_and_calls_back(folder: Path) -> None:
    assert found(folder, "shown", 2, 0)["heard"]
    assert not found(folder, "shown", 2, 1)["heard"]


def test_an_interruption_ends_all_with_the_best_state(folder: Path) -> None:
    for rank in (0, 1):
        state = found(folder, "interrupted", 2, rank)
        assert state["status"] == pl.Status.INTERRUPTED.value
        assert torch.isfinite(state["values"]).all()


@pytest.mark.parametrize("size", [1, 2])
def test_a_checkpoint_goes_on_with_the_same_digits(folder: Path, size: int) -> None:
    both = found(folder, "resumed", size)
    for name in ("values", "theta", "delta"):
        assert torch.equal(both["later"][name], both["whole"][name])
    assert both["later"]["status"] == both["whole"]["status"]


def test_another_number_of_processes_goes_on_from_a_checkpoint(folder: Path) -> None:
    before, after = found(folder, "resumed", 2)["later"], found(folder, "continued", 1)
    assert after["iterations"] == before["iterations"] + 1
    alone = found(folder, "four", 1)
    assert difference(after["values"], alone["values"]) < 1e-6


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("name", ["given", "auto", "output", "lsqr", "qr", "nonlinear"])
def test_a_module_is_refined_on_samples_of_all_processes(
    folder: Path, name: str, size: int
) -> None:
    one, several = found(folder, "refined", 1)[name], found(folder, "refined", size)[name]
    x = torch.linspace(-1, 1, 301, dtype=torch.float64)[:, None]
    error = (several[0] - torch.sin(3 * x)).square().mean().sqrt().item()
    assert error < 1e-2
    if name in ("given", "qr", "nonlinear"):  # other rows of the basis, or another part held out
        assert difference(several[0], one[0]) < 1e-7
    if name != "nonlinear":  # what is told of the fit is that of all samples
        assert several[2] == pytest.approx(error, rel=0.1, abs=1e-9)


def test_a_lost_process_ends_all_others_and_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "WORLD_SIZE": "3"}
    environment = {**os.environ, **shared, "OMP_NUM_THREADS": "1", "LOCAL_WORLD_SIZE": "3"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    running = [
        subprocess.Popen(
            [sys.executable, str(JOBS), str(tmp_path), "killed"],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.DEVNULL,
        )
        for rank in range(3)
    ]
    try:
        end = time.monotonic() + PATIENCE
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < end
            time.sleep(0.1)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        begin = time.monotonic()
        for process in running[:2]:
            assert process.wait(timeout=30) != 0
        assert time.monotonic() - begin < 30
        for rank in (0, 1):
            assert "rank 2 of 3 was lost" in (tmp_path / f"said_{rank}").read_text()
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_one_process_writes_the_files_of_the_command_and_its_summary(tmp_path: Path) -> None:
    file, saved = tmp_path / "found.json", tmp_path / "saved"
    options = ["--method", "lsr", "--hidden", "8,8", "--points", "100", "--time-limit", "60"]
    problem = str(jobs_of_processes.PROBLEMS / "poisson_2d.py")
    done = started(
        *(2, "-m", "pdelsr", "solve", problem, *options, "--quiet", "--distributed"),
        *("--json", str(file), "--save", str(saved)),
    )
    assert json.loads(file.read_text())["problem"]
    assert saved.exists()
    assert not done.stdout.strip()


def test_a_process_that_was_started_alone_is_told_what_to_do(monkeypatch: Any) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(pl.SettingsError, match="torchrun --nproc-per-node"):
        pl.solve(jobs_of_processes.string(), "lsr", distributed=True)
