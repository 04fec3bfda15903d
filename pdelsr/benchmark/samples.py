"""Time and peak memory of `pl.refine` against the number of samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from rich.table import Table
from torch import Tensor, nn

from pdelsr.benchmark.process import in_fresh_process
from pdelsr.regression import refine
from pdelsr.resources.memory import peak_memory

CLASSES = 10
SIDE = 28  # pixels of an image


@dataclass(frozen=True)
class SampleSettings:
    """Sizes of the measurement.

    Args:
        samples: numbers of images.
        rank: r.
        channels: of the two convolutions.
        batch: images at once.
    """

    samples: tuple[int, ...] = (1000, 2000, 4000)
    rank: int = 1000
    channels: tuple[int, int] = (32, 64)
    batch: int = 128


@dataclass(frozen=True)
class SampleCost:
    """The cost of one refinement.

    Args:
        samples: n.
        seconds: that it took.
        before: peak memory of the process before it, in bytes.
        peak_memory_bytes: of the process.
        train: root mean square of the remaining residual.
    """

    samples: int
    seconds: float
    before: int
    peak_memory_bytes: int
    train: float


class RandomImages:
    """A loader that makes images on demand: blobs, with classes by their places."""

    def __init__(self, samples: int, batch: int) -> None:
        self.samples: int = samples
        self.batch: int = batch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(0)
        pixels = torch.linspace(-1, 1, SIDE, device="cpu")
        for start in range(0, self.samples, self.batch):
            n = min(self.batch, self.samples - start)
            x, y = 2 * torch.rand(2, n, 1, generator=generator, device="cpu") - 1
            rows, columns = (torch.exp(-20 * (pixels - c).square()) for c in (x, y))
            images = rows[:, :, None] * columns[:, None, :]
            classes = (CLASSES * (x[:, 0] + 1) / 2).long().clamp(max=CLASSES - 1)
            yield images[:, None], nn.functional.one_hot(classes, CLASSES)


def measure_samples(
    settings: SampleSettings = SampleSettings(),
    apply: Callable[..., SampleCost] = in_fresh_process,
) -> list[SampleCost]:
    """Measure every number of samples, one after the other, each in a fresh process."""
    return [apply(measure_refinement, n, settings) for n in settings.samples]


def measure_refinement(samples: int, settings: SampleSettings) -> SampleCost:
    """Measure one refinement of an untrained convolutional network in this process."""
    torch.manual_seed(0)
    first, second = settings.channels
    network = nn.Sequential(
        nn.Conv2d(1, first, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(second * 49, 32),
        nn.Linear(32, CLASSES),
    )
    before = peak_memory()
    begin = time.perf_counter()
    loader = RandomImages(samples, settings.batch)
    refined = refine(network, loader, rank=settings.rank, basis="coordinate")
    seconds = time.perf_counter() - begin
    train = min(score.train for score in refined.history)
    return SampleCost(samples, seconds, before, peak_memory(), train)


def sample_table(found: list[SampleCost], settings: SampleSettings) -> Table:
    """Seconds and megabytes for every number of samples."""
    title = f"pl.refine of a convolutional network, rank {settings.rank}"
    table = Table("samples", "s", "peak MB", "before MB", title=title)
    for f in found:
        megabytes = (f"{b / 1e6:.0f}" for b in (f.peak_memory_bytes, f.before))
        table.add_row(str(f.samples), f"{f.seconds:.1f}", *megabytes)
    return table
