"""V for a module on a data set: the leading right singular vectors of J, or random directions."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.batch.data import Data
from pdelsr.batch.model import Inputs, Model
from pdelsr.progress import PassDisplay
from pdelsr.resources.memory import points_per_chunk
from pdelsr.resources.pieces import in_pieces
from pdelsr.subspace.base import gaussian
from pdelsr.subspace.rsvd import right_singular_vectors

BASES = ("output", "coordinate", "gaussian")
OVERSAMPLING = 20
EXTRA_ROWS = 1000  # the basis is built from about r + EXTRA_ROWS rows of J


def directions(
    basis: str,
    model: Model,
    data: Data,
    rank: int,
    outputs: int,
    samples: int,
    generator: torch.Generator,
    display: PassDisplay,
    budget: int | None,
) -> tuple[Float[Tensor, "m r"], Float[Tensor, " r"] | None]:
    """V, its columns in falling order of importance where the basis ranks them.

    With it come the singular values of the drawn rows of J, or None where the basis is random.

    Args:
        basis: "output", by randomized SVD of about r + 1000 rows of J, or "gaussian".
        model: whose J.
        data: that the rows are drawn from.
        rank: r.
        outputs: k of a sample.
        samples: n.
        generator: of sketch and rows.
        display: shows how far the rows are.
        budget: bytes of one chunk of rows; None for a share of what is free.
    """
    if basis == "gaussian":
        return gaussian(model.size, rank, model.like, generator) / model.size**0.5, None
    drawn = draw_rows(data, samples, outputs, rank + EXTRA_ROWS, generator)
    sketch = gaussian(model.size, min(rank + OVERSAMPLING, model.size), model.like, generator)

    def chunks() -> Iterator[Tensor]:
        for inputs, output in display.over("basis", drawn, size=lambda part: len(part[1])):
            yield from _rows(model, inputs, output, outputs, budget)

    return right_singular_vectors(chunks, sketch, rank)


def draw_rows(
    data: Data, samples: int, outputs: int, count: int, generator: torch.Generator
) -> list[tuple[Inputs, Int[Tensor, " c"]]]:
    """Random rows of J: the inputs of their samples, and which output each one is.

    They are kept, because a loader may shuffle and the rows are needed twice.
    """
    total = samples * outputs
    count = min(count, total)
    if total <= 16 * count:
        positions = torch.randperm(total, generator=generator, device="cpu")[:count]
    else:  # with replacement: repeated rows are few, and the permutation would be long
        positions = torch.randint(total, (count,), generator=generator, device="cpu")
    positions = positions.sort().values
    sample, output = positions // outputs, positions % outputs
    drawn, first = [], 0
    for batch in data:
        here = (sample >= first) & (sample < first + len(batch))
        if here.any():
            rows = (sample[here] - first).to(batch.inputs[0].device)
            drawn.append((tuple(x[rows] for x in batch.inputs), output[here]))
        first += len(batch)
    return drawn


def _rows(
    model: Model, inputs: Inputs, output: Tensor, outputs: int, budget: int | None
) -> Iterator[Tensor]:
    step = points_per_chunk(model.total, model.like, budget)

    def rows(part: slice) -> Tensor:
        seeds = torch.nn.functional.one_hot(output[part], outputs).to(model.like)
        return model.rows(tuple(x[part] for x in inputs), seeds)

    for _, found in in_pieces(len(output), step, rows):
        yield found
