"""Costs of rows over processes: constants of this machine, and what they add up to.

    torchrun --standalone --nproc-per-node 2 docs/experiments/costs.py 2000

takes the number of directions r, and measures with one thread a process: seconds of a number in a
row of the Jacobian, operations per second of a factorization and of a merge of two triangles,
latency and bandwidth between two processes. The table has, for n rows over N processes, numbers in
the memory of each, operations of each, steps in the tree, bytes that the last process of the tree
receives, and the seconds that these constants give.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.entry.distributed import sharing_work
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.lstsq.block_qr import factored
from pdelsr.networks import MLP
from pdelsr.processes import Group
from pdelsr.processes.triangles import receive_triangle, send_triangle

PROBLEM = Path(__file__).resolve().parents[2] / "problems" / "poisson_2d.py"
SIZES = [(10**6, 1), (10**6, 2), (10**7, 16), (10**8, 128), (10**9, 1000)]


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The median of some runs, after a first one."""
    found = []
    for _ in range(times + 1):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return sorted(found[1:])[times // 2]


def row_seconds(points: int, r: int) -> float:
    """Of one number in a row of G."""
    problem = pl.load_problem(PROBLEM)
    blocks = compile_problem(problem).blocks
    bound = PointPlan(problem.domain, {b.name: points for b in blocks}).bind(blocks, 0)
    width = round(r**0.5)
    residual = StackedResidual(MLP(2, 1, (width, width)), bound)
    jets = residual.coefficients(residual.jets_without_graph())

    def rows() -> None:
        for _ in residual.rows(jets):
            pass

    return seconds(rows) / residual.row_count / residual.parameter_count


def merged(r: int) -> torch.Tensor:
    """Two triangles, one on the other."""
    both = torch.zeros(r, 2 * r, dtype=torch.float64).T
    both[:r] = torch.randn(r, r, dtype=torch.float64).triu()
    both[r:] = torch.randn(r, r, dtype=torch.float64).triu()
    return both


def exchange(group: Group, r: int) -> None:
    """One triangle from the second process to the first."""
    if group.is_first:
        receive_triangle(torch.zeros(r, r, dtype=torch.float64), 1, group)
    else:
        send_triangle(torch.zeros(r, r, dtype=torch.float64), 0, group)


def main(r: int) -> None:
    torch.set_num_threads(1)
    with sharing_work(True) as group:
        n = 10 * r
        latency = seconds(lambda: group.settle(None), 100)
        link = 8 * r * (r + 1) / 2 / seconds(lambda: exchange(group, r))
        if group.is_first:
            row = row_seconds(4000, r)
            A = torch.randn(r, n, dtype=torch.float64)
            speed = 2 * n * r**2 / seconds(lambda: factored(A.clone().T))
            merging = 2 * r**3 / seconds(lambda: factored(merged(r), trapezoid=r))
            print(
                f"r = {r}: {row:.1e} s a number of a row, {speed:.1e} operations a second, "
                f"{merging:.1e} of a merge, latency {latency:.1e} s, {link:.1e} bytes a second"
            )
            print("| n | N | numbers | operations | steps | bytes | s |")
            print("| --- | --- | --- | --- | --- | --- | --- |")
            for rows, size in SIZES:
                own, steps = rows / size, math.ceil(math.log2(size))
                sent = steps * 4 * r * (r + 1)
                total = own * r * row + 2 * own * r**2 / speed
                total += steps * (2 * r**3 / merging + latency) + sent / link
                done = 2 * own * r**2 + steps * 2 * r**3
                print(
                    f"| {rows:.0e} | {size} | {own * r + 8 * r * r:.1e} | {done:.1e} | {steps} | "
                    f"{sent:.1e} | {total:.0f} |"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]))
