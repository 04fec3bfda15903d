"""The published operators of Example 2, refined on the functions that they were trained on.

Trunks with an activation after the last layer, MultiONets with learned layer weights, the mean of
absolute errors as the loss, Adam at 1e-3 with weight decay 1e-4, halved every 500 epochs, batches
of 50, single precision; 1,000 functions to fit, 50 independent ones to choose the damping, the
smoothing and the width of rectifiers, and 200 others to judge. Refined by kernel ridge regression
in the whole tangent space.

    python docs/experiments/operators_as_published.py 2000 DeepONet relu

takes the epochs and, if not all six are wanted, an operator and its activation. A row gives mean
errors on the fitted functions, and median and mean errors on the 200, before and after.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import Tensor

import pdelsr as pl
from pdelsr.operators import DeepONet, MultiONet, periodic_burgers, relative_error, train
from pdelsr.operators.networks import Operator

FIT, CHOOSE, JUDGE, WIDTH = 1000, 50, 200, 128
KINDS = ("DeepONet", "MultiONet")
ACTIVATIONS = ("relu", "tanh", "tanh-sin")


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


def main(epochs: int, kinds: list[str], activations: list[str]) -> None:
    """Print a row for each operator."""
    data = periodic_burgers(FIT + CHOOSE + JUDGE)
    a, u = data.inputs, data.outputs
    fit, choose, judge = slice(FIT), slice(FIT, FIT + CHOOSE), slice(FIT + CHOOSE, None)
    print(
        "| operator | fitted, mean | | times | new, median | | times | new, mean | | times |",
        end="",
    )
    print(" refined with | training, s | refinement, s |")
    print("| --- " * 13 + "|")
    for kind in kinds or KINDS:
        for activation in activations or ACTIVATIONS:
            operator = published(kind, data.points, activation)
            begin = time.perf_counter()
            train(
                operator,
                a[fit].float(),
                u[fit].float(),
                epochs,
                50,
                decay=0.5,
                decay_every=500,
                weight_decay=1e-4,
                loss="absolute",
            )
            trained = time.perf_counter()
            with torch.no_grad():
                before = relative_error(operator(a.float()), u)
            refined = pl.refine(
                operator,
                a[fit],
                u[fit],
                lstsq="kernel-ridge",
                residual="relative",
                validation=(a[choose], u[choose]),
            )
            seconds = time.perf_counter() - trained
            after = torch.cat(
                [
                    relative_error(refined(x), y)
                    for x, y in zip(a.split(50), u.split(50), strict=True)
                ]
            )
            cells = [f"{kind} {activation}"]
            for part, of in ((fit, Tensor.mean), (judge, Tensor.median), (judge, Tensor.mean)):
                old, new = of(before[part]).item(), of(after[part]).item()
                cells += [f"{old:.2e}", f"{new:.2e}", f"{old / new:.1f}"]
            cells += [refined.extra_repr(), f"{trained - begin:.0f}", f"{seconds:.0f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    _, count, *rest = sys.argv
    main(int(count), rest[:1], rest[1:2])
