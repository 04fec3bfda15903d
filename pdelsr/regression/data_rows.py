"""Rows of a module's Jacobians on samples of its data, for the bases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor, nn

from pdelsr.linearize import RowChunks, RowSource
from pdelsr.processes import Group
from pdelsr.regression.data import Batch
from pdelsr.regression.task import Task
from pdelsr.resources.memory import points_per_chunk
from pdelsr.resources.pieces import in_pieces


@dataclass(frozen=True)
class DataRows(RowSource):
    """A module on its data.

    Args:
        task: module, data and residual.
        budget: bytes of one chunk of rows; None for a share of what is free.
    """

    task: Task
    budget: int | None = None

    @property
    def parameter_count(self) -> int:
        return self.task.model.size

    @property
    def like(self) -> Tensor:
        return self.task.model.like

    @property
    def row_group(self) -> Group:
        return self.task.group

    @property
    def module(self) -> nn.Module:
        return self.task.model.module

    def draw_output_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """Rows of single outputs of single samples."""
        return self._seeded(self._drawn(self.task.outputs, count, generator))

    def draw_residual_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """Rows of single entries of F at single samples: rows of J times the slopes of F."""
        return self._seeded(self._drawn(self.task.entries, count, generator), True)

    def _drawn(self, width: int, count: int, generator: torch.Generator) -> list[DrawnRows]:
        """Rows of this process, in proportion to its samples."""
        group = self.row_group
        if group.size == 1:
            return draw_rows(self.task, width, count, generator)
        seed = int(torch.randint(2**31, (), generator=generator, device="cpu")) + group.rank
        apart = torch.Generator().manual_seed(seed)  # that of all processes must stay in step
        share = -(-count * self.task.samples // self.task.total)
        return group.together(lambda: draw_rows(self.task, width, share, apart))

    def _seeded(self, drawn: list[DrawnRows], of_residual: bool = False) -> RowChunks:
        title = "basis"

        def chunks() -> Iterator[Tensor]:
            for rows in self.task.display.over(title, drawn):
                yield from self._rows(rows, of_residual)

        return chunks

    def _rows(self, drawn: DrawnRows, of_residual: bool) -> Iterator[Tensor]:
        model, residual = self.task.model, self.task.residual
        width = self.task.entries if of_residual else self.task.outputs
        step = points_per_chunk(model.total, model.like, self.budget)

        def rows(part: slice) -> Tensor:
            some = drawn.batch.part(part)
            seeds = torch.nn.functional.one_hot(drawn.entry[part], width).to(model.like)
            if of_residual:
                q = model(some.inputs)
                seeds = residual.transpose_times(q, some.targets, seeds)
            return model.rows(some.inputs, seeds)

        for _, found in in_pieces(len(drawn), step, rows):
            yield found


@dataclass(frozen=True)
class DrawnRows:
    """Rows of a Jacobian that were drawn from one batch.

    Args:
        batch: the sample of every row.
        entry: which output of it, or which entry of its residual.
    """

    batch: Batch
    entry: Int[Tensor, " c"]

    def __len__(self) -> int:
        return len(self.entry)


def draw_rows(task: Task, width: int, count: int, generator: torch.Generator) -> list[DrawnRows]:
    """Random rows of a Jacobian that has `width` rows per sample.

    The samples are kept, because a loader may shuffle and the rows are needed twice.
    """
    total = task.samples * width
    count = min(count, total)
    if total <= 16 * count:
        positions = torch.randperm(total, generator=generator, device="cpu")[:count]
    else:  # with replacement: repeated rows are few, and the permutation would be long
        positions = torch.randint(total, (count,), generator=generator, device="cpu")
    positions = positions.sort().values
    sample, entry = positions // width, positions % width
    drawn, first = [], 0
    for batch in task.data:
        here = (sample >= first) & (sample < first + len(batch))
        if here.any():
            rows = (sample[here] - first).to(batch.inputs[0].device)
            some = Batch(tuple(x[rows] for x in batch.inputs), batch.targets[rows])
            drawn.append(DrawnRows(some, entry[here].to(batch.inputs[0].device)))
        first += len(batch)
    return drawn
