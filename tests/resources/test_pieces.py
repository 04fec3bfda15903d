"""Pieces that are halved where memory runs out: the same results, whatever the lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from residual_cases import assert_close, build, coefficients, normal
from torch import Tensor

from pdelsr.errors import MemoryLimitError, SettingsError
from pdelsr.linearize import Dense, StackedResidual
from pdelsr.linearize.reference import times_by_jvp
from pdelsr.resources.pieces import in_pieces, is_out_of_memory, told_what_to_lower

ON_CPU = "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError(ON_CPU), True),
        (RuntimeError("std::bad_alloc"), True),
        (MemoryError(), True),
        (MemoryLimitError("too much"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (SettingsError("rank is 0"), False),
    ],
    ids=["GPU", "CPU", "LAPACK", "Python", "estimate", "shapes", "settings"],
)
def test_lack_of_memory_is_recognized(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


class Small:
    """A machine on which no more than `most` things fit at once."""

    def __init__(self, most: int) -> None:
        self.most, self.lengths, self.refused = most, [], 0

    def __call__(self, part: slice) -> list[int]:
        if part.stop - part.start > self.most:
            self.refused += 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        self.lengths.append(part.stop - part.start)
        return list(range(part.start, part.stop))


@pytest.mark.parametrize(
    ("most", "lengths", "refused"), [(100, [8, 2], 0), (5, [4, 4, 2], 1), (1, [1] * 10, 3)]
)
def test_pieces_cover_everything(most: int, lengths: list[int], refused: int) -> None:
    machine = Small(most)
    found = [i for part, numbers in in_pieces(10, 8, machine) for i in numbers]
    assert found == list(range(10))
    assert (machine.lengths, machine.refused) == (lengths, refused)


def test_the_smallest_piece_and_other_errors_are_raised() -> None:
    with pytest.raises(torch.cuda.OutOfMemoryError):
        list(in_pieces(10, 8, Small(0)))
    with pytest.raises(torch.cuda.OutOfMemoryError):
        list(in_pieces(10, 8, Small(2), least=4))

    def broken(part: slice) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        list(in_pieces(10, 8, broken))


def test_the_user_is_told_what_to_lower() -> None:
    message = r"memory ran out, with \d.* free: lower rank\. torch said: .*can't allocate"
    with pytest.raises(MemoryLimitError, match=message), told_what_to_lower("lower rank", CPU):
        raise RuntimeError(ON_CPU)
    with pytest.raises(MemoryLimitError, match=r"^mine$"), told_what_to_lower("lower rank", CPU):
        raise MemoryLimitError("mine")
    with pytest.raises(RuntimeError, match=r"^other$"), told_what_to_lower("lower rank", CPU):
        raise RuntimeError("other")


PRODUCTS: dict[str, Callable[[StackedResidual, Tensor, Any], Tensor]] = {
    "times": lambda f, V, c: f.times(V, c),
    "matrix": lambda f, V, c: f.matrix(c),
    "transpose": lambda f, V, c: f.transpose_times(torch.ones(f.row_count).double(), c),
    "jets": lambda f, V, c: torch.cat([b.flatten() for b in f.basis_jets(Dense(V))]),
    "outputs": lambda f, V, c: torch.cat(list(f.output_rows(f.blocks[0].sites[0]))),
    "columns": lambda f, V, c: times_by_jvp(f, V, c),
    "values": lambda f, V, c: f.evaluate(),
    "start": lambda f, V, c: torch.cat([j.flatten() for j in f.jets_without_graph()]),
    "squares": lambda f, V, c: torch.tensor(list(f.block_rms().values())),
}


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("problem", ["burgers", "coupled"])
def test_what_runs_in_chunks_survives(
    product: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    residual = build(problem)
    V, c = normal(residual.network.parameter_count, 3), coefficients(residual)
    expected = PRODUCTS[product](residual, V, c)
    kind, refused = type(residual.network), []
    for name in ("forward", "rows"):
        usual = getattr(kind, name)

        def limited(self: Any, x: Tensor, *others: Any, usual: Any = usual) -> Tensor:
            if len(x) > 3:
                refused.append(len(x))
                raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
            return usual(self, x, *others)

        monkeypatch.setattr(kind, name, limited)
    assert_close(PRODUCTS[product](residual, V, c), expected, 1e-11)
    assert refused
