"""Digests of blocks by their values: coefficients and observations show in no text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pdelsr.compile import Block
from pdelsr.files.seal import digest_of_tensors
from pdelsr.linearize.points import PointPlan
from pdelsr.processes import ALONE

PROBES, PROBE_SEED = 16, 2**31 - 4  # points where blocks are compared
DIGITS = 9  # to which double precision is compared, and half as many for others


def digests_of_blocks(blocks: Sequence[Block], plan: PointPlan) -> dict[str, str]:
    """A digest of every block by its name, from its values at fixed points and a fixed jet."""
    counts = {name: PROBES for name in plan.counts}
    some = replace(plan, counts=counts, weights={}, crowds={}, dealt_to=ALONE)
    found = {}
    for bound in some.bind(blocks, PROBE_SEED):
        shape = len(bound.block.entries), len(bound)
        jet = (
            torch.linspace(0.3, 0.7, shape[0] * shape[1], dtype=torch.float64)
            .to(bound.columns)
            .reshape(shape)
        )
        with torch.no_grad():
            values = bound.block.value(bound.columns, jet)
        found[bound.block.name] = digest_of_values([values, bound.columns])
    return found


def digest_of_values(tensors: Iterable[Tensor]) -> str:
    """A digest of some tensors, equal on most machines: a rounding at the last digit may differ."""
    return digest_of_tensors(_rounded(tensors))


def _rounded(tensors: Iterable[Tensor]) -> Iterator[Tensor]:
    """Rounded to some digits of the largest value, and that value: libraries differ in more."""
    for tensor in tensors:
        values = tensor.detach().cpu().double()
        size = values.abs().max().item() if values.numel() else 0.0
        digits = DIGITS if tensor.dtype == torch.float64 else DIGITS // 2
        yield torch.round(values / size, decimals=digits) + 0.0 if size > 0 else values
        yield torch.tensor(float(f"{size:.{digits}g}"), dtype=torch.float64)
