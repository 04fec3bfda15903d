"""Processes with a limit on their address space: they solve, or say in one paragraph why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

resource = pytest.importorskip("resource")
if not sys.platform.startswith("linux"):
    pytest.skip("address space is limited on Linux only", allow_module_level=True)

ROOT = Path(__file__).parent.parent
MIB = 2**20
BARE = """
import pdelsr
with open("/proc/self/status") as file:
    print([line.split()[1] for line in file if line.startswith("VmSize")][0])
"""
PREDICT = """
import numpy as np, pdelsr as pl
problem = pl.load_problem("problems/poisson_2d.py")
solution = pl.solve(problem, "lsr", hidden=(16, 16), points=200, weight_scale=1.5)
try:
    points = np.random.default_rng(0).random((10**6, 2))
    found = solution.predict(points, batch=10**6)
    print("ok", found.shape, solution.derivative("u_xx", points, batch=10**6).shape)
except MemoryError as error:
    print("refused:", error)
"""
REFINE = """
import torch, pdelsr as pl
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(2, 120), torch.nn.Tanh(), torch.nn.Linear(120, 120),
                          torch.nn.Tanh(), torch.nn.Linear(120, 1))
x = torch.rand(6000, 2, dtype=torch.float64)
try:
    print("ok", pl.refine(net, x, torch.sin(3 * x[:, :1]), batch_size=6000).rank)
except pl.MemoryLimitError as error:
    print("refused:", error)
"""
SOLVE = ["-m", "pdelsr", "solve", "problems/poisson_2d.py", "--quiet", "--method"]
WIDE = ["--hidden", "60,60", "--option", "weight_scale=2"]
COMMANDS = {
    "lsr, chosen": [*SOLVE, "lsr", "--rank", "1500", "--points", "6000", *WIDE],
    "lsr, open": [*SOLVE, "lsr", *WIDE],
    "lsr, output": [*SOLVE, "lsr", "--option", "basis=output", *WIDE],
    "ilsr": [*SOLVE, "ilsr", "--time-limit", "15"],
    "pinn": [
        *(*SOLVE, "pinn", "--points", "50000"),
        *("--option", "adam_steps=2", "--option", "lbfgs_steps=1"),
    ],
    "predict": ["-c", PREDICT],
    "refine": ["-c", REFINE],
}


def limited(arguments: list[str], size: int | None) -> subprocess.CompletedProcess[str]:
    """Python with so many bytes of address space, on one thread."""

    def limit() -> None:
        if size is not None:
            resource.setrlimit(resource.RLIMIT_AS, (size, size))

    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def bare() -> int:
    """Address space of a process that has only imported the package."""
    return 1024 * int(limited(["-c", BARE], None).stdout)


def require_manners(done: subprocess.CompletedProcess[str]) -> None:
    """A result, or one paragraph; never a signal or a traceback."""
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert len(done.stderr.splitlines()) == 1
        assert "memory" in done.stderr


def test_open_sizes_follow_the_limit(bare: int, tmp_path: Path) -> None:
    json_file = ["--json", str(tmp_path / "found.json")]
    done = limited([*COMMANDS["lsr, open"], *json_file], bare + 200 * MIB)
    require_manners(done)
    found = json.loads((tmp_path / "found.json").read_text())
    assert 0 < found["rank"] < found["parameters"]
    assert found["unknowns"]["u"]["relative_l2"] < 1e-3


def test_chosen_sizes_are_refused(bare: int) -> None:
    done = limited(COMMANDS["lsr, chosen"], bare + 200 * MIB)
    require_manners(done)
    assert done.returncode == 2
    assert "lower rank to" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("extra", [60, 100, 150, 250, 500])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_process_dies(command: str, extra: int, bare: int) -> None:
    done = limited(COMMANDS[command], bare + extra * MIB)
    require_manners(done)


LSMR = """
import pdelsr as pl
problem = pl.load_problem("problems/poisson_2d.py")
solution = pl.solve(problem, "lsr", basis=pl.Full(), lstsq=pl.LSMR(iterations=8), hard=True,
                    hidden=(49, 49, 49), points=200_000, weight_scale=2.0, newton_steps=1)
assert solution.report.directions.rank == solution.parameters > 5000
with open("/proc/self/status") as file:
    peak = [int(line.split()[1]) for line in file if line.startswith("VmHWM")][0]
print(solution.parameters, peak / 2**20)
"""


@pytest.mark.slow
def test_lsmr_solves_for_5000_parameters_on_200000_rows_within_two_gigabytes() -> None:
    """As a matrix the system alone would take eight."""
    done = limited(["-c", LSMR], None)
    assert done.returncode == 0, done.stderr
    parameters, peak = done.stdout.split()
    print(f"{parameters} parameters, {float(peak):.2f} GiB at most")
    assert float(peak) < 2.0
