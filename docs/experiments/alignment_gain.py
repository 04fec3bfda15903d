"""What alignment gains on untrained networks of several sizes, beside what more parameters gain.

python docs/experiments/alignment_gain.py PROBLEM [PROBLEM ...]

A line for each size: the held-out residual of the refined untrained network, that of the refined
network after 30 Gauss–Newton steps, and seconds of the refinement and of the steps.
"""

from __future__ import annotations

import sys
import time

import torch

import pdelsr as pl
from pdelsr.solvers.design.trial import Designer
from pdelsr.solvers.growth.alignment_trial import aligned_trial
from pdelsr.solvers.request import Request

SIZES = (300, 575, 1150)  # parameters


def main(path: str) -> None:
    """Print the lines of one problem."""
    problem = pl.load_problem(path)
    designer = Designer(Request.of(problem, "ilsr", {"hard": True}).job())
    design = designer.first()
    for parameters in SIZES:
        trial = aligned_trial(designer, design, parameters)
        begin = time.perf_counter()
        before = trial.refined_size()
        middle = time.perf_counter()
        trial.align()
        end = time.perf_counter()
        after = trial.refined_size()
        print(
            f"{problem.name} {trial.network.parameter_count}: {before:.1e}, aligned {after:.1e}; "
            f"{middle - begin:.2f} s and {end - middle:.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        main(name)
