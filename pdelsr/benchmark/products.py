"""J V of a neural operator for all pairs: from its two factors, against rows and columns of pairs.

The generic ways are linear in the number of input functions and are timed on a few of them; the
table scales their seconds to all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from rich.table import Table

from pdelsr.benchmark.process import in_fresh_process
from pdelsr.operators import DeepONet
from pdelsr.regression.model import Model
from pdelsr.regression.products import JacobianTimes
from pdelsr.regression.separable import SeparableTimes
from pdelsr.resources.memory import peak_memory
from pdelsr.subspace.base import gaussian

WAYS = ("rows", "columns", "separable")


@dataclass(frozen=True)
class ProductSettings:
    """Sizes of the measurement.

    Args:
        sensors: values of an input function.
        points: of the output.
        hidden: widths of branch and trunk.
        rank: r.
        functions: input functions, n.
        few: input functions on which the generic ways are timed.
        batch: input functions at once.
    """

    sensors: int = 128
    points: int = 128
    hidden: tuple[int, ...] = (100, 100, 100, 100)
    rank: int = 2000
    functions: int = 1000
    few: int = 8
    batch: int = 100


@dataclass(frozen=True)
class ProductTime:
    """The time of one way.

    Args:
        way: of `WAYS`.
        parameters: m.
        functions: that were timed.
        setup: seconds that do not depend on the number of functions.
        seconds: for the functions that were timed.
        peak_memory_bytes: of the process.
        size: ‖J V‖ for the first functions, to compare the ways.
    """

    way: str
    parameters: int
    functions: int
    setup: float
    seconds: float
    peak_memory_bytes: int
    size: float

    def seconds_for(self, functions: int) -> float:
        """Seconds for that many functions."""
        return self.setup + self.seconds * functions / self.functions


def measure_products(
    settings: ProductSettings = ProductSettings(),
    apply: Callable[..., ProductTime] = in_fresh_process,
) -> list[ProductTime]:
    """Measure every way, one after the other, each in a fresh process."""
    return [apply(measure_way, way, settings) for way in WAYS]


def measure_way(way: str, settings: ProductSettings) -> ProductTime:
    """Measure one way in this process, after a warm-up on one function."""
    generator = torch.Generator().manual_seed(0)
    points = torch.linspace(-1, 1, settings.points, dtype=torch.float64)[:, None]
    model = Model(DeepONet(settings.sensors, points, settings.hidden), 1.0, generator)
    V = gaussian(model.size, settings.rank, model.like, generator)
    a = gaussian(settings.functions, settings.sensors, model.like, generator)
    begin = time.perf_counter()
    if way == "separable":
        times: JacobianTimes = SeparableTimes(model, V, (a[:4],))
    else:
        times = JacobianTimes(model, V, way, (a[:1],))
    setup = time.perf_counter() - begin
    size = torch.linalg.vector_norm(times((a[:1],))).item()
    count = settings.functions if way == "separable" else settings.few
    begin = time.perf_counter()
    for start in range(0, count, settings.batch):
        times((a[start : min(start + settings.batch, count)],))
    seconds = time.perf_counter() - begin
    return ProductTime(way, model.size, count, setup, seconds, peak_memory(), size)


def product_table(found: list[ProductTime], settings: ProductSettings) -> Table:
    """Seconds of every way for all pairs."""
    pairs = f"{settings.functions} × {settings.points} pairs"
    title = f"J V, m {found[0].parameters}, r {settings.rank}, {pairs}"
    table = Table("way", "functions timed", "s for all", "times slower", "peak MB", title=title)
    fast = found[-1].seconds_for(settings.functions)
    for f in found:
        seconds = f.seconds_for(settings.functions)
        table.add_row(
            f.way,
            str(f.functions),
            f"{seconds:.1f}",
            f"{seconds / fast:.1f}",
            f"{f.peak_memory_bytes / 1e6:.0f}",
        )
    return table
