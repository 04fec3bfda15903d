"""Rows of the parameter Jacobian of any torch module, by reverse mode under vmap."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks.copies import own_containers
from pdelsr.networks.index_set import IndexSet

CHUNK_BYTES = 64 * 2**20  # rows that are built at once


def rows_by_vmap(
    network: nn.Module,
    parameters: dict[str, Tensor],
    x: Float[Tensor, "n d"],
    indices: IndexSet,
    seeds: Float[Tensor, "A n k"],
    only: Int[Tensor, " r"] | None,
    name: str,
) -> Float[Tensor, "n c"]:
    """Row i: Σ_{α,j} seeds[α, i, j] · ∂_θ (∂^α q_j)(x_i; θ), point by point.

    Args:
        network: gives the jet (A, n, k) of points (n, d) and indices.
        parameters: θ by name.
        x: points.
        indices: of the jet.
        seeds: of the reverse passes.
        only: parameters whose entries to return; None for all m.
        name: the network's name in messages.

    Raises:
        SettingsError: torch.func cannot differentiate it.
    """
    copied = own_containers(network)

    def seeded(parameters: dict[str, Tensor], point: Tensor, seed: Tensor) -> Tensor:
        jet = torch.func.functional_call(copied, parameters, (point[None], indices))
        return torch.sum(seed * jet[:, 0])

    gradients: Any = torch.func.vmap(torch.func.grad(seeded), in_dims=(None, 0, 1))
    count = sum(p.numel() for p in parameters.values())
    rows = x.new_empty(x.shape[0], count if only is None else len(only))
    step = max(1, CHUNK_BYTES // (count * x.element_size()))
    for start in range(0, x.shape[0], step):
        part = slice(start, start + step)
        with _differentiable(name):
            pieces = gradients(parameters, x[part], seeds[:, part]).values()
        whole = torch.cat([piece.reshape(len(piece), -1) for piece in pieces], dim=1)
        rows[part] = whole if only is None else whole[:, only]
    return rows


@contextmanager
def _differentiable(name: str) -> Generator[None, None, None]:
    """Name the module that torch.func cannot differentiate for many points at once."""
    try:
        yield
    except (RuntimeError, NotImplementedError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "memory" in str(error):
            raise
        raise SettingsError(
            f"torch.func cannot differentiate {name} for many points at once; so it is "
            "with recurrent layers (LSTM, GRU, RNN), fused attention and in-place operations. "
            f"Replace that part. It said: {error}"
        ) from error
