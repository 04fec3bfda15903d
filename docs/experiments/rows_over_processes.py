r"""One refinement on many rows, by one process or by several: seconds, and memory of each.

    python docs/experiments/rows_over_processes.py 1000000 3000 float32
    torchrun --standalone --nproc-per-node 2 \
        docs/experiments/rows_over_processes.py 1000000 3000 float32

takes rows, directions, precision and, if you like, the least-squares solver. Processes have one
thread each. The problem is Poisson's equation in a square.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import torch

import pdelsr as pl
from pdelsr.resources.memory import peak_memory

PROBLEMS = Path(__file__).parents[2] / "problems"
OPTIONS = {"hidden": (8, 8), "points": 1000, "weight_scale": 2.0}


def main(rows: int, directions: int, dtype: str = "float64", lstsq: str = "qr") -> None:
    torch.set_num_threads(1)
    shared = "WORLD_SIZE" in os.environ
    problem = pl.load_problem(PROBLEMS / "poisson_2d.py")
    pl.solve(problem, "lsr", distributed=shared, **OPTIONS)  # a warm-up
    width = next(w for w in range(2, 1000) if w * w + 5 * w + 1 >= directions)
    options = {"hidden": (width, width), "points": rows, "rank": directions, "weight_scale": 3.0}
    before, begin = peak_memory(), time.perf_counter()
    found = pl.solve(
        problem, "lsr", distributed=shared, dtype=dtype, lstsq=lstsq, seed=1, **options
    )
    seconds, peak = time.perf_counter() - begin, peak_memory()
    error = found.error()["u"].relative_l2
    print(
        f"rank {os.environ.get('RANK', 0)} of {os.environ.get('WORLD_SIZE', 1)}: {rows:,} rows, "
        f"{found.rank:,} directions, {dtype}, {lstsq}: {seconds:.1f} s, peak {peak / 2**30:.2f} "
        f"GiB ({before / 2**30:.2f} before), error {error:.2e}, {found.status.value}",
        flush=True,
    )


if __name__ == "__main__":
    size, rank, *others = sys.argv[1:]
    main(int(size), int(rank), *others)
