"""Copies of modules that Python cannot copy, and their tensors in another dtype."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdelsr.networks.copies import copied, in_dtype, own_containers


class Foreign(nn.Module):
    """Holds what modules of other libraries hold: views, tensors as attributes, computed ones."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Linear(2, 3)
        self.w = nn.Parameter(torch.randn(3, dtype=torch.cfloat))
        self.register_buffer("shift", torch.ones(3))
        self.sizes = {"a": 1, "b": 2}.values()  # which nothing can copy
        self.grid = torch.linspace(0, 1, 3)
        self.listed = [torch.ones(3), {"deep": (torch.ones(3), 7)}]
        self.computed = 2 * self.inner.bias
        self.tied = self.inner.bias
        self.order = torch.arange(3)

    def forward(self, x: Tensor) -> Tensor:
        deep: Any = self.listed[1]
        h = self.inner(x) + self.shift + self.grid + self.listed[0] + deep["deep"][0]
        return (h * self.w).real + sum(self.sizes) + self.computed.detach() + self.tied


X = torch.linspace(-1, 1, 10).reshape(5, 2)


def test_a_copy_has_tensors_of_its_own() -> None:
    module = Foreign()
    before, copy = module(X), copied(module)
    torch.testing.assert_close(copy(X), before)
    assert copy.sizes is module.sizes
    assert copy.tied is copy.inner.bias
    assert copy.inner.bias is not module.inner.bias
    with torch.no_grad():
        for p in module.parameters():
            p.zero_()
        module.grid.zero_()
    torch.testing.assert_close(copy(X), before)


def test_containers_of_ones_own_share_the_tensors() -> None:
    module = Foreign()
    own = own_containers(module)
    assert own is not module
    assert own.inner is not module.inner
    for name, p in module.named_parameters():
        assert dict(own.named_parameters())[name] is p
    assert own.grid is module.grid
    assert own.shift is module.shift
    own.grid = torch.zeros(3)
    assert module.grid.any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_all_tensors_are_converted(dtype: torch.dtype) -> None:
    module = in_dtype(copied(Foreign()), dtype)
    listed: Any = module.listed
    floating = (module.inner.weight, module.shift, module.grid, listed[0], listed[1]["deep"][0])
    assert {t.dtype for t in floating} == {dtype}
    assert module.w.dtype == (torch.complex128 if dtype is torch.float64 else torch.complex64)
    assert module.w.imag.any()
    assert module.order.dtype == torch.int64
    assert listed[1]["deep"][1] == 7
    assert module(X.to(dtype)).dtype == dtype
    torch.testing.assert_close(module(X.to(dtype)), Foreign()(X).to(dtype), rtol=1e-6, atol=1e-6)


class Computed(nn.Module):
    """A buffer that was computed from a parameter, which Python refuses to copy."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.register_buffer("k", self.inner.weight.sum() * 0 + 1)
        Pair = namedtuple("Pair", "grid size")
        self.pair = Pair(torch.ones(2), 2)
        self.ordered = OrderedDict(grid=torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * self.k * self.pair.grid * self.ordered["grid"]


def test_computed_buffers_are_copied_as_constants() -> None:
    module = Computed()
    copy = in_dtype(copied(module), torch.float64)
    assert module.k.dtype == module.pair.grid.dtype == torch.float32
    assert copy.k is not module.k
    assert copy.k.is_leaf
    assert {copy.k.dtype, copy.pair.grid.dtype, copy.ordered["grid"].dtype} == {torch.float64}
    assert copy.pair.size == 2
    torch.testing.assert_close(copy(X.double()).float(), module(X))
