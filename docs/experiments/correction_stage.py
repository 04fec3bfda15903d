"""A second network on top of a frozen refined one, against the same time for I-LSR alone.

Multi-stage training (Wang and Lai 2024) adds u = u1 + eps · u2, with u1 frozen and eps the size of
the error that is left. `python docs/experiments/correction_stage.py PROBLEM SECONDS` gives half
of the time to each stage, and all of it to plain I-LSR.
"""

from __future__ import annotations

import copy
import sys

import torch

import pdelsr as pl
from pdelsr.networks import closure


class Stage(pl.Network):
    """u1 + eps · D N2: both terms satisfy the hard conditions that the first stage satisfies.

    Args:
        first: the solution of the first stage.
        second: a network with the same hard conditions, D N2 + g.
        eps: factor of the second one.
    """

    def __init__(self, first: pl.Solution, second: pl.Network, eps: float) -> None:
        super().__init__()
        self.second, self.eps = second, eps
        self.in_features, self.out_features = second.in_features, second.out_features
        lift = copy.deepcopy(second)
        lift.set_vector(torch.zeros_like(lift.get_vector()))
        self.fixed = (first.candidate.predictor(), lift)  # in a tuple: not parameters of this

    def forward(self, x, indices=None):
        wanted = indices or closure(((0,) * x.shape[1],))
        jet = self._base(x, wanted) + self.eps * self.second(x, wanted)
        return jet[0] if indices is None else jet

    def tangent_jet(self, x, indices, direction):
        jet, tangent = self.second.tangent_jet(x, indices, direction)
        return self._base(x, indices) + self.eps * jet, self.eps * tangent

    def rows(self, x, indices, seeds, only=None):
        return self.second.rows(x, indices, self.eps * seeds, only)

    def settings(self):
        return {}

    def _base(self, x, indices):
        with torch.no_grad():
            first, lift = (p(x, indices) for p in self.fixed)
        return first - self.eps * lift


def main(path: str, seconds: float) -> None:
    """Print the errors of one stage, of two stages, and of one with all of the time."""
    problem = pl.load_problem(path)
    options = {"max_iterations": 100, "seed": 0}
    first = pl.solve(problem, "ilsr", time_limit=seconds / 2, **options)
    fresh = pl.solve(problem, "pinn", adam_steps=1, lbfgs_steps=0, hidden=(24, 24, 24), hard=True,
                     harmonics=3, weight_scale=2.0)  # fmt: skip
    error = first.error_estimate or 1e-3
    stage = Stage(first, fresh.network, 3 * error)
    second = pl.solve(
        problem,
        "ilsr",
        network=stage,
        points=2 * stage.parameter_count,
        balance=False,  # the soft conditions hold to rounding, so their rows are zero
        time_limit=seconds / 2,
        **options,
    )
    alone = pl.solve(problem, "ilsr", time_limit=seconds, **options)
    for name, found in {"one stage": first, "two stages": second, "I-LSR alone": alone}.items():
        errors = ", ".join(f"{e.relative_l2:.1e}" for e in found.errors.values())
        print(f"{name:12s} {found.seconds:5.0f} s  error {errors}  held-out {found.heldout:.1e}")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
