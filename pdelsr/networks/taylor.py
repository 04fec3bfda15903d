"""Truncated Taylor algebra on jets: composition with an activation, and products.

A jet is a tensor (A, n, w): for each of the A multi-indices of an `IndexSet`, the partial
derivatives of w functions at n points.
"""

from __future__ import annotations

import operator
from functools import reduce
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.networks.activations import Activation
from pdelsr.networks.index_set import IndexSet


def compose(
    activation: Activation, z: Float[Tensor, "*A n w"], indices: IndexSet | None
) -> Float[Tensor, "*A n w"]:
    """Jet of σ(z) by Faà di Bruno's formula, with a closed-form reverse pass.

    Without indices z and the result are plain values.
    """
    if indices is None:
        return activation(z)
    recorded = torch.is_grad_enabled() and z.requires_grad
    if not recorded or torch._C._are_functorch_transforms_active():
        # Plain operations nest to any depth and are as fast; in the jvp of a Function torch
        # silently drops the outer levels of forward mode.
        return _composition(z, activation, indices)
    return _Compose.apply(z, activation, indices)  # type: ignore[return-value]


def multiply(
    a: Float[Tensor, "*A n w"], b: Float[Tensor, "*A n w"], indices: IndexSet | None
) -> Float[Tensor, "*A n w"]:
    """Jet of the product a·b by Leibniz's rule; without indices the product of plain values."""
    if indices is None:
        return a * b
    left, right = a.unbind(), b.unbind()  # reversed by one stack; indexing would pad with zeros
    out: list[Tensor] = []
    for terms in indices.leibniz:
        total: Tensor | None = None
        for t in terms:
            term = left[t.left] * right[t.right]
            term = term if t.coefficient == 1 else t.coefficient * term
            total = term if total is None else total + term
        assert total is not None
        out.append(total)
    return torch.stack(out)


def faa_di_bruno(z: Tensor, derivatives: list[Tensor], indices: IndexSet) -> list[Tensor]:
    """All σ(z)_α from the derivatives σ^(k)(z₀): terms of equal k share one product."""
    entries = z.unbind()
    out = [derivatives[0]]
    for monomials in indices.faa_di_bruno[1:]:
        total: Tensor | None = None
        for order, terms in groupby(monomials, key=lambda m: m.order):
            inner: Tensor | None = None
            for m in terms:
                term = reduce(operator.mul, [entries[i] for i in m.positions])
                term = term if m.coefficient == 1 else m.coefficient * term
                inner = term if inner is None else inner + term
            assert inner is not None
            if total is None:
                total = derivatives[order] * inner
            else:
                total = torch.addcmul(total, derivatives[order], inner)
        assert total is not None
        out.append(total)
    return out


def _composition(z: Tensor, activation: Activation, indices: IndexSet) -> Tensor:
    return torch.stack(faa_di_bruno(z, activation.derivatives(z[0], indices.order), indices))


class _Compose(torch.autograd.Function):
    """If a = σ(z) then da = σ'(z) dz in the Taylor algebra, so

        da_α = Σ_{β ≤ α} C(α, β) s_{α−β} dz_β   with s the jet of σ'(z),

    and the reverse pass is its transpose. No graph of the elementwise operations is kept.
    """

    @staticmethod
    def forward(z: Tensor, activation: Activation, indices: IndexSet) -> Tensor:
        return _composition(z, activation, indices)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        z, ctx.activation, ctx.indices = inputs
        ctx.save_for_backward(z)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (grad,), (z,) = grad_outputs, ctx.saved_tensors
        derivatives = ctx.activation.derivatives(z[0], ctx.indices.order + 1)
        slope = faa_di_bruno(z, derivatives[1:], ctx.indices)
        out = torch.zeros_like(grad)
        for position, terms in enumerate(ctx.indices.leibniz):
            for t in terms:
                out[t.left].addcmul_(slope[t.right], grad[position], value=t.coefficient)
        return out, None, None
