"""Runs of every method, short enough to be killed often, and what two equal runs have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from solver_cases import SMALL as SOLVED_AT_ONCE
from solver_cases import burgers, cubic, heat
from torch import nn

import pdelsr as pl


@dataclass(frozen=True)
class Run:
    """A problem, a method and options."""

    problem: Callable[[], pl.Problem]
    method: str
    options: dict[str, Any]

    def solve(self, **others: Any) -> pl.Solution:
        """The solution, with small default networks."""
        small = patch.object(pl.ILSR, "default_hidden", lambda method, linear: (6, 6))
        with small, patch("pdelsr.solvers.design.trial.PARAMETERS", 100):
            return pl.solve(self.problem(), self.method, **self.options, **others)


def module() -> nn.Module:
    torch.manual_seed(0)
    inner = nn.Linear(1, 9, dtype=torch.float64)
    return nn.Sequential(inner, nn.Tanh(), nn.Linear(9, 1, dtype=torch.float64))


SMALL = {**SOLVED_AT_ONCE, "hidden": (3,)}
"""Of a run that takes several iterations to rounding."""

FEW: dict[str, Any] = {"max_iterations": 3, "alignment_steps": 6}
WAVE = pl.UserActivation(
    [
        lambda z: z / 2 + z.sin(),
        lambda z: 0.5 + z.cos(),
        lambda z: -z.sin(),
        lambda z: -z.cos(),
        torch.sin,
    ],
    name="wave",
)
RUNS = {
    "ilsr": Run(cubic, "ilsr", {**FEW, **SMALL}),
    "widened": Run(burgers, "ilsr", {"max_iterations": 5, "alignment_steps": 3}),
    "untrained": Run(heat, "ilsr", {"max_iterations": 4}),
    "published": Run(cubic, "ilsr", {**FEW, **SMALL, "alignment": "lbfgs", "alignment_steps": 25}),
    "dense basis": Run(cubic, "ilsr", {**FEW, "hidden": (12, 12), "basis": "output", "rank": 50}),
    "own module": Run(cubic, "ilsr", {**FEW, "points": 60, "network": module()}),
    "own activation": Run(cubic, "ilsr", {**FEW, "points": 60, "activation": WAVE}),
    "float32": Run(cubic, "ilsr", {**FEW, **SMALL, "dtype": "float32"}),
    "lsr": Run(heat, "lsr", {"passes": 2, "hidden": (9, 9)}),
    "refined": Run(cubic, "pinn", {**SMALL, "adam_steps": 60, "lbfgs_steps": 0, "refine": True}),
    "pinn": Run(
        cubic,
        "pinn",
        {**SMALL, "adam_steps": 80, "lbfgs_steps": 40, "resample_every": 30, "adaptive": True},
    ),
    "tsonn": Run(heat, "tsonn", {**SMALL, "max_iterations": 3, "inner_steps": 20}),
    "tsonn by adam": Run(
        heat, "tsonn", {**SMALL, "max_iterations": 3, "inner_steps": 30, "optimizer": "adam"}
    ),
}


def outcome(solution: pl.Solution) -> dict[str, Any]:
    """What a run has found, to the bit; times and paths may differ."""
    delta, values = solution.delta, solution.singular_values
    return {
        "theta": solution.network.get_vector().tolist(),
        "delta": None if delta is None else delta.tolist(),
        "singular values": None if values is None else values.tolist(),
        "status": solution.status.value,
        "heldout": solution.heldout,
        "start": solution.heldout_start,
        "estimate": solution.error_estimate,
        "blocks": {name: str(found) for name, found in solution.blocks.items()},
        "history": [(r.iteration, r.phase, str(r.train), r.heldout) for r in solution.history],
        "rounds": solution.rounds,
    }
