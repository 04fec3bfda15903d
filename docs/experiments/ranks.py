"""Cost and error of a refined operator against the rank, as in Figs. 3, S2 and S3 of the paper.

    python docs/experiments/ranks.py 2000 DeepONet tanh-sin 1000,4000,14000 float32 1.0

takes epochs of training (0 for an untrained operator), the operator and its activation, ranks, the
precision, and the share of the parameters that may move. The operator is that of
`operators_as_published.py`, with 1,000 functions to fit and 250 others to judge. It is refined in
so many parameters, drawn at random, by streaming QR of J V, which is formed from branch and trunk:
no row of J is ever built. Each rank has a process of its own. The first row is the operator itself.
"""

from __future__ import annotations

import argparse
import time

from operators_as_published import ACTIVATIONS, FIT, KINDS, errors, trained
from torch import Tensor

import pdelsr as pl
from pdelsr.benchmark.process import in_fresh_process
from pdelsr.operators import periodic_burgers
from pdelsr.operators.networks import Operator
from pdelsr.resources.memory import peak_memory

NEW = 250
HEAD = """\
| rank | s | peak GB | fitted, mean | new, mean | new, median |
| --- | --- | --- | --- | --- | --- |"""


def row(
    operator: Operator, a: Tensor, u: Tensor, rank: int, dtype: str, share: float
) -> tuple[float, float, Tensor]:
    """Seconds, peak of memory in GB, and the relative errors of all functions."""
    begin = time.perf_counter()
    found = pl.refine(
        operator,
        a[:FIT],
        u[:FIT],
        rank=rank,
        basis="coordinate",
        parameter_fraction=share,
        dtype=dtype,
    )
    seconds, peak = time.perf_counter() - begin, peak_memory() / 1e9
    return seconds, peak, errors(found, a, u)


def main(
    epochs: int, kind: str, activation: str, ranks: list[int], dtype: str, share: float
) -> None:
    """Print a row for each rank."""
    data = periodic_burgers(FIT + NEW)
    a, u = data.inputs, data.outputs
    operator = trained(kind, activation, data.points, a[:FIT], u[:FIT], epochs)
    print(HEAD)
    show("0", "", "", errors(operator, a.float(), u))
    for rank in ranks:
        seconds, peak, found = in_fresh_process(row, operator, a, u, rank, dtype, share)
        show(str(rank), f"{seconds:.0f}", f"{peak:.1f}", found)


def show(rank: str, seconds: str, peak: str, found: Tensor) -> None:
    """Print a row."""
    fitted, new = found[:FIT], found[FIT:]
    cells = [f"{value:.2e}" for value in (fitted.mean(), new.mean(), new.median())]
    print(f"| {' | '.join([rank, seconds, peak, *cells])} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("epochs", type=int)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("activation", choices=ACTIVATIONS)
    parser.add_argument("ranks", type=lambda text: [*map(int, text.split(","))])
    parser.add_argument("dtype", choices=("float32", "float64"))
    parser.add_argument("share", type=float)
    main(*vars(parser.parse_args()).values())
