"""The last layer alone: random features, also known as an extreme learning machine."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from pdelsr.errors import SettingsError
from pdelsr.linearize import Columns, RowSource
from pdelsr.subspace.base import Basis, Subspace


@dataclass(frozen=True)
class LastLayer(Basis):
    """V = the parameters of the network's last layer, the last two trainable tensors."""

    name = "last_layer"

    def numbers(self, rank: int, parameters: int) -> int:
        return 0

    def row_width(self, rank: int, parameters: int) -> int:
        return rank

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        m, width = rows.parameter_count, self.width(rows.module)
        if rank is not None and rank < width:
            raise SettingsError(
                f"rank {rank} with the last-layer basis: it has {width} parameters and is taken "
                "whole. Leave `rank` out, or make the last hidden layer narrower."
            )
        return Subspace(Columns(torch.arange(m - width, m, device=rows.device), m))

    def width(self, module: nn.Module) -> int:
        """Parameters of the last layer."""
        return sum([p.numel() for p in module.parameters() if p.requires_grad][-2:])
