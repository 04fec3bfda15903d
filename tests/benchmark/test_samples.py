"""Cost of a refinement against the number of samples, at small size."""

from __future__ import annotations

import math

import torch
from rich.console import Console

from pdelsr.benchmark.samples import RandomImages, SampleSettings, measure_samples, sample_table

SMALL = SampleSettings((20, 40), rank=8, channels=(2, 3), batch=16)


def test_every_number_of_samples_is_measured() -> None:
    found = measure_samples(SMALL, apply=lambda function, *arguments: function(*arguments))
    assert [f.samples for f in found] == [20, 40]
    assert all(f.peak_memory_bytes >= f.before > 0 for f in found)
    assert all(0 < f.train < math.sqrt(10) for f in found)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(sample_table(found, SMALL))
    assert "rank 8" in capture.get()


def test_the_loader_gives_the_same_images_again() -> None:
    loader = RandomImages(20, 16)
    first, again = (list(loader) for _ in range(2))
    assert [len(t) for _, t in first] == [16, 4]
    assert all((a[0] == b[0]).all() for a, b in zip(first, again, strict=True))
    assert all((t.sum(dim=1) == 1).all() for _, t in first)


def test_the_loader_leaves_the_default_device_alone() -> None:
    with torch.device("meta"):
        images, classes = next(iter(RandomImages(4, 4)))
    assert images.device.type == classes.device.type == "cpu"
