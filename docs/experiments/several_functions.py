"""Operators of several input functions and unknowns, refined for many instances.

    python docs/experiments/several_functions.py fitzhugh_nagumo 4000 50 1000

takes a problem of `problems/parametric`, fitzhugh_nagumo (two initial values, two unknowns) or
darcy (a permeability and a source on the unit square, pressure and flux), steps of training on the
equations, with 1,000 drawn functions each, the number of new instances, and the rank. It prints the
table of `refine_many`; the last line has the mean error of the operator and of its refinements, the
largest over the unknowns in each instance.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np

import pdelsr as pl

FOLDER = Path(__file__).resolve().parents[2] / "problems" / "parametric"
HIDDEN = (50,) * 5


def operator(problem: pl.Problem) -> pl.operators.PIDeepONet:
    """The untrained operator: a function of x is read at 32 sensors, one of (x, y) at 10 × 10."""
    side = np.linspace(0, 1, 10)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    sensors = grid if problem.name == "darcy" else np.linspace(0, 1, 32, endpoint=False)
    return pl.operators.PIDeepONet(
        dict.fromkeys(problem.missing_inputs, sensors),
        len(problem.coordinates),
        HIDDEN,
        "modified_mlp",
        outputs=len(problem.unknowns),
    )


def main(name: str, steps: int, instances: int, rank: int) -> None:
    """Train, refine, and print the table."""
    problem = pl.load_problem(FOLDER / f"{name}.py")
    trained = operator(problem)
    training = pl.train_operator(problem, trained, steps=steps, batch=32, points=64, decay=0.7)
    print(f"{training}, {training.seconds:.0f} s", flush=True)
    found = pl.refine_many(trained, problem, instances, rank=rank)
    print(found)
    before = statistics.mean(row.error_before or 0.0 for row in found.rows)
    after = statistics.mean(row.error or 0.0 for row in found.rows)
    print(f"mean errors {before:.2e} and {after:.2e}: {before / after:.0f} times lower")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=("fitzhugh_nagumo", "darcy"))
    for count in ("steps", "instances", "rank"):
        parser.add_argument(count, type=int)
    main(*vars(parser.parse_args()).values())
