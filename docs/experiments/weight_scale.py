"""What the scale of untrained weights does to residual and error of a refined network.

python docs/experiments/weight_scale.py PROBLEM [--sizes 600,1200] [--activation sin]

A line for every size and scale: the held-out residual and the relative L2 error of the refined
network, without and with corrections by the same factors.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch

import pdelsr as pl
from pdelsr.linearize import Identity, RefinedPredictor, StackedResidual
from pdelsr.lstsq import QR
from pdelsr.networks import closure
from pdelsr.results.accuracy import errors_of, heldout_points
from pdelsr.solvers.design.trial import FINE, Designer
from pdelsr.solvers.refinement.tangent_newton import refine_in_subspace
from pdelsr.solvers.request import Request

SCALES = tuple(round(FINE**k, 2) for k in range(-1, 9))
POINTS = 2000  # that the error is measured on


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problem")
    parser.add_argument("--sizes", default="600,1200")
    parser.add_argument("--activation", default="sin")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    problem = pl.load_problem(chosen.problem)
    designer = Designer(Request.of(problem, "ilsr", {"hard": True}).job())
    points = heldout_points(problem, POINTS, seed=0)
    reference = problem.reference_values(points)
    for size in map(int, chosen.sizes.split(",")):
        first = replace(designer.open_designs(size)[0], activation=chosen.activation)
        trial = designer.trial(first, {})
        for scale in SCALES:
            network = designer.build(replace(first, weight_scale=scale))
            residual = StackedResidual(network, trial.train)
            told = []
            for steps in (1, 2):
                directions = Identity(network.parameter_count)
                found = refine_in_subspace(residual, directions, QR(), steps, described=False)
                predictor = RefinedPredictor(network, found.delta)
                value = closure(((0,) * points.shape[1],))
                with torch.no_grad():
                    values = predictor(torch.as_tensor(points), value)[0].numpy()
                errors = errors_of(problem, points, values, reference)
                error = max(e.relative_l2 for e in errors.values())
                told.append(f"{trial.heldout_size(predictor, network):.1e} {error:.1e}")
            count = network.parameter_count
            print(f"{problem.name} {count} {scale:g}: {', corrected '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
