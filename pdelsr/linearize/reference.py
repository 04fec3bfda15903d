"""Slow, obvious counterparts of the rows: G V and Gᵀw by jvp and vjp, jets by nested reverse mode.

The tests and the benchmark compare the fast path with them. They also serve when a single row of
length m is too long to store: a product with one vector costs one pass over the jets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize.bound_block import BoundBlock
from pdelsr.linearize.residual import Jets, StackedResidual
from pdelsr.networks.base import unflatten
from pdelsr.networks.forward_mode import jvp
from pdelsr.networks.index_set import Index, IndexSet

Values = Callable[..., Tensor]
"""A network as a function of points and, for jets, of an index set."""

JetRule = Callable[[Values, Tensor, IndexSet], Tensor]
"""Maps a network, points (n, d) and an index set to a jet (A, n, k)."""


def own_jet(values: Values, x: Float[Tensor, "n d"], indices: IndexSet) -> Float[Tensor, "A n k"]:
    """The jet, computed by the network itself."""
    return values(x, indices)


def nested_reverse_jet(
    values: Values, x: Float[Tensor, "n d"], indices: IndexSet
) -> Float[Tensor, "A n k"]:
    """The jet by nested `jacrev` under `vmap`, the structure of the published code.

    Every order p costs the full tensor of d^p derivatives at every point.
    """

    def at_point(point: Tensor) -> Tensor:
        tensors: list[Tensor] = []
        function: Callable[[Tensor], Tensor] = lambda point: values(point[None])[0]  # noqa: E731
        for _ in range(indices.order + 1):
            tensors.append(function(point))
            function = torch.func.jacrev(function)
        return torch.stack([_entry(tensors, index) for index in indices.indices])

    return torch.func.vmap(at_point, out_dims=1)(x)


def _entry(tensors: list[Tensor], index: Index) -> Tensor:
    """∂^α of all fields from the derivative tensors (k, d, …, d) of order 0, 1, …"""
    axes = [axis for axis, order in enumerate(index) for _ in range(order)]
    return tensors[len(axes)][(slice(None), *axes)]


def times_by_jvp(
    residual: StackedResidual,
    V: Float[Tensor, "m r"],
    coefficients: Jets,
    jet: JetRule = own_jet,
    batch: int | None = None,
    pieces: bool = True,
) -> Float[Tensor, "n r"]:
    """G V, one forward-mode pass per column.

    Args:
        residual: network, blocks and points.
        V: parameter directions.
        coefficients: s ∂F/∂u_α, as `residual.coefficients` gives them.
        jet: computes the jets.
        batch: columns that `vmap` takes at once, as the published code does; None for a plain
            loop, which needs the least memory.
        pieces: take the points in pieces that stay in the cache; False for all at once, as the
            published code does.
    """
    parameters = residual.network.trainable()
    combine = _combination(residual, coefficients, jet, pieces)

    def product(column: Tensor) -> Tensor:
        tangents = unflatten(column.contiguous(), list(parameters.values()))
        directions = dict(zip(parameters, tangents, strict=True))
        return jvp(combine, (parameters,), (directions,))[1]

    with torch.no_grad():
        if batch is not None:
            return torch.func.vmap(product, in_dims=1, out_dims=1, chunk_size=batch)(V)
        return torch.stack([product(V[:, i]) for i in range(V.shape[1])], dim=1)


def transpose_times_by_vjp(
    residual: StackedResidual,
    w: Float[Tensor, " n"],
    coefficients: Jets,
    jet: JetRule = own_jet,
) -> Float[Tensor, " m"]:
    """Gᵀ w by one reverse-mode pass; the arguments are those of `times_by_jvp`."""
    parameters = residual.network.trainable()
    combine = _combination(residual, coefficients, jet)
    (gradient,) = torch.func.vjp(combine, parameters)[1](w)
    return torch.cat([gradient[name].reshape(-1) for name in parameters])


def _combination(
    residual: StackedResidual, coefficients: Jets, jet: JetRule, pieces: bool = False
) -> Callable[[dict[str, Tensor]], Tensor]:
    """θ ↦ [Σ_α c_α u_α(θ)]_b with fixed c, whose derivative is G."""

    def combine(parameters: dict[str, Tensor]) -> Tensor:
        def values(*arguments: Any) -> Tensor:
            return torch.func.functional_call(residual.network, parameters, arguments)

        def predictor(x: Tensor, indices: IndexSet) -> Tensor:
            return jet(values, x, indices)

        def along(bound: BoundBlock, c: Tensor, part: slice = slice(None)) -> Tensor:
            return (c[:, part] * bound.jet(predictor, part)).sum(dim=0)

        pairs = zip(residual.blocks, coefficients, strict=True)
        if not pieces:
            return torch.cat([along(bound, c) for bound, c in pairs])
        rows = (bound.in_pieces(partial(along, bound, c)) for bound, c in pairs)
        return torch.cat(list(chain.from_iterable(rows)))

    return combine
