"""The published operators of Example 2, refined in all parameters, on functions that are new.

Trunks with an activation after the last layer, MultiONets with learned layer weights, the mean of
absolute errors as the loss, Adam at 1e-3 with weight decay 1e-4, halved every 500 epochs, batches
of 50, single precision; 1,000 functions to fit, 250 independent ones. Refined by LSQR in the whole
tangent space, stopped early on a fifth of the fitted functions, with small components of the inputs
damped (τ = 0.1, 0.03, or none).

    python docs/experiments/operators_as_published.py 2000 4096 DeepONet tanh-sin 0.1

takes the epochs, the most iterations, and, if not all are wanted, an operator, its activation and τ
("none" for none).
"""

from __future__ import annotations

import sys
import time

import torch
from torch import Tensor

import pdelsr as pl
from pdelsr.operators import DeepONet, MultiONet, periodic_burgers, relative_error, train
from pdelsr.operators.networks import ACTIVATIONS, Operator

FIT, NEW, WIDTH = 1000, 250, 128
LEVELS = (None, 0.03, 0.1)


def published(kind: str, points: Tensor, activation: str) -> Operator:
    """The untrained operator."""
    hidden = [WIDTH] * 4
    if kind == "DeepONet":
        return DeepONet(128, points, hidden, activation, 0, torch.float32, activates_trunk=True)
    return MultiONet(
        128,
        points,
        hidden,
        activation,
        dtype=torch.float32,
        activates_trunk=True,
        learns_weights=True,
    )


def main(epochs: int, iterations: int, kinds: list[str], names: list[str], taus: list[str]) -> None:
    """Print a row for each operator and τ."""
    data = periodic_burgers(FIT + NEW)
    a, u = data.inputs, data.outputs
    levels = [None if tau == "none" else float(tau) for tau in taus] or list(LEVELS)
    print("| operator | τ | iterations | fitted, mean | new, mean | new, median | times | s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind in kinds or ["DeepONet", "MultiONet"]:
        for name in names or list(ACTIVATIONS):
            operator = published(kind, data.points, name)
            train(
                operator,
                a[:FIT].float(),
                u[:FIT].float(),
                epochs,
                50,
                decay=0.5,
                decay_every=500,
                weight_decay=1e-4,
                loss="absolute",
            )
            with torch.no_grad():
                before = relative_error(operator(a.float()), u)
            print(row(f"{kind} {name}", "", 0, before, before, 0.0), flush=True)
            for level in levels:
                begin = time.perf_counter()
                refined = pl.refine(
                    operator,
                    a[:FIT],
                    u[:FIT],
                    basis="full",
                    lstsq=pl.LSQR(iterations),
                    smoothing=level,
                )
                seconds = time.perf_counter() - begin
                after = relative_error(refined(a), u)
                told = row("", str(level or "none"), refined.rank, after, before, seconds)
                print(told, flush=True)


def row(name: str, tau: str, rank: int, after: Tensor, before: Tensor, seconds: float) -> str:
    """One line of the table; the factor is that of the medians on new functions."""
    new = after[FIT:]
    factor = (before[FIT:].median() / new.median()).item()
    return (
        f"| {name} | {tau} | {rank} | {after[:FIT].mean():.2e} | {new.mean():.2e} "
        f"| {new.median():.2e} | {factor:.1f} | {seconds:.0f} |"
    )


if __name__ == "__main__":
    _, count, most, *rest = sys.argv
    main(int(count), int(most), rest[:1], rest[1:2], rest[2:3])
