"""Refuses statements and networks that are not finite at a point, before they spoil a run."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from pdelsr.compile.finite import first_point
from pdelsr.errors import ProblemError, SettingsError
from pdelsr.linearize.bound_block import BoundBlock
from pdelsr.networks.base import Network

TRIED = (0.5, -0.7, 1.3, *(sign * 10.0**k for k in (-2, 1, 2, 3, 6) for sign in (1, -1)))
"""Values of all jet entries: if F is finite for none of them, it counts as undefined."""

LOOKED_AT = 256  # points of a block at which a user's network is tested


def require_finite_statement(bound: BoundBlock) -> None:
    """Refuse F(x, jet) that is NaN or infinite at a point, whatever the unknowns are there.

    Raises:
        ProblemError: it is; the message has the block, its equation and the first such point.
    """
    bad = torch.ones(len(bound), dtype=torch.bool, device=bound.columns.device)
    for value in TRIED:
        bad &= ~_finite(bound, value)
        if not bad.any():
            return
    block = bound.block
    where = first_point(bad, bound.columns, block.residual.columns)
    raise ProblemError(
        f"{block.name}: {block.text} is not finite at {where} ({int(bad.sum())} of {len(bound)} "
        "points), for none of the values of the solution that were tried; check the formula, or "
        "cut such points out of the domain."
    )


def _finite(bound: BoundBlock, value: float) -> Bool[Tensor, " n"]:
    """Where F is finite if every jet entry has this value."""

    def finite(part: slice) -> Tensor:
        columns = bound.columns[part]
        jet = columns.new_full((len(bound.block.entries), len(columns)), value)
        return torch.isfinite(bound.block.value(columns, jet))

    return torch.cat(bound.in_pieces(finite))


def require_finite_network(network: Network, blocks: Sequence[BoundBlock], what: str) -> None:
    """Refuse a user's network that is not finite at the points of a block, or piecewise linear.

    Raises:
        SettingsError: it is, or gives another dtype; the message names the block and the point.
    """
    for bound in blocks:
        with torch.no_grad():
            jet = bound.jet(network, slice(LOOKED_AT))
            values = network(bound.sites[0][:LOOKED_AT])
        if values.dtype != bound.columns.dtype:
            raise SettingsError(
                f"{what} gives values in {values.dtype} at points in {bound.columns.dtype}: let "
                "its forward keep the dtype of its input."
            )
        bad = ~torch.isfinite(jet).all(dim=0)
        if bad.any():
            where = first_point(bad, bound.columns[:LOOKED_AT], bound.block.residual.columns)
            raise SettingsError(
                f"{what} gives {jet[:, bad][:, 0].tolist()} at {where}, where the block "
                f"'{bound.block.name}' needs finite values and derivatives: mend it, or use "
                "another one."
            )
        curved = [i for i, entry in enumerate(bound.block.entries) if sum(entry.index) > 1]
        moves = bool((values != values[:1]).any())  # unlike a network whose last layer is zero
        if curved and moves and not jet[curved].any():
            raise SettingsError(
                f"{what} has no second derivatives, which the block '{bound.block.name}' needs: "
                "they are zero everywhere, as with ReLU. Use a smooth activation, such as tanh, "
                "sin or GELU."
            )
