"""Truncated Taylor algebra on jets: composition with an activation, and products.

A jet is a tensor (A, n, w): for each of the A multi-indices of an `IndexSet`, the partial
derivatives of w functions at n points.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.networks.activations import Activation
from pdelsr.networks.index_set import IndexSet


def compose(
    activation: Activation, z: Float[Tensor, "*A n w"], indices: IndexSet | None
) -> Float[Tensor, "*A n w"]:
    """Jet of σ(z) by Faà di Bruno's formula, with closed-form reverse and forward derivatives.

    Without indices z and the result are plain values.
    """
    if indices is None:
        return activation(z)
    return _Compose.apply(z, activation, indices)  # type: ignore[return-value]


def multiply(
    a: Float[Tensor, "*A n w"], b: Float[Tensor, "*A n w"], indices: IndexSet | None
) -> Float[Tensor, "*A n w"]:
    """Jet of the product a·b by Leibniz's rule; without indices the product of plain values."""
    if indices is None:
        return a * b
    left, right = a.unbind(), b.unbind()  # reversed by one stack; indexing would pad with zeros
    return torch.stack(
        [
            _sum([_scaled(t.coefficient, left[t.left] * right[t.right]) for t in terms])
            for terms in indices.leibniz
        ]
    )


def faa_di_bruno(z: Tensor, derivatives: list[Tensor], indices: IndexSet) -> Tensor:
    """σ(z)_α from the derivatives σ^(k)(z₀): terms of equal k share one product."""
    out = torch.empty_like(z)
    out[0] = derivatives[0]
    for position, monomials in enumerate(indices.faa_di_bruno):
        if position == 0:
            continue
        total: Tensor | None = None
        for order in range(1, monomials[-1].order + 1):
            terms = [m for m in monomials if m.order == order]
            inner = _sum([_scaled(m.coefficient, _product(z, m.positions)) for m in terms])
            if total is None:
                total = torch.mul(derivatives[order], inner, out=out[position])
            else:
                total.addcmul_(derivatives[order], inner)
    return out


class _Compose(torch.autograd.Function):
    """If a = σ(z) then da = σ'(z) dz in the Taylor algebra, so

        da_α = Σ_{β ≤ α} C(α, β) s_{α−β} dz_β   with s the jet of σ'(z),

    and the reverse pass is its transpose. No graph of the elementwise operations is kept.
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(z: Tensor, activation: Activation, indices: IndexSet) -> Tensor:
        return faa_di_bruno(z, activation.derivatives(z[0], indices.order), indices)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        z, ctx.activation, ctx.indices = inputs
        ctx.save_for_backward(z)
        ctx.save_for_forward(z)

    @staticmethod
    def _slope(ctx) -> Tensor:
        (z,) = ctx.saved_tensors
        derivatives = ctx.activation.derivatives(z[0], ctx.indices.order + 1)
        return faa_di_bruno(z, derivatives[1:], ctx.indices)

    @staticmethod
    def backward(ctx, grad: Tensor):
        slope = _Compose._slope(ctx)
        out = torch.zeros_like(grad)
        for position, terms in enumerate(ctx.indices.leibniz):
            for t in terms:
                out[t.left].addcmul_(slope[t.right], grad[position], value=t.coefficient)
        return out, None, None

    @staticmethod
    def jvp(ctx, tangent: Tensor, *_) -> Tensor:
        return multiply(tangent, _Compose._slope(ctx), ctx.indices)


def _product(z: Tensor, positions: tuple[int, ...]) -> Tensor:
    value = z[positions[0]]
    for position in positions[1:]:
        value = value * z[position]
    return value


def _scaled(coefficient: int, value: Tensor) -> Tensor:
    return value if coefficient == 1 else coefficient * value


def _sum(terms: list[Tensor]) -> Tensor:
    value = terms[0]
    for term in terms[1:]:
        value = value + term
    return value
