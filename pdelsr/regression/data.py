"""The data of a refinement, batch by batch: arrays in memory, or any loader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.networks.copies import converted
from pdelsr.regression.model import Inputs
from pdelsr.regression.smoothing import Smoothing
from pdelsr.resources.pieces import in_pieces

T = TypeVar("T")

if TYPE_CHECKING:
    Pair: TypeAlias = tuple[ArrayLike | Sequence[ArrayLike], ArrayLike]
    """Inputs, one or several, and targets."""
    Loader: TypeAlias = Iterable[Sequence[ArrayLike]]
    """Batches (input, …, targets), or ((input, …), targets)."""
else:
    Pair, Loader = tuple[Any, Any], Iterable[Any]  # checked by Data, in the user's words


@dataclass(frozen=True)
class Batch:
    """Some samples.

    Args:
        inputs: the arguments of the refined module, smooth if the data are smoothed.
        targets: with one row a sample.
        rough: the arguments as they were given, where `inputs` are smooth.
    """

    inputs: Inputs
    targets: Tensor
    rough: Inputs | None = None

    @property
    def given(self) -> Inputs:
        """The arguments as they were given."""
        return self.inputs if self.rough is None else self.rough

    def __len__(self) -> int:
        return self.targets.shape[0]

    def mark(self) -> float:
        """A number by which batches of other samples, or in another order, are told apart."""
        flat = torch.cat([x.detach().flatten().double() for x in (*self.inputs, self.targets)])
        weights = torch.arange(1, 1 + len(flat), dtype=flat.dtype, device=flat.device).cos()
        return (flat * weights).nansum().item()

    def part(self, rows: slice) -> Batch:
        """Some of the samples."""
        rough = None if self.rough is None else tuple(x[rows] for x in self.rough)
        return Batch(tuple(x[rows] for x in self.inputs), self.targets[rows], rough)


@dataclass(frozen=True)
class Data:
    """Batches that can be passed over more than once.

    Args:
        source: tensors (inputs …, targets), or a loader of such tuples.
        size: samples of a batch, where the source is tensors.
        like: a tensor whose device all tensors, and whose dtype all floating ones get.
        smoothing: of the inputs, where there is one argument; None for the inputs as they are.
    """

    source: tuple[Tensor, ...] | Loader
    size: int
    like: Tensor
    smoothing: Smoothing | None = None

    @property
    def is_in_memory(self) -> bool:
        """Whether the samples are tensors, which every pass gives in the same order."""
        return isinstance(self.source, tuple)

    def __iter__(self) -> Iterator[Batch]:
        count = 0
        for given in self._pieces():
            batch = self._batch(given)
            count += len(batch)
            if len(batch):
                yield batch
        if count == 0:
            raise SettingsError(
                "there are no samples: the loader is empty, or it was a generator that can be read "
                "only once. Give arrays, or a loader such as torch.utils.data.DataLoader."
            )

    def _pieces(self) -> Iterator[Any]:
        if isinstance(self.source, tuple):
            for start in range(0, len(self.source[-1]), self.size):
                yield tuple(x[start : start + self.size] for x in self.source)
        else:
            yield from self.source

    def _batch(self, given: Any) -> Batch:
        if not isinstance(given, Sequence) or len(given) < 2:
            raise SettingsError(
                f"a batch is {type(given).__name__}: expected (inputs, targets), with several "
                "inputs as (input, input, …, targets) or ((input, …), targets)."
            )
        *first, targets = given
        if len(first) == 1 and isinstance(first[0], Sequence):
            first = list(first[0])
        inputs = tuple(self._tensor(x) for x in first)
        targets = self._tensor(targets)
        require_as_many((*inputs, targets))
        if self.smoothing is None:
            return Batch(inputs, targets)
        return Batch((self.smoothing(inputs[0]),), targets, inputs)

    def _tensor(self, values: Any) -> Tensor:
        tensor = torch.as_tensor(values).to(self.like.device)
        return converted(tensor, self.like.dtype)


def over_pieces(
    batch: Batch, of: Callable[[Batch], T], size: int | None = None
) -> Iterator[tuple[int, T]]:
    """The value of `of` for each piece of a batch, and the number of samples in the piece.

    Args:
        batch: all samples.
        of: a function of some samples; called again on half a piece when memory runs out.
        size: samples of a piece; None for all at once.
    """
    found = in_pieces(len(batch), size or len(batch), lambda rows: of(batch.part(rows)))
    return ((rows.stop - rows.start, made) for rows, made in found)


def tensors_of(inputs: Any, targets: Any) -> tuple[Tensor, ...]:
    """Arrays as one tuple (inputs …, targets)."""
    several = inputs if isinstance(inputs, list | tuple) else (inputs,)
    tensors = tuple(torch.as_tensor(x) for x in (*several, targets))
    require_as_many(tensors)
    return tensors


def require_as_many(tensors: Sequence[Tensor]) -> None:
    """Refuse inputs and targets of different lengths."""
    lengths = [x.shape[0] if x.ndim else 0 for x in tensors]
    if len(set(lengths)) != 1:
        raise SettingsError(
            f"inputs and targets have {', '.join(map(str, lengths))} rows: expected as many in "
            "each, one a sample."
        )


def split(
    source: tuple[Tensor, ...], share: float, generator: torch.Generator
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """A random share of the samples for validation, and the rest for the fit."""
    n = source[-1].shape[0]
    held = max(1, round(share * n))
    if held >= n:
        raise SettingsError(
            f"{n} sample(s) cannot be split for validation: give more, or a rank instead of 'auto'."
        )
    order = torch.randperm(n, generator=generator, device="cpu")
    take = [order[held:].sort().values, order[:held].sort().values]
    fit, validation = (tuple(x[part.to(x.device)] for x in source) for part in take)
    return fit, validation
